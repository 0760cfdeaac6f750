//! How the type of a column grows when later partitions need more room; it never shrinks.

use super::schema::find;
use crate::job::ColumnType;

/// The type that holds both, and what it means for files already written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widened {
    /// The new type of the column.
    pub column: ColumnType,
    /// False when a reader cannot take the values of older files as the new type: they are to be replayed.
    pub older_readable: bool,
}

/// Widens the `recorded` type of a column so that it also holds what inference `found`.
///
/// Types that inference never makes (dates, timestamps, small integers, float32, decimals with a scale) were declared
/// once; they stay as they are while the JSON kind still fits, and a value that does not fit is rejected on its own.
pub fn widen(recorded: &ColumnType, found: &ColumnType) -> Widened {
    use ColumnType as T;
    let readable = |column: ColumnType| Widened { column, older_readable: true };
    let number = |column: &ColumnType| matches!(column, T::Int64 | T::Float64 | T::Decimal { .. });
    match (recorded, found) {
        (old, new) if old == new => readable(old.clone()),
        (T::Json, _) => readable(T::Json),
        (T::Date | T::Timestamp { .. }, T::String) | (T::Timestamp { .. }, T::Int64) => readable(recorded.clone()),
        (T::Int8 | T::Int16 | T::Int32 | T::Float32, new) if number(new) => readable(recorded.clone()),
        (T::Decimal { scale: 1.., .. }, new) if number(new) => readable(recorded.clone()),
        (T::Int64, T::Decimal { .. }) => readable(found.clone()),
        (T::Decimal { .. }, T::Int64) => readable(recorded.clone()),
        (T::Int64 | T::Decimal { .. }, T::Float64) => readable(T::Float64),
        (T::Float64, new) if number(new) => readable(T::Float64),
        (T::List(old), T::List(new)) => {
            let item = widen(old, new);
            Widened { column: T::List(Box::new(item.column)), older_readable: item.older_readable }
        }
        (T::Struct(old), T::Struct(new)) => widen_struct(old, new),
        (_, _) => Widened { column: T::Json, older_readable: false },
    }
}

fn widen_struct(old: &[(String, ColumnType)], new: &[(String, ColumnType)]) -> Widened {
    let mut older_readable = true;
    let mut fields = Vec::with_capacity(old.len());
    for (name, column) in old {
        let widened = find(new, name).map(|found| widen(column, found));
        older_readable &= widened.as_ref().is_none_or(|widened| widened.older_readable);
        fields.push((name.clone(), widened.map_or_else(|| column.clone(), |widened| widened.column)));
    }
    fields.extend(new.iter().filter(|(name, _)| find(old, name).is_none()).cloned());
    Widened { column: ColumnType::Struct(fields), older_readable }
}

/// Whether files written as `old` can be read as the declared `new`.
pub(super) fn older_fits(old: &ColumnType, new: &ColumnType) -> bool {
    use ColumnType as T;
    match (old, new) {
        (old, new) if old == new => true,
        (T::Int8, T::Int16 | T::Int32 | T::Int64 | T::Float32 | T::Float64)
        | (T::Int16, T::Int32 | T::Int64 | T::Float32 | T::Float64)
        | (T::Int32, T::Int64 | T::Float64)
        | (T::Int64, T::Float64)
        | (T::Float32 | T::Decimal { .. }, T::Float64)
        | (T::Json, T::String) => true,
        (T::Int8, T::Decimal { precision, scale }) => precision - scale >= 3,
        (T::Int16, T::Decimal { precision, scale }) => precision - scale >= 5,
        (T::Int32, T::Decimal { precision, scale }) => precision - scale >= 10,
        (T::Int64, T::Decimal { precision, scale }) => precision - scale >= 19,
        (T::Decimal { precision, scale }, T::Decimal { precision: wide, scale: fine }) => {
            fine >= scale && wide - fine >= precision - scale
        }
        (T::List(old), T::List(new)) => older_fits(old, new),
        (T::Struct(old), T::Struct(new)) => {
            old.iter().all(|(name, column)| find(new, name).is_some_and(|new| older_fits(column, new)))
        }
        (_, _) => false,
    }
}
