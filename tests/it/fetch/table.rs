//! A table behind a scripted wire, a cell that is fetched from it, and what stops that from outside.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tidemill::fetch::{
    Answer, CellEnd, CellTask, Ending, Exchange, Notice, Signer, Source, Spending, Transport, WireRequest, depth,
    fetch_cell,
};
use tidemill::job::Ceilings;
use tidemill::ledger::Outcome;
use tidemill::plan::CellId;
use tidemill::provider::Provider;
use tidemill::quota::{Clock, History, Permit, open};
use tidemill::spool::{CellProgress, Durability, Head, PartitionSpool, SpoolWriter};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::given::{credential, job, own, values};

const CELL: CellId = CellId([1; 16]);

pub(crate) type Said = (u16, Value);
/// What the provider says of the page that begins at `offset`, to request `ordinal` (from 0).
type Answers = Box<dyn Fn(u64, u64) -> Said + Send + Sync>;
/// How long that takes.
type Delays = Box<dyn Fn(u64, u64) -> u64 + Send + Sync>;

/// A provider that remembers what it was asked.
pub(crate) struct Table {
    clock: Clock,
    answers: Answers,
    delays: Delays,
    asked: Mutex<Vec<u64>>,
    busy: Mutex<(u64, u64)>,
}

impl Table {
    pub(crate) fn new(answers: impl Fn(u64, u64) -> Said + Send + Sync + 'static) -> Self {
        let answers = Box::new(answers);
        let delays = Box::new(|_, _| 100);
        Self { clock: clock(), answers, delays, asked: Mutex::default(), busy: Mutex::default() }
    }

    pub(crate) fn slow(self, delays: impl Fn(u64, u64) -> u64 + Send + Sync + 'static) -> Self {
        Self { delays: Box::new(delays), ..self }
    }

    /// Offsets in the order they were asked for.
    pub(crate) fn asked(&self) -> Vec<u64> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn most_at_once(&self) -> u64 {
        self.busy.lock().unwrap().1
    }
}

impl Transport for Table {
    fn send(&self, request: WireRequest, permit: Permit) -> Exchange<'_> {
        Box::pin(async move {
            let departed = permit.depart();
            let pairs: HashMap<_, _> = request.url.query_pairs().into_owned().collect();
            let number = |name: &str| pairs.get(name).map(|text| text.parse::<u64>().unwrap());
            let offset = number("offset").or_else(|| number("page").map(|page| (page - 1) * 10)).unwrap();
            let ordinal = {
                let mut asked = self.asked.lock().unwrap();
                asked.push(offset);
                asked.len() as u64 - 1
            };
            {
                let mut busy = self.busy.lock().unwrap();
                busy.0 += 1;
                busy.1 = busy.1.max(busy.0);
            }
            let delay = Duration::from_millis((self.delays)(ordinal, offset));
            self.clock.sleep_until(self.clock.now().elapsed + delay).await;
            self.busy.lock().unwrap().0 -= 1;
            let (status, body) = (self.answers)(ordinal, offset);
            let status = StatusCode::from_u16(status).unwrap();
            (departed, Ok(Answer { status, headers: HeaderMap::new(), body: body.to_string().into() }))
        })
    }
}

/// Records `from..to` of `total`.
pub(crate) fn records(from: u64, to: u64, total: u64) -> Said {
    let data: Vec<Value> = (from..to).map(|id| json!({ "id": id })).collect();
    (200, json!({ "code": 0, "data": data, "total": total, "more": to < total }))
}

/// A page of ten.
pub(crate) fn ten(offset: u64, total: u64) -> Said {
    records(offset.min(total), (offset + 10).min(total), total)
}

pub(crate) fn clock() -> Clock {
    Clock::starting_at("2026-11-22T12:00:00Z".parse().unwrap())
}

pub(crate) const OFFSET: &str =
    "kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 10\ntotal = \"/total\"";
pub(crate) const PAGE: &str = "kind = \"page\"\npage = \"page\"\npage_size = 10\ntotal = \"/total\"";

pub(crate) fn provider(paging: &str) -> Provider {
    own(&format!(
        r#"
limits = {{ qps = 1000, concurrency = 4 }}
[provider.own.envelope]
code = "/code"
message = "/msg"
ok = [0]
records = "/data"
[[provider.own.rules]]
code = 7
verdict = "empty"
[[provider.own.rules]]
code = 8
verdict = "stop"
[provider.own.paging]
{paging}
"#
    ))
}

pub(crate) fn wide(paging: &str, pages: u32) -> Provider {
    provider(&format!("{paging}\nparallel_pages = {pages}"))
}

/// When a run is ended from outside: once so many pages are kept.
#[derive(Clone, Copy)]
pub(crate) enum Twist {
    None,
    Kill(usize),
    Signal(usize),
}

