//! The seam between asking and the wire: reqwest in earnest, the simulator in memory for months on a paused clock.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::quota::{Departed, Permit};

/// What one attempt comes to: the departed permit, to be held until the page is safe, and the answer.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = (Departed, Result<Answer, TransportError>)> + Send + 'a>>;

/// Sends one attempt. The permit is taken by value: an unmetered attempt does not compile.
///
/// An implementation departs the permit immediately before the first byte may leave, follows no redirect, retries
/// nothing and keeps every secret of the request out of its errors.
pub trait Transport: Send + Sync {
    /// One attempt, the whole body included.
    fn send(&self, request: WireRequest, permit: Permit) -> Exchange<'_>;
}

/// A request as it goes out, its credential included: so it cannot be printed. Its address stays in parts, which the client
/// would have to read again from text.
pub struct WireRequest {
    /// GET, POST.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// All of them but those that the client sets.
    pub headers: HeaderMap,
    /// Nothing where it has none.
    pub body: Bytes,
}

impl WireRequest {
    /// The same for whoever reads it as a server does.
    ///
    /// # Errors
    /// When HTTP cannot carry its address, for it is too long.
    pub fn into_http(self) -> Result<http::Request<Bytes>, http::Error> {
        let mut request = http::Request::builder().method(self.method).uri(self.url.as_str()).body(self.body)?;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

/// Why there is no answer. The text never holds the URL: its query may hold a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection: name not found, refused, unreachable.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The certificate was not accepted.
    #[error("the server's certificate was not accepted: {0}")]
    Certificate(String),
    /// No whole answer within the provider's `timeout`; the request may have been served.
    #[error("no whole answer within {0} s")]
    TimedOut(u64),
    /// The connection broke after the request may have been served.
    #[error("the connection broke before the answer was whole: {0}")]
    Broken(String),
    /// The decompressed body is larger than the provider's `max_body`.
    #[error("the answer is larger than {0} bytes (`max_body`)")]
    TooLarge(u64),
}
