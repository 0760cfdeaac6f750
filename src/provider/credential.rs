//! The secrets of one provider, read, and everything that hides them again.
//!
//! Invariant: no secret leaves through `Debug`, an error or a log; what may carry one goes through [`Credential::redact`]
//! or [`Credential::mask`].

use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{Environment, Provider, SecretError};

const FINGERPRINT_CONTEXT: &str = "tidemill 2026-01 fingerprint of a credential";

/// In a body a shorter secret is more likely data: masking it would change records.
const SHORTEST_MASKED_IN_BODIES: usize = 8;

const STARS: &str = "***";

/// The secrets of one provider's [`super::Auth`], and the host they are for.
#[derive(Clone)]
pub struct Credential {
    secrets: Vec<SecretString>,
    host: String,
}

/// Secrets that cannot be used, all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the credential of `{provider}` is not complete: {}", list(errors))]
pub struct CredentialError {
    /// Whose it is.
    pub provider: String,
    /// One for each secret.
    pub errors: Vec<SecretError>,
}

fn list(errors: &[SecretError]) -> String {
    errors.iter().map(SecretError::to_string).collect::<Vec<_>>().join("; ")
}

impl Credential {
    /// Reads every secret `provider` refers to. Reads files, so call it where blocking is allowed.
    pub fn resolve(provider: &Provider, environment: &Environment) -> Result<Self, CredentialError> {
        let mut secrets = Vec::new();
        let mut errors = Vec::new();
        for reference in provider.auth.secrets() {
            match reference.resolve(environment) {
                Ok(secret) => secrets.push(secret),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(CredentialError { provider: provider.name.clone(), errors });
        }
        let url = &provider.base_url;
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self { secrets, host: format!("{}{port}", url.host_str().unwrap_or_default()) })
    }

    /// The one secret of header, query, json and form; the user name of basic; the access key of jwt.
    pub fn first(&self) -> Option<&SecretString> {
        self.secrets.first()
    }

    /// The password of basic; the secret key of jwt.
    pub fn second(&self) -> Option<&SecretString> {
        self.secrets.get(1)
    }

    /// What names this credential where it must not be told: 32 hex digits of keyed BLAKE3 of secrets and host.
    pub fn fingerprint(&self) -> String {
        let key = blake3::derive_key(FINGERPRINT_CONTEXT, &[]);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        let parts = self.secrets.iter().map(ExposeSecret::expose_secret).chain([self.host.as_str()]);
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// `text` with every secret replaced by `***`, also where it is percent-encoded or escaped as in JSON.
    pub fn redact(&self, text: String) -> String {
        match self.hide(text.as_bytes(), 1) {
            Cow::Borrowed(_) => text,
            Cow::Owned(hidden) => String::from_utf8_lossy(&hidden).into_owned(),
        }
    }

    /// `body` with every secret of 8 bytes or more replaced by `***`, in the same spellings; borrowed when none is in it.
    pub fn mask<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        self.hide(body, SHORTEST_MASKED_IN_BODIES)
    }

    fn hide<'a>(&self, bytes: &'a [u8], shortest: usize) -> Cow<'a, [u8]> {
        let long =
            self.secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= shortest.max(1));
        let mut secrets: Vec<Cow<'_, [u8]>> = long.flat_map(in_json).collect();
        // The longest first: of two secrets of which one begins the other, the rest must not stay.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let mut starts = [false; 256];
        for secret in &secrets {
            starts[usize::from(secret[0])] = true;
        }
        if !secrets.iter().any(|secret| may_hold(bytes, secret)) {
            return Cow::Borrowed(bytes);
        }
        for escape in [b'%', b'\\', b'+'] {
            starts[usize::from(escape)] = true;
        }
        let mut hidden: Vec<u8> = Vec::new();
        let (mut copied, mut at) = (0, 0);
        while at < bytes.len() {
            let length = if starts[usize::from(bytes[at])] {
                secrets.iter().find_map(|secret| length_at(&bytes[at..], secret))
            } else {
                None
            };
            match length {
                None => at += 1,
                Some(length) => {
                    hidden.extend_from_slice(&bytes[copied..at]);
                    hidden.extend_from_slice(STARS.as_bytes());
                    at += length;
                    copied = at;
                }
            }
        }
        if copied == 0 {
            return Cow::Borrowed(bytes);
        }
        hidden.extend_from_slice(&bytes[copied..]);
        Cow::Owned(hidden)
    }
}