#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when it was killed.
    pub(crate) end: Option<CellEnd>,
    pub(crate) warnings: Vec<String>,
    pub(crate) progress: CellProgress,
    pub(crate) ids: Vec<u64>,
    pub(crate) bodies: Vec<String>,
    pub(crate) took: Duration,
}

/// Fetches the cell from where the spool in `folder` has it.
pub(crate) async fn fetch(provider: &Provider, table: &Table, folder: &Path, twist: Twist, most: Option<u64>) -> Ended {
    fetch_of(r#"{"a":1}"#, provider, table, folder, twist, most).await
}

/// The same of a cell with these axis values.
pub(crate) async fn fetch_of(
    cell: &str,
    provider: &Provider,
    table: &Table,
    folder: &Path,
    twist: Twist,
    most: Option<u64>,
) -> Ended {
    let (job, values) = (job("path = \"/items\"\nquery = { a = \"{a}\" }"), values(cell));
    let (quota, dispatcher) = open(&provider.limits, provider.max_wait, None, History::default(), clock());
    let (mut dispatching, mut writing) = (JoinSet::new(), JoinSet::new());
    dispatching.spawn(dispatcher.run());
    let head = Head { job: "j".into(), partition: "p".into(), generation: 1, token: 1, replaces: None };
    let open = || PartitionSpool::open(folder, head.clone(), Durability::Process).unwrap();
    let (writer, spool) = SpoolWriter::new(8);
    writing.spawn(writer.run());
    let partition = open();
    let progress = partition.progress(&CELL).cloned();
    spool.open("p", partition).await.unwrap();
    let (signal, ending) = watch::channel(Ending::NotYet);
    let (kept, mut is_kept) = watch::channel(0);
    let warnings = Mutex::new(Vec::new());
    let notify = |notice: Notice| match notice {
        Notice::Page { .. } => kept.send_modify(|pages| *pages += 1),
        Notice::Warning(text) => warnings.lock().unwrap().push(text),
        Notice::Attempt { .. } | Notice::Delay { .. } => {}
    };
    let end = {
        let source = Source {
            job: &job,
            provider,
            paging: &provider.paging,
            depth: depth(provider, &job, &provider.paging),
            feed: None,
            transport: table,
            quota: &quota,
            signer: &Signer::new(provider, credential(provider, &[])),
            retries: &Mutex::default(),
            spending: &Spending::new(Ceilings { max_requests: most, ..Ceilings::default() }),
            clock: quota.clock(),
            random: &|| 1.0,
            notify: &notify,
            ending,
            down: watch::channel(false).1,
        };
        let task = CellTask { id: CELL, values: &values, spool: &spool, partition: "p", progress };
        let mut fetching = Box::pin(fetch_cell(&source, &task));
        let after = match twist {
            Twist::None => usize::MAX,
            Twist::Kill(pages) | Twist::Signal(pages) => pages,
        };
        tokio::select! {
            biased;
            // What it gives would hold the channel.
            () = async { drop(is_kept.wait_for(|pages| *pages >= after).await) } => match twist {
                Twist::Signal(_) => {
                    signal.send_replace(Ending::Asked);
                    Some(fetching.await.unwrap())
                }
                Twist::None | Twist::Kill(_) => None,
            },
            end = &mut fetching => Some(end.unwrap()),
        }
    };
    let took = quota.clock().now().elapsed;
    drop(spool);
    writing.join_next().await.unwrap().unwrap();
    let spool = open();
    let pages: Vec<_> = spool.pages(&CELL).iter().map(|at| spool.read(at).unwrap()).collect();
    let bodies: Vec<String> = pages.iter().map(|page| String::from_utf8_lossy(&page.body).into_owned()).collect();
    let id = |record: &Value| record["id"].as_u64().unwrap();
    let read = |body: &String| serde_json::from_str::<Value>(body).unwrap()["data"].as_array().unwrap().clone();
    let ids = bodies.iter().flat_map(read).map(|record| id(&record)).collect();
    let progress = spool.progress(&CELL).cloned().unwrap_or_default();
    Ended { end, warnings: warnings.into_inner().unwrap(), progress, ids, bodies, took }
}

pub(crate) async fn fetch_all(provider: &Provider, table: &Table) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    fetch(provider, table, folder.path(), Twist::None, None).await
}

impl Ended {
    pub(crate) fn assert_whole(&self, total: u64) {
        assert_eq!(self.end, Some(CellEnd::Settled(Outcome::Records)), "{self:?}");
        assert_eq!(self.ids, (0..total).collect::<Vec<_>>(), "{self:?}");
        assert_eq!(self.progress.records, total);
        assert!(self.progress.ahead.is_empty());
    }

    pub(crate) fn assert_moved(&self, why: &str) {
        let wanted = format!("{why} while its pages were fetched in parallel; the cell is fetched again page by page");
        assert_eq!(self.warnings, [wanted], "{self:?}");
        assert_eq!(self.progress.epoch, 1);
    }
}
