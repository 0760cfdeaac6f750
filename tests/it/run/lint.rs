//! What is seldom meant: each warning with a file that has it and one that has not.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use tidemill::job::{Ceilings, Job, Problem};
use tidemill::plan::cells;
use tidemill::run::{lint_job, lint_limits, lint_together};

use crate::fetch::given::provider;

const OWN: &str = "[provider.own]\nbase_url = \"https://api.own.test/v1\"\n";

fn job(text: &str) -> Job {
    let text = format!("name = \"j\"\nprovider = \"own\"\n{text}");
    Job::parse(Path::new("j.toml"), &text).map_err(|problems| problems.to_string()).unwrap()
}

/// Line, column and message of each.
fn shown(found: Vec<Problem>) -> Vec<String> {
    let place = |problem: &Problem| problem.location.as_ref().map(|at| format!("{}:{} ", at.line, at.column));
    found.iter().map(|problem| format!("{}{}", place(problem).unwrap_or_default(), problem.message)).collect()
}

/// What is odd about the job `text` of a provider with `settings`, on the 28th of November.
fn of_job(text: &str, settings: &str) -> Vec<String> {
    let (job, provider) = (job(text), provider(&format!("{OWN}{settings}"), "own"));
    let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
    let cells = cells(&job, now, &TimeZone::UTC).map_err(|problems| problems.to_string()).unwrap();
    shown(lint_job(&job, &provider, &cells, |_| date(2026, 11, 28)))
}

const PAID: &str = "[provider.own.envelope]\ncost = \"/cost\"\n";
const CARELESS: &str = "ignores_unknown = true\n";

#[test]
fn jobs() {
    let asks = "[request]\npath = \"/x\"\nquery = { a = \"{a}\" }\n";
    let days = |axis: &str| format!("[grid]\na = {axis}\n{asks}");
    let cases: &[(&str, String, &str)] = &[
        ("an axis of the request", format!("[grid]\na = [1, 2]\n{asks}"), ""),
        ("an axis of nothing", format!("[grid]\na = [1]\nb = [1, 2]\n{asks}"), ""),
        ("an axis of `add` alone", format!("[grid]\na = [1]\nb = [1, 2]\n{asks}[records]\nadd = {{ b = \"{{b}}\" }}\n"), ""),
        ("an axis of one value", format!("[grid]\na = [1]\nb = [\"x\"]\n{asks}"), ""),
        ("a field of an axis", "[grid]\na = [{ b = 1 }, { b = 2 }]\n[request]\npath = \"/{a.b}\"\n".to_owned(), ""),
        ("until yesterday", days("{ from = \"2026-11-01\", to = \"yesterday\" }"), ""),
        ("until a day that is over", days("{ from = \"2026-11-01\", to = \"2026-11-27\" }"), ""),
        ("until today", days("{ from = \"2026-11-01\", to = \"today\" }"), ""),
        ("until this very day", days("{ from = \"2026-11-01\", to = \"2026-11-28\" }"), ""),
        ("into the future", days("{ from = \"2026-11-01\", to = \"2026-11-29\" }"), ""),
        ("until today, again", format!("refetch = {{ after = \"12h\" }}\n{}", days("{ from = \"2026-11-01\", to = \"today\" }")), ""),
        ("a snapshot of today", "[grid]\nday = { from = \"today\", to = \"today\" }\n[request]\npath = \"/x\"\n".to_owned(), ""),
        ("a deadline of a day", format!("deadline = \"24h\"\n[grid]\na = [1]\n{asks}"), ""),
        ("a deadline of two", format!("deadline = \"2d\"\n[grid]\na = [1]\n{asks}"), ""),
        ("parameters that are ignored", format!("[grid]\na = [1]\n{asks}"), CARELESS),
        ("an echo", format!("[grid]\na = [1]\n{asks}[records]\nexpect = {{ a = \"{{a}}\" }}\n"), CARELESS),
        ("no parameter", "[request]\npath = \"/x\"\n".to_owned(), CARELESS),
        ("paid pages kept", format!("[grid]\na = [1]\n{asks}[archive]\nkeep = \"1d\"\n"), PAID),
        ("paid pages thrown away", format!("[grid]\na = [1]\n{asks}[archive]\nkeep = \"0\"\n"), PAID),
        ("free pages thrown away", format!("[grid]\na = [1]\n{asks}[archive]\nkeep = \"0\"\n"), ""),
        ("few files", days("{ from = \"2000-01-01\", to = \"2026-01-01\" }") + "[output]\npartition_by = [\"a\"]\n", ""),
        ("many folders", days("{ from = \"1990-01-01\", to = \"2026-01-01\" }") + "[output]\npartition_by = [\"a\"]\n", ""),
        ("many files", days("{ from = \"1990-01-01\", to = \"2026-01-01\" }") + "[output]\ncells_per_file = 1\n", ""),
        (
            "many cells",
            "[grid]\na = { from = \"2020-01-01\", to = \"2026-01-01\" }\nb = { from = \"1990-01-01\", to = \"2000-01-01\" }\n[request]\npath = \"/{a}/{b}\"\n".to_owned(),
            "",
        ),
        ("a header with a key", "[request]\npath = \"/x\"\nheaders = { Authorization = \"Bearer canary\", Accept = \"text/plain\" }\n".to_owned(), ""),
        ("a parameter with a key", "[request]\npath = \"/x\"\nquery = { token = \"canary\", n = \"1\" }\n".to_owned(), ""),
        ("a field with a key", "[request]\nmethod = \"POST\"\npath = \"/x\"\njson = { api_key = \"canary\" }\n".to_owned(), ""),
        (
            "the provider's own name for it",
            "[request]\npath = \"/x\"\nquery = { sesame = \"canary\" }\n".to_owned(),
            "auth = { kind = \"query\", name = \"sesame\", value = { env = \"K\" } }\n",
        ),
        ("a token that is data", "[grid]\na = [1]\n[request]\npath = \"/x\"\nquery = { token = \"{a}\" }\n".to_owned(), ""),
    ];
    let mut told = String::new();
    for (what, text, settings) in cases {
        let found = of_job(text, settings);
        told.push_str(&format!("{what}\n{}", found.iter().map(|line| format!("  {line}\n")).collect::<String>()));
    }
    insta::assert_snapshot!("lints_of_jobs", told);
}

