//! What is on a page: its records, their echo, their price.

use tidemill::fetch::{Paginator, depth, document, page_records, read_page};
use tidemill::job::{Job, Paging};
use tidemill::json::Value;
use tidemill::provider::Provider;
use url::Url;

use super::given::{job, own, values};

const ENVELOPE: &str = "[provider.own.envelope]\nrecords = \"/data/result\"\ncost = \"/data/cost/total\"\n";

fn texts(records: &[Value<'_, '_>]) -> String {
    records.iter().map(|record| record.raw()).collect::<Vec<_>>().join(" ")
}

fn found(provider: &Provider, job: &Job, body: &str) -> String {
    let document = document(body.as_bytes(), depth(provider, job, &Paging::None)).unwrap();
    match page_records(provider, job, &document) {
        Ok(records) => texts(&records),
        Err(error) => error.to_string(),
    }
}

/// A page of `job` for `{"a": …, "b": …}`: records and credits.
fn read(provider: &Provider, job: &Job, given: &str, body: &str) -> Result<(u64, Option<u64>), String> {
    let base = Url::parse("https://api.own.test/v1").unwrap();
    let mut paginator = Paginator::new(&Paging::None, &base);
    let document = document(body.as_bytes(), depth(provider, job, &Paging::None)).map_err(|error| error.to_string())?;
    read_page(provider, job, &mut paginator, &values(given), &document, None, (0, 0))
        .map(|page| (page.records, page.credits))
        .map_err(|error| error.to_string())
}

