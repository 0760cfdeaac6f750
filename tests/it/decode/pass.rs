//! One walk over the pages, and a second one where the first was wrong, give what two walks give: first all records for the
//! schema, then all of them for the rows.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tidemill::decode::DatasetSchema;
use tidemill::job::{ColumnType as T, TimeUnit};

use super::given::{Given, Leaf, Wrap, many, plain};
use super::{decimal, fields, list, schema, timestamp};

/// What a field may hold: each kind, and the steps a kind goes through as it grows.
const VALUES: [&str; 28] = [
    "null",
    "1",
    "-7",
    "200",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678901234567890123456789",
    "1.5",
    "0.1234567890123456789",
    "1e3",
    "true",
    "\"x\"",
    "\"\\u0078\"",
    "\"2024-05-10\"",
    "[]",
    "[1]",
    "[1.5]",
    "[null]",
    "[[1]]",
    "[{\"a\":1}]",
    "[{\"b\":[]}]",
    "[{\"a\":\"x\"}]",
    "{}",
    "{\"a\":1}",
    "{\"a\":null}",
    "{\"a\":1.5}",
    "{\"b\":{\"a\":1}}",
    "{\"b\":\"x\"}",
];

const LISTS: [&str; 9] = [
    "[]",
    "null",
    "[{\"v\":1}]",
    "[{\"v\":\"x\"},{\"v\":2}]",
    "[{\"a\":2}]",
    "[{\"app\":1,\"v\":null}]",
    "[{\"v\":1},7]",
    "8",
    "[{\"list\":1,\"day\":2}]",
];

/// Refused wherever they stand.
const NO_RECORDS: [&str; 5] =
    ["7", "[]", "{\"a\":1,\"a\":\"x\"}", "{\"a\":\"\\ud800\"}", "{\"b\":{\"a\":1,\"\\u0061\":2.5}}"];

fn record() -> impl Strategy<Value = String> {
    let value = || select(VALUES.as_slice());
    let field =
        (select(["a", "b", "c", "v", "day", "list_v"].as_slice()), value()).prop_map(|(key, value)| (key, value));
    let list = prop::option::weighted(0.9, select(LISTS.as_slice()));
    let record = (prop::collection::btree_map("[abc]", value(), 0..4), prop::option::weighted(0.3, field), list);
    let record = record.prop_map(|(mut all, more, list)| {
        all.extend(more.map(|(key, value)| (key.to_owned(), value)));
        let list = list.map(|list| ("list".to_owned(), list));
        let all: Vec<String> = all.into_iter().chain(list).map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", all.join(","))
    });
    prop_oneof![12 => record, 1 => select(NO_RECORDS.as_slice()).prop_map(str::to_owned)]
}

fn column() -> impl Strategy<Value = (String, T)> {
    let types = vec![
        T::Bool,
        T::Int8,
        T::Int64,
        T::Float64,
        T::String,
        T::Json,
        T::Date,
        decimal(38, 0),
        decimal(20, 4),
        timestamp(TimeUnit::Second, None),
        list(T::Int64),
        list(T::String),
        fields(&[("a", T::Int64)]),
        fields(&[("a", T::Json), ("b", T::String)]),
        list(fields(&[("a", T::Int64)])),
    ];
    (select(["a", "b", "c", "v", "list", "list_v", "list_a", "app", "gone"].as_slice()), select(types))
        .prop_map(|(name, column)| (name.to_owned(), column))
}

fn columns(most: usize) -> impl Strategy<Value = Vec<(String, T)>> {
    prop::collection::btree_map(column().prop_map(|(name, _)| name), column().prop_map(|(_, column)| column), 0..=most)
        .prop_map(|columns| columns.into_iter().collect())
}

