//! The job file as it is written: a mirror for serde and for the published schema, without any rule of its own.
//!
//! The comments here are what a person reads in the reference and in an editor's pop-up.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::ordered::Ordered;
use super::paging_file::{MethodFile, PagingFile};
use super::retention_file::{ArchiveFile, RefetchFile};

/// A job: makes one dataset. Lengths of time are a whole number and a unit: `250ms`, `10s`, `5m`, `1h`, `1d`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tidemill job")]
pub struct JobFile {
    /// Name of the job: letters, digits, `_` and `-`, at most 100. Unique in a workspace.
    pub name: String,
    /// Name of the provider: a preset or a file under `providers/`.
    pub provider: String,
    /// The axes. Every combination of their values is one cell: fetched, resumed and audited on its own; one cell when
    /// absent.
    #[serde(default)]
    pub grid: Ordered<AxisFile>,
    /// What each cell asks. Strings may hold `{axis}` and `{axis.field}`; `{{` and `}}` are braces.
    pub request: RequestFile,
    /// Where the records of an answer are and what is added to them.
    #[serde(default)]
    pub records: RecordsFile,
    /// What is known of the columns.
    #[serde(default)]
    pub schema: SchemaFile,
    /// Where the dataset goes.
    #[serde(default)]
    pub output: OutputFile,
    /// How the next page is asked for; the provider's own `[paging]` when absent.
    pub paging: Option<PagingFile>,
    /// When what is published is fetched again: `never` (the default), `always`, `{ last = "3d", of = "day" }` or
    /// `{ after = "12h" }`. A file is replaced in one step once all of it has come.
    pub refetch: Option<RefetchFile>,
    /// How long raw pages are kept.
    #[serde(default)]
    pub archive: ArchiveFile,
    /// Most requests one run may send; then it pauses (exit 75). No ceiling when absent.
    #[schemars(range(min = 1))]
    pub max_requests: Option<u64>,
    /// Most credits one run may spend, as the provider reports them; then it pauses (exit 75). No ceiling when absent.
    #[schemars(range(min = 1))]
    pub max_credits: Option<u64>,
    /// Longest one run may take, such as `6h`; then it pauses (exit 75). No ceiling when absent.
    pub deadline: Option<String>,
}

/// The values of one axis.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AxisFile {
    /// A list of values; a table among them is used by field, `{axis.field}`.
    List(Vec<Value>),
    /// Dates from one day to another.
    Dates(DatesFile),
    /// A file with one value a line or row.
    File(FileFile),
}

/// Dates, both ends included.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatesFile {
    /// First day: `2026-01-01`, `today`, `yesterday` or `-7d`.
    pub from: String,
    /// Last day, included: `2026-01-31`, `today`, `yesterday` or `-7d`.
    pub to: String,
    /// Length of one value: `1d` (default), `7d`, `1w`, `1mo`, `1y`. A longer one also has `{axis.from}` and `{axis.to}`.
    pub step: Option<String>,
    /// Zone in which `today` is read, such as `Asia/Shanghai`; the provider's when absent, else UTC.
    pub zone: Option<String>,
    /// How a date is written, as strftime does: `%Y%m%d`; `%Y-%m-%d` when absent.
    pub format: Option<String>,
    /// Which date comes first: `newest` goes from the latest backwards; `oldest` when absent.
    #[serde(default)]
    pub order: OrderFile,
}

/// Which end of a date range comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderFile {
    #[default]
    Oldest,
    Newest,
}

/// A file of values.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileFile {
    /// The file, `.csv`, `.txt` or `.jsonl`; relative to the folder of the job file.
    pub file: String,
    /// The one column of a `.csv` to read; whole rows when absent, used as `{axis.column}`.
    pub column: Option<String>,
    /// The field that names a cell for ever; the whole row when absent.
    pub key: Option<String>,
}

/// The first request of a cell.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestFile {
    /// Its method; `GET` when absent.
    #[serde(default)]
    pub method: MethodFile,
    /// Its path below the provider's `base_url`, such as `/app/rank`; values are encoded as one segment.
    pub path: String,
    /// Query parameters; a list repeats its parameter; none when absent.
    #[serde(default)]
    pub query: Ordered<Value>,
    /// Extra headers; none when absent.
    #[serde(default)]
    pub headers: Ordered<String>,
    /// A JSON body; none when absent. A string that is exactly one placeholder keeps the JSON type of its value.
    pub json: Option<Value>,
    /// The fields of a form body; none when absent.
    pub form: Option<Ordered<Value>>,
}

/// Where records are.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordsFile {
    /// Path below the provider's own record path: `ranks`, `data.items`; that path itself when absent.
    pub path: Option<String>,
    /// What must stand there: a list of `objects`, or one `object`; either of them when absent.
    pub shape: Option<ShapeFile>,
    /// A field of each record that is a list of objects: each becomes a row of its own, with the parent's other fields; none
    /// when absent.
    pub explode: Option<String>,
    /// Columns added to every record, name and value; `{axis}` and `{axis.field}` are filled in.
    pub add: Ordered<Value>,
    /// Fields of every record that must equal what was asked, for providers that ignore parameters they do not know: path
    /// of the field and its text, such as `{axis}`.
    pub expect: Ordered<String>,
}

/// What stands at the record path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShapeFile {
    Objects,
    Object,
}

/// Declared columns.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaFile {
    /// Column and type: `int64`, `decimal(20,4)`, `timestamp(ms, Asia/Shanghai)`, `list<string>`; the rest is inferred.
    pub columns: Ordered<String>,
}

/// Where the dataset goes and how it is cut into files.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputFile {
    /// Folder below the `output` of `tidemill.toml`; the job's name when absent.
    pub path: Option<String>,
    /// Axes that become Hive folders (`day=2026-01-01`); cells equal in all of them share one file. No folders when absent.
    pub partition_by: Vec<String>,
    /// Cells per file where `partition_by` is not used; `1000` when absent.
    #[schemars(range(min = 1))]
    pub cells_per_file: Option<u32>,
}
