//! Pages into batches: rejected records, exploded series, added values.

use std::convert::Infallible;

use serde_json::{Map, Value, json};
use tidemill::decode::{
    Added, Built, DatasetSchema, Inference, Inferred, PageIn, PartitionError, Pass, Passed, Projection, Reading,
    RecordBatch, RecordsAt,
};
use tidemill::job::{ColumnType as T, Pointer};
use tidemill::json::Tape;

use super::{fields, list, schema, shown};

fn page(cell: &str, number: u32, body: &str, added: Value) -> PageIn {
    let Value::Object(added) = added else { panic!("added is a map") };
    PageIn { cell: cell.into(), page: number, body: body.to_owned().into(), outline: None, added }
}

fn reading(path: &str, projection: Projection, declared: &[(&str, T)]) -> Reading {
    let at = RecordsAt { path: Pointer::parse(path), shape: None };
    Reading { at, projection, declared: schema(declared).columns }
}

/// One walk.
fn walk(
    mut pass: Pass,
    pages: &[PageIn],
    recorded: Option<&DatasetSchema>,
) -> Result<(Passed, Vec<RecordBatch>), PartitionError<Infallible>> {
    let mut batches = Vec::new();
    let mut each = |batch| {
        batches.push(batch);
        Ok(())
    };
    for page in pages {
        pass.page(page.clone(), &mut each)?;
    }
    let passed = pass.finish(recorded, &mut each)?;
    Ok((passed, batches))
}

/// As many walks as are needed.
fn decode(pages: &[PageIn], projection: Projection, declared: &[(&str, T)]) -> (Inferred, Vec<RecordBatch>, Built) {
    let reading = reading("/data", projection, declared);
    match walk(Pass::new(reading, None), pages, None).unwrap() {
        (Passed::Whole(inferred, built), batches) => (inferred, batches, built),
        (Passed::Again(_), _) => panic!("the sample is all there is"),
    }
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
    let samples: Vec<_> = built.samples.iter().map(|s| (&*s.cell, s.page, s.index, s.path.as_str())).collect();
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
    let run = |body: &str| {
        let pass = Pass::new(reading("/data/list", Projection::default(), &[]), None);
        walk(pass, &[page("c", 3, body, json!({}))], None).map(|(passed, _)| passed)
    };
    assert!(matches!(run("{\"data\":{\"list\":3}}"), Err(PartitionError::Page { page: 3, .. })));
    assert!(matches!(run("{\"data\":"), Err(PartitionError::Page { .. })));
    assert!(matches!(run("{\"data\":{}}"), Err(PartitionError::Missing { .. })));
    assert!(matches!(run("{\"data\":null}"), Ok(Passed::Whole(found, _)) if found.schema.columns.is_empty()));
}

#[test]
fn a_map_of_added_values_keeps_json_types() {
    let mut values = Map::new();
    values.insert("n".to_owned(), json!(7));
    values.insert("s".to_owned(), json!("7"));
    let mut inference = Inference::new(Projection::default());
    inference.observe(Tape::default().fill("{}").unwrap(), &Added::new(&values).unwrap()).unwrap();
    assert_eq!(inference.finish(&[], None).schema, schema(&[("n", T::Int64), ("s", T::String)]));
}
