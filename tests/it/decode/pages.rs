//! Pages into batches: rejected records, exploded series, added values.

use std::convert::Infallible;

use arrow::array::RecordBatch;
use serde_json::{Map, Value, json};
use tidemill::decode::{Added, Inference, Inferred, PageIn, PartitionError, Projection, RecordsAt, build, infer};
use tidemill::job::{ColumnType as T, Pointer};

use super::{fields, list, raw, schema, shown};

fn page(cell: &str, number: u32, body: &str, added: Value) -> Result<PageIn, Infallible> {
    let Value::Object(added) = added else { panic!("added is a map") };
    Ok(PageIn { cell: cell.to_owned(), page: number, body: body.to_owned().into(), added })
}

fn decode(
    pages: &[Result<PageIn, Infallible>],
    projection: Projection,
    declared: &[(&str, T)],
) -> (Inferred, Vec<RecordBatch>, tidemill::decode::Built) {
    let at = RecordsAt { path: Pointer::parse("/data"), shape: None };
    let found = infer(pages.to_vec(), &at, projection, &schema(declared).columns, None).unwrap();
    let mut batches = Vec::new();
    let built = build(pages.to_vec(), &at, &found, |batch| {
        batches.push(batch);
        Ok(())
    });
    (found, batches, built.unwrap())
}

fn table(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let rows = |batch: &RecordBatch| {
        (0..batch.num_rows()).map(|row| batch.columns().iter().map(|array| shown(array, row)).collect()).collect()
    };
    batches.iter().flat_map(|batch| -> Vec<Vec<String>> { rows(batch) }).collect()
}

#[test]
fn a_rejected_record_leaves_all_columns_aligned() {
    let body = r#"{"data":[
        {"a":"x","l":[{"q":[1,2]}],"n":1,"z":"p"},
        {"a":"y","l":[{"q":[3,4]},{"q":[5,"bad"]}],"n":2,"z":"q"},
        {"a":"z","l":[{"q":[6]}],"n":2.5,"z":"r"},
        {"a":"w","l":[],"n":3,"z":"s"}]}"#;
    let declared = [("l", list(fields(&[("q", list(T::Int64))]))), ("n", T::Int64)];
    let (_, batches, built) = decode(&[page("c", 7, body, json!({}))], Projection::default(), &declared);
    assert_eq!(table(&batches), [["x", "[{q: [1, 2]}]", "1", "p"], ["w", "[]", "3", "s"]]);
    assert_eq!((built.records, built.rows, built.rejected), (4, 2, 2));
    let samples: Vec<_> = built.samples.iter().map(|s| (s.cell.as_str(), s.page, s.index, s.path.as_str())).collect();
    assert_eq!(samples, [("c", 7, 1, "/l/1/q/1"), ("c", 7, 2, "/n")]);
}

#[test]
fn explode_add_and_skip() {
    let body = r#"{"data":[
        {"id":1,"day":"d","name":"p","data":[{"name":"c1","v":1},{"v":2}]},
        {"id":2,"name":null,"data":[]},
        {"id":3,"data":null},
        {"id":4,"data":{"name":1}},
        {"id":5},
        {"id":6,"data":[{"v":1},7]}]}"#;
    let projection =
        Projection { explode: Some("data".to_owned()), skip: vec!["day".to_owned()], ..Projection::default() };
    let pages = [page("c", 0, body, json!({ "app": "7", "day": "never" }))];
    let (found, batches, built) = decode(&pages, projection, &[]);
    let names: Vec<_> = found.schema.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["id", "name", "data_name", "v", "app"]);
    assert_eq!(table(&batches), [["1", "p", "c1", "1", "7"], ["1", "p", "null", "2", "7"]]);
    let samples: Vec<_> = built.samples.iter().map(|s| (s.path.as_str(), s.reason.as_str())).collect();
    let expected = [
        ("/data", "expected a list of objects to explode, found an object"),
        ("/data", "the field to explode is missing"),
        ("/data/1", "expected an object, found a number"),
    ];
    assert_eq!(samples, expected);
}

#[test]
fn an_added_value_replaces_a_field_and_stands_last() {
    let body = r#"{"data":[{"id":"theirs","v":true}]}"#;
    let (found, batches, _) = decode(&[page("c", 0, body, json!({ "id": "ours" }))], Projection::default(), &[]);
    assert_eq!(found.schema, schema(&[("v", T::Bool), ("id", T::String)]));
    assert_eq!(table(&batches), [["true", "ours"]]);
}

#[test]
fn a_page_that_cannot_be_read_stops_the_partition() {
    let at = RecordsAt { path: Pointer::parse("/data/list"), shape: None };
    let run = |body: &str| infer([page("c", 3, body, json!({}))], &at, Projection::default(), &[], None);
    assert!(matches!(run("{\"data\":{\"list\":3}}"), Err(PartitionError::Page { page: 3, .. })));
    assert!(matches!(run("{\"data\":"), Err(PartitionError::Page { .. })));
    assert!(matches!(run("{\"data\":{}}"), Err(PartitionError::Missing { .. })));
    assert!(run("{\"data\":null}").unwrap().schema.columns.is_empty());
}

#[test]
fn a_map_of_added_values_keeps_json_types() {
    let mut values = Map::new();
    values.insert("n".to_owned(), json!(7));
    values.insert("s".to_owned(), json!("7"));
    let mut inference = Inference::new(Projection::default());
    inference.observe(&raw("{}"), &Added::new(&values)).unwrap();
    assert_eq!(inference.finish(&[], None).schema, schema(&[("n", T::Int64), ("s", T::String)]));
}
