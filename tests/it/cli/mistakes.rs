//! The mistakes people make, each with the screen it earns: what, where, why, what to do. Read them as their readers would.

use std::path::Path;

use super::disk::skip;
use super::place::{Ended, Place};
use super::screens::screen;
use super::wire::{Wire, foxdata_page};

const KEY: &str = "sk-simulated-foxdata";

/// A workspace with a key and a job of one cell.
fn place() -> Place {
    let place = Place::new().with("FOXDATA_API_KEY", KEY);
    place.ranks("ranks", 1, 1);
    place
}

/// The job of [`place`], with one text instead of another.
fn with(instead: &str, of: &str) -> Place {
    let place = place();
    edit(&place, "ranks.toml", instead, of);
    place
}

fn edit(place: &Place, file: &str, instead: &str, of: &str) {
    let text = std::fs::read_to_string(place.path().join(file)).unwrap();
    assert!(text.contains(of), "{of}");
    place.write(file, &text.replace(of, instead));
}

#[track_caller]
fn shows(name: &str, place: &Place, call: &[&str]) {
    told(name, place, call, &place.tidemill(call));
}

#[track_caller]
fn told(name: &str, place: &Place, call: &[&str], ended: &Ended) {
    let call = call.iter().filter(|argument| !argument.starts_with("--set=")).copied();
    let call = call.collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(name, format!("$ tidemill {call}\n{}", screen(place, ended)));
}

#[test]
fn in_a_job_file() {
    let cases = [
        ("key_misspelt", "partion_by = ", "partition_by = "),
        ("text_not_closed", "path = \"/app/rank\n", "path = \"/app/rank\"\n"),
        ("zone_misspelt", "to = \"2026-01-01\", zone = \"Asia/Shanghia\" }", "to = \"2026-01-01\" }"),
        ("dates_reversed", "from = \"2026-02-01\"", "from = \"2026-01-01\""),
        ("placeholder_misspelt", "\"{dya}\"", "\"{day}\""),
        ("type_misspelt", "\"int46\"", "\"int64\""),
        ("provider_misspelt", "\"foxdta\"", "\"foxdata\""),
        ("quotes_forgotten", "method = POST", "method = \"POST\""),
        ("axis_file_missing", "app = { file = \"apps.txt\" }", "app = [\"389801252\"]"),
    ];
    for (name, instead, of) in cases {
        shows(&format!("mistake_{name}"), &with(instead, of), &["check", "ranks.toml"]);
    }
}

#[test]
fn in_an_axis_file() {
    let place = with("app = { file = \"apps.csv\", column = \"app\" }", "app = [\"389801252\"]");
    place.write("apps.csv", "");
    shows("mistake_axis_empty", &place, &["check", "ranks.toml"]);
    place.write("apps.csv", "app_id,name\n389801252,Tide\n");
    shows("mistake_column_missing", &place, &["check", "ranks.toml"]);
    place.write("apps.csv", "app\n389801252\n310633997\n389801252\n");
    shows("mistake_value_twice", &place, &["check", "ranks.toml"]);
}

#[test]
fn in_the_call_or_the_settings() {
    shows("mistake_flag_misspelt", &place(), &["run", "ranks.toml", "--simulated"]);
    shows("mistake_job_misspelt", &place(), &["run", "rank.toml"]);
    let place = place();
    edit(&place, "tidemill.toml", "api_key = \"canary\"\nlimits = ", "limits = ");
    shows("mistake_key_in_a_file", &place, &["check", "ranks.toml"]);
    let elsewhere = with("name = \"ranks\"", "name = \"ranks\"");
    edit(&elsewhere, "tidemill.toml", "output = \"s3://feeds\"\n[provider.agushuju]", "[provider.agushuju]");
    shows("mistake_output_elsewhere", &elsewhere, &["run", "ranks.toml"]);
    let without = Place::new();
    without.ranks("ranks", 1, 1);
    shows("mistake_variable_missing", &without, &["run", "ranks.toml"]);
}

/// `provider` played in a process of its own, with one thing that goes wrong.
#[track_caller]
fn refused(name: &str, place: &Place, provider: &str, fault: &str, job: &str) {
    let fault: &[&str] = if fault.is_empty() { &[] } else { &["--fault", fault] };
    let simulating = Place::new().simulate(provider, fault);
    let set = simulating.set(provider);
    shows(name, place, &["run", job, "--progress", "none", &set]);
}

