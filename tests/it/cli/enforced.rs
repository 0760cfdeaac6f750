//! `tidemill simulate` with limits that are kept as chosen, asked by a client of a few lines.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::place::Place;

/// Asks foxdata at `base_url` and gives the whole answer.
fn ask(base_url: &str) -> String {
    let authority = base_url.trim_start_matches("http://").split('/').next().unwrap();
    let body = r#"{"appId":"1","region":"US","date":"2026-01-02"}"#;
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "POST /apiv1/open-api/app/rank HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
         x-openapi-key: sk-simulated-foxdata\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn limits_are_kept_as_chosen() {
    let place = Place::new();
    // Three a minute, so a log would let all three in.
    let chosen = "--set provider.foxdata.limits.per_minute=3 --enforce gcra:0 --count-refusals --count-at end \
                  --latency 200ms+0ms --drift -100000 --log requests.jsonl";
    let simulating = place.simulate("foxdata", &chosen.split_whitespace().collect::<Vec<_>>());
    let answers = [0; 3].map(|_| ask(&simulating.base_url).contains("\"code\":200"));
    assert_eq!(answers, [true, false, false]);
    let (_, stats) = simulating.end();
    let minute = stats["windows"].as_array().unwrap().iter().find(|window| window["label"] == "any 60s").unwrap();
    // All three counted, the refused ones as well.
    assert_eq!((&minute["accepted"], &minute["refused"], &minute["most_counted"]), (&1.into(), &2.into(), &3.into()));
    let log = std::fs::read_to_string(place.path().join("requests.jsonl")).unwrap();
    assert_eq!(log.matches("\"counted\":true").count(), 3, "{log}");
}
