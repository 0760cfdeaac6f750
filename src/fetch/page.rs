//! Reads an accepted answer: where its records are, how many, whether they are what was asked, what it cost.

use serde_json::Map;

use crate::job::{Job, Pointer, TemplateError};
use crate::json::{Document, Kind, Value};
use crate::provider::Provider;

use super::locate::{LocateError, Located, locate, records};
use super::paginator::{Advance, Cursor, Paginator, PagingError};
use super::request::text;

/// No call costs more; a larger number is a fault of the answer.
const MOST_CREDITS: f64 = 1e12;

/// A page that can be kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Records on it.
    pub records: u64,
    /// What the call cost, in credits.
    pub credits: Option<u64>,
    /// What comes next.
    pub advance: Advance,
}

/// Why an answer that says success is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The body cannot be read.
    #[error(transparent)]
    Body(#[from] LocateError),
    /// The record path leads nowhere.
    #[error("there is nothing at the record path: `{at}` is missing; beside it there are {have}")]
    NoRecords {
        /// First key that is not there.
        at: String,
        /// Keys that are.
        have: String,
    },
    /// A record is not an object.
    #[error("record {index} is {found}, not an object")]
    NotAnObject {
        /// Its index on the page.
        index: usize,
        /// What it is.
        found: &'static str,
    },
    /// The echo does not match.
    #[error(
        "record {index} has `{field}` = `{found}` although `{wanted}` was asked: the provider seems to ignore a parameter"
    )]
    Echo {
        /// Its index on the page.
        index: usize,
        /// The field of `expect`.
        field: String,
        /// What was asked.
        wanted: String,
        /// What came.
        found: String,
    },
    /// A template of `expect` lacks a value.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Paging cannot go on.
    #[error(transparent)]
    Paging(#[from] PagingError),
}

/// The full record path of a job.
pub fn record_path(provider: &Provider, job: &Job) -> Pointer {
    provider.envelope.records.join(&job.records.path)
}

/// The records of an accepted body, in order; empty when the provider's record path, or an object on the way to it,
/// holds nothing.
pub fn page_records<'t, 'a>(
    provider: &Provider,
    job: &Job,
    document: &'t Document<'a>,
) -> Result<Vec<Value<'t, 'a>>, PageError> {
    let root = document.root();
    let outer = match locate(root, &provider.envelope.records)? {
        Located::Value(value) => value,
        Located::Null => return Ok(Vec::new()),
        Located::Missing(_) if is_hollow(root, &provider.envelope.records)? => return Ok(Vec::new()),
        Located::Missing(gap) => return Err(missing(gap.at(&provider.envelope.records), &gap.have())),
    };
    // `[]` and `{}` at the provider's own path say "no data" whatever the job expects below.
    if outer.is_hollow() {
        return Ok(Vec::new());
    }
    let found = match locate(outer, &job.records.path)? {
        Located::Value(value) => records(value, job.records.shape, || record_path(provider, job))?,
        Located::Null => Vec::new(),
        Located::Missing(gap) => {
            let at = format!("{}{}", provider.envelope.records, gap.at(&job.records.path));
            return Err(missing(at, &gap.have()));
        }
    };
    match found.iter().enumerate().find(|(_, record)| record.kind() != Kind::Object) {
        Some((index, record)) => Err(PageError::NotAnObject { index, found: record.type_name() }),
        None => Ok(found),
    }
}

/// Reads the accepted answer to the page at `cursor`, the `page`th of its cell after `received` records.
pub fn read_page(
    provider: &Provider,
    job: &Job,
    paginator: &mut Paginator<'_>,
    values: &Map<String, serde_json::Value>,
    document: &Document<'_>,
    cursor: Option<&Cursor>,
    (page, received): (u32, u64),
) -> Result<Page, PageError> {
    let found = page_records(provider, job, document)?;
    check_echo(job, values, &found)?;
    let advance = paginator.advance(document.root(), &found, cursor, page, received)?;
    Ok(Page { records: found.len() as u64, credits: credits(provider, document.root())?, advance })
}

/// A provider may ignore unknown parameters and send the whole table: every record must echo what was asked.
///
/// # Errors
/// Names the first record that does not.
pub fn check_echo(
    job: &Job,
    values: &Map<String, serde_json::Value>,
    records: &[Value<'_, '_>],
) -> Result<(), PageError> {
    for (field, template) in &job.records.expect {
        let wanted = template.render_text(values)?;
        let pointer = Pointer::parse(field);
        for (index, record) in records.iter().enumerate() {
            // The records of a page are as deep as its tape goes.
            let record = Document::read(record.raw().as_bytes(), pointer.0.len()).map_err(LocateError::from)?;
            let found = match locate(record.root(), &pointer)? {
                // The digits as they came first: a number that a 64-bit float cannot hold is the same all the same.
                Located::Value(value) if value.raw() == wanted => continue,
                Located::Value(value) => text(&serde_json::from_str(value.raw()).unwrap_or_default()),
                Located::Null => "null".to_owned(),
                Located::Missing(_) => "nothing".to_owned(),
            };
            if found != wanted {
                return Err(PageError::Echo { index, field: field.clone(), wanted, found });
            }
        }
    }
    Ok(())
}

fn credits(provider: &Provider, document: Value<'_, '_>) -> Result<Option<u64>, LocateError> {
    let Some(pointer) = &provider.envelope.cost else { return Ok(None) };
    Ok(match locate(document, pointer)? {
        // A fraction of a credit is counted as a whole one: a ceiling must not be passed. A price below nothing or
        // beyond reason is no price, and adding it up must not overflow.
        Located::Value(value) => {
            let cost = value.raw().trim_matches('"').parse::<f64>().ok();
            cost.filter(|cost| (0.0..=MOST_CREDITS).contains(cost)).map(|cost| cost.ceil() as u64)
        }
        Located::Null | Located::Missing(_) => None,
    })
}

/// Some object on the way to `path`, below the root, is `{}` or `[]`: another spelling of null.
fn is_hollow(document: Value<'_, '_>, path: &Pointer) -> Result<bool, LocateError> {
    for depth in 1..path.0.len() {
        if let Located::Value(value) = locate(document, &Pointer(path.0[..depth].to_vec()))?
            && value.is_hollow()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn missing(at: String, have: &[String]) -> PageError {
    let mut have: Vec<String> = have.iter().take(12).map(|key| format!("`{key}`")).collect();
    if have.is_empty() {
        have.push("no keys".to_owned());
    }
    PageError::NoRecords { at, have: have.join(", ") }
}
