//! The report is a fold over events, and what was kept of an earlier run is read whatever version kept it.

use std::time::Duration;

use jiff::Timestamp;
use tidemill::fetch::{CellEnd, Judgement, Notice, Reach};
use tidemill::provider::{ThrottleWindow, Verdict};
use tidemill::run::{EventKind, Exit, JobReport, PublishedFile};

const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn attempt(verdict: Verdict, code: &str, message: &str, hint: Option<&str>, latency_ms: u64) -> EventKind {
    let judgement = Judgement {
        verdict,
        http: 200,
        code: Some(code.to_owned()),
        message: message.to_owned(),
        hint: hint.map(ToOwned::to_owned),
    };
    let (waited, latency) = (Duration::ZERO, Duration::from_millis(latency_ms));
    EventKind::Fetching { cell: "a".into(), notice: Notice::Attempt { waited, latency, judgement } }
}

fn told() -> JobReport {
    let mut report = JobReport::new("job", "foxdata", "data/job".to_owned());
    let throttled = |message| attempt(Verdict::Throttle(ThrottleWindow::Minute), "60004", message, Some("slow"), 10);
    let ended = |cell: &str, end| EventKind::CellEnded { cell: cell.into(), end };
    let resume_at = START + Duration::from_secs(3600);
    let parked = || CellEnd::Parked { resume_at, reason: "the day is used up".to_owned(), reach: Reach::Job };
    let until = START + Duration::from_millis(64_500);
    let delay = Notice::Delay { until, reason: "too fast".to_owned() };
    let events = [
        (1, attempt(Verdict::Accept, "200", "", None, 40)),
        // It left before the minute in which its answer came.
        (60, attempt(Verdict::Accept, "200", "", None, 2000)),
        (62, throttled("<b>too</b> many")),
        (63, throttled("other words")),
        (63, EventKind::Fetching { cell: "a".into(), notice: delay }),
        (90, attempt(Verdict::Reject, "100", "no such app", None, 20)),
        (100, ended("b", parked())),
        (100, ended("c", parked())),
        (100, ended("d", CellEnd::Pending { reason: "gave up".to_owned() })),
        (101, EventKind::Published(PublishedFile { path: "f".to_owned(), rows: 7, bytes: 900 })),
        (102, EventKind::Ended { exit: Exit::Paused, reason: None, resume_at: Some(resume_at) }),
    ];
    for (second, kind) in events {
        report.apply(START + Duration::from_secs(second), &kind);
    }
    report
}

#[test]
fn what_a_page_about_a_run_needs_is_in_its_report() {
    let report = told();
    assert_eq!((report.pace.start, report.pace.step_s), (Some(START), 60));
    assert_eq!((&report.pace.sent, &report.pace.refused), (&vec![2, 3], &vec![0, 3]));
    assert_eq!((report.requests, report.refused, report.throttled), (5, 3, 2));
    assert_eq!((report.latency.total(), report.latency.at_most(1000) >= Duration::from_secs(2)), (5, true));
    let words: Vec<_> = report.words.iter().map(|(label, words)| format!("{label}: {words}")).collect();
    assert_eq!(words, ["reject 100: no such app", "throttle 60004: <b>too</b> many (slow)"], "the first words stay");
    let delayed = report.delays.0["too fast"];
    assert_eq!((delayed.times, delayed.total_ms), (1, 1500));
    let left: Vec<_> = report.left.iter().map(|left| (left.cells, left.first.as_str(), left.parked)).collect();
    assert_eq!(left, [(2, "b", true), (1, "d", false)]);
    assert_eq!((report.published.files, report.published.rows, report.published.bytes), (1, 7, 900));
}

#[test]
fn a_report_that_was_kept_is_read_back() {
    let report = told();
    let text = serde_json::to_string(&report.kept()).unwrap();
    assert_eq!(JobReport::read(&text), Some(report.clone()), "{text}");
    // A long one stays small, and its counts are whole.
    let mut long = report;
    for file in 0..10_000 {
        let file = PublishedFile { path: format!("data/job/day={file}/part.parquet"), rows: 1, bytes: 1 };
        long.apply(START, &EventKind::Published(file));
    }
    let text = serde_json::to_string(&long.kept()).unwrap();
    assert!(text.len() < 50_000, "{}", text.len());
    let kept = JobReport::read(&text).unwrap();
    assert_eq!((kept.published, kept.published.files), (long.published, 10_001));
}

/// As version 4 of the ledger kept it.
#[test]
fn a_report_of_an_older_version_is_read() {
    let old = r#"{"job":"ranks","provider":"foxdata","output":"data/ranks","exit":"paused","reason":"the day is used up",
        "resume_at":"2026-11-28T16:00:00Z","cells":{"planned":4,"earlier":0,"records":2,"empty":0,"unconfirmed":0,
        "rejected":0,"pending":0,"parked":2},"requests":6,"refused":1,"throttled":1,"answers":{"accept 200":5,
        "throttle 60003":1},"pages":5,"records":250,"credits":55,"files":[{"path":"a","rows":250,"bytes":900}],
        "rejected_records":0,"rejected":[],"warnings":[]}"#;
    let report = JobReport::read(old).unwrap();
    assert_eq!((report.exit, report.requests, report.cells.parked), (Exit::Paused, 6, 2));
    assert_eq!((report.published.files, report.published.rows, report.zone.as_str()), (1, 250, "UTC"));
    assert_eq!((report.latency.total(), report.pace.start, report.left.len()), (0, None, 0));
    assert_eq!(JobReport::read("{}"), None);
}
