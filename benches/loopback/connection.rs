//! What the bare loop asks through: hyper itself on a connection of its own, without the pool and the layers of a client,
//! which are worth half of what small answers take; or such a client, that of `tidemill`.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Body;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;

/// Through what is asked.
#[derive(Clone)]
pub(crate) enum Through {
    /// hyper.
    Hyper,
    /// reqwest; all clones share its connections.
    Reqwest(reqwest::Client),
}

impl Through {
    /// reqwest, told what `tidemill` tells it.
    pub(crate) fn reqwest() -> Self {
        let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]).referer(false);
        let builder = builder
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(10));
        Self::Reqwest(builder.timeout(Duration::from_secs(30)).build().unwrap())
    }
}

/// What one task asks through.
pub(crate) enum Connection {
    Hyper { sender: SendRequest<Empty<Bytes>>, host: String },
    Reqwest { client: reqwest::Client, base: Url },
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr, through: Through) -> Self {
        match through {
            Through::Hyper => {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
                tokio::spawn(connection);
                Self::Hyper { sender, host: address.to_string() }
            }
            Through::Reqwest(client) => {
                Self::Reqwest { client, base: Url::parse(&format!("http://{address}/pages")).unwrap() }
            }
        }
    }

    /// The page of that number.
    pub(crate) async fn get(&mut self, page: &str) -> Bytes {
        match self {
            Self::Hyper { sender, host } => hyper_get(sender, host, page).await,
            Self::Reqwest { client, base } => {
                let mut url = base.clone();
                url.query_pairs_mut().append_pair("page", page);
                client.get(url).send().await.unwrap().bytes().await.unwrap()
            }
        }
    }
}

/// The body of an answer that says how long it is.
async fn hyper_get(sender: &mut SendRequest<Empty<Bytes>>, host: &str, page: &str) -> Bytes {
    let request = Request::get(format!("/pages?page={page}")).header(header::HOST, host).body(Empty::new()).unwrap();
    sender.ready().await.unwrap();
    let mut response = sender.send_request(request).await.unwrap();
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
