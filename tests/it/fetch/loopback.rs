//! A server of a few lines that counts what is accepted and asked, and the transport to it.

use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tidemill::fetch::{Answer, HttpTransport, Transport, TransportError, WireRequest};
use tidemill::job::JobName;
use tidemill::provider::Provider;
use tidemill::quota::{Clock, Feedback, History, Quota, open};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::given::own;

/// What a server has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) accepted: usize,
    /// The head of every request, in lower case.
    pub(crate) heads: Vec<String>,
}

/// A transport, the limits it asks, and what the server behind it has seen; the server ends with it.
pub(crate) struct Loopback {
    transport: HttpTransport,
    quota: Quota,
    url: String,
    seen: Arc<Mutex<Seen>>,
    _tasks: JoinSet<()>,
}

impl Loopback {
    /// `serve` gets every connection, the how manieth it is, and what has been seen; `settings` are the provider's.
    pub(crate) async fn new<F>(settings: &str, serve: impl Fn(Line, usize) -> F + Send + 'static) -> Arc<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut provider = own(settings);
        provider.base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut tasks = JoinSet::new();
        let quota = quota(&provider, &mut tasks);
        let counts = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = {
                    let mut seen = counts.lock().unwrap();
                    seen.accepted += 1;
                    seen.accepted
                };
                lines.spawn(serve(Line { stream, seen: Arc::clone(&counts) }, number));
            }
        });
        let transport = HttpTransport::new(&provider).unwrap();
        Arc::new(Self { transport, quota, url: format!("{}items", provider.base_url), seen, _tasks: tasks })
    }

    /// One attempt.
    pub(crate) async fn get(&self) -> Result<Answer, TransportError> {
        let permit = self.quota.permit(&JobName::parse("j").unwrap()).await.unwrap();
        let (url, headers, body) = (self.url.parse().unwrap(), HeaderMap::new(), Bytes::new());
        let request = WireRequest { method: Method::GET, url, headers, body };
        let (mut departed, answer) = self.transport.send(request, permit).await;
        departed.answered(if answer.is_ok() { Feedback::Accepted } else { Feedback::Failed });
        answer
    }

    pub(crate) fn accepted(&self) -> usize {
        self.seen.lock().unwrap().accepted
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.lock().unwrap().heads.clone()
    }
}

/// One connection of the server.
pub(crate) struct Line {
    stream: TcpStream,
    seen: Arc<Mutex<Seen>>,
}

impl Line {
    /// Waits for the head of a request; false when the client has gone.
    pub(crate) async fn asked(&mut self) -> bool {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return false,
            }
        }
        self.seen.lock().unwrap().heads.push(String::from_utf8_lossy(&head).to_lowercase());
        true
    }

    /// Answers with `body`, and `headers` that end in a line break each.
    pub(crate) async fn answer(&mut self, headers: &str, body: &[u8]) {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    }

    /// Answers without saying how long the body is, in chunks.
    pub(crate) async fn answer_in_chunks(&mut self, chunks: &[&[u8]]) {
        self.stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        for chunk in chunks.iter().chain(&[&b""[..]]) {
            let size = format!("{:x}\r\n", chunk.len());
            self.stream.write_all(&[size.as_bytes(), chunk, b"\r\n"].concat()).await.unwrap();
        }
    }

    /// Says that nothing more will come, and waits until the client has noticed and says so too.
    pub(crate) async fn close(&mut self) {
        self.stream.shutdown().await.unwrap();
        while self.stream.read_u8().await.is_ok() {}
    }
}

fn quota(provider: &Provider, tasks: &mut JoinSet<()>) -> Quota {
    let clock = Clock::starting_at("2026-11-22T12:00:00Z".parse().unwrap());
    let (quota, dispatcher) = open(&provider.limits, provider.max_wait, None, History::default(), clock);
    tasks.spawn(dispatcher.run());
    quota
}
