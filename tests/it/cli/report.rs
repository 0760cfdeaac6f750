//! `tidemill report`: a page that can be shown to others, whatever a provider has said.

use std::fs;

use crate::bench::page::elements;

use super::place::Place;
use super::screens::shows;
use super::wire::{Wire, foxdata_page};

const RUN: [&str; 5] = ["run", "ranks.toml", "--simulate", "--progress", "none"];
const REPORT: [&str; 3] = ["report", "ranks.toml", "--simulate"];

/// A workspace with the job `ranks.toml` of six cells in three files, and one run of it that was paused.
fn place() -> Place {
    let place = Place::in_turn();
    place.ranks("ranks", 2, 3);
    place.tidemill(&[&RUN[..], &["--fault", "100@1,60003@9"]].concat()).expect(75);
    place
}

fn read(place: &Place, file: &str) -> String {
    fs::read_to_string(place.path().join(file)).unwrap()
}

#[test]
fn a_page_tells_how_it_ended_and_loads_nothing() {
    let place = place();
    place.ranks("other", 1, 1);
    place.tidemill(&["run", "other.toml", "--simulate"]);
    let ended = place.tidemill(&["report", "ranks.toml", "other.toml", "--simulate"]).expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("report.html\n", ""));
    let page = read(&place, "report.html");
    let seen = elements(&page);
    for forbidden in ["script", "link", "img", "iframe", "object", "image", "use"] {
        assert!(!seen.iter().any(|name| name == forbidden), "<{forbidden}>");
    }
    let addresses = page.matches("http").count() - page.matches("xmlns=\"http://www.w3.org/").count();
    assert_eq!((addresses, page.matches("url(").count(), page.matches("@import").count()), (0, 0, 0));
    assert!(page.contains("prefers-color-scheme: dark") && !page.contains("NaN") && !page.contains("inf\""));
    for told in [
        "2 jobs",
        "3 of 6 cells done (50 %). Paused: the provider says the daily quota is used up.",
        "it goes on by itself with the next run, from ",
        "<title>{&quot;app&quot;:&quot;389801252&quot;,&quot;day&quot;:&quot;2026-01-01&quot;}: rejected</title>",
        "Request parameter error (FoxData refuses these parameters",
        "too fast or used up, waited for",
        "day=2026-01-01/part-",
    ] {
        assert!(page.to_lowercase().contains(&told.to_lowercase()), "{told} is not in\n{page}");
    }
    let tiles = |class: &str| page.matches(&format!("<rect class=\"tile {class}\"")).count();
    assert_eq!((tiles("records"), tiles("rejected"), tiles("parked"), tiles("pending")), (2, 1, 3, 0));
}

#[test]
fn other_formats_and_earlier_runs() {
    let place = place();
    fs::remove_dir_all(place.path().join("rehearsal/quota")).unwrap();
    place.tidemill(&RUN).expect(3);
    shows("report_md", &place, &["report", "ranks", "--simulate", "--format", "md"]);
    shows("report_md_earlier", &place, &["report", "ranks", "--simulate", "--format", "md", "--run", "2"]);
    let json = place.tidemill(&[&REPORT[..], &["--format", "json"]].concat()).expect(0).json();
    let job = &json["jobs"][0];
    assert_eq!((&job["report"]["exit"], &job["simulated"], &job["run"]), (&"rejected".into(), &true.into(), &1.into()));
    assert!(job["report"]["latency"]["p50_ms"].as_f64().unwrap() > 0.0, "{job:#}");
    assert_eq!(job["report"]["quota"]["windows"][2]["window"], "day");
    let ended = place.tidemill(&[&REPORT[..], &["--format", "md", "--out", "a.md"]].concat()).expect(0);
    assert_eq!(ended.out, "a.md\n");
    assert!(read(&place, "a.md").starts_with("## ranks: rejected\n"));
    let ended = place.tidemill(&[&REPORT[..], &["--out", "none/a.html"]].concat()).expect(1);
    assert!(ended.err.contains("`none/a.html` cannot be written"), "{}", ended.err);
    shows("report_no_such_run", &place, &["report", "ranks", "--simulate", "--run", "3"]);
    shows("report_never_run", &Place::new(), &["report"]);
    assert!(!place.path().join("report.html").exists(), "nothing but what is asked for is written");
}

/// A provider, or who stands before it, says what it likes.
#[test]
fn no_word_becomes_markup_and_no_secret_is_told() {
    let key = "canary-key/1+2";
    let place = Place::new().with("FOXDATA_API_KEY", key);
    place.ranks("ranks", 2, 1);
    let wire = Wire::new();
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    let words = format!("<script>alert('{key}')</script> | `x` </title><img src=x>");
    let refusal = serde_json::json!({ "code": 100, "msg": words, "data": null }).to_string();
    wire.accept().answer("200 OK", "", &refusal);
    wire.accept().answer("200 OK", "", &foxdata_page(r#"[{"rank": 1}]"#));
    running.end().expect(3);
    place.tidemill(&["report", "ranks.toml"]).expect(0);
    let page = read(&place, "report.html");
    assert!(!elements(&page).iter().any(|name| name == "script" || name == "img"));
    assert!(page.contains("&lt;script&gt;alert("), "{page}");
    let markdown = place.tidemill(&["report", "ranks.toml", "--format", "md"]).expect(0).out;
    assert!(
        markdown.contains("&lt;script&gt;") && markdown.contains("\\|") && !markdown.contains("<script"),
        "{markdown}"
    );
    let told = place.tidemill(&["status", "ranks.toml", "--failed"]).expect(0).out;
    for text in [page, markdown, told] {
        assert!(!text.contains("canary"), "{text}");
    }
}
