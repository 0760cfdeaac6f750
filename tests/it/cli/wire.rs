//! A provider by hand: a socket that says when a request is in flight and answers only when told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Listens on a free port of this machine.
pub(crate) struct Wire {
    listener: TcpListener,
}

/// A request that waits for its answer.
pub(crate) struct Asked {
    stream: TcpStream,
    /// All of it, as it came.
    pub(crate) text: String,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// The flag that leads a run here.
    pub(crate) fn set(&self, provider: &str) -> String {
        format!("--set=provider.{provider}.base_url=http://{}/api", self.listener.local_addr().unwrap())
    }

    /// Waits for one request and reads it whole.
    pub(crate) fn accept(&self) -> Asked {
        let (stream, _) = self.listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut text, mut length) = (String::new(), 0);
        loop {
            let start = text.len();
            reader.read_line(&mut text).unwrap();
            let line = text[start..].trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
        Asked { stream, text }
    }

    /// True when a connection waits that nobody has accepted.
    pub(crate) fn is_asked_again(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        let waits = self.listener.accept().is_ok();
        self.listener.set_nonblocking(false).unwrap();
        waits
    }
}

impl Asked {
    /// Answers and closes the connection.
    pub(crate) fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}");
        self.stream.write_all(answer.as_bytes()).unwrap();
    }
}

/// A last page of FoxData with `records`, a JSON list.
pub(crate) fn foxdata_page(records: &str) -> String {
    format!(r#"{{"code": 200, "msg": "ok", "data": {{"result": {{"ranks": {records}}}, "next": null}}}}"#)
}