#[test]
fn records_are_found_or_missed_by_name() {
    let missing = "there is nothing at the record path:";
    let table: &[(&str, &str, &str)] = &[
        ("", r#"{"data":{"result":[{"a":1},{"a":2}]}}"#, r#"{"a":1} {"a":2}"#),
        ("", r#"{"data":{"result":{"a":1}}}"#, r#"{"a":1}"#),
        ("", r#"{"data":{"result":null}}"#, ""),
        ("", r#"{"data":{"result":[]}}"#, ""),
        ("", r#"{"data":{"result":{ } }}"#, ""),
        ("", r#"{"data":null}"#, ""),
        ("", r#"{"data":{}}"#, ""),
        ("", r#"{"data":[ ]}"#, ""),
        ("", r#"null"#, ""),
        ("", r#"{"code":200,"msg":"m"}"#, &format!("{missing} `/data` is missing; beside it there are `code`, `msg`")),
        ("", r#"{}"#, &format!("{missing} `/data` is missing; beside it there are no keys")),
        (
            "",
            r#"{"data":{"rows":[],"n":1}}"#,
            &format!("{missing} `/data/result` is missing; beside it there are `rows`, `n`"),
        ),
        ("", r#"{"data":"none"}"#, &format!("{missing} `/data/result` is missing; beside it there are no keys")),
        (
            "",
            r#"{"data":[{"result":[]}]}"#,
            &format!("{missing} `/data/result` is missing; beside it there are no keys"),
        ),
        ("", r#"{"data":{"result":"x"}}"#, "expected a list or an object at `/data/result`, found a string"),
        ("", r#"{"data":{"result":[{},5]}}"#, "record 1 is a number, not an object"),
        ("", r#"{"data":{"result":[null]}}"#, "record 0 is null, not an object"),
        ("", r#"{"data":{"result":[[1]]}}"#, "record 0 is a list, not an object"),
        ("path = \"ranks\"", r#"{"data":{"result":{"ranks":[{"a":1}]}}}"#, r#"{"a":1}"#),
        ("path = \"ranks\"", r#"{"data":{"result":{"ranks":null}}}"#, ""),
        ("path = \"ranks\"", r#"{"data":{"result":[]}}"#, ""),
        ("path = \"ranks\"", r#"{"data":{"result":{}}}"#, ""),
        ("path = \"ranks\"", r#"{"data":{"result":null}}"#, ""),
        (
            "path = \"ranks\"",
            r#"{"data":{"result":{"rank":[]}}}"#,
            &format!("{missing} `/data/result/ranks` is missing; beside it there are `rank`"),
        ),
        (
            "path = \"ranks\"",
            r#"{"data":{"result":[{"ranks":[]}]}}"#,
            &format!("{missing} `/data/result/ranks` is missing; beside it there are no keys"),
        ),
        ("path = \"0.x\"", r#"{"data":{"result":[{"x":{"a":1}}]}}"#, r#"{"a":1}"#),
        ("shape = \"objects\"", r#"{"data":{"result":[{"a":1}]}}"#, r#"{"a":1}"#),
        (
            "shape = \"objects\"",
            r#"{"data":{"result":{"a":1}}}"#,
            "expected a list of objects at `/data/result`, found an object",
        ),
        ("shape = \"object\"", r#"{"data":{"result":{"a":1}}}"#, r#"{"a":1}"#),
        (
            "shape = \"object\"",
            r#"{"data":{"result":[{"a":1}]}}"#,
            "expected an object at `/data/result`, found a list",
        ),
    ];
    let provider = own(ENVELOPE);
    for (below, body, expected) in table {
        let job = job(&format!("path = \"/x\"\n[records]\n{below}"));
        assert_eq!(found(&provider, &job, body), *expected, "{below} {body}");
    }
}

#[test]
fn many_keys_beside_a_missing_one_are_cut() {
    let keys: Vec<String> = (0..40).map(|n| format!("\"k{n}\":1")).collect();
    let told = found(&own(ENVELOPE), &job("path = \"/x\""), &format!("{{{}}}", keys.join(",")));
    assert!(told.ends_with("`k10`, `k11`"), "{told}");
}

#[test]
fn the_whole_answer_can_be_the_records() {
    let (bare, job) = (own(""), job("path = \"/x\""));
    assert_eq!(found(&bare, &job, r#"[{"a":1}]"#), r#"{"a":1}"#);
    assert_eq!(found(&bare, &job, r#" {"a":1} "#), r#"{"a":1}"#);
    assert_eq!(found(&bare, &job, "[]"), "");
    assert_eq!(found(&bare, &job, "5"), "expected a list or an object at ``, found a number");
}

#[test]
fn records_echo_what_was_asked() {
    let provider = own(ENVELOPE);
    let job = job("path = \"/x\"\n[records]\nexpect = { code = \"{a}\", \"in.code\" = \"{a}\" }");
    let page = |record: &str| format!(r#"{{"data":{{"result":[{{"code":1,"in":{{"code":1}}}},{record}]}}}}"#);
    let wrong = |field: &str, found: &str, wanted: &str| {
        Err(format!(
            "record 1 has `{field}` = `{found}` although `{wanted}` was asked: the provider seems to ignore a parameter"
        ))
    };
    let table = [
        (r#"{"code":1,"in":{"code":"1"}}"#, Ok((2, None))),
        (r#"{"code":"1","in":{"code":1}}"#, Ok((2, None))),
        (r#"{"code":2,"in":{"code":1}}"#, wrong("code", "2", "1")),
        (r#"{"code":1,"in":{"code":"01"}}"#, wrong("in.code", "01", "1")),
        (r#"{"code":1,"in":{}}"#, wrong("in.code", "nothing", "1")),
        (r#"{"code":1,"in":null}"#, wrong("in.code", "null", "1")),
        (r#"{"code":null,"in":{"code":1}}"#, wrong("code", "null", "1")),
        (r#"{"in":{"code":1}}"#, wrong("code", "nothing", "1")),
        (r#"{"code":true,"in":{"code":1}}"#, wrong("code", "true", "1")),
    ];
    for (record, expected) in table {
        assert_eq!(read(&provider, &job, r#"{"a":1}"#, &page(record)), expected, "{record}");
    }
    assert_eq!(read(&provider, &job, r#"{"a":1}"#, r#"{"data":{"result":[]}}"#), Ok((0, None)), "nothing to compare");
    assert_eq!(read(&provider, &job, "{}", &page("{}")), Err("no value for `{a}`".into()));
}

/// Digits are compared as they are written, then as the value they mean.
#[test]
fn an_echo_keeps_its_digits() {
    let job = job("path = \"/x\"\n[records]\nexpect = { id = \"{a}\" }");
    for (given, echo, fits) in [
        (r#"{"a":"18446744073709551616"}"#, "18446744073709551616", true),
        (r#"{"a":"18446744073709551616"}"#, "18446744073709551617", false),
        (r#"{"a":9007199254740993}"#, "9007199254740993", true),
        (r#"{"a":9007199254740993}"#, "9007199254740992", false),
        (r#"{"a":"1.50"}"#, "1.50", true),
        (r#"{"a":1.5}"#, "1.50", true),
        (r#"{"a":"000001.SZ"}"#, "\"000001.SZ\"", true),
        (r#"{"a":"000001.SZ"}"#, "\"000002.SZ\"", false),
        (r#"{"a":"中"}"#, "\"\\u4e2d\"", true),
    ] {
        let body = format!(r#"{{"data":{{"result":[{{"id":{echo}}}]}}}}"#);
        assert_eq!(read(&own(ENVELOPE), &job, given, &body).is_ok(), fits, "{given} {echo}");
    }
}

#[test]
fn credits_are_counted_up_and_never_made_up() {
    let job = job("path = \"/x\"");
    for (cost, credits) in [
        ("11", Some(11)),
        ("\"11\"", Some(11)),
        ("0", Some(0)),
        ("0.2", Some(1)),
        ("10.0", Some(10)),
        ("\"10.5\"", Some(11)),
        ("1e3", Some(1000)),
        ("null", None),
        ("\"\"", None),
        ("\"free\"", None),
        ("\"NaN\"", None),
        ("\"inf\"", None),
        ("-5", None),
        ("1e300", None),
        ("[11]", None),
        ("{}", None),
    ] {
        let body = format!(r#"{{"data":{{"result":[],"cost":{{"total":{cost}}}}}}}"#);
        assert_eq!(read(&own(ENVELOPE), &job, "{}", &body), Ok((0, credits)), "{cost}");
    }
    assert_eq!(read(&own(ENVELOPE), &job, "{}", r#"{"data":{"result":[{}]}}"#), Ok((1, None)));
    assert_eq!(read(&own(""), &job, "{}", r#"{"data":{"cost":{"total":3}}}"#), Ok((1, None)), "none is declared");
}
