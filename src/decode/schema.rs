//! The columns of a dataset, in order; kept in the ledger and in the footer of every file as one line of JSON.
//!
//! The JSON form is its own and not the spelling of job files, because names inside a struct come from providers and
//! may hold any character. Column names are kept exactly as they came, also when two differ only in case.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit as ArrowUnit};
use serde_json::{Value, json};

use crate::job::{ColumnType, TimeUnit};

/// The columns of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatasetSchema {
    /// Name and type, in the order of the file.
    pub columns: Vec<(String, ColumnType)>,
}

/// A recorded schema that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no recorded schema")]
pub struct SchemaError {
    text: String,
}

impl DatasetSchema {
    /// The type of the column `name`.
    pub fn get(&self, name: &str) -> Option<&ColumnType> {
        find(&self.columns, name)
    }

    /// One line of JSON: `[["rank","int64"],["amount",{"decimal":[20,4]}]]`.
    pub fn to_text(&self) -> String {
        columns_to_json(&self.columns).to_string()
    }

    /// Reads what [`Self::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self, SchemaError> {
        let columns = serde_json::from_str(text).ok().and_then(|value| columns_from_json(&value));
        columns.map(|columns| Self { columns }).ok_or_else(|| SchemaError { text: text.to_owned() })
    }

    /// The Arrow schema: every column may be null; a timestamp with a zone is stored in UTC.
    pub fn to_arrow(&self) -> SchemaRef {
        Arc::new(Schema::new(fields_to_arrow(&self.columns)))
    }

    /// Pairs of names that are equal but for their case; DuckDB shows the second of a pair as `name_1`.
    pub fn case_twins(&self) -> Vec<(String, String)> {
        let mut twins = Vec::new();
        for (index, (second, _)) in self.columns.iter().enumerate() {
            let folded = second.to_lowercase();
            if let Some((first, _)) = self.columns[..index].iter().find(|(name, _)| name.to_lowercase() == folded) {
                twins.push((first.clone(), second.clone()));
            }
        }
        twins
    }
}

pub(super) fn find<'a>(columns: &'a [(String, ColumnType)], name: &str) -> Option<&'a ColumnType> {
    columns.iter().find(|(known, _)| known == name).map(|(_, column)| column)
}

pub(super) fn fields_to_arrow(columns: &[(String, ColumnType)]) -> Fields {
    columns.iter().map(|(name, column)| Field::new(name, to_arrow(column), true)).collect()
}

/// The field of list items has the name Parquet prescribes.
pub(super) fn item_to_arrow(item: &ColumnType) -> Field {
    Field::new("element", to_arrow(item), true)
}

fn to_arrow(column: &ColumnType) -> DataType {
    match column {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int8 => DataType::Int8,
        ColumnType::Int16 => DataType::Int16,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, scale.cast_signed()),
        ColumnType::String | ColumnType::Json => DataType::Utf8,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp { unit, zone } => {
            DataType::Timestamp(unit_to_arrow(*unit), zone.as_ref().map(|_| "UTC".into()))
        }
        ColumnType::List(item) => DataType::List(Arc::new(item_to_arrow(item))),
        ColumnType::Struct(fields) => DataType::Struct(fields_to_arrow(fields)),
    }
}

fn unit_to_arrow(unit: TimeUnit) -> ArrowUnit {
    match unit {
        TimeUnit::Second => ArrowUnit::Second,
        TimeUnit::Millisecond => ArrowUnit::Millisecond,
        TimeUnit::Microsecond => ArrowUnit::Microsecond,
        TimeUnit::Nanosecond => ArrowUnit::Nanosecond,
    }
}

const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

const PLAIN: [(&str, ColumnType); 10] = [
    ("bool", ColumnType::Bool),
    ("int8", ColumnType::Int8),
    ("int16", ColumnType::Int16),
    ("int32", ColumnType::Int32),
    ("int64", ColumnType::Int64),
    ("float32", ColumnType::Float32),
    ("float64", ColumnType::Float64),
    ("string", ColumnType::String),
    ("date", ColumnType::Date),
    ("json", ColumnType::Json),
];

fn columns_to_json(columns: &[(String, ColumnType)]) -> Value {
    columns.iter().map(|(name, column)| json!([name, type_to_json(column)])).collect()
}

fn type_to_json(column: &ColumnType) -> Value {
    match column {
        ColumnType::Decimal { precision, scale } => json!({ "decimal": [precision, scale] }),
        ColumnType::Timestamp { unit, zone } => {
            let unit = UNITS.iter().find(|(_, known)| known == unit).map(|(name, _)| *name);
            json!({ "timestamp": [unit, zone] })
        }
        ColumnType::List(item) => json!({ "list": type_to_json(item) }),
        ColumnType::Struct(fields) => json!({ "struct": columns_to_json(fields) }),
        plain => PLAIN.iter().find(|(_, known)| known == plain).map_or(Value::Null, |(name, _)| json!(name)),
    }
}

fn columns_from_json(value: &Value) -> Option<Vec<(String, ColumnType)>> {
    let column = |pair: &Value| match pair.as_array()?.as_slice() {
        [name, column] => Some((name.as_str()?.to_owned(), type_from_json(column)?)),
        _ => None,
    };
    value.as_array()?.iter().map(column).collect()
}

fn type_from_json(value: &Value) -> Option<ColumnType> {
    if let Some(name) = value.as_str() {
        return PLAIN.iter().find(|(known, _)| *known == name).map(|(_, column)| column.clone());
    }
    let object = value.as_object()?;
    let (kind, value) = object.iter().next().filter(|_| object.len() == 1)?;
    match kind.as_str() {
        "decimal" => {
            let digits = |index: usize| u8::try_from(value.get(index)?.as_u64()?).ok();
            let (precision, scale) = (digits(0)?, digits(1)?);
            ((1..=38).contains(&precision) && scale <= precision).then_some(ColumnType::Decimal { precision, scale })
        }
        "timestamp" => {
            let unit = value.get(0)?.as_str()?;
            let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, unit)| *unit)?;
            Some(ColumnType::Timestamp { unit, zone: value.get(1)?.as_str().map(str::to_owned) })
        }
        "list" => Some(ColumnType::List(Box::new(type_from_json(value)?))),
        "struct" => Some(ColumnType::Struct(columns_from_json(value)?)),
        _ => None,
    }
}
