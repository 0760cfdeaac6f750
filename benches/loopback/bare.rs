//! The bare loop: fetch, decode, encode, each on its own threads, and nothing that could be left out.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::thread;

use arrow::array::RecordBatch;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::connection::{Connection, Through};
use crate::encode;
use crate::rows::{self, Rows};
use crate::workload::{Asking, Workload};

const BATCH: usize = 32_768;

/// Fetches all pages from `port` into `file`, asking `through` one client or the other.
pub(crate) fn run(workload: &Workload, through: Through, port: u16, file: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let schema = rows::schema(workload.shape);
    let (bodies, fetched) = mpsc::channel(64);
    let (batches, decoded) = std::sync::mpsc::sync_channel(2);
    thread::scope(|scope| {
        scope.spawn(|| decode(workload, fetched, batches));
        scope.spawn(|| encode::encode(file, &schema, decoded));
        runtime.block_on(fetch(workload, (through, SocketAddr::from((Ipv4Addr::LOCALHOST, port))), bodies));
    });
}

fn decode(workload: &Workload, mut fetched: mpsc::Receiver<Bytes>, batches: SyncSender<RecordBatch>) {
    let schema = rows::schema(workload.shape);
    let mut rows = Rows::new(workload.shape);
    while let Some(body) = fetched.blocking_recv() {
        rows.append(&body);
        if rows.len() >= BATCH {
            batches.send(rows.finish(&schema)).unwrap();
        }
    }
    if rows.len() > 0 {
        batches.send(rows.finish(&schema)).unwrap();
    }
}

async fn fetch(workload: &Workload, (through, address): (Through, SocketAddr), bodies: mpsc::Sender<Bytes>) {
    match workload.asking {
        Asking::Cells | Asking::Parallel => {
            let next = Arc::new(AtomicU32::new(0));
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..workload.in_flight {
                let (next, bodies, pages) = (Arc::clone(&next), bodies.clone(), workload.pages);
                let through = through.clone();
                tasks.spawn(async move {
                    let mut connection = Connection::open(address, through).await;
                    loop {
                        let page = next.fetch_add(1, Relaxed);
                        if page >= pages {
                            break;
                        }
                        bodies.send(connection.get(&page.to_string()).await).await.unwrap();
                    }
                });
            }
            while let Some(ended) = tasks.join_next().await {
                ended.unwrap();
            }
        }
        Asking::Cursor => {
            let mut connection = Connection::open(address, through).await;
            let mut next = Some("0".to_owned());
            while let Some(page) = next {
                let body = connection.get(&page).await;
                next = sonic_rs::from_str(sonic_rs::get(&body[..], ["data", "next"]).unwrap().as_raw_str()).unwrap();
                bodies.send(body).await.unwrap();
            }
        }
    }
}