/// A secret as it is; where it has characters beyond ASCII also as JSON that has none spells it, in small and large digits.
fn in_json(secret: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let small = |unit: &u16| format!("\\u{unit:04x}");
    let large = |unit: &u16| format!("\\u{unit:04X}");
    let spelled = (!secret.is_ascii()).then(|| [in_ascii(secret, small), in_ascii(secret, large)]);
    std::iter::once(Cow::Borrowed(secret.as_bytes())).chain(spelled.into_iter().flatten().map(Cow::Owned))
}

fn in_ascii(secret: &str, unit: impl Fn(&u16) -> String) -> Vec<u8> {
    let spell = |character: char| match character.is_ascii() {
        true => character.to_string(),
        false => character.encode_utf16(&mut [0; 2]).iter().map(&unit).collect(),
    };
    secret.chars().map(spell).collect::<String>().into_bytes()
}

/// Whether `secret` may stand in `bytes`, at a fraction of the price of looking: bodies are large and hardly ever hold
/// one. It does as it is, or with a first escape that spells one of its bytes, behind those before it.
fn may_hold(bytes: &[u8], secret: &[u8]) -> bool {
    // A space has a spelling that is no escape.
    secret.contains(&b' ')
        || memchr::memmem::find(bytes, secret).is_some()
        || memchr::memchr2_iter(b'%', b'\\', bytes).any(|at| {
            spelled(&bytes[at..]).is_some_and(|(byte, _)| {
                memchr::memchr_iter(byte, secret).any(|place| bytes[..at].ends_with(&secret[..place]))
            })
        })
}

/// The byte that the escape at the start of `text` stands for, and how long the escape is.
fn spelled(text: &[u8]) -> Option<(u8, usize)> {
    let byte = |high: u8, low: u8| u8::from_str_radix(std::str::from_utf8(&[high, low]).ok()?, 16).ok();
    match text {
        [b'%', high, low, ..] => Some((byte(*high, *low)?, 3)),
        [b'\\', b'u', b'0', b'0', high, low, ..] => Some((byte(*high, *low)?, 6)),
        [b'\\', next, ..] => Some((*next, 2)),
        _ => None,
    }
}

/// How many bytes at the start of `text` spell `secret`; each byte of it may stand raw, as `%2F`, as `\/`, as `\u002f`,
/// a space also as `+`.
fn length_at(text: &[u8], secret: &[u8]) -> Option<usize> {
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    // A `\` or `%` of the secret may itself stand raw, and then what it begins looks like an escape: both are followed.
    let mut ends = vec![0];
    for &byte in secret {
        let mut next = Vec::new();
        for end in ends {
            let rest = &text[end..];
            next.extend(escaped(rest, byte).map(|taken| end + taken));
            next.extend((rest.first() == Some(&byte)).then_some(end + 1));
        }
        if next.is_empty() {
            return None;
        }
        next.sort_unstable();
        next.dedup();
        ends = next;
    }
    ends.last().copied()
}

/// How long the escape at the start of `text` is, if it stands for `byte`.
fn escaped(text: &[u8], byte: u8) -> Option<usize> {
    match (text.first(), spelled(text)) {
        (Some(b'+'), _) if byte == b' ' => Some(1),
        (_, Some((found, length))) if found == byte => Some(length),
        (_, _) => None,
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("secrets", &self.secrets.len()).field("host", &self.host).finish()
    }
}
