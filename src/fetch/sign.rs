//! Puts the credential on a request, at the last moment: an attempt that waited for its permit is signed anew.
//!
//! Invariant: the only place where a secret and a request meet; what comes out goes to the transport and nowhere else.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Uri};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::provider::{Auth, Credential, Provider};

use super::request::{Body, Request};
use super::token::{TokenState, TokenTimes};
use super::transport::WireRequest;

/// Why a request cannot be signed; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key goes into a body that the request does not have.
    #[error("the key belongs into a {0} body, but the request has none of that kind")]
    NoBody(&'static str),
    /// A header name or value that HTTP does not allow.
    #[error("the header `{0}` has a character that HTTP does not allow")]
    Header(String),
    /// The address cannot be formed.
    #[error("the path `{0}` does not form an address")]
    Address(String),
    /// The credential has fewer parts than its kind needs.
    #[error("the credential is incomplete")]
    Incomplete,
    /// The token cannot be signed.
    #[error("the token could not be signed: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
}

/// A request with its credential, and which token signed it.
pub struct Signed {
    /// What goes to the transport.
    pub request: WireRequest,
    /// Epoch of the token, 0 where there is none.
    pub epoch: u64,
}

/// Signs the requests of one credential.
pub struct Signer {
    base: Url,
    headers: Vec<(String, String)>,
    auth: Auth,
    credential: Credential,
    token: Mutex<TokenState>,
}

impl Signer {
    /// A signer for `provider` with its secrets.
    pub fn new(provider: &Provider, credential: Credential) -> Self {
        Self {
            base: provider.base_url.clone(),
            headers: provider.headers.clone(),
            auth: provider.auth.clone(),
            credential,
            token: Mutex::new(TokenState::default()),
        }
    }

    /// The secrets, for masking.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Learns the server's clock; what a person should hear about it is said once.
    pub fn observe_date(&self, server: Timestamp, now: Timestamp) -> Option<String> {
        let skew = self.token.lock().unwrap_or_else(PoisonError::into_inner).observe(server, now)?;
        let side = if skew.is_negative() { "ahead of" } else { "behind" };
        Some(format!(
            "the clock of this machine is {:#} {side} the provider's: tokens follow the provider's, but days of a quota begin by \
             ours; set it",
            SignedDuration::from_secs(skew.as_secs().abs())
        ))
    }

    /// The token of `epoch` was refused.
    pub fn refused(&self, epoch: u64, earlier: u32) {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).refused(epoch, earlier);
    }

    /// An answer shows that the token of `epoch` is good.
    pub fn accepted(&self, epoch: u64) {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).accepted(epoch);
    }

    /// How many tokens in a row were refused before that of `epoch`, whichever cells sent them.
    pub fn refused_before(&self, epoch: u64) -> u32 {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).refused_before(epoch)
    }

    fn first(&self) -> Result<&SecretString, SignError> {
        self.credential.first().ok_or(SignError::Incomplete)
    }

    fn second(&self) -> Result<&SecretString, SignError> {
        self.credential.second().ok_or(SignError::Incomplete)
    }

    /// The request as it goes out.
    pub fn sign(&self, request: &Request, now: Timestamp) -> Result<Signed, SignError> {
        let mut query = Cow::Borrowed(&request.query);
        let mut body = Cow::Borrowed(&request.body);
        let own = self.headers.iter().chain(&request.headers);
        let mut headers: Vec<(&str, Cow<'_, str>)> = own.map(|(name, value)| (&**name, Cow::from(value))).collect();
        let mut epoch = 0;
        match &self.auth {
            Auth::None => {}
            Auth::Header { name, prefix, .. } => {
                headers.push((name, format!("{prefix}{}", self.first()?.expose_secret()).into()));
            }
            Auth::Query { name, .. } => {
                // A link to the next page may bring the key along, masked since it was kept: it stands once.
                let query = query.to_mut();
                query.retain(|(known, _)| known != name);
                query.push((name.clone(), self.first()?.expose_secret().to_owned()));
            }
            Auth::Json { name, .. } => {
                let secret = self.first()?.expose_secret();
                let body = body.to_mut();
                if matches!(body, Body::None) {
                    *body = Body::Json(Value::Object(serde_json::Map::new()));
                }
                match body {
                    Body::Json(Value::Object(object)) => {
                        object.insert(name.clone(), Value::String(secret.to_owned()));
                    }
                    Body::None | Body::Json(_) | Body::Form(_) => return Err(SignError::NoBody("JSON")),
                }
            }
            Auth::Form { name, .. } => {
                let secret = self.first()?.expose_secret();
                let body = body.to_mut();
                if matches!(body, Body::None) {
                    *body = Body::Form(Vec::new());
                }
                match body {
                    Body::Form(fields) => {
                        fields.retain(|(known, _)| known != name);
                        fields.push((name.clone(), secret.to_owned()));
                    }
                    Body::None | Body::Json(_) => return Err(SignError::NoBody("form")),
                }
            }
            Auth::Basic { .. } => {
                let user = self.first()?.expose_secret();
                let password = self.second()?.expose_secret();
                headers.push((AUTHORIZATION.as_str(), basic(user, password).into()));
            }
            Auth::Jwt { lifetime, leeway, renew_at, .. } => {
                let times = TokenTimes { lifetime: *lifetime, leeway: *leeway, renew_at: *renew_at };
                let mut state = self.token.lock().unwrap_or_else(PoisonError::into_inner);
                let (token, current) = state.token(times, self.first()?, self.second()?, now)?;
                epoch = current;
                headers.push((AUTHORIZATION.as_str(), format!("Bearer {}", token.expose_secret()).into()));
            }
        }
        let request = assemble(&self.base, request, &query, &body, headers)?;
        Ok(Signed { request, epoch })
    }
}

fn assemble(
    base: &Url,
    request: &Request,
    query: &[(String, String)],
    body: &Body,
    headers: Vec<(&str, Cow<'_, str>)>,
) -> Result<WireRequest, SignError> {
    let mut url = base.clone();
    url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), request.path));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let mut map = HeaderMap::new();
    map.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let bytes = match body {
        Body::None => Bytes::new(),
        Body::Json(value) => {
            map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Bytes::from(value.to_string())
        }
        Body::Form(fields) => {
            map.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            Bytes::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
        }
    };
    // Each replaces what stands before it: provider's own, the job's, the credential.
    for (name, value) in headers {
        let bad = || SignError::Header(name.to_owned());
        let header = HeaderName::try_from(name).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| bad())?;
        // Keeps the value out of every debug print of the request.
        value.set_sensitive(true);
        map.insert(header, value);
    }
    // The client would find out only when the attempt is counted.
    Uri::try_from(url.as_str()).map_err(|_| SignError::Address(request.path.clone()))?;
    Ok(WireRequest { method: request.method.clone(), url, headers: map, body: bytes })
}

/// `Basic` credentials (RFC 7617).
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}