#[test]
fn told_by_the_provider() {
    let place_with = |key| {
        let place = Place::new().with("FOXDATA_API_KEY", key);
        place.ranks("ranks", 1, 1);
        place
    };
    refused("mistake_key_wrong", &place_with("sk-of-somebody-else"), "foxdata", "", "ranks.toml");
    refused("mistake_quota_gone", &place(), "foxdata", "60003@1", "ranks.toml");
    refused("mistake_credits_gone", &place(), "foxdata", "60005@1", "ranks.toml");
    let chat = || {
        let keys = [("ACCESS", "simulated-sensenova-access-key"), ("SECRET", "simulated-sensenova-secret-key")];
        let place =
            keys.iter().fold(Place::new(), |place, (name, key)| place.with(&format!("SENSENOVA_{name}_KEY"), key));
        let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
        for file in ["sensenova_chat.toml", "prompts.jsonl"] {
            place.write(file, &std::fs::read_to_string(jobs.join(file)).unwrap());
        }
        place
    };
    refused("mistake_arrears", &chat(), "sensenova", "1101@1", "sensenova_chat.toml");
    refused("mistake_clock_wrong", &chat(), "sensenova", "skew=-3600s", "sensenova_chat.toml");
}

/// A run whose requests are answered by `pages` in turn.
#[track_caller]
fn answered(name: &str, place: &Place, pages: &[&str]) {
    let wire = Wire::new();
    let set = wire.set("foxdata");
    let call = ["run", "ranks.toml", "--progress", "none", &set];
    let running = place.start(&call);
    for page in pages {
        wire.accept().answer("200 OK", "", page);
    }
    told(name, place, &call, &running.end());
}

#[test]
fn seen_in_an_answer() {
    let misread = with("path = \"rank\"\nadd", "path = \"ranks\"\nadd");
    answered("mistake_record_path", &misread, &[&foxdata_page(r#"[{"rank": 1}, {"rank": 2}]"#)]);
    let mistyped = with("columns = { rank = \"bool\" }", "columns = { rank = \"int64\" }");
    answered("mistake_type_wrong", &mistyped, &[&foxdata_page(r#"[{"rank": 1}, {"rank": true}]"#)]);
    let next =
        r#"{"code": 200, "data": {"result": {"ranks": [{"rank": 1}]}, "next": {"taskId": "t", "pageKey": "k"}}}"#;
    answered("mistake_cursor_endless", &place(), &[next, next]);
    let unheeded = with("expect = { region = \"US\" }\nadd", "add");
    answered("mistake_parameter_ignored", &unheeded, &[&foxdata_page(r#"[{"rank": 1, "region": "CN"}]"#)]);
}

#[test]
fn of_this_machine() {
    let place = place();
    place.write("data", "a file where the folder of the output should be");
    shows("mistake_folder_is_a_file", &place, &["run", "ranks.toml", "--set=output=data"]);
    let place = with("name = \"ranks\"", "name = \"ranks\"");
    let wire = Wire::new();
    let set = wire.set("foxdata");
    let running = place.start(&["run", "ranks.toml", &set]);
    let asked = wire.accept();
    shows("mistake_run_twice", &place, &["run", "ranks.toml", "--progress", "none", &set]);
    asked.answer("200 OK", "", &foxdata_page(r#"[{"rank": 1}]"#));
    running.end().expect(0);
}

/// A run on a file system of 16 kB, in a mount namespace of its own; on systems that allow that.
#[test]
fn of_a_full_disk() {
    let place = place();
    let simulating = Place::new().simulate("foxdata", &[]);
    let set = simulating.set("foxdata");
    let call = ["run", "ranks.toml", "--progress", "none", "--set=state=full/state", &set];
    let known = place.command(&call);
    let script = "mkdir full && mount -t tmpfs -o size=144k none full 2> /dev/null || exit 99; exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]).arg(known.get_program()).args(known.get_args());
    command.envs(known.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(place.path());
    let Ok(output) = command.output() else { return skip("there is no `unshare`") };
    let ended = Ended::of(output);
    match ended.code {
        Some(1) => told("mistake_disk_full", &place, &call, &ended),
        _ => skip(&format!("this system lets no tmpfs be mounted: {ended:?}")),
    }
}
