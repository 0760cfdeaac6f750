//! The page: one file that any browser can read, and in which no text becomes markup.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use tidemill::bench::{Figures, Report, Scenario, Strategy, page, play, table};
use tidemill::provider::{Limits, Window};
use tidemill::simulate::{Latency, Rules};

fn report(of: &str, strategies: &[Strategy]) -> Report {
    let windows = vec![
        Window::rolling(10, Duration::from_secs(1)),
        Window::rolling(300, Duration::from_secs(60)),
        Window::day(20_000, Time::midnight(), TimeZone::get("Asia/Shanghai").unwrap()),
    ];
    let limits = Limits { windows, concurrency: 16, guessed: Vec::new() };
    let scenario = Scenario::new(limits, Rules::default(), Latency::J2, Duration::from_secs(900), 1);
    let plays = strategies.iter().map(|strategy| {
        let played = play(&scenario, *strategy);
        let figures = Figures::of(&played, Some(Duration::from_nanos(1234)));
        (played, figures)
    });
    Report::new(of, &scenario, plays.collect())
}

/// Names of the elements, in order; fails where one is not closed, or closes another.
pub(crate) fn elements(text: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut seen = Vec::new();
    let mut rest = text.strip_prefix("<!DOCTYPE html>").expect("a page");
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > in {:?}", &rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag that ends");
        let tag = &rest[start + 1..end];
        let name: String = tag.chars().skip_while(|c| *c == '/').take_while(char::is_ascii_alphanumeric).collect();
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name), "closed out of order");
        } else {
            if !tag.ends_with('/') {
                open.push(name.clone());
            }
            seen.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    seen
}

#[test]
fn a_page_is_whole_and_loads_nothing() {
    let text = page(&[report("foxdata", &Strategy::ALL)]);
    let seen = elements(&text);
    let count = |name: &str| seen.iter().filter(|element| *element == name).count();
    assert_eq!(count("h2"), 5, "use, three limits, times");
    assert_eq!(count("svg"), 2 + 3 * 5 + 2 + 5, "bars, curves, distributions, keys of the legend");
    for forbidden in ["script", "link", "img", "iframe", "object", "image", "use"] {
        assert_eq!(count(forbidden), 0, "<{forbidden}>");
    }
    let addresses = text.matches("http").count() - text.matches("xmlns=\"http://www.w3.org/").count();
    assert_eq!((addresses, text.matches("url(").count(), text.matches("@import").count()), (0, 0, 0));
    assert!(text.contains("prefers-color-scheme: dark"));
    assert!(!text.contains("NaN") && !text.contains("inf,") && !text.contains("inf\""), "a place that is no number");
}

#[test]
fn no_name_becomes_markup() {
    let text = page(&[report("<b>&\"'</dd><script>", &[Strategy::Tidemill])]);
    assert_eq!(elements(&text).iter().filter(|name| *name == "script" || *name == "b").count(), 0);
    assert!(text.contains("&lt;b&gt;&amp;&quot;&#39;&lt;/dd&gt;&lt;script&gt;"));
}

#[test]
fn a_table_fits_a_terminal() {
    for strategies in [&Strategy::ALL[..], &[Strategy::Tidemill]] {
        let text = table(&report("foxdata", strategies));
        let widest = text.lines().skip(5).map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{widest:?}:\n{text}");
    }
}
