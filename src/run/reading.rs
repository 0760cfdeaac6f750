//! How the pages of a job are read, and a first look at what they hold. Pure.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::decode::{
    Inferred, PageIn, PartitionError, Pass, Passed, Projection, Reading, RecordBatch, RecordsAt, RejectedRecord,
    rows_as_text,
};
use crate::fetch::record_path;
use crate::job::{Job, TemplateError};
use crate::plan::Cell;
use crate::provider::Provider;

use super::error::EncodeError;

/// Where records are, and what they have to fit.
pub(super) fn reading(job: &Job, provider: &Provider) -> Reading {
    Reading {
        at: RecordsAt { path: record_path(provider, job), shape: job.records.shape },
        projection: Projection {
            explode: job.records.explode.clone(),
            skip: job.output.partition_by.clone(),
            ..Projection::default()
        },
        declared: job.columns.clone(),
    }
}

/// What is added to each record of a cell.
pub(super) fn added(job: &Job, cell: &Cell) -> Result<Map<String, Value>, TemplateError> {
    if job.records.add.is_empty() {
        return Ok(Map::new());
    }
    let values = cell.values();
    job.records.add.iter().map(|(name, template)| Ok((name.clone(), template.render(&values)?))).collect()
}

/// What a few pages hold.
#[derive(Debug, Default)]
pub struct Sample {
    /// The columns as a file would have them.
    pub inferred: Inferred,
    /// The columns that the records alone show, as if none was declared.
    pub undeclared: Inferred,
    /// The first rows, value by value in the order of the columns; nothing for null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Records seen, rejected ones included.
    pub records: u64,
    /// Records that fit no column.
    pub rejected: u64,
    /// The first of them.
    pub samples: Vec<RejectedRecord>,
}

/// Reads the accepted `bodies` of a cell as the file of its partition would be made, up to `most` rows as text.
///
/// # Errors
/// When a body has nothing at the record path.
pub fn sample(
    job: &Job,
    provider: &Provider,
    cell: &Cell,
    bodies: &[Bytes],
    most: usize,
) -> Result<Sample, PartitionError<EncodeError>> {
    let added = added(job, cell).map_err(|error| PartitionError::Caller(error.into()))?;
    let pages = (0..).zip(bodies).map(|(page, body)| PageIn {
        cell: cell.key.0.clone(),
        page,
        body: body.clone(),
        outline: None,
        added: added.clone(),
    });
    let pages: Vec<PageIn> = pages.collect();
    let reading = reading(job, provider);
    let undeclared = Reading { declared: Vec::new(), ..reading.clone() };
    let undeclared = walk(&pages, undeclared, 0)?.inferred;
    Ok(Sample { undeclared, ..walk(&pages, reading, most)? })
}

fn walk(pages: &[PageIn], reading: Reading, most: usize) -> Result<Sample, PartitionError<EncodeError>> {
    let mut pass = Pass::new(reading.clone(), None);
    loop {
        let mut rows = Vec::new();
        let mut each = |batch: RecordBatch| -> Result<(), EncodeError> {
            let left = most.saturating_sub(rows.len());
            rows.extend(rows_as_text(&batch, left).unwrap_or_default());
            Ok(())
        };
        for page in pages {
            pass.page(page.clone(), &mut each)?;
        }
        match pass.finish(None, &mut each)? {
            Passed::Whole(inferred, built) => {
                let (records, rejected, samples) = (built.records, built.rejected, built.samples);
                return Ok(Sample { inferred, rows, records, rejected, samples, ..Sample::default() });
            }
            Passed::Again(inferred) => pass = Pass::by(reading.clone(), inferred),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Map;

    use crate::job::ColumnType;
    use crate::provider::{Environment, Workspace};

    use super::*;

    const JOB: &str = "name = \"a\"\nprovider = \"agushuju\"\n[request]\npath = \"/x\"\n[records]\nadd = { k = 7 }\n\
                       [schema]\ncolumns = { n = \"int8\", gone = \"date\" }\n";

    fn sampled(records: &[&str]) -> Sample {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::load(folder.path(), folder.path(), Environment::default(), &[]).unwrap();
        let provider = workspace.provider("agushuju").unwrap();
        let job = Job::parse(Path::new("a.toml"), JOB).unwrap();
        let bodies = records.iter().map(|records| Bytes::from(format!("{{\"code\": 0, \"data\": {records}}}")));
        sample(&job, &provider, &Cell::new(Map::new()), &bodies.collect::<Vec<_>>(), 2).unwrap()
    }

    #[test]
    fn declared_beside_what_the_records_show() {
        let sample = sampled(&[r#"[{"n": 1, "s": "x", "z": null}, {"n": 1000}]"#, r#"[{"n": 2}, {"n": 3}]"#]);
        assert_eq!((sample.records, sample.rejected, sample.rows.len()), (4, 1, 2));
        assert_eq!((sample.samples[0].index, sample.samples[0].path.as_str()), (1, "/n"));
        let kinds = |inferred: &Inferred| inferred.schema.to_text();
        assert_eq!(kinds(&sample.inferred), r#"[["n","int8"],["s","string"],["k","int64"],["gone","date"]]"#);
        assert_eq!(kinds(&sample.undeclared), r#"[["n","int64"],["s","string"],["k","int64"]]"#);
        assert_eq!(sample.undeclared.untyped, ["z"]);
        assert_eq!(sample.rows[0], [Some("1".to_owned()), Some("x".to_owned()), Some("7".to_owned()), None]);
        assert_eq!(sampled(&[]).rows, Vec::<Vec<_>>::new());
    }

    /// So many records that a schema is believed before the last of them shows that it was wrong.
    #[test]
    fn a_late_record_changes_the_columns_of_all() {
        let many = format!("[{}]", vec![r#"{"n": 1, "a": 5}"#; 2500].join(","));
        let sample = sampled(&[&many, r#"[{"n": 1, "a": "x"}]"#]);
        assert_eq!(sample.inferred.schema.get("a"), Some(&ColumnType::Json));
        assert_eq!((sample.records, sample.rejected, sample.rows.len()), (2501, 0, 2));
    }
}
