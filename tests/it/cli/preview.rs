//! `tidemill preview`: what a person sees of the first pages, and that nothing of them stays but in the quota.

use std::fs;

use regex::Regex;

use super::place::{Ended, Place, fast};
use super::wire::{Wire, foxdata_page};

const KEY: &str = "canary-fox/data+1&2%3";

fn place() -> Place {
    let place = Place::new().with("COLUMNS", "80").with("FOXDATA_API_KEY", KEY).with("AGUSHUJU_API_KEY", KEY);
    place.ranks("ranks", 2, 3);
    place
}

/// Without ports and times.
fn masked(ended: &Ended) -> String {
    let text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", ended.code.unwrap(), ended.out, ended.err);
    let text = Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&text, "127.0.0.1:[port]").into_owned();
    let text = Regex::new(r"(?m)^\d+ ms +").unwrap().replace_all(&text, "[n] ms    ").into_owned();
    assert!(!text.contains("canary"), "{text}");
    text
}

#[track_caller]
fn shows(name: &str, place: &Place, call: &[&str]) {
    let ended = place.tidemill(call);
    let shown: Vec<&str> = call.iter().filter(|word| !word.starts_with("--set")).copied().collect();
    insta::assert_snapshot!(name, format!("$ tidemill {}\n{}", shown.join(" "), masked(&ended)));
    is_clean(place);
}

/// No page and no state; the journal of attempts alone.
#[track_caller]
fn is_clean(place: &Place) {
    for folder in ["preview", ".tidemill", "data", "rehearsal"] {
        assert!(!place.path().join(folder).exists(), "{folder} is left");
    }
}

#[test]
fn two_pages_of_a_simulator() {
    let place = place();
    shows("preview", &place, &["preview", "ranks.toml", "--simulate", "--rows", "3"]);
    shows(
        "preview_one_page",
        &place,
        &["preview", "ranks.toml", "--simulate", "--pages", "1", "--rows", "0", "--cell", "6"],
    );
    let json = place.tidemill(&["preview", "ranks.toml", "--simulate", "--rows", "1", "--json"]).expect(0).json();
    assert_eq!((json["records"].as_u64(), json["calls"].as_array().map(Vec::len)), (Some(100), Some(2)));
    assert_eq!(json["columns"][1]["declared"], true);
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(1));
    assert!(!place.path().join("xdg").exists(), "a simulator has no place in the real quota");
}

/// Pages that a run would ask for side by side come one after the other, or the second call might be for any of them.
#[test]
fn pages_come_one_by_one() {
    let place = place();
    place.write("stocks.toml", "name = \"stocks\"\nprovider = \"agushuju\"\n[request]\npath = \"/stock_daily\"\nquery = { stock_code = \"000001.SZ\" }\n");
    let paging = ["page_size=100", "parallel_pages=8"].map(|set| format!("--set=provider.agushuju.paging.{set}"));
    let call = ["preview", "stocks.toml", "--simulate", "--pages", "4", "--json", &paging[0], &paging[1]];
    let json = place.tidemill(&call).expect(0).json();
    let requests = json["calls"].as_array().unwrap().iter().map(|call| call["request"].as_str().unwrap());
    let offsets: Vec<&str> = requests.map(|request| request.rsplit("offset=").next().unwrap()).collect();
    assert_eq!(offsets, ["0", "100", "200", "300"]);
    assert_eq!(
        (json["records"].as_u64(), json["paging"].as_str().unwrap().contains("pages 2 to 4 came")),
        (Some(400), true)
    );
}

#[test]
fn a_job_that_is_wrong() {
    let place = place();
    let text = fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    let edited = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from));
        place.write("ranks.toml", &text.replace(from, to));
        shows(name, &place, &["preview", "ranks.toml", "--simulate", "--rows", "2"]);
    };
    edited("preview_path", "path = \"ranks\"\nadd", "path = \"rank\"\nadd");
    edited("preview_no_paging", "[schema]", "[paging]\nkind = \"none\"\n[schema]");
    edited("preview_cursor", "[schema]", "[paging]\nkind = \"cursor\"\nfields = { taskId = \"/data/nxt\" }\n[schema]");
    edited("preview_columns", "rank = \"int64\"", "rank = \"int8\", gone = \"date\", date = \"timestamp(ms, UTC)\"");
    edited("preview_echo", "add = { app_id = \"{app}\" }", "expect = { region = \"US\" }");
}

#[test]
fn a_provider_that_refuses() {
    for (name, faults, call) in [
        ("preview_key", "403@1", &["preview", "ranks.toml"][..]),
        ("preview_throttled", "60004@2", &["preview", "ranks.toml", "--rows", "0"]),
        ("preview_nothing", "60008@1", &["preview", "ranks.toml"]),
    ] {
        let place = place();
        let simulating = place.simulate("foxdata", &["--latency", "1ms+1ms", "--fault", faults]);
        shows(name, &place, &[call, &[&simulating.set("foxdata")]].concat());
    }
}

/// The calls are real, and no more than were asked for.
#[test]
fn its_calls_count() {
    let place = place();
    let simulating = place.simulate("foxdata", &["--latency", "1ms+1ms"]);
    let set = simulating.set("foxdata");
    place.tidemill(&["preview", "ranks.toml", &set]).expect(0);
    place.tidemill(&["preview", "ranks.toml", "--pages", "1", &set]).expect(0);
    let quota = place.tidemill(&["quota", "foxdata", "--json", &set]).expect(0).json();
    assert!(quota.to_string().contains("\"used\":3"), "{quota}");
    let day = ["quota", "foxdata", "--set-used", "day=1000000", &set];
    place.tidemill(&day).expect(0);
    let full = place.tidemill(&["preview", "ranks.toml", &set]).expect(75);
    assert!(full.out.contains("problem   the day window is full"), "{}", full.out);
    let (_, stats) = simulating.end();
    assert_eq!(stats["requests"], 3);
    is_clean(&place);
}

