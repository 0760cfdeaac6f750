//! How the simulator plays a provider: the `[simulate]` table of a provider file.
//!
//! Invariant: everything has a default, so a provider without the table can be played too, with generic records.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What the simulator needs to know beyond the provider itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Simulation {
    /// Errors leave with HTTP 200 whatever the `http` of their code says: the body alone tells.
    pub errors_in_http_200: bool,
    /// Further places where the key is taken, beside the provider's own `auth`.
    pub auth: Vec<Placement>,
    /// JSON text merged into every success, such as `{"msg": "ok"}`. JSON text, because TOML has no null.
    pub success: Option<JsonText>,
    /// JSON texts of which one is merged into each error body, in turn.
    pub failures: Vec<JsonText>,
    /// JSON Pointer where the request's own parameters are repeated.
    pub echo: Option<String>,
    /// Parts of the price of a call, written beside their sum, which stands where the envelope has the cost.
    pub credits: BTreeMap<String, u64>,
    /// Every code the provider is known to answer with.
    pub codes: BTreeMap<String, Code>,
    /// What a path without an endpoint below gets; `generic` when absent.
    pub other_paths: OtherPaths,
    /// Endpoints with records of their own.
    pub endpoints: Vec<Endpoint>,
}

/// A JSON object written as text.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct JsonText(pub Value);

impl TryFrom<String> for JsonText {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(Value::Object(serde_json::from_str(&text)?)))
    }
}

/// A place in a request that may hold the key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Which part of the request.
    pub kind: PlacementKind,
    /// Name of the header, parameter or field; `bearer` needs none.
    #[serde(default)]
    pub name: String,
}

/// Which part of a request holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlacementKind {
    /// `Authorization: Bearer`.
    Bearer,
    /// A header.
    Header,
    /// A query parameter.
    Query,
    /// A top-level field of a JSON body.
    Json,
    /// A field of a form body.
    Form,
}

/// One code a provider answers with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// HTTP status it is sent with, or would be sent with where errors leave in HTTP 200.
    pub http: u16,
    /// The message beside it.
    pub message: String,
    /// The simulator answers with it by itself when this happens; other codes need a `--fault`.
    #[serde(default)]
    pub when: Vec<Cause>,
    /// Sends `Retry-After` in seconds.
    #[serde(default)]
    pub retry_after: bool,
}

/// Why the simulator refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No credential.
    AuthMissing,
    /// A credential that is not the right one.
    AuthInvalid,
    /// A token whose `nbf` lies ahead of the provider's clock.
    AuthNotYetValid,
    /// A token whose `exp` has passed.
    AuthExpired,
    /// Too many calls in a window of seconds.
    Second,
    /// Too many calls in a window of minutes or an hour.
    Minute,
    /// Too many calls in a day.
    Day,
    /// Too many requests at once.
    Concurrency,
    /// A required parameter is missing, a date is none, the body is not JSON.
    Parameters,
    /// A following page that was never offered, or not any more.
    Cursor,
    /// No such path, or not with this method.
    Path,
}

/// What a path without an endpoint gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherPaths {
    /// Records that repeat the request's parameters beside `id`, `name` and `value`.
    #[default]
    Generic,
    /// The code of `path`.
    Refuse,
}

/// An endpoint with records of its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoint {
    /// Path below the base URL.
    pub path: String,
    /// Methods it takes; empty: any.
    pub methods: Vec<String>,
    /// Where its records are, below the provider's record path.
    pub records: String,
    /// A list of objects, or one object; `objects` when absent.
    pub shape: RecordShape,
    /// Parameters it cannot do without.
    pub require: Vec<String>,
    /// Parameters that must be dates where present.
    pub dates: Vec<String>,
    /// How many records a request has: a number within these two, the same each time it is asked.
    pub rows: Option<[u64; 2]>,
    /// One record per day instead; together with `keys`, per day and key.
    pub days: Option<Days>,
    /// One record per key of a catalogue.
    pub keys: Option<Keys>,
    /// Records on a page where the request does not say, and at most.
    pub page_size: Option<u64>,
    /// Price of a call where it differs from the provider's.
    pub credits: Option<BTreeMap<String, u64>>,
    /// Fields of a record, in order.
    pub columns: Vec<Column>,
    /// Fields that stand once per answer at the provider's record path, beside `records`.
    pub beside: Vec<Column>,
}

/// Whether an endpoint has many records or one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordShape {
    /// A list of objects, in pages.
    #[default]
    Objects,
    /// One object.
    Object,
}

/// The days a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// Parameters that may hold the first day; the first one present counts.
    pub from: Vec<String>,
    /// Parameters that may hold the last day.
    pub to: Vec<String>,
    /// First day where none is given, `YYYY-MM-DD`.
    pub first: String,
    /// Last day where none is given.
    pub last: String,
    /// Leaves out Saturday and Sunday.
    #[serde(default)]
    pub weekdays: bool,
}

/// A catalogue of codes such as `000001.SZ`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Parameter that asks for one of them; any value that ends in `suffix` exists.
    pub parameter: String,
    /// How many there are.
    pub count: u64,
    /// Digits of the number, filled up with zeros.
    pub width: usize,
    /// What follows the number.
    #[serde(default)]
    pub suffix: String,
}

/// One field of a record and where its values come from.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Column {
    /// Field name.
    pub name: String,
    /// What makes the values; `constant` when absent.
    pub kind: ColumnKind,
    /// `echo`, `timestamp`: the request parameter, dotted below the first level (`messages.0.content`).
    pub parameter: String,
    /// `echo`: the value where the parameter is absent; `constant`: the value.
    pub value: Option<Value>,
    /// `echo`, `digits`: text before it.
    pub prefix: String,
    /// `digits`: text after it.
    pub suffix: String,
    /// `integer`, `decimal`, `digits`: smallest value; `id`: the first.
    pub from: i64,
    /// `integer`, `decimal`, `digits`: largest value.
    pub to: i64,
    /// `decimal`: digits after the point.
    pub scale: u32,
    /// `digits`: digits in all, filled up with zeros.
    pub width: usize,
    /// `integer`, `id`, `decimal`: a JSON string instead of a number.
    pub text: bool,
    /// `choice`: one of these.
    pub of: Vec<Value>,
    /// Null in one of so many records; 0: never.
    pub null_every: u64,
    /// `object`, `list`: fields inside.
    pub columns: Vec<Column>,
    /// `list`: how many objects.
    pub rows: Option<[u64; 2]>,
    /// `list`: one object per day.
    pub days: Option<Days>,
}

/// What makes the values of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// `value`.
    #[default]
    Constant,
    /// A parameter of the request, repeated.
    Echo,
    /// A whole number between `from` and `to`.
    Integer,
    /// `from`, `from` + 1, … in record order; may lie beyond 2^53.
    Id,
    /// A number between `from` and `to` with `scale` digits after the point.
    Decimal,
    /// One of `of`.
    Choice,
    /// Digits with leading zeros, always text.
    Digits,
    /// The key of the record, see `keys`.
    Key,
    /// The day of the record, see `days`, as `YYYY-MM-DD`.
    Day,
    /// An instant `2024-05-15T04:17:48.111Z` within the day of the record or of `parameter`.
    Timestamp,
    /// True or false.
    Bool,
    /// An object of `columns`.
    Object,
    /// A list of objects of `columns`.
    List,
}
