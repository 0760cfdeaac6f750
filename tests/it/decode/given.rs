//! Pages of a partition, read by [`Pass`] and by two plain walks: both have to come to the same.

use std::convert::Infallible;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use serde_json::{Map, Value, json};
use tidemill::decode::{
    Added, Built, DatasetSchema, Decoder, Inference, Inferred, PageIn, Pass, Passed, Projection, Reading, RecordsAt,
    RejectedRecord,
};
use tidemill::job::{ColumnType as T, Pointer};
use tidemill::json::Tape;

/// So many bytes of pages are a sample: what follows is read by what is known then.
static SAMPLE: LazyLock<String> = LazyLock::new(|| "x".repeat(4 << 20));

/// What the records of a page are, and how they are wrapped.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) records: Vec<String>,
    pub(super) wrap: Wrap,
    pub(super) added: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrap {
    Plain,
    /// It is a sample by itself.
    Long,
    /// Not found by going straight to it.
    Escaped,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) leaves: Vec<Leaf>,
    pub(super) explode: bool,
    pub(super) declared: Vec<(String, T)>,
    /// The schema of the dataset at the beginning, and at the end.
    pub(super) recorded: [Option<DatasetSchema>; 2],
}

impl Given {
    fn reading(&self) -> Reading {
        let explode = self.explode.then(|| "list".to_owned());
        let projection = Projection { explode, skip: vec!["day".to_owned()], ..Projection::default() };
        let at = RecordsAt { path: Pointer::parse("/data"), shape: None };
        Reading { at, projection, declared: self.declared.clone() }
    }

    /// With white space that lets records be read one by one only, unless `tight`.
    fn pages(&self, tight: bool) -> Vec<PageIn> {
        let page = |(number, leaf): (usize, &Leaf)| {
            let (before, key) = match leaf.wrap {
                Wrap::Plain => ("", "data"),
                Wrap::Long => (SAMPLE.as_str(), "data"),
                Wrap::Escaped => ("", "d\\u0061ta"),
            };
            let loose = |record: &String| if tight { record.clone() } else { record.replacen('{', "{ ", 1) };
            let records: Vec<String> = leaf.records.iter().map(loose).collect();
            let body = format!("{{\"code\":\"{before}\",\"{key}\":[{}]}}", records.join(","));
            PageIn { cell: "c".into(), page: number as u32, body: body.into(), outline: None, added: added(leaf) }
        };
        self.leaves.iter().enumerate().map(page).collect()
    }

    /// By as many walks as it takes, at most two; also says how many.
    pub(super) fn passed(&self, tight: bool) -> (Inferred, Built, Vec<RecordBatch>, usize) {
        let [before, after] = &self.recorded;
        let mut pass = Pass::new(self.reading(), before.clone());
        for walks in 1.. {
            let mut batches = Vec::new();
            let mut each = |batch| {
                batches.push(batch);
                Ok::<_, Infallible>(())
            };
            for page in self.pages(tight) {
                pass.page(page, &mut each).unwrap();
            }
            match pass.finish(after.as_ref(), &mut each).unwrap() {
                Passed::Whole(inferred, built) => return (inferred, built, batches, walks),
                Passed::Again(inferred) => pass = Pass::by(self.reading(), inferred),
            }
        }
        unreachable!()
    }

    /// By one walk for the schema and one for the rows.
    fn plainly(&self) -> (Inferred, Built, Vec<RecordBatch>) {
        let mut inference = Inference::new(self.reading().projection);
        self.each(|_, _, record, added| drop(inference.observe(Tape::default().fill(record).unwrap(), added)));
        let inferred = inference.finish(&self.declared, self.recorded[1].as_ref());
        let mut decoder = Decoder::new(&inferred.schema, inferred.projection.clone()).unwrap();
        let (mut built, mut batches) = (Built::default(), Vec::new());
        self.each(|page, index, record, added| {
            built.records += 1;
            match decoder.push(Tape::default().fill(record).unwrap(), added) {
                Ok(rows) => built.rows += rows as u64,
                Err(reject) => {
                    built.rejected += 1;
                    let (cell, path, reason) = ("c".into(), reject.path, reject.reason);
                    built.samples.push(RejectedRecord { cell, page, index, path, reason });
                }
            }
            if decoder.is_full() {
                batches.extend(decoder.flush().unwrap());
            }
        });
        built.samples.truncate(1000);
        batches.extend(decoder.flush().unwrap());
        (inferred, built, batches)
    }

    fn each(&self, mut each: impl FnMut(u32, u64, &str, &Added)) {
        for (number, leaf) in self.leaves.iter().enumerate() {
            let added = Added::new(&added(leaf)).unwrap();
            for (index, record) in leaf.records.iter().enumerate() {
                each(number as u32, index as u64, record, &added);
            }
        }
    }

    /// How many walks it took, with records that can be read together and with others.
    pub(super) fn check(&self) -> usize {
        let walks = self.check_with(true);
        assert_eq!(self.check_with(false), walks);
        walks
    }

    fn check_with(&self, tight: bool) -> usize {
        let (inferred, built, batches, walks) = self.passed(tight);
        let (wanted, wanted_built, wanted_batches) = self.plainly();
        assert_eq!(inferred, wanted);
        assert_eq!(built, wanted_built);
        let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
        assert_eq!(rows(&batches), rows(&wanted_batches));
        assert!(batches == wanted_batches, "{batches:?}\n{wanted_batches:?}");
        assert!(walks <= 2, "{walks} walks");
        walks
    }
}

fn added(leaf: &Leaf) -> Map<String, Value> {
    leaf.added.as_object().unwrap().clone()
}

pub(super) fn plain(records: Vec<String>) -> Leaf {
    Leaf { records, wrap: Wrap::Plain, added: json!({}) }
}

pub(super) fn many(record: &str, count: usize) -> Vec<String> {
    vec![record.to_owned(); count]
}
