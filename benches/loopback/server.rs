//! The server process: pages from memory over keep-alive connections, as cheap as can be.
//!
//! It prints its port, answers every line on stdin with the connections, requests and bytes since the last one, and ends
//! when stdin closes.

use std::io::{BufRead, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::pages;
use crate::workload::Workload;

struct Site {
    workload: Workload,
    fronts: Vec<Bytes>,
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// Serves until stdin closes.
pub(crate) fn run(workload: &Workload) {
    let fronts = pages::fronts(workload).into_iter().map(Bytes::from).collect();
    let [connections, requests, bytes] = [0; 3].map(AtomicU64::new);
    let site = Arc::new(Site { workload: workload.clone(), fronts, connections, requests, bytes });
    // One thread: it is not what is measured, and it shares the cores with what is.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let serving = Arc::clone(&site);
    thread::spawn(move || runtime.block_on(accept(listener, serving)));
    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let counts = [&site.connections, &site.requests, &site.bytes].map(|count| count.swap(0, Relaxed));
        println!("{} {} {}", counts[0], counts[1], counts[2]);
        std::io::stdout().flush().unwrap();
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        site.connections.fetch_add(1, Relaxed);
        let site = Arc::clone(&site);
        // A client that goes away ends its connection and nothing else.
        tokio::spawn(async move { serve(stream, &site).await.ok() });
    }
}

async fn serve(mut stream: TcpStream, site: &Site) -> std::io::Result<()> {
    let mut asked = BytesMut::with_capacity(4096);
    loop {
        let Some(end) = asked.windows(4).position(|four| four == b"\r\n\r\n") else {
            if stream.read_buf(&mut asked).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let page = page(&asked[..end]);
        asked.advance(end + 4);
        site.requests.fetch_add(1, Relaxed);
        if !site.workload.delay.is_zero() {
            tokio::time::sleep(site.workload.delay).await;
        }
        let front = site.fronts[page as usize % site.fronts.len()].clone();
        let tail = pages::tail(&site.workload, page);
        let length = front.len() + tail.len();
        site.bytes.fetch_add(length as u64, Relaxed);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        let mut answer = Bytes::from(head).chain(front).chain(Bytes::from(tail));
        stream.write_all_buf(&mut answer).await?;
    }
}

/// The number after `page=` in the request line; the first page without any.
fn page(head: &[u8]) -> u32 {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let Some(at) = line.windows(5).position(|five| five == b"page=") else { return 0 };
    line[at + 5..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}
