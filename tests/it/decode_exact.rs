//! Properties of decoding: whatever JSON comes, what is read back from the file is what the text says.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use tidemill::decode::{DatasetSchema, Decoder, Projection};
use tidemill::job::ColumnType as T;
use tidemill::sink::{Lineage, ParquetFile};

use crate::decode::{fields, inferred, list, push, schema, shown};

/// Any JSON value as text; numbers of all shapes, so that none can hide behind a float.
fn json_text() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        "-?[1-9][0-9]{0,44}",
        any::<f64>().prop_filter("JSON has no such number", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        (-1000..1000, 0..1000).prop_map(|(a, b)| format!("{a}.{b:03}")),
    ];
    let text = any::<String>().prop_map(|text| Value::from(text).to_string());
    let leaf = prop_oneof![Just("null".to_owned()), any::<bool>().prop_map(|flag| flag.to_string()), number, text];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let lists = prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", ")));
        let objects = prop::collection::btree_map("[ab]", inner, 0..3).prop_map(|fields| object_text(&fields));
        prop_oneof![lists, objects]
    })
}

fn object_text(fields: &BTreeMap<String, String>) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(key, value)| format!("{} : {value}", Value::from(key.as_str()))).collect();
    format!("{{{}}}", fields.join(","))
}

/// Whether the stored value is what the JSON text says; `None` is a value that is not there.
fn same(array: &ArrayRef, row: usize, column: &T, text: Option<&str>) -> bool {
    let text = text.filter(|text| *text != "null");
    let Some(text) = text else { return array.is_null(row) };
    if array.is_null(row) {
        return false;
    }
    match column {
        T::Bool => array.as_boolean().value(row).to_string() == text,
        T::Int64 => array.as_primitive::<Int64Type>().value(row) == text.parse::<i64>().unwrap(),
        T::Decimal { .. } => shown(array, row) == text,
        T::Float64 => {
            let stored = array.as_primitive::<Float64Type>().value(row);
            stored.to_bits() == text.parse::<f64>().unwrap().to_bits()
        }
        T::String => array.as_string::<i32>().value(row) == serde_json::from_str::<String>(text).unwrap(),
        T::Json => array.as_string::<i32>().value(row) == text,
        T::List(item) => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            let stored = array.as_list::<i32>().value(row);
            stored.len() == items.len()
                && items.iter().enumerate().all(|(at, text)| same(&stored, at, item, Some(text.get())))
        }
        T::Struct(fields) => {
            let text: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
            let stored = array.as_struct();
            fields
                .iter()
                .enumerate()
                .all(|(at, (name, column))| same(stored.column(at), row, column, text.get(name).map(|text| text.get())))
                && text.iter().all(|(name, text)| text.get() == "null" || fields.iter().any(|(known, _)| known == name))
        }
        _ => panic!("never inferred: {column:?}"),
    }
}

fn written(schema: &DatasetSchema, batch: &RecordBatch) -> Vec<RecordBatch> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.parquet");
    let mut file = ParquetFile::create(&path, &RecordBatch::new_empty(schema.to_arrow())).unwrap();
    file.write(batch).unwrap();
    file.finish(&Lineage::default()).unwrap();
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.build().unwrap().collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_inferred_is_read_back_exactly(
        records in prop::collection::vec(prop::collection::btree_map("[a-d]|排名", json_text(), 0..5), 1..6),
    ) {
        let texts: Vec<String> = records.iter().map(object_text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = inferred(&texts, &[], None);
        let mut decoder = Decoder::new(&found.schema, found.projection).unwrap();
        for text in &texts {
            prop_assert_eq!(push(&mut decoder, text), Ok(1));
        }
        let batch = decoder.flush().unwrap().unwrap();
        if found.schema.columns.is_empty() {
            prop_assert!(records.iter().flatten().all(|(_, text)| text == "null"));
            return Ok(());
        }
        let read = written(&found.schema, &batch);
        prop_assert_eq!(read.len(), 1);
        for (row, record) in records.iter().enumerate() {
            for (at, (name, column)) in found.schema.columns.iter().enumerate() {
                let text = record.get(name).map(String::as_str);
                prop_assert!(same(read[0].column(at), row, column, text), "{name} of row {row}: {text:?} as {column:?}");
            }
            for (name, text) in record {
                prop_assert!(text == "null" || found.schema.get(name).is_some());
            }
        }
    }

    #[test]
    fn rejects_never_change_what_others_become(
        values in prop::collection::vec((json_text(), json_text()), 1..20),
    ) {
        let declared = schema(&[("a", list(T::Int64)), ("b", T::String), ("c", fields(&[("a", T::Int64), ("b", T::Json)]))]);
        let mut all = Decoder::new(&declared, Projection::default()).unwrap();
        let mut good = Decoder::new(&declared, Projection::default()).unwrap();
        for (first, second) in &values {
            for record in [
                format!("{{\"a\":[1,2],\"b\":\"x\",\"c\":{{\"a\":1,\"b\":{first}}}}}"),
                format!("{{\"a\":[1,{first}],\"c\":{{\"b\":{first},\"a\":{second}}},\"b\":{second}}}"),
            ] {
                if push(&mut all, &record).is_ok() {
                    push(&mut good, &record).unwrap();
                }
            }
        }
        prop_assert_eq!(all.flush().unwrap(), good.flush().unwrap());
    }
}
