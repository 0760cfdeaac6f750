//! The wire: one attempt over HTTP with reqwest, its own retries, redirects and cookies off.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};

use crate::provider::Provider;
use crate::quota::{Departed, Permit};

use super::transport::{Answer, Exchange, Transport, TransportError, WireRequest};

/// Sends over the network.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    timeout: Duration,
    max_body: u64,
}

impl HttpTransport {
    /// A client with connections of its own for one provider.
    ///
    /// # Errors
    /// When the TLS roots of the machine cannot be read.
    pub fn new(provider: &Provider) -> Result<Self, TransportError> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("tidemill/", env!("CARGO_PKG_VERSION")))
            // None by itself keeps a copy of each request, to see afterwards that it is not for retrying.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(10))
            .timeout(provider.timeout);
        // A proxy from the environment must never see requests meant for this machine.
        let builder = match (is_loopback(provider), provider.base_url.scheme()) {
            // Nor is there a certificate to be checked; the machine's many take a while to read.
            (true, "http") => builder.no_proxy().tls_certs_only([]),
            (true, _) => builder.no_proxy(),
            (false, _) => builder,
        };
        let client = builder.build().map_err(|error| TransportError::Connect(describe(&error)))?;
        Ok(Self { client, timeout: provider.timeout, max_body: provider.max_body })
    }

    /// Asks `url` for its headers, without a credential: what comes back tells of name, connection, certificate and clock.
    /// It takes no permit, for it is the attempt of no credential.
    ///
    /// # Errors
    /// When there is no answer; whatever the status, an answer is none.
    pub async fn probe(&self, url: &url::Url) -> Result<Answer, TransportError> {
        let (url, headers, body) = (url.clone(), HeaderMap::new(), Bytes::new());
        self.attempt(WireRequest { method: Method::HEAD, url, headers, body }).await
    }

    async fn attempt(&self, request: WireRequest) -> Result<Answer, TransportError> {
        let WireRequest { method, url, headers, body } = request;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let mut response = self.client.execute(request).await.map_err(|error| self.name(error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = self.body(&mut response).await?;
        Ok(Answer { status, headers, body })
    }

    /// The whole body, unpacked. One that comes in one piece is not copied.
    async fn body(&self, response: &mut reqwest::Response) -> Result<Bytes, TransportError> {
        // Known only of a body that is not packed, and no more than what the server says.
        let announced = response.content_length().unwrap_or(0).min(self.max_body);
        let Some(first) = self.piece(response, 0).await? else { return Ok(Bytes::new()) };
        let Some(second) = self.piece(response, first.len()).await? else { return Ok(first) };
        let length = first.len() + second.len();
        let mut body = BytesMut::with_capacity(usize::try_from(announced).map_or(length, |size| size.max(length)));
        body.extend_from_slice(&first);
        body.extend_from_slice(&second);
        while let Some(piece) = self.piece(response, body.len()).await? {
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }

    /// What comes after the first `before` bytes; nothing at the end.
    async fn piece(&self, response: &mut reqwest::Response, before: usize) -> Result<Option<Bytes>, TransportError> {
        let piece = response.chunk().await.map_err(|error| self.name(error))?;
        let length = before + piece.as_ref().map_or(0, Bytes::len);
        if length as u64 > self.max_body { Err(TransportError::TooLarge(self.max_body)) } else { Ok(piece) }
    }

    fn name(&self, error: reqwest::Error) -> TransportError {
        let text = describe(&error);
        if error.is_timeout() && !error.is_connect() {
            TransportError::TimedOut(self.timeout.as_secs())
        } else if text.contains("certificate") || text.contains("UnknownIssuer") {
            TransportError::Certificate(text)
        } else if error.is_connect() {
            TransportError::Connect(text)
        } else {
            TransportError::Broken(text)
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: WireRequest, permit: Permit) -> Exchange<'_> {
        Box::pin(async move {
            let departed: Departed = permit.depart();
            (departed, self.attempt(request).await)
        })
    }
}

fn is_loopback(provider: &Provider) -> bool {
    match provider.base_url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The chain of causes without the first, which may hold the URL and with it a key.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        source = cause.source();
    }
    if causes.is_empty() { "no further cause is known".to_owned() } else { causes.join(": ") }
}
