//! `Retry-After` and `Date`, as they come and as they should not.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use tidemill::fetch::{RETRY_AFTER_CAP, date, retry_after};

const NOON: &str = "Sun, 22 Nov 2026 12:00:00 GMT";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn headers(retry_after: &[u8], date: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_bytes(retry_after).unwrap());
    if let Some(date) = date {
        headers.insert("date", date.parse().unwrap());
    }
    headers
}

#[test]
fn retry_after_is_read_or_ignored() {
    let cap = Some(RETRY_AFTER_CAP);
    let seconds = |number| Some(Duration::from_secs(number));
    let table: &[(&[u8], Option<&str>, Option<Duration>)] = &[
        (b"0", None, seconds(0)),
        (b"30", None, seconds(30)),
        (b"  30 ", None, seconds(30)),
        (b"007", None, seconds(7)),
        (b"86400", None, cap),
        (b"86401", None, cap),
        (b"99999999999999999999999999", None, cap),
        (b"-5", None, None),
        (b"+5", None, None),
        (b"1.5", None, None),
        (b"1e12", None, None),
        (b"abc", None, None),
        (b"", None, None),
        (b"30, 60", None, None),
        (b"\xff\xfe", None, None),
        // A date counts from the answer's own clock, ours (here 11:59:00) only where it has none.
        (b"Sun, 22 Nov 2026 12:00:30 GMT", Some(NOON), seconds(30)),
        (b"Sun, 22 Nov 2026 12:00:30 GMT", None, seconds(90)),
        (b"Sun, 22 Nov 2026 12:00:30 GMT", Some("nonsense"), seconds(90)),
        (b"Sun, 22 Nov 2026 11:59:59 GMT", Some(NOON), seconds(0)),
        (b"Sun, 06 Nov 1994 08:49:37 GMT", None, seconds(0)),
        (b"Sat, 22 Nov 2036 12:00:00 GMT", Some(NOON), cap),
        (b"Wed, 29 Dec 9999 23:59:59 GMT", None, cap),
        (b"Sun, 22 Nov 2026 25:00:00 GMT", Some(NOON), None),
        // The weekday does not fit.
        (b"Mon, 22 Nov 2026 12:00:30 GMT", Some(NOON), None),
    ];
    for (text, date, expected) in table {
        let found = retry_after(&headers(text, *date), at("2026-11-22T11:59:00Z"));
        assert_eq!(found, *expected, "{:?} {date:?}", String::from_utf8_lossy(text));
    }
    assert_eq!(retry_after(&HeaderMap::new(), at("2026-11-22T11:59:00Z")), None);
    assert_eq!(RETRY_AFTER_CAP, Duration::from_secs(86400));
}

#[test]
fn date_is_the_servers_clock() {
    assert_eq!(date(&headers(b"1", Some(NOON))), Some(at("2026-11-22T12:00:00Z")));
    assert_eq!(date(&headers(b"1", Some("Sun, 22 Nov 2026 20:00:00 +0800"))), Some(at("2026-11-22T12:00:00Z")));
    assert_eq!(date(&headers(b"1", Some("2026-11-22"))), None);
    assert_eq!(date(&HeaderMap::new()), None);
}
