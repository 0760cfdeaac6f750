//! A cell whose end never came is not done: records that were announced stay away, the way to the next page is missing.

use super::place::Place;
use super::wire::Wire;

const JOB: &str = r#"
name = "j"
provider = "agushuju"
[grid]
stock_code = ["000001.SZ"]
[request]
path = "/stock_daily"
query = { stock_code = "{stock_code}" }
[paging]
"#;

/// What a run comes to whose requests are answered by `pages`, and how many files it leaves.
fn run(paging: &str, pages: &[&str]) -> (Option<i32>, String, usize) {
    let place = Place::new().with("AGUSHUJU_API_KEY", "a key nobody sees");
    place.write("j.toml", &format!("{JOB}{paging}"));
    let wire = Wire::new();
    let running = place.start(&["run", "j.toml", &wire.set("agushuju")]);
    for page in pages {
        wire.accept().answer("200 OK", "", page);
    }
    let ended = running.end();
    (ended.code, ended.out, place.parquet("data").len())
}

#[test]
fn a_cell_without_its_end_is_rejected_and_its_pages_make_no_file() {
    let offset = "kind = \"offset\"\nlimit = \"limit\"\noffset = \"offset\"\npage_size = 2\ntotal = \"/count\"";
    let cursor = "kind = \"cursor\"\nfields = { cursor = \"/nxt\" }";
    let full = r#"{"code": 0, "count": 5, "data": [{"a": 1}, {"a": 2}]}"#;
    let nothing = r#"{"code": 0, "count": 5, "data": []}"#;
    let told = "the provider announced 5 records, but its pages ended after 2";
    let cases: [(&str, &[&str], i32, &str, usize); 4] = [
        (offset, &[full, nothing], 3, told, 0),
        (offset, &[full, r#"{"code": 0, "count": 2, "data": []}"#], 0, "2 rows", 1),
        (cursor, &[full], 3, "the first page has nothing at `/nxt`", 0),
        (cursor, &[r#"{"code": 0, "nxt": null, "data": [{"a": 1}]}"#], 0, "1 row,", 1),
    ];
    for (paging, pages, code, text, files) in cases {
        let (ended, out, found) = run(paging, pages);
        assert_eq!((ended, found), (Some(code), files), "{paging}: {out}");
        assert!(out.contains(text), "{paging}: {out}");
    }
}
