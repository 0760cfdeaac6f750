//! What was asked: the text of a job file becomes a [`Job`] that cannot be wrong.
//!
//! Invariant: every problem of a file is reported at once, with file, line, column, what was found and what is
//! allowed; a `Job` that exists needs no second check. Entry point: [`Job`].

mod check;
mod column;
mod duration;
mod file;
mod grid;
mod grid_file;
#[expect(clippy::module_inception, reason = "files are named after the word they hold")]
mod job;
mod load;
mod names;
mod ordered;
mod paging;
mod paging_file;
mod parse;
mod pointer;
mod problem;
mod retention_file;
mod source;
mod template;

pub use check::check;
pub use column::{ColumnType, TimeUnit};
pub use duration::parse_duration;
pub use file::JobFile;
pub use grid::{Axis, DateAxis, DateBound, DateStep, FileAxis, FileKind, Grid};
pub use job::{Archive, BodyTemplate, Ceilings, Job, JobName, Output, Records, Refetch, RequestTemplate, Shape};
pub use ordered::Ordered;
pub use paging::{NextRequest, Paging};
pub use paging_file::{MethodFile, NextRequestFile, PagingFile};
pub use pointer::Pointer;
pub use problem::{Location, Problem, Problems, Severity, nearest, unknown_zone};
pub use retention_file::{AfterFile, ArchiveFile, LastFile, RefetchFile, RefetchWord};
pub use source::{Source, Sources};
pub use template::{JsonTemplate, Template, TemplateError};
