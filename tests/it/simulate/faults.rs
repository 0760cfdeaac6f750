//! Faults by script.

use serde_json::Value;
use tidemill::simulate::{FaultError, Faults, Simulator, WireFault};

use super::help::{
    agu, agushuju, body, chat_now, foxdata, get, ms, play, quick, rank, sensenova, verdict, with_faults,
};

fn codes(simulator: &mut Simulator, requests: u64) -> Vec<String> {
    (0..requests).map(|now| verdict(&simulator.answer(ms(now * 10), &rank("1")), "/code").1).collect()
}

#[test]
fn every_code_of_the_presets_can_be_played() {
    let presets = [
        (foxdata(), rank("1"), "/code"),
        (agushuju(), agu("/stock_basic"), "/code"),
        (sensenova(), chat_now(), "/error/code"),
    ];
    for (provider, request, pointer) in presets {
        assert!(provider.simulation.codes.len() >= 10);
        for (name, code) in &provider.simulation.codes {
            let mut simulator = with_faults(&provider, &format!("{name}@2"));
            assert_eq!(simulator.answer(ms(0), &request).response.status(), 200);
            let reply = simulator.answer(ms(10), &request);
            let http = if provider.simulation.errors_in_http_200 { 200 } else { code.http };
            assert_eq!(verdict(&reply, pointer), (http, name.clone()), "{}", provider.name);
            let message = pointer.replace("code", if provider.name == "sensenova" { "message" } else { "msg" });
            assert_eq!(body(&reply).pointer(&message).and_then(Value::as_str), Some(code.message.as_str()));
            assert_eq!(simulator.answer(ms(20), &request).response.status(), 200);
        }
    }
}

#[test]
fn scripts_place_their_faults() {
    let provider = foxdata();
    let ok = |count| vec!["200".to_owned(); count];
    let mut simulator = with_faults(&provider, "429x3@2, 60006@6");
    assert_eq!(codes(&mut simulator, 7), ["200", "429", "429", "429", "200", "60006", "200"]);
    let mut simulator = with_faults(&provider, "510=0%");
    assert_eq!(codes(&mut simulator, 50), ok(50));
    let mut simulator = with_faults(&provider, "510=100%");
    assert!(codes(&mut simulator, 50).iter().all(|code| code == "510"));
    let mut simulator = with_faults(&provider, "510=20%");
    let first = codes(&mut simulator, 1000);
    let hits = first.iter().filter(|code| *code == "510").count();
    assert!((150..250).contains(&hits), "{hits}");
    assert_eq!(codes(&mut with_faults(&provider, "510=20%"), 1000), first);
}

#[test]
fn a_new_script_replaces_the_old_one_and_counts_from_its_own_first_request() {
    let provider = foxdata();
    let mut simulator = with_faults(&provider, "429@2,510@3");
    assert_eq!(codes(&mut simulator, 2), ["200", "429"]);
    simulator.script(Faults::parse("60006@2", &provider).unwrap());
    assert_eq!(codes(&mut simulator, 3), ["200", "60006", "200"]);
    let share = Faults::parse("510=20%", &provider).unwrap();
    let mut played = [0; 2].map(|_| {
        simulator.script(share.clone());
        codes(&mut simulator, 100)
    });
    assert!(played.iter().all(|codes| codes.contains(&"510".to_owned())));
    assert_ne!(played[0], played[1], "not the same requests each time");
    simulator.script(Faults::default());
    played[0] = codes(&mut simulator, 50);
    assert!(played[0].iter().all(|code| code == "200"));
}

#[test]
fn next_pages_have_faults_of_their_own() {
    for (script, expected) in [("60008@next:2", ["60008", "60008", "200"]), ("60008@next", ["60008"; 3])] {
        let mut simulator = with_faults(&foxdata(), script);
        for app in ["1", "2"] {
            let page = body(&simulator.answer(ms(0), &rank(app)));
            assert_eq!(page["code"], 200);
            let next = &page["data"]["next"];
            let uri = format!(
                "/apiv1/open-api/common/next-page?taskId={}&pageKey={}",
                next["taskId"].as_str().unwrap(),
                next["pageKey"].as_str().unwrap()
            );
            let request = get(&uri, "x-openapi-key", "sk-simulated-foxdata");
            let answers = [0; 3].map(|now| verdict(&simulator.answer(ms(now), &request), "/code").1);
            assert_eq!(answers, expected, "{script}");
        }
    }
    let mut simulator = with_faults(&foxdata(), "forget@2");
    let page = body(&simulator.answer(ms(0), &rank("1")));
    let task = page["data"]["next"]["taskId"].as_str().unwrap();
    let uri = format!("/apiv1/open-api/common/next-page?taskId={task}&pageKey=2");
    let request = get(&uri, "x-openapi-key", "sk-simulated-foxdata");
    let answers = [0; 2].map(|now| verdict(&simulator.answer(ms(now), &request), "/code").1);
    assert_eq!(answers, ["100", "100"]);
}

