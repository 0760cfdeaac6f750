//! No secret in any byte a run leaves or says.

use std::fs;
use std::thread;

use super::place::{Ended, Place};
use super::wire::Wire;

/// Recognisable, and with bytes that URLs and JSON spell in other ways.
const KEYS: [(&str, &str); 4] = [
    ("AGUSHUJU_API_KEY", "canary-agu/shuju+1&2%3=\"4"),
    ("FOXDATA_API_KEY", "canary-fox/data+1&2%3=\"4"),
    ("SENSENOVA_ACCESS_KEY", "canary-access/key+1&2%3=\"4"),
    ("SENSENOVA_SECRET_KEY", "canary-secret/key+1&2%3=\"4"),
];

fn place() -> Place {
    KEYS.iter().fold(Place::new().with("TIDEMILL_LOG", "debug"), |place, (name, value)| place.with(name, value))
}

/// Every secret begins with the same word, which nothing else holds; a token begins with the letters of `{"`.
#[track_caller]
fn assert_clean(place: &Place, ends: &[&Ended]) {
    let leaks = |text: &str| text.contains("canary") || text.contains("eyJ");
    for ended in ends {
        assert!(!leaks(&ended.out) && !leaks(&ended.err), "{ended:?}");
    }
    for file in place.files("") {
        let bytes = fs::read(&file).unwrap();
        assert!(!leaks(&String::from_utf8_lossy(&bytes)), "{}", file.display());
    }
    for row in place.rows("") {
        assert!(!leaks(&row), "{row}");
    }
}

fn jobs(place: &Place) {
    place.ranks("foxdata", 3, 1);
    place.write("agushuju.toml", "name = \"agushuju\"\nprovider = \"agushuju\"\n[grid]\nstock_code = [\"000001.SZ\", \"000002.SZ\"]\n[request]\npath = \"/stock_daily\"\nquery = { stock_code = \"{stock_code}\", trade_date_start = \"2026-06-01\", trade_date_end = \"2026-06-30\" }\n");
    place.write("agushuju_json.toml", "name = \"agushuju_json\"\nprovider = \"agushuju\"\n[grid]\nstock_code = [\"000001.SZ\"]\n[request]\nmethod = \"POST\"\npath = \"/stock_daily\"\njson = { stock_code = \"{stock_code}\" }\n");
    place.write("agushuju_form.toml", "name = \"agushuju_form\"\nprovider = \"agushuju\"\n[grid]\nstock_code = [\"000001.SZ\"]\n[request]\nmethod = \"POST\"\npath = \"/stock_daily\"\nform = { stock_code = \"{stock_code}\" }\n");
    place.write("sensenova.toml", "name = \"sensenova\"\nprovider = \"sensenova\"\n[grid]\nprompt = [\"hello\", \"world\"]\n[request]\nmethod = \"POST\"\npath = \"/llm/chat-completions\"\njson = { model = \"SenseChat-5\", messages = [{ role = \"user\", content = \"{prompt}\" }] }\n[records]\npath = \"choices\"\n");
}

#[test]
fn no_preset_leaks_its_secret() {
    let place = place();
    jobs(&place);
    for (provider, faults) in
        [("foxdata", "reset@1,401@3"), ("agushuju", "cut@1,401@3"), ("sensenova", "reset@1,1003@2")]
    {
        let log = format!("{provider}.jsonl");
        let simulating = place.simulate(provider, &["--log", &log, "--fault", faults]);
        let set = simulating.set(provider);
        let job = format!("{provider}.toml");
        let first = place.tidemill(&["run", &job, &set, "--json"]);
        let second = place.tidemill(&["run", &job, &set, "--json"]).expect(0);
        let (out, _) = simulating.end();
        assert!(first.out.contains("\"requests\""), "{first:?}");
        assert_clean(&place, &[&first, &second, &Ended { code: None, out, err: String::new() }]);
    }
}

#[test]
fn no_placement_of_a_key_leaks_it() {
    for (auth, job) in [
        ("kind = \"bearer\"", "agushuju"),
        ("kind = \"header\"\nname = \"X-API-KEY\"", "agushuju"),
        ("kind = \"query\"\nname = \"token\"", "agushuju"),
        ("kind = \"json\"\nname = \"token\"", "agushuju_json"),
        ("kind = \"form\"\nname = \"token\"", "agushuju_form"),
    ] {
        let place = place();
        jobs(&place);
        place.write(
            "tidemill.toml",
            &format!("[provider.agushuju]\n{}\n[provider.agushuju.auth]\n{auth}\n", super::place::fast()),
        );
        let simulating = place.simulate("agushuju", &["--log", "log.jsonl", "--fault", "401@2"]);
        let job = format!("{job}.toml");
        let set = simulating.set("agushuju");
        let ends = [0, 1].map(|_| place.tidemill(&["run", &job, &set, "--json"]));
        assert_eq!(ends[1].code, Some(0), "{auth}: {:?}", ends[1]);
        let (_, stats) = simulating.end();
        assert!(stats["successes"].as_u64().unwrap() > 0);
        assert_clean(&place, &[&ends[0], &ends[1]]);
    }
}

/// A provider that sends the whole request back, in an error or in a record.
#[test]
fn an_echoed_secret_is_masked_in_words_and_in_records() {
    for (status, code) in [("401 Unauthorized", 403), ("200 OK", 200)] {
        let place = place();
        place.ranks("ranks", 1, 1);
        let wire = Wire::new();
        let set = wire.set("foxdata");
        let ended = thread::scope(|scope| {
            scope.spawn(|| {
                let asked = wire.accept();
                assert!(asked.text.contains("canary"), "the request holds the key");
                let echo = serde_json::Value::String(asked.text.clone()).to_string();
                // What stands behind the first echo stands elsewhere once it is masked.
                let words = if code == 200 { "\"ok\"" } else { &echo };
                let record = format!(r#"{{"rank":1,"echo":{echo},"after":"behind"}}"#);
                let body = format!(
                    r#"{{"code": {code}, "msg": {words}, "data": {{"result": {{"ranks": [{record},{record}]}}, "next": null}}}}"#
                );
                asked.answer(status, "", &body);
            });
            place.tidemill(&["run", "ranks.toml", &set, "--json"])
        });
        assert_eq!(ended.code, Some(if code == 200 { 0 } else { 4 }), "{ended:?}");
        let told = if code == 200 { place.rows("data").concat() } else { ended.out.clone() };
        assert!(told.contains("***"), "the echo is not there at all: {told}");
        assert!(code != 200 || told.matches("behind").count() == 2, "{told}");
        assert_clean(&place, &[&ended]);
    }
}
