//! The types a column can be declared with.
//!
//! Invariant: what [`ColumnType`] prints, it reads back as the same type.

use std::fmt;

use super::problem::nearest;

/// The type of a column, as a job file writes it: `int64`, `decimal(20,4)`, `timestamp(ms, Asia/Shanghai)`,
/// `list<string>`, `struct<a: int64, b: string>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// `bool`
    Bool,
    /// `int8`
    Int8,
    /// `int16`
    Int16,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `float32`
    Float32,
    /// `float64`
    Float64,
    /// `decimal(precision, scale)`, precision 1 to 38, scale 0 to precision.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `string`
    String,
    /// `date`, a calendar day without a zone.
    Date,
    /// `timestamp(unit)` is a wall-clock reading without a zone, `timestamp(unit, zone)` an instant.
    Timestamp {
        /// Resolution.
        unit: TimeUnit,
        /// IANA name or fixed offset; text without an offset of its own is read in it.
        zone: Option<String>,
    },
    /// `json`: any value, kept as JSON text.
    Json,
    /// `list<item>`
    List(Box<ColumnType>),
    /// `struct<name: type, …>`
    Struct(Vec<(String, ColumnType)>),
}

/// Resolution of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// `s`
    Second,
    /// `ms`
    Millisecond,
    /// `us`
    Microsecond,
    /// `ns`
    Nanosecond,
}

const SCALARS: [(&str, ColumnType); 12] = [
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
    ("timestamp(ms)", ColumnType::Timestamp { unit: TimeUnit::Millisecond, zone: None }),
    ("timestamp(us)", ColumnType::Timestamp { unit: TimeUnit::Microsecond, zone: None }),
];

const ALLOWED: &str = "allowed: `bool`, `int8`, `int16`, `int32`, `int64`, `float32`, `float64`, `decimal(20,4)`, \
                       `string`, `date`, `timestamp(ms)`, `timestamp(ms, Asia/Shanghai)`, `json`, `list<string>`, \
                       `struct<a: int64, b: string>`";

const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

/// Types within types; deeper is a typing error, and recursion has to end somewhere.
const DEEPEST: usize = 32;

impl ColumnType {
    /// Reads the spelling of a job file; the error says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse(text, 0)
    }
}

fn parse(text: &str, depth: usize) -> Result<ColumnType, String> {
    let text = text.trim();
    if depth > DEEPEST {
        return Err(format!("types nested more than {DEEPEST} deep"));
    }
    if let Some((_, scalar)) = SCALARS.iter().find(|(name, _)| *name == text) {
        return Ok(scalar.clone());
    }
    if let Some(inner) = inside(text, "list<", '>') {
        return Ok(ColumnType::List(Box::new(parse(inner, depth + 1)?)));
    }
    if let Some(inner) = inside(text, "struct<", '>') {
        return parse_struct(text, inner, depth);
    }
    if let Some(inner) = inside(text, "decimal(", ')') {
        return parse_decimal(text, inner);
    }
    if let Some(inner) = inside(text, "timestamp(", ')') {
        return parse_timestamp(text, inner);
    }
    Err(unknown(text))
}

fn inside<'a>(text: &'a str, open: &str, close: char) -> Option<&'a str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

fn parse_struct(text: &str, inner: &str, depth: usize) -> Result<ColumnType, String> {
    let mut fields: Vec<(String, ColumnType)> = Vec::new();
    for field in split_top(inner) {
        let (name, kind) = field
            .split_once(':')
            .map(|(name, kind)| (name.trim(), kind))
            .filter(|(name, _)| !name.is_empty() && !name.contains(['<', '>', '(', ')', ',']))
            .ok_or_else(|| format!("`{text}` needs `name: type` pairs, such as `struct<a: int64, b: string>`"))?;
        if fields.iter().any(|(known, _)| known == name) {
            return Err(format!("`{text}` has the field `{name}` twice"));
        }
        fields.push((name.to_owned(), parse(kind, depth + 1)?));
    }
    Ok(ColumnType::Struct(fields))
}

fn parse_decimal(text: &str, inner: &str) -> Result<ColumnType, String> {
    let numbers = inner
        .split_once(',')
        .and_then(|(precision, scale)| Some((precision.trim().parse::<u8>().ok()?, scale.trim().parse::<u8>().ok()?)));
    match numbers {
        Some((precision, scale)) if (1..=38).contains(&precision) && scale <= precision => {
            Ok(ColumnType::Decimal { precision, scale })
        }
        Some(_) | None => Err(format!(
            "`{text}` is no decimal type: write `decimal(precision, scale)` with precision 1 to 38 and scale 0 to precision"
        )),
    }
}

fn parse_timestamp(text: &str, inner: &str) -> Result<ColumnType, String> {
    let (unit, zone) = match inner.split_once(',') {
        Some((unit, zone)) => (unit.trim(), Some(zone.trim())),
        None => (inner.trim(), None),
    };
    let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("`{text}` has the unknown unit `{unit}`; allowed: `s`, `ms`, `us`, `ns`"));
    };
    if let Some(zone) = zone
        && !is_zone(zone)
    {
        return Err(format!(
            "`{text}` has the unknown zone `{zone}`; allowed: an IANA name such as `Asia/Shanghai` or `UTC`, or an offset such as `+08:00`"
        ));
    }
    Ok(ColumnType::Timestamp { unit: *unit, zone: zone.map(str::to_owned) })
}

fn is_zone(zone: &str) -> bool {
    let offset = zone.strip_prefix(['+', '-']).is_some_and(|rest| {
        rest.split_once(':').is_some_and(|(hours, minutes)| {
            let two = |text: &str, most: u8| {
                text.len() == 2
                    && text.bytes().all(|byte| byte.is_ascii_digit())
                    && text.parse::<u8>().is_ok_and(|number| number <= most)
            };
            two(hours, 23) && two(minutes, 59)
        })
    });
    offset || jiff::tz::TimeZone::get(zone).is_ok()
}

/// Cuts at commas that stand outside every bracket.
fn split_top(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unknown(text: &str) -> String {
    let usual = match text.to_ascii_lowercase().as_str() {
        "int" | "integer" | "long" | "bigint" => Some("int64"),
        "float" | "double" | "number" | "real" => Some("float64"),
        "str" | "text" | "varchar" | "utf8" => Some("string"),
        "boolean" => Some("bool"),
        "datetime" | "timestamp" => Some("timestamp(ms)"),
        "decimal" | "numeric" => Some("decimal(20,4)"),
        "array" | "list" => Some("list<string>"),
        "object" | "map" | "struct" => Some("json"),
        _ => None,
    };
    match usual.or_else(|| nearest(text, SCALARS.iter().map(|(name, _)| *name))) {
        Some(name) => format!("unknown column type `{text}`, did you mean `{name}`? {ALLOWED}"),
        None => format!("unknown column type `{text}`; {ALLOWED}"),
    }
}

impl fmt::Display for ColumnType {
    /// The spelling [`ColumnType::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int8 => f.write_str("int8"),
            Self::Int16 => f.write_str("int16"),
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Date => f.write_str("date"),
            Self::Timestamp { unit, zone: None } => write!(f, "timestamp({unit})"),
            Self::Timestamp { unit, zone: Some(zone) } => write!(f, "timestamp({unit}, {zone})"),
            Self::Json => f.write_str("json"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, (name, kind)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{name}: {kind}")?;
                }
                f.write_str(">")
            }
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
            Self::Nanosecond => "ns",
        })
    }
}