/// Records of scalars with the same keys.
fn alike() -> impl Strategy<Value = Vec<String>> {
    const SCALARS: usize = 14;
    let scalar =
        || prop_oneof![30 => select(&VALUES[..SCALARS]), 1 => select([r#""\ud800""#, r#""a\n""#, "[2]"].as_slice())];
    let usual = prop::collection::btree_map("[abcdv]|day|app", scalar(), 1..4);
    let others = prop::collection::vec(prop::option::weighted(0.3, (0..4_usize, scalar())), 1..40);
    (usual, others).prop_map(|(usual, others)| {
        let keys: Vec<_> = usual.into_iter().collect();
        let one = |other: Option<(usize, &str)>| {
            let fields = keys.iter().enumerate().map(|(at, (key, value))| {
                let value = other.filter(|(place, _)| *place == at).map_or(*value, |(_, value)| value);
                format!("\"{key}\":{value}")
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        };
        others.into_iter().map(one).collect()
    })
}

/// Long stretches of one record or of records like each other, and changes between them.
fn leaf() -> impl Strategy<Value = Leaf> {
    let same = (record(), select([1, 1, 2, 5].as_slice())).prop_map(|(record, count)| many(&record, count));
    let stretch = prop_oneof![2 => same, 1 => alike()];
    let wrap =
        select([Wrap::Plain, Wrap::Plain, Wrap::Plain, Wrap::Plain, Wrap::Plain, Wrap::Escaped, Wrap::Long].as_slice());
    let added =
        select(vec![json!({}), json!({}), json!({ "app": "7" }), json!({ "a": 7 }), json!({ "app": 1.5, "day": "d" })]);
    (prop::collection::vec(stretch, 0..5), wrap, added).prop_map(|(stretches, wrap, added)| Leaf {
        records: stretches.concat(),
        wrap,
        added,
    })
}

fn given() -> impl Strategy<Value = Given> {
    let recorded = || prop::option::of(columns(3).prop_map(|columns| DatasetSchema { columns }));
    let declared = prop_oneof![2 => Just(Vec::new()), 1 => columns(2)];
    let leaves = prop::collection::vec(leaf(), 0..6);
    (leaves, any::<bool>(), declared, recorded(), prop::option::weighted(0.3, recorded())).prop_map(
        |(leaves, explode, declared, before, after)| {
            let after = after.unwrap_or_else(|| before.clone());
            Given { leaves, explode, declared, recorded: [before, after] }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn one_walk_gives_what_two_give(given in given()) {
        given.check();
    }
}

/// How many records were a sample, and what comes behind it.
#[test]
fn what_changes_behind_the_sample() {
    const BASE: &str = "{\"a\":1,\"b\":null,\"list\":[{\"v\":1}]}";
    // What comes, and whether it takes a second walk without and with `explode`.
    #[rustfmt::skip]
    let table = [
        (BASE, false, false),
        ("{\"a\":-9223372036854775808,\"list\":[]}", false, false),
        ("{\"a\":null,\"list\":null}", false, false),
        ("7", false, false),
        ("{\"a\":1,\"a\":2}", false, false),
        ("{\"a\":9223372036854775808,\"list\":[]}", true, true),
        ("{\"a\":1.5,\"list\":[]}", true, true),
        ("{\"a\":\"x\",\"list\":[]}", true, true),
        ("{\"a\":[],\"list\":[]}", true, true),
        ("{\"b\":1,\"list\":[]}", true, true),
        ("{\"new\":1,\"list\":[]}", true, true),
        ("{\"new\":null,\"list\":[]}", false, false),
        ("{\"list\":[{\"v\":1.5}]}", true, true),
        ("{\"list\":[{\"v\":null}]}", false, false),
        ("{\"list\":[{\"a\":null}]}", false, true),
        ("{\"v\":null,\"list\":[]}", false, true),
        ("{\"list\":8}", true, false),
    ];
    for (record, plainly, exploded) in table {
        for (explode, again) in [(false, plainly), (true, exploded)] {
            for before in [1_999, 2_000, 2_001] {
                let leaves = vec![plain(many(BASE, before)), plain(many(record, 2)), plain(many(BASE, 3))];
                // Two thousand records are looked at before anything is believed.
                let walks = Given { leaves, explode, ..Given::default() }.check();
                let sampled = before < 2_000;
                assert_eq!(walks, if again && !sampled { 2 } else { 1 }, "{record} behind {before}, {explode}");
            }
        }
    }
}

/// Full batches are handed out before the schema is known to be wrong.
#[test]
fn what_changes_behind_a_full_batch() {
    let items = vec!["{\"v\":1}"; 20].join(",");
    let base = format!("{{\"a\":1,\"list\":[{items}]}}");
    for (last, walks) in
        [(base.as_str(), 1), ("{\"a\":1.5,\"list\":[{\"v\":\"x\"}]}", 2), ("{\"a\":1,\"list\":[{\"v\":1},7]}", 1)]
    {
        let leaves = vec![plain(many(&base, 2_100)), plain(vec![last.to_owned()]), plain(many(&base, 1_200))];
        let given = Given { leaves, explode: true, ..Given::default() };
        assert_eq!(given.check(), walks, "{last}");
    }
}

/// What a column takes and refuses is the same, whether its values come one by one or together.
#[test]
fn each_value_for_a_column_of_each_type() {
    let types = [
        T::Bool,
        T::Int8,
        T::Int16,
        T::Int32,
        T::Int64,
        T::Float32,
        T::Float64,
        T::String,
        T::Json,
        T::Date,
        decimal(9, 2),
        decimal(38, 0),
        timestamp(TimeUnit::Second, None),
        timestamp(TimeUnit::Nanosecond, None),
        list(T::Int64),
        fields(&[("a", T::Int64)]),
    ];
    let more = ["\"2024-05-10 01:02:03\"", "\"7\"", "\"7.25\"", "\"true\"", "false", "\"\"", "1715299200", "\"a\\n\""];
    for column in types {
        for value in VALUES.iter().chain(&more) {
            let of = |value: &str| format!("{{\"a\":{value},\"b\":1}}");
            let records = [many(&of("null"), 3), vec![of(value)], many(&of("null"), 3), many(&of(value), 3)].concat();
            let (declared, recorded) = (vec![("a".to_owned(), column.clone())], Some(schema(&[("b", T::Int64)])));
            let recorded = [recorded.clone(), recorded];
            let given = Given { leaves: vec![plain(records)], declared, recorded, ..Given::default() };
            assert!(given.check() <= 2, "{column} {value}");
        }
    }
}

/// Batches end where they do when records are read one by one: by their rows and by their text.
#[test]
fn batches_end_inside_of_what_is_read_together() {
    let short = |count: usize| plain((0..count).map(|number| format!("{{\"a\":{number},\"b\":\"x\"}}")).collect());
    let given = Given { leaves: vec![short(3_000), short(33_000), short(40_000)], ..Given::default() };
    assert_eq!(given.check(), 1);
    let long = format!("{{\"a\":1,\"b\":\"{}\"}}", "x".repeat(700 << 10));
    let given = Given { leaves: vec![short(3_000), plain(many(&long, 100)), short(10)], ..Given::default() };
    assert_eq!(given.check(), 1);
}

/// More records than are kept as samples do not fit.
#[test]
fn all_rejects_are_counted() {
    let leaves =
        vec![plain(many("{\"a\":300}", 1_500)), plain(many("{\"a\":1}", 900)), plain(many("{\"a\":\"x\"}", 10))];
    let declared = vec![("a".to_owned(), T::Int8)];
    let given = Given { leaves, declared, ..Given::default() };
    assert_eq!(given.check(), 1);
    assert_eq!((given.passed(true).1.rejected, given.passed(true).1.samples.len()), (1_510, 1_000));
}

/// Another partition widened the schema of the dataset while this one was made.
#[test]
fn the_dataset_has_another_schema_at_the_end() {
    let of = |columns: &[(&str, T)]| Some(schema(columns));
    let table = [
        (None, None, 1),
        (None, of(&[("a", T::Int64)]), 1),
        (of(&[("a", T::Int64)]), of(&[("a", T::Int64)]), 1),
        (of(&[("a", T::Int64)]), of(&[("a", T::Float64)]), 2),
        (of(&[("a", T::Int64)]), of(&[("a", T::Int64), ("b", T::String)]), 2),
        (of(&[("a", T::Int64), ("b", T::String)]), of(&[("b", T::String), ("a", T::Int64)]), 2),
        // It was believed at the beginning that there are no columns.
        (of(&[]), of(&[("a", T::Int64)]), 2),
        (of(&[("a", T::Date)]), None, 2),
    ];
    for (before, after, walks) in table {
        let leaves = vec![plain(many("{\"a\":1}", 3)), plain(many("{\"a\":2}", 3))];
        let given = Given { leaves, recorded: [before, after], ..Given::default() };
        assert_eq!(given.check(), walks, "{:?}", given.recorded);
    }
}