/// Where the ledger of a job is lost, nobody knows what its credential has used: a preview does not hide that.
#[test]
fn what_is_not_known_is_not_spent() {
    let place = place();
    let simulating = place.simulate("foxdata", &["--latency", "1ms+1ms"]);
    let set = simulating.set("foxdata");
    place.tidemill(&["run", "ranks.toml", "--progress", "none", &set]).expect(0);
    fs::remove_dir_all(place.path().join(".tidemill")).unwrap();
    fs::remove_dir_all(place.path().join("xdg")).unwrap();
    let ended = place.tidemill(&["preview", "ranks.toml", &set]).expect(75);
    assert!(ended.err.contains("what this credential has used is not known"), "{}", ended.err);
}

#[test]
fn a_provider_that_ignores_paging() {
    let place = place();
    place.write("stocks.toml", "name = \"stocks\"\nprovider = \"agushuju\"\n[request]\npath = \"/stock_daily\"\n");
    place.write(
        "tidemill.toml",
        &format!("[provider.agushuju]\n{}\npaging = {{ kind = \"page\", page = \"p\", page_size = 2 }}\nauth = {{ kind = \"query\", name = \"token\" }}\n", fast()),
    );
    let wire = Wire::new();
    let set = wire.set("agushuju");
    let asking = std::thread::scope(|scope| {
        let asking = scope.spawn(|| place.tidemill(&["preview", "stocks.toml", "--pages", "3", &set]));
        let body = r#"{"code": 0, "data": [{"a": 1, "名称": "潮\u001b[31m"}, {"a": 9007199254740993, "名称": null}]}"#;
        for _ in 0..2 {
            let asked = wire.accept();
            assert!(asked.text.contains("token=canary"), "{}", asked.text);
            asked.answer("200 OK", "", body);
        }
        asking.join().unwrap()
    });
    insta::assert_snapshot!("preview_same_page", masked(&asking));
    assert!(!wire.is_asked_again());
    is_clean(&place);
}

#[test]
fn columns_are_saved_where_they_belong() {
    let place = place();
    place.write(
        "apps.toml",
        "# mine\nname = \"apps\"\nprovider = \"foxdata\"\n[request] # one\nmethod = \"POST\"\npath = \"/app/rank\"\njson = { appId = \"1\" }\n[records]\npath = \"ranks\"\n[schema]\ncolumns = { rank = \"int32\" } # two\n[output]\npath = \"apps\" # three\n",
    );
    let wire = Wire::new();
    let set = wire.set("foxdata");
    let save = |records: &str| {
        std::thread::scope(|scope| {
            let saving = scope.spawn(|| place.tidemill(&["preview", "apps.toml", "--save-schema", &set]));
            wire.accept().answer("200 OK", "", &foxdata_page(records));
            saving.join().unwrap()
        })
    };
    let ended = save(r#"[{"rank": 1, "a b": "x", "odd": {"p,q": 1}, "none": null}]"#).expect(0);
    insta::assert_snapshot!("preview_saved", masked(&ended));
    insta::assert_snapshot!("preview_saved_file", fs::read_to_string(place.path().join("apps.toml")).unwrap());
    place.tidemill(&["check", "apps.toml"]).expect(0);
    assert!(save(r#"[{"rank": 1, "a b": "x"}]"#).expect(0).err.contains("nothing to save"));
    let file = place.path().join("apps.toml");
    let asked = fs::read_to_string(&file).unwrap().replace("[schema]", "expect = { rank = \"9\" }\n[schema]");
    fs::write(&file, &asked).unwrap();
    let ended = save(r#"[{"rank": 1, "new": "x"}]"#).expect(3);
    assert!(ended.err.contains("nothing saved: what came is not what was asked for"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), asked);
    assert_eq!(place.files("").iter().filter(|file| file.extension().is_some_and(|it| it == "toml")).count(), 3);
}

#[test]
fn a_signal_ends_it() {
    let place = place();
    let wire = Wire::new();
    let mut running = place.start(&["preview", "ranks.toml", &wire.set("foxdata")]);
    let asked = wire.accept();
    running.signal("TERM");
    assert!(running.wait_for("ending: an answer within 20 s is shown"));
    asked.answer(
        "200 OK",
        "",
        r#"{"code": 200, "data": {"result": {"ranks": [{"a": 1}]}, "next": {"taskId": "t", "pageKey": 2}}}"#,
    );
    let ended = running.end().expect(143);
    assert!(ended.out.contains("records   1 at"), "{}", ended.out);
    assert!(!wire.is_asked_again());
    is_clean(&place);
}

#[test]
fn what_it_does_not_take() {
    let place = place();
    place.ranks("more", 1, 1);
    fs::create_dir(place.path().join("jobs")).unwrap();
    fs::copy(place.path().join("ranks.toml"), place.path().join("jobs/a.toml")).unwrap();
    fs::write(place.path().join("jobs/b.toml"), fs::read_to_string(place.path().join("more.toml")).unwrap()).unwrap();
    shows("preview_cell", &place, &["preview", "ranks.toml", "--cell", "7"]);
    shows("preview_two", &place, &["preview", "jobs"]);
    shows("preview_pages", &place, &["preview", "ranks.toml", "--pages", "11"]);
    shows("preview_made_up", &place, &["preview", "ranks.toml", "--simulate", "--save-schema"]);
    shows("preview_help", &place, &["preview", "--help"]);
}