#[test]
fn no_warning_shows_a_key() {
    let text = "[grid]\nb = [1, 2]\n[request]\npath = \"/x\"\nquery = { token = \"canary\" }\nheaders = { Cookie = \"canary\" }\n";
    let (job, provider) = (job(text), provider(OWN, "own"));
    let cells = cells(&job, Timestamp::UNIX_EPOCH, &TimeZone::UTC).map_err(|problems| problems.to_string()).unwrap();
    let found = lint_job(&job, &provider, &cells, |_| date(2026, 11, 28));
    assert_eq!(found.len(), 3);
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn jobs_side_by_side() {
    let at = |path: &str| job(&format!("[request]\npath = \"/x\"\n[output]\npath = \"{path}\"\n"));
    let (a, inner, near) = (at("a"), at("a/b"), at("ab"));
    assert_eq!(shown(lint_together(&[&a, &near])), Vec::<String>::new());
    assert_eq!(shown(lint_together(&[&inner, &a, &near])), ["6:8 `a/b` lies in the folder of job `j`"]);
}

#[test]
fn limits() {
    let free = Ceilings::default();
    let bounded = Ceilings { max_credits: Some(100), ..free };
    let cases: &[(&str, &str, &[Ceilings])] = &[
        ("none", "", &[free]),
        ("guessed", "limits = { guess = true, qps = 1, per_day = 9 }", &[free]),
        ("one guessed", "limits = { guess = true, concurrency = 3 }", &[free]),
        ("in reach", "limits = { qps = 5, per_minute = 300, per_hour = 18000, per_day = 432000 }", &[free]),
        ("a minute out of reach", "limits = { qps = 1, per_minute = 100 }", &[free]),
        ("a day out of reach", "limits = { per_minute = 1, per_day = { max = 2000, resets = \"00:00\" } }", &[free]),
        ("a window out of reach", "limits = { qps = 1, windows = [{ max = 11, per = \"10s\" }] }", &[free]),
        (
            "credits are another number",
            "limits = { qps = 1, windows = [{ max = 11, per = \"10s\", of = \"credits\" }] }",
            &[free],
        ),
        ("as many at once", "limits = { per_minute = 5, concurrency = 5 }", &[free]),
        ("more at once", "limits = { per_minute = 5, concurrency = 6 }", &[free]),
        ("more at once than a second has", "limits = { qps = 2, concurrency = 6 }", &[free]),
        ("paid, without a day", "envelope = { cost = \"/c\" }\nlimits = { qps = 1 }", &[bounded, free]),
        ("a day by its rules", "rules = [{ code = 7, verdict = \"throttle\", window = \"day\" }]", &[bounded]),
        ("a minute by its rules", "rules = [{ code = 7, verdict = \"throttle\", window = \"minute\" }]", &[free]),
        ("paid, with a day", "envelope = { cost = \"/c\" }\nlimits = { per_day = 10 }", &[free]),
        (
            "paid, with a month",
            "envelope = { cost = \"/c\" }\nlimits = { windows = [{ max = 9, per = \"30d\", of = \"credits\" }] }",
            &[free],
        ),
        ("paid, with ceilings", "envelope = { cost = \"/c\" }\nlimits = { qps = 1 }", &[bounded]),
    ];
    let mut told = String::new();
    for (what, settings, ceilings) in cases {
        let provider = provider(&format!("{OWN}{settings}"), "own");
        let found = lint_limits(&provider, ceilings);
        let found = found.iter().map(|problem| format!("  {} {}\n", problem.path, problem.message));
        told.push_str(&format!("{what}\n{}", found.collect::<String>()));
    }
    insta::assert_snapshot!("lints_of_limits", told);
}
