//! Rows as text, for people who look at them.

use arrow::array::{ArrayData, RecordBatch, make_array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The first `most` rows of a batch, column by column; nothing where a value is null.
///
/// # Errors
/// When a value cannot be written, which is a bug.
pub fn rows_as_text(batch: &RecordBatch, most: usize) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows().min(most)];
    for column in batch.columns() {
        let column = make_array(by_offset(column.to_data())?);
        let options = FormatOptions::default().with_display_error(false);
        let formatter = ArrayFormatter::try_new(&column, &options)?;
        for (at, row) in rows.iter_mut().enumerate() {
            row.push(column.is_valid(at).then(|| formatter.value(at).try_to_string()).transpose()?);
        }
    }
    Ok(rows)
}

/// The same instants with their zone, which is always UTC, as an offset: Arrow writes no other without tables of zones.
fn by_offset(data: ArrayData) -> Result<ArrayData, ArrowError> {
    let children = data.child_data().iter().cloned().map(by_offset).collect::<Result<_, _>>()?;
    let kind = type_by_offset(data.data_type());
    data.into_builder().data_type(kind).child_data(children).build()
}

fn type_by_offset(kind: &DataType) -> DataType {
    let field = |field: &arrow::datatypes::FieldRef| {
        let kind = type_by_offset(field.data_type());
        std::sync::Arc::new(arrow::datatypes::Field::clone(field).with_data_type(kind))
    };
    match kind {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(item) => DataType::List(field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Added, Decoder, Projection};
    use super::*;
    use crate::decode::DatasetSchema;
    use crate::job::ColumnType;
    use crate::json::Document;

    #[test]
    fn values_as_people_read_them() {
        let columns = [
            ("at", "timestamp(ms, Asia/Shanghai)"),
            ("wall", "timestamp(s)"),
            ("day", "date"),
            ("price", "decimal(10,2)"),
            ("times", "list<timestamp(s, UTC)>"),
            ("in", "struct<a: int64, t: timestamp(s, UTC)>"),
            ("none", "string"),
        ];
        let columns = columns.map(|(name, kind)| (name.to_owned(), ColumnType::parse(kind).unwrap())).to_vec();
        let mut decoder = Decoder::new(&DatasetSchema { columns }, Projection::default()).unwrap();
        let record = r#"{"at":"2026-01-31 08:00:00","wall":"2026-01-31T08:00:00","day":"2026-01-31","price":"1.5",
            "times":["2026-01-31T00:00:00Z"],"in":{"a":1,"t":"2026-01-31T00:00:00Z"},"none":null}"#;
        let document = Document::read(record.as_bytes(), 9).unwrap();
        let nothing = serde_json::Map::new();
        let added = Added::new(&nothing).unwrap();
        decoder.push(document.root(), &added).unwrap();
        let batch = decoder.flush().unwrap().unwrap();
        let row: Vec<Option<String>> = rows_as_text(&batch, 9).unwrap().remove(0);
        let row: Vec<&str> = row.iter().map(|text| text.as_deref().unwrap_or("-")).collect();
        assert_eq!(
            row,
            [
                "2026-01-31T00:00:00Z",
                "2026-01-31T08:00:00",
                "2026-01-31",
                "1.50",
                "[2026-01-31T00:00:00Z]",
                "{a: 1, t: 2026-01-31T00:00:00Z}",
                "-"
            ]
        );
        assert!(rows_as_text(&batch, 0).unwrap().is_empty());
    }
}