#[test]
fn faults_by_name() {
    let fault = |script: &str| with_faults(&foxdata(), script).answer(ms(0), &rank("1"));
    assert_eq!(fault("reset@1").fault, Some(WireFault::Reset));
    assert_eq!(fault("cut@1").fault, Some(WireFault::CutBody));
    let hang = fault("hang@1");
    assert_eq!((hang.fault, hang.latency.as_secs()), (Some(WireFault::Hang), 600));
    assert_eq!(fault("slow@1").latency.as_millis(), 3001);
    let html = fault("html502@1");
    assert_eq!(html.response.status(), 502);
    assert!(html.response.body().starts_with(b"<html>"));
    assert_eq!(verdict(&fault("expire@1"), "/code").1, "403");
    let both = fault("slow@1,60006@1");
    assert_eq!((verdict(&both, "/code").1.as_str(), both.latency.as_millis()), ("60006", 3001));
}

#[test]
fn nonsense_is_refused_with_a_reason() {
    let unknown = |fault: &str, what: &str| FaultError::Unknown {
        fault: fault.to_owned(),
        what: what.to_owned(),
        provider: "foxdata".to_owned(),
        codes: "100, 401, 403, 404, 429, 510, 60003, 60004, 60005, 60006, 60008".to_owned(),
    };
    let share = |fault: &str, share: &str| FaultError::Share { fault: fault.to_owned(), share: share.to_owned() };
    let place = |fault: &str, place: &str| FaultError::Place { fault: fault.to_owned(), place: place.to_owned() };
    let times = |fault: &str| FaultError::Times { fault: fault.to_owned() };
    let cases = [
        ("5001=2%", unknown("5001=2%", "5001")),
        ("rest=1%", unknown("rest=1%", "rest")),
        ("html=1%", unknown("html=1%", "html")),
        ("html999@1", unknown("html999@1", "html999")),
        ("429", FaultError::NoWhen("429".to_owned())),
        ("429=2", share("429=2", "2")),
        ("429=two%", share("429=two%", "two%")),
        ("429=101%", share("429=101%", "101%")),
        ("429=-1%", share("429=-1%", "-1%")),
        ("429@0", place("429@0", "0")),
        ("429@", place("429@", "")),
        ("429@next:0", place("429@next:0", "next:0")),
        ("429@nextpage", place("429@nextpage", "nextpage")),
        ("429x0@3", times("429x0@3")),
        ("429x5=2%", times("429x5=2%")),
        ("429x5@next", times("429x5@next")),
        ("skew=soon", FaultError::Skew { fault: "skew=soon".to_owned(), text: "soon".to_owned() }),
    ];
    for (text, wanted) in cases {
        assert_eq!(Faults::parse(&format!("reset=1%, {text}"), &foxdata()), Err(wanted), "{text}");
    }
    assert_eq!(Faults::parse("", &foxdata()), Ok(Faults::default()));
}

#[test]
fn requests_after_a_fatal_code_are_told() {
    let mut simulator = with_faults(&foxdata(), "60005@2");
    // The answer to the request at 10 ms leaves at 11 ms: what was sent before is not to blame.
    for now in [0, 10, 11, 12, 40] {
        simulator.answer(ms(now), &rank(&now.to_string()));
    }
    assert_eq!(simulator.stats().after_fatal, 2);
    assert_eq!(simulator.stats().refusals["60005"], 1);
    assert_eq!(simulator.stats().duplicates, 0);
    let mut simulator = play(&foxdata(), quick());
    codes(&mut simulator, 3);
    assert_eq!((simulator.stats().after_fatal, simulator.stats().duplicates), (0, 2));
}
