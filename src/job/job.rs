//! One job, checked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{ColumnType, Grid, JsonTemplate, Paging, Pointer, Sources, Template};

/// The name of a job: letters, digits, `_` and `-`, at most 100 characters; also its folder in the state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobName(pub(crate) Arc<str>);

impl JobName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for JobName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One job file: makes one dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Unique among the jobs of a state folder.
    pub name: JobName,
    /// The file it was read from, as the user named it.
    pub file: PathBuf,
    /// Name of the provider that serves it.
    pub provider: String,
    /// What is combined to cells.
    pub grid: Grid,
    /// What each cell asks first.
    pub request: RequestTemplate,
    /// Where the records of an answer are and what is added to them.
    pub records: Records,
    /// Declared columns, in order; the rest is inferred.
    pub columns: Vec<(String, ColumnType)>,
    /// Where the dataset goes.
    pub output: Output,
    /// Replaces the provider's paging for this job.
    pub paging: Option<Paging>,
    /// What one run may spend at most.
    pub ceilings: Ceilings,
    /// What is fetched again although it is published.
    pub refetch: Refetch,
    /// How long pages are kept once their file is published.
    pub archive: Archive,
    /// The text it was read from: problems found later are shown in it.
    pub(crate) sources: Sources,
}

/// The first request of a cell, with placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestTemplate {
    /// `GET` when the file does not say.
    pub method: http::Method,
    /// Below the provider's base URL; values are percent-encoded as one path segment.
    pub path: Template,
    /// Query parameters in order; a list value repeats the parameter.
    pub query: Vec<(String, JsonTemplate)>,
    /// Extra headers.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: BodyTemplate,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyTemplate {
    /// None at all.
    None,
    /// `application/json`
    Json(JsonTemplate),
    /// `application/x-www-form-urlencoded`
    Form(Vec<(String, JsonTemplate)>),
}

/// Where records are in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// Below the provider's own record path.
    pub path: Pointer,
    /// What stands there; without it a list is many records and an object one.
    pub shape: Option<Shape>,
    /// A field of each record that is itself a list of objects: one record each, with the parent's other fields.
    pub explode: Option<String>,
    /// Columns added to every record, in order.
    pub add: Vec<(String, JsonTemplate)>,
    /// Fields that must echo what was asked; a mismatch fails the cell.
    pub expect: Vec<(String, Template)>,
}

/// What stands at the record path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list of objects.
    Objects,
    /// One object, one record.
    Object,
}

/// Where the dataset goes and how it is cut into files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Folder below the output root, relative, no `..`.
    pub path: String,
    /// Axes that become Hive folders; cells equal in all of them share one file.
    pub partition_by: Vec<String>,
    /// Cells per file when `partition_by` is empty.
    pub cells_per_file: u32,
}

/// When a published partition is fetched again, always whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Refetch {
    /// Only when a person asks for it.
    #[default]
    Never,
    /// In every run.
    Always,
    /// In every run, if its date is one of the last.
    Last {
        /// Days before today that count, today itself besides.
        days: u32,
        /// The date axis, one of `partition_by`.
        of: String,
    },
    /// When its file is so old.
    After(Duration),
}

/// How long raw pages are kept once their file is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archive {
    /// From the publication on; zero keeps none.
    pub keep: Duration,
    /// Most bytes in all; the oldest partitions go first.
    pub max_bytes: Option<u64>,
}

/// What one run may spend on a job; reaching one pauses the run (exit 75).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ceilings {
    /// Attempts sent.
    pub max_requests: Option<u64>,
    /// Credits charged, as the provider reports them.
    pub max_credits: Option<u64>,
    /// Time since the run began.
    pub deadline: Option<Duration>,
}

impl Ceilings {
    /// Of each ceiling the lower one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            max_requests: lower(self.max_requests, other.max_requests),
            max_credits: lower(self.max_credits, other.max_credits),
            deadline: lower(self.deadline, other.deadline),
        }
    }
}

/// No ceiling is higher than any.
fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_ceiling_holds() {
        let of = |max_requests, max_credits, deadline: Option<u64>| Ceilings {
            max_requests,
            max_credits,
            deadline: deadline.map(Duration::from_secs),
        };
        let none = Ceilings::default();
        let own = of(Some(5), None, Some(60));
        assert_eq!(own.and(none), own);
        assert_eq!(none.and(own), own);
        assert_eq!(own.and(of(Some(6), Some(7), Some(59))), of(Some(5), Some(7), Some(59)));
        assert_eq!(own.and(of(Some(4), None, Some(61))), of(Some(4), None, Some(60)));
    }
}
