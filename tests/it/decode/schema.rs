//! Which columns the records ask for, how they widen, and how a schema is written down.

use arrow::datatypes::{DataType, TimeUnit as ArrowUnit};
use tidemill::decode::{DatasetSchema, Decoder, Projection, widen};
use tidemill::job::{ColumnType as T, TimeUnit};

use super::{decimal, fields, inferred, list, schema, timestamp};

#[test]
fn columns_are_inferred_from_all_records() {
    #[rustfmt::skip]
    let table: &[(&[&str], Option<T>)] = &[
        (&["true", "null"], Some(T::Bool)),
        (&["1", "-9223372036854775808"], Some(T::Int64)),
        (&["1", "9223372036854775808"], Some(decimal(38, 0))),
        (&["1", "123456789012345678901234567890123456789"], Some(T::Json)),
        (&["1", "1.5"], Some(T::Float64)),
        (&["18446744073709551615", "1e3"], Some(T::Float64)),
        (&["\"1\"", "\"2024-05-10\""], Some(T::String)),
        (&["1", "\"1\""], Some(T::Json)),
        (&["true", "0"], Some(T::Json)),
        (&["null", "null"], None),
        (&["[]", "[]"], Some(T::Json)),
        (&["{}"], Some(T::Json)),
        (&["{\"a\":null}"], Some(T::Json)),
        (&["[null]"], Some(T::Json)),
        (&["[]", "[1]", "[null,2.5]"], Some(list(T::Float64))),
        (&["[1]", "{}"], Some(T::Json)),
        (&["{\"a\":1}", "{\"b\":\"x\",\"a\":2}"], Some(fields(&[("a", T::Int64), ("b", T::String)]))),
        (&["[{\"a\":[]}]", "[{\"a\":[1]}]"], Some(list(fields(&[("a", list(T::Int64))])))),
    ];
    for (values, expected) in table {
        let records: Vec<String> = values.iter().map(|value| format!("{{\"v\":{value}}}")).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let found = inferred(&records, &[], None);
        assert_eq!(found.schema.get("v"), expected.as_ref(), "{values:?}");
        assert_eq!(found.untyped.is_empty(), expected.is_some(), "{values:?}");
    }
}

#[test]
fn a_float_that_cannot_keep_every_digit_is_named() {
    let table = [
        (vec!["0.1", "1234567.123456789"], false),
        (vec!["0.1234567890123456789"], true),
        (vec!["1.50000000000000000000000"], false),
        (vec!["9007199254740993"], false),
        (vec!["9007199254740993", "0.5"], true),
        (vec!["9007199254740992", "0.5"], false),
        (vec!["[1.5, 0.1234567890123456789]"], true),
        (vec!["{\"a\": 0.1234567890123456789}"], true),
    ];
    for (values, expected) in table {
        let records: Vec<String> = values.iter().map(|value| format!("{{\"v\":{value}}}")).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let named = if expected { vec!["v".to_owned()] } else { Vec::new() };
        assert_eq!(inferred(&records, &[], None).rounded, named, "{values:?}");
        assert!(inferred(&records, &[("v", T::Json)], None).rounded.is_empty(), "declared");
    }
}

#[test]
fn recorded_columns_stay_first_and_only_widen() {
    let recorded =
        schema(&[("gone", T::String), ("n", T::Int64), ("day", T::Date), ("l", list(T::Int64)), ("x", T::Bool)]);
    let found = inferred(
        &["{\"new\":1,\"n\":1.5,\"day\":\"2024-05-10\",\"l\":[],\"x\":\"y\"}"],
        &[("late", T::Int8)],
        Some(&recorded),
    );
    let expected = schema(&[
        ("gone", T::String),
        ("n", T::Float64),
        ("day", T::Date),
        ("l", list(T::Int64)),
        ("x", T::Json),
        ("new", T::Int64),
        ("late", T::Int8),
    ]);
    assert_eq!(found.schema, expected);
    let changes: Vec<_> =
        found.changes.iter().map(|c| (c.column.as_str(), c.from.is_some(), c.older_readable)).collect();
    assert_eq!(changes, [("n", true, true), ("x", true, false), ("new", false, true), ("late", false, true)]);
    let narrowed = inferred(&["{\"n\":1}"], &[("n", T::Int8)], Some(&schema(&[("n", T::Int64)])));
    assert!(!narrowed.changes[0].older_readable);
}

#[test]
fn widening() {
    let table = [
        (T::Int64, decimal(38, 0), decimal(38, 0), true),
        (decimal(38, 0), T::Int64, decimal(38, 0), true),
        (T::Int64, T::Float64, T::Float64, true),
        (T::Float64, T::Int64, T::Float64, true),
        (decimal(20, 4), T::Float64, decimal(20, 4), true),
        (T::Date, T::String, T::Date, true),
        (T::Date, T::Int64, T::Json, false),
        (T::String, T::Int64, T::Json, false),
        (T::Json, T::Int64, T::Json, true),
        (list(T::Int64), list(T::String), list(T::Json), false),
        (fields(&[("a", T::Int64)]), fields(&[("b", T::Bool)]), fields(&[("a", T::Int64), ("b", T::Bool)]), true),
    ];
    for (old, new, expected, readable) in table {
        let widened = widen(&old, &new);
        assert_eq!((widened.column, widened.older_readable), (expected, readable), "{old:?} + {new:?}");
    }
}

#[test]
fn a_schema_survives_its_text() {
    let all = schema(&[
        ("a: b, >", fields(&[("x<,", list(T::Json))])),
        ("t", timestamp(TimeUnit::Nanosecond, Some("Asia/Shanghai"))),
        ("u", timestamp(TimeUnit::Second, None)),
        ("d", decimal(20, 4)),
        ("Name", T::Bool),
        ("name", T::Int8),
        ("i", T::Int16),
        ("j", T::Int32),
        ("k", T::Float32),
        ("e", T::Date),
    ]);
    assert_eq!(DatasetSchema::from_text(&all.to_text()).unwrap(), all);
    assert_eq!(schema(&[("d", decimal(20, 4))]).to_text(), r#"[["d",{"decimal":[20,4]}]]"#);
    assert!(DatasetSchema::from_text("[[\"a\",\"uint8\"]]").is_err());
    assert_eq!(all.case_twins(), [("Name".to_owned(), "name".to_owned())]);
}

#[test]
fn zones_are_stored_in_utc() {
    let arrow = schema(&[("t", timestamp(TimeUnit::Millisecond, Some("Asia/Shanghai")))]).to_arrow();
    assert_eq!(*arrow.field(0).data_type(), DataType::Timestamp(ArrowUnit::Millisecond, Some("UTC".into())));
    let unknown = schema(&[("t", timestamp(TimeUnit::Second, Some("Mars/Base")))]);
    let error = Decoder::new(&unknown, Projection::default()).unwrap_err().to_string();
    assert!(error.starts_with("column `t`: unknown time zone `Mars/Base`"), "{error}");
}
