//! Job files, good and bad: what is read, and what a person is told.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidemill::job::{
    Axis, BodyTemplate, ColumnType, DateBound, DateStep, Job, JobFile, JsonTemplate, Paging, PagingFile, Pointer,
    Problems, Source, Template, TemplateError, TimeUnit, check, parse_duration,
};

/// Bad job files, each with every word that is said about it.
#[test]
fn problems_are_all_told_at_once_and_where_they_stand() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for case in include_str!("bad_jobs.txt").split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, expected) = rest.split_once("--- problems\n").unwrap();
        let found = match Job::parse(Path::new("jobs/j.toml"), text) {
            Ok(_) => "nothing is wrong".to_owned(),
            Err(problems) => problems.to_string(),
        };
        let trim = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned();
        if trim(&found) != trim(expected) {
            wrong.push(format!("=== {name}\n{found}"));
        }
        seen += 1;
    }
    assert!(seen >= 30, "{seen} cases");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

fn parse(text: &str) -> Job {
    Job::parse(Path::new("jobs/j.toml"), text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_jobs_of_the_design_are_read() {
    let rank = parse(
        r#"
        name = "foxdata_app_rank"
        provider = "foxdata"
        deadline = "6h"
        [grid]
        zeta = ["389801252", "310633997"]
        day = { from = 2026-01-01, to = "yesterday", step = "1mo", zone = "Asia/Shanghai", order = "newest" }
        alpha = { file = "symbols.csv", column = "code" }
        [request]
        method = "POST"
        path = "/app/rank"
        json = { appId = "{zeta}", region = "US", date = "{day.from}", n = 5 }
        [records]
        path = "ranks"
        shape = "objects"
        add = { app_id = "{zeta}" }
        expect = { code = "{alpha}" }
        [schema]
        columns = { rank = "int64", amount = "decimal(20, 4)" }
        [output]
        partition_by = ["day"]
        [paging]
        kind = "cursor"
        fields = { taskId = "/data/next/taskId", pageKey = "/data/next/pageKey" }
        next = { method = "GET", path = "/common/next-page", query = { taskId = "{taskId}" } }
        "#,
    );
    let axes: Vec<&str> = rank.grid.axes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(axes, ["zeta", "day", "alpha"], "axes keep the order of the file");
    let Axis::Dates(dates) = &rank.grid.axes[1].1 else { panic!("{:?}", rank.grid.axes[1]) };
    assert_eq!(dates.to, DateBound::FromToday(-1));
    assert_eq!(dates.step, DateStep::Months(1));
    assert!(dates.newest_first);
    let Axis::File(file) = &rank.grid.axes[2].1 else { panic!("{:?}", rank.grid.axes[2]) };
    assert_eq!(file.path, Path::new("jobs/symbols.csv"));
    assert_eq!(rank.request.method, http::Method::POST);
    assert_eq!(rank.output.path, "foxdata_app_rank", "the folder is the job's name when the file names none");
    assert_eq!(rank.output.cells_per_file, 1000);
    assert_eq!(rank.records.path, Pointer(vec!["ranks".to_owned()]));
    assert_eq!(rank.columns[1].1, ColumnType::Decimal { precision: 20, scale: 4 });
    assert_eq!(rank.ceilings.deadline, Some(std::time::Duration::from_secs(6 * 3600)));
    let BodyTemplate::Json(json) = &rank.request.body else { panic!("{:?}", rank.request.body) };
    assert_eq!(json.source(), json!({ "appId": "{zeta}", "region": "US", "date": "{day.from}", "n": 5 }));
    let Some(Paging::Cursor { fields, next: Some(next), .. }) = &rank.paging else { panic!("{:?}", rank.paging) };
    assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["taskId", "pageKey"]);
    assert_eq!(next.path.to_string(), "/common/next-page");

    let chat = parse(
        r#"
        name = "chat"
        provider = "sensenova"
        [grid]
        prompt = { file = "prompts.jsonl", key = "id" }
        [request]
        method = "POST"
        path = "/llm/chat-completions"
        json = { messages = [{ role = "user", content = "{prompt.text}" }] }
        "#,
    );
    assert!(chat.paging.is_none());
    let problem = chat.problem("/provider", "unknown provider `sensenova`").to_string();
    assert!(problem.contains("jobs/j.toml:3:20"), "{problem}");
}

#[test]
fn every_paging_kind_is_read() {
    let head = "name = \"j\"\nprovider = \"p\"\n[request]\npath = \"/a\"\n[paging]\n";
    let cases = [
        ("kind = \"none\"", Paging::None),
        (
            "kind = \"page\"\npage = \"p\"\npage_size = 50\nhas_more = \"/more\"",
            Paging::Page {
                page: "p".to_owned(),
                first: 1,
                size: None,
                page_size: 50,
                total: None,
                has_more: Some(Pointer::parse("/more")),
                parallel_pages: 1,
            },
        ),
        (
            "kind = \"offset\"\noffset = \"o\"\nlimit = \"l\"\npage_size = 1000\ntotal = \"/count\"\nparallel_pages = 8",
            Paging::Offset {
                offset: "o".to_owned(),
                limit: "l".to_owned(),
                page_size: 1000,
                total: Some(Pointer::parse("/count")),
                parallel_pages: 8,
            },
        ),
        (
            "kind = \"next_url\"\nurl = \"/links/next\"",
            Paging::NextUrl { url: Pointer::parse("/links/next"), absent_ends: false },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(&format!("{head}{text}\n")).paging, Some(expected), "{text}");
    }
    let unknown = Job::parse(Path::new("j.toml"), &format!("{head}kind = \"none\"\nsize = \"s\"\n")).unwrap_err();
    assert!(unknown.to_string().contains("unknown key `size`"), "{unknown}");
}

#[test]
fn the_paging_of_every_preset_is_read() {
    let presets = [
        include_str!("../../src/provider/presets/agushuju.toml"),
        include_str!("../../src/provider/presets/foxdata.toml"),
        include_str!("../../src/provider/presets/sensenova.toml"),
    ];
    for text in presets {
        let source = Source::parse(Path::new("preset.toml"), text).unwrap();
        let tree = source.value()["paging"].clone();
        let found = check(&schemars::schema_for!(PagingFile), &tree);
        assert!(found.0.is_empty(), "{found}");
        let mut problems = Problems::default();
        let paging = PagingFile::deserialize(tree.clone()).unwrap().parse("/paging", &mut problems);
        assert!(problems.0.is_empty(), "{problems}");
        match (tree["kind"].as_str(), paging) {
            (Some("none"), Some(Paging::None))
            | (Some("offset"), Some(Paging::Offset { page_size: 1000, total: Some(_), .. }))
            | (Some("cursor"), Some(Paging::Cursor { next: Some(_), .. })) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The reference and the editors' pop-ups are made of these.
#[test]
fn every_key_of_a_job_file_is_described() {
    fn walk(value: &Value, path: &str) {
        for (key, schema) in value.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let described = schema.get("description").is_some() || schema.get("const").is_some();
            assert!(described, "{path}/{key} has no description");
        }
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}"))),
            Value::Array(items) => items.iter().for_each(|value| walk(value, path)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let schema = schemars::schema_for!(JobFile).to_value();
    assert_eq!(schema["properties"].as_object().unwrap().len(), 13);
    walk(&schema, "");
}

#[test]
fn lengths_of_time() {
    for (text, millis) in [("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000)] {
        assert_eq!(parse_duration(text).unwrap().as_millis(), millis, "{text}");
    }
    for text in ["", "5", "s", "-5s", "1.5h", "5 min", "99999999999999999999s", "18446744073709551615d"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

fn values() -> Map<String, Value> {
    let values = json!({
        "app": "38/9", "n": 7, "yes": true, "none": null, "list": [1], "brace": "{app}}{{",
        "prompt": { "id": 3, "deep": { "er": "x" } }, "day": "2026-01-01", "day.to": "2026-01-31",
    });
    values.as_object().unwrap().clone()
}

#[test]
fn templates_render() {
    let cases: [(&str, Result<Value, TemplateError>); 17] = [
        ("", Ok(json!(""))),
        ("plain", Ok(json!("plain"))),
        ("{app}", Ok(json!("38/9"))),
        ("{n}", Ok(json!(7))),
        ("n={n}", Ok(json!("n=7"))),
        ("{yes}{none}{n}", Ok(json!("true7"))),
        ("{none}", Ok(Value::Null)),
        ("{list}", Ok(json!([1]))),
        ("a{list}", Err(TemplateError::NotText("list".to_owned()))),
        ("{prompt.id}", Ok(json!(3))),
        ("{prompt.deep.er}", Ok(json!("x"))),
        ("{prompt.text}", Err(TemplateError::Missing("prompt.text".to_owned()))),
        ("{day}/{day.to}", Ok(json!("2026-01-01/2026-01-31"))),
        ("{{{n}}}", Ok(json!("{7}"))),
        ("{{n}}", Ok(json!("{n}"))),
        ("{brace}", Ok(json!("{app}}{{"))),
        ("<{brace}>", Ok(json!("<{app}}{{>"))),
    ];
    for (text, expected) in cases {
        let template = Template::parse(text).unwrap();
        assert_eq!(template.render(&values()), expected, "{text}");
        assert_eq!(template.to_string(), text, "{text}");
    }
    for text in ["{", "}", "a{b", "a}b", "{a}}"] {
        assert_eq!(Template::parse(text), Err(TemplateError::Unbalanced(text.to_owned())), "{text}");
    }
    for (text, inner) in [("{}", ""), ("{a b}", "a b"), ("{a.}", "a."), ("{\"x\": 1}", "\"x\": 1"), ("{a{b}", "a{b")] {
        assert_eq!(Template::parse(text), Err(TemplateError::BadName(inner.to_owned())), "{text}");
    }
    let path = Template::parse("/a/{app}").unwrap().render_encoded(&values(), |text| text.replace('/', "%2F"));
    assert_eq!(path.unwrap(), "/a/38%2F9");
    assert_eq!(Template::parse("{app}-{prompt.id}").unwrap().placeholders(), ["app", "prompt.id"]);
}

fn any_column() -> impl Strategy<Value = ColumnType> {
    let unit = prop::sample::select(vec![
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ]);
    let zone =
        prop::option::of(prop::sample::select(vec!["UTC".to_owned(), "Asia/Shanghai".to_owned(), "-03:30".to_owned()]));
    let leaf = prop_oneof![
        prop::sample::select(vec![
            ColumnType::Bool,
            ColumnType::Int8,
            ColumnType::Int16,
            ColumnType::Int32,
            ColumnType::Int64,
            ColumnType::Float32,
            ColumnType::Float64,
            ColumnType::String,
            ColumnType::Date,
            ColumnType::Json,
        ]),
        (1_u8..=38)
            .prop_flat_map(|precision| (Just(precision), 0..=precision))
            .prop_map(|(precision, scale)| ColumnType::Decimal { precision, scale }),
        (unit, zone).prop_map(|(unit, zone)| ColumnType::Timestamp { unit, zone }),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let fields = prop::collection::btree_map("[a-z_][a-z0-9_]{0,5}", inner.clone(), 1..4);
        prop_oneof![
            inner.prop_map(|item| ColumnType::List(Box::new(item))),
            fields.prop_map(|fields| ColumnType::Struct(fields.into_iter().collect())),
        ]
    })
}

/// Text that would mean something to JSON, a URL, a header or a template.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{", "}", "{{", "}}", "{v}", "\"", "\\", "&x=1", "\r\n", "#", "%2e", "../", "\0", "'"
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn column_types_are_read_back(kind in any_column()) {
        prop_assert_eq!(ColumnType::parse(&kind.to_string()), Ok(kind));
    }

    #[test]
    fn any_text_is_a_column_type_or_an_error(text in "[a-z<>(),: 0-9]{0,40}") {
        if let Ok(kind) = ColumnType::parse(&text) {
            prop_assert_eq!(ColumnType::parse(&kind.to_string()), Ok(kind));
        }
    }

    #[test]
    fn values_never_become_structure(value in nasty(), around in nasty()) {
        let fixed = around.replace('{', "{{").replace('}', "}}");
        let template = JsonTemplate::parse(&json!({ "a": "{v}", "b": [format!("{fixed}{{v}}{fixed}")], "{v}": 1 })).unwrap();
        let values = json!({ "v": value }).as_object().unwrap().clone();
        let rendered = template.render(&values).unwrap();
        let expected = json!({ "a": value, "b": [format!("{around}{value}{around}")], "{v}": 1 });
        prop_assert_eq!(&rendered, &expected);
        let text = serde_json::to_string(&rendered).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in nasty(), toml in "[a-z=\\[\\]{}\", .\n]{0,80}") {
        if let Ok(template) = Template::parse(&text) {
            prop_assert_eq!(template.to_string(), text.as_str());
        }
        prop_assert!(Job::parse(Path::new("j.toml"), &toml).is_err(), "no job without a request");
        let quoted = Value::from(text.as_str()).to_string();
        let job = format!("name = {quoted}\nprovider = \"p\"\n[grid]\n{quoted} = [{quoted}]\n[request]\npath = {quoted}\n");
        if let Err(problems) = Job::parse(Path::new("j.toml"), &job) {
            prop_assert!(!problems.to_string().is_empty());
        }
    }
}

#[test]
fn a_job_built_in_code_names_the_keys_that_are_wrong() {
    let built = |tree| Job::of(Path::new("."), tree).map_err(|problems| problems.to_string());
    let found = built(json!({
        "name": "ranks", "provider": "foxdata", "grid": { "app": ["1"] },
        "request": { "path": "/app/{ap}", "metod": "POST" },
    }));
    assert_eq!(
        found.err().as_deref(),
        Some(
            "error: unknown key `metod`, did you mean `method`?\n --> job ranks request.metod\n  \
             = help: allowed: `method`, `path`, `query`, `headers`, `json`, `form`\n\n\
             error: `{ap}` names no axis, did you mean `{app}`?\n --> job ranks request.path\n  = help: known: `app`"
        )
    );
    let found = built(json!(["name"]));
    assert_eq!(found.err().as_deref(), Some("error: a job is an object with the keys of a job file"));
}
