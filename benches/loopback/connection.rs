//! One connection of the bare loop: hyper itself, without the pool and the layers of a client, which are worth half of what
//! small answers take.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http::{Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Body;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection that is kept.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host: address.to_string() }
    }

    /// The body of an answer that says how long it is.
    pub(crate) async fn get(&mut self, path: &str) -> Bytes {
        let request = Request::get(path).header(header::HOST, &self.host).body(Empty::new()).unwrap();
        self.sender.ready().await.unwrap();
        let mut response = self.sender.send_request(request).await.unwrap();
        let announced = usize::try_from(response.body().size_hint().lower()).unwrap();
        let mut body = BytesMut::new();
        while let Some(frame) = response.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            if piece.len() == announced {
                return piece;
            }
            body.reserve(announced - body.len());
            body.extend_from_slice(&piece);
        }
        body.freeze()
    }
}
