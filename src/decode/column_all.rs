//! Many values for one column at once: what it is made of is asked once for all of them.
//!
//! Invariant: what is appended is what [`Column::append`] would append; where that refuses a value this does too.

use arrow::array::NullBufferBuilder;

use super::column::{Cells, Column, numeric, timestamp};
use super::number;
use super::reject::Reject;
use super::time::date;
use crate::json::Kind;

impl Column {
    /// Appends scalars, each with its JSON text; false at the first that does not fit. The caller truncates then, and appends
    /// them one by one to learn why.
    pub(super) fn append_all<'a>(&mut self, mut scalars: impl Iterator<Item = (Kind, &'a str)>) -> bool {
        let Self { valid, cells } = self;
        match cells {
            Cells::Bool(values) => scalars.all(|(kind, _)| {
                let flag = match kind {
                    Kind::Bool(flag) => Some(flag),
                    Kind::Null => None,
                    _ => return false,
                };
                values.append(flag.unwrap_or_default());
                valid.append(flag.is_some());
                true
            }),
            Cells::Int64(values) => {
                each(valid, values, scalars, |kind, raw| numeric(kind, raw, |text| number::integer(text, "int64")))
            }
            Cells::Float64(values) => each(valid, values, scalars, |kind, raw| numeric(kind, raw, number::float64)),
            Cells::Decimal { precision, scale, values } => {
                let read = |text: &str| number::decimal(text, *precision, *scale);
                each(valid, values, scalars, |kind, raw| numeric(kind, raw, read))
            }
            Cells::Timestamp { reader, values, .. } => {
                each(valid, values, scalars, |kind, raw| timestamp(kind, raw, reader))
            }
            Cells::Date(values) => each(valid, values, scalars, |kind, raw| match kind.text(raw) {
                Some(text) => date(&text).map_err(Reject::new),
                None => Err(Reject::new("no string")),
            }),
            Cells::Text(text) => scalars.all(|(kind, raw)| {
                let is_null = kind == Kind::Null;
                if !is_null && !matches!(kind, Kind::Text | Kind::Escaped) {
                    return false;
                }
                valid.append(!is_null);
                text.push(|out| kind.push_text(raw, out)).is_ok()
            }),
            Cells::Int8(_) | Cells::Int16(_) | Cells::Int32(_) | Cells::Float32(_) => self.append_each(scalars),
            Cells::Json(_) | Cells::List { .. } | Cells::Struct { .. } => self.append_each(scalars),
        }
    }

    fn append_each<'a>(&mut self, mut scalars: impl Iterator<Item = (Kind, &'a str)>) -> bool {
        scalars.all(|(kind, raw)| self.append_scalar(kind, raw).is_ok())
    }
}

/// Appends what `read` makes of scalars, null as null; false at the first that it refuses.
#[inline]
fn each<'a, T: Default>(
    valid: &mut NullBufferBuilder,
    values: &mut Vec<T>,
    mut scalars: impl Iterator<Item = (Kind, &'a str)>,
    read: impl Fn(Kind, &str) -> Result<T, Reject>,
) -> bool {
    scalars.all(|(kind, raw)| {
        let value = match kind {
            Kind::Null => None,
            // No number is read out of it.
            Kind::Bool(_) => return false,
            kind => match read(kind, raw) {
                Ok(value) => Some(value),
                Err(_) => return false,
            },
        };
        valid.append(value.is_some());
        values.push(value.unwrap_or_default());
        true
    })
}
