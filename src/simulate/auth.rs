//! Checks who asks, as strictly as the provider would: a client that signs wrongly must not pass a rehearsal.

use http::{HeaderMap, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::provider::{Auth, Cause, Placement, PlacementKind, Provider, SecretRef};

use super::asked::Asked;
use super::secrets::SimSecrets;

/// What is wrong with a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// There is none.
    Missing,
    /// It is not the one demanded: key, signature or issuer.
    Invalid,
    /// Its `nbf` lies ahead.
    NotYetValid,
    /// Its `exp` has passed.
    Expired,
}

impl AuthFailure {
    /// Names its code in `[simulate]`.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Missing => Cause::AuthMissing,
            Self::Invalid => Cause::AuthInvalid,
            Self::NotYetValid => Cause::AuthNotYetValid,
            Self::Expired => Cause::AuthExpired,
        }
    }
}

/// Accepts or refuses the credential of `asked`; `wall` is the provider's own clock.
pub(super) fn check(
    provider: &Provider,
    secrets: &SimSecrets,
    asked: &Asked,
    wall: Timestamp,
) -> Result<(), AuthFailure> {
    let secret = |reference: &SecretRef| secrets.get(reference).map(SecretString::expose_secret).unwrap_or_default();
    let (own, key) = match &provider.auth {
        Auth::None => return Ok(()),
        Auth::Basic { user, password } => return basic(&asked.headers, secret(user), secret(password)),
        Auth::Jwt { access_key, secret_key, .. } => {
            return jwt(&asked.headers, secret(access_key), secret(secret_key), wall);
        }
        Auth::Header { name, prefix, value } => (header_value(&asked.headers, name, prefix), secret(value)),
        Auth::Query { name, value } => (field(&asked.query, name), secret(value)),
        Auth::Json { name, value } => (field(&asked.json, name), secret(value)),
        Auth::Form { name, value } => (field(&asked.form, name), secret(value)),
    };
    let further = provider.simulation.auth.iter().map(|placement| at(placement, asked));
    let mut failure = AuthFailure::Missing;
    for found in std::iter::once(own).chain(further) {
        match found {
            Found::Key(found) if found == key => return Ok(()),
            Found::Key(_) | Found::Malformed => failure = AuthFailure::Invalid,
            Found::Nothing => {}
        }
    }
    Err(failure)
}

/// Removes the credential from the parameters: it is no part of what was asked, and must not be echoed.
pub(super) fn strip(provider: &Provider, parameters: &mut Map<String, Value>) {
    match &provider.auth {
        Auth::Query { name, .. } | Auth::Json { name, .. } | Auth::Form { name, .. } => {
            parameters.shift_remove(name);
        }
        Auth::None | Auth::Header { .. } | Auth::Basic { .. } | Auth::Jwt { .. } => {}
    }
    for placement in &provider.simulation.auth {
        match placement.kind {
            PlacementKind::Query | PlacementKind::Json | PlacementKind::Form => {
                parameters.shift_remove(&placement.name);
            }
            PlacementKind::Bearer | PlacementKind::Header => {}
        }
    }
}

enum Found {
    Nothing,
    Malformed,
    Key(String),
}

fn at(placement: &Placement, asked: &Asked) -> Found {
    match placement.kind {
        PlacementKind::Bearer => header_value(&asked.headers, header::AUTHORIZATION.as_str(), "Bearer "),
        PlacementKind::Header => header_value(&asked.headers, &placement.name, ""),
        PlacementKind::Query => field(&asked.query, &placement.name),
        PlacementKind::Json => field(&asked.json, &placement.name),
        PlacementKind::Form => field(&asked.form, &placement.name),
    }
}

fn header_value(headers: &HeaderMap, name: &str, prefix: &str) -> Found {
    match headers.get(name).map(|value| value.to_str()) {
        None => Found::Nothing,
        Some(Ok("")) => Found::Nothing,
        Some(Ok(text)) => text.strip_prefix(prefix).map_or(Found::Malformed, |key| Found::Key(key.to_owned())),
        Some(Err(_)) => Found::Malformed,
    }
}

fn field(fields: &Map<String, Value>, name: &str) -> Found {
    match fields.get(name) {
        None | Some(Value::Null) => Found::Nothing,
        Some(Value::String(text)) if text.is_empty() => Found::Nothing,
        Some(Value::String(text)) => Found::Key(text.clone()),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Found::Malformed,
    }
}

fn basic(headers: &HeaderMap, user: &str, password: &str) -> Result<(), AuthFailure> {
    let encoded = match header_value(headers, header::AUTHORIZATION.as_str(), "Basic ") {
        Found::Nothing => return Err(AuthFailure::Missing),
        Found::Malformed => return Err(AuthFailure::Invalid),
        Found::Key(encoded) => encoded,
    };
    if encoded == base64(format!("{user}:{password}").as_bytes()) { Ok(()) } else { Err(AuthFailure::Invalid) }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    exp: i64,
    nbf: i64,
}

fn jwt(headers: &HeaderMap, access: &str, secret: &str, wall: Timestamp) -> Result<(), AuthFailure> {
    let token = match header_value(headers, header::AUTHORIZATION.as_str(), "Bearer ") {
        Found::Nothing => return Err(AuthFailure::Missing),
        Found::Malformed => return Err(AuthFailure::Invalid),
        Found::Key(token) => token,
    };
    // The times are checked here: the crate would read the machine's clock.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let claims = jsonwebtoken::decode::<Claims>(&token, &DecodingKey::from_secret(secret.as_bytes()), &validation)
        .map_err(|_| AuthFailure::Invalid)?
        .claims;
    let now = wall.as_second();
    if claims.iss != access {
        Err(AuthFailure::Invalid)
    } else if claims.nbf > now {
        Err(AuthFailure::NotYetValid)
    } else if claims.exp <= now {
        Err(AuthFailure::Expired)
    } else {
        Ok(())
    }
}

/// Standard base64 with padding, RFC 4648 section 4. Encoding what we expect is simpler than decoding what came.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0_u32, |word, (at, byte)| word | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            let sextet = (word >> (18 - 6 * at) & 63) as usize;
            text.push(if at <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}
