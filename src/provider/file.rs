//! The mirror of a provider file: what may be written, before it is known to make sense.
//!
//! Invariant: every key is optional here, because a layer gives only what it changes; what must be there is asked of
//! the merged tree.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::job::PagingFile;

use super::Simulation;
use super::auth_file::AuthFile;
use super::limits_file::LimitsFile;
use super::rule_file::RuleFile;

/// A provider: a preset, `providers/NAME.toml`, or the table `[provider.NAME]` of `tidemill.toml`.
///
/// Layers are merged key by key, the stronger one wins; lists replace. A table with `kind` replaces the weaker one
/// except its secrets. Lengths of time are a whole number and a unit: `250ms`, `10s`, `5m`, `1h`, `1d`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tidemill provider")]
pub struct ProviderFile {
    /// Requests go below this address: `http` or `https`, without user name, query or fragment. `http` with a
    /// credential is allowed on loopback addresses only. A provider needs one; that of the weaker layer when absent.
    pub base_url: Option<String>,
    /// IANA zone of the provider's calendar; `UTC` when absent.
    pub zone: Option<String>,
    /// How a request proves who asks; nothing when absent.
    pub auth: Option<AuthFile>,
    /// Headers on every request; none when absent.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub headers: Option<Map<String, Value>>,
    /// How an answer is read.
    pub envelope: Option<EnvelopeFile>,
    /// What the provider allows one credential.
    pub limits: Option<LimitsFile>,
    /// How following pages are asked for; `none` when absent.
    pub paging: Option<PagingFile>,
    /// The provider ignores parameters it does not know instead of refusing them, so that a misspelt one fetches something
    /// else; `check` then wants `[records] expect` in its jobs. `false` when absent.
    pub ignores_unknown: Option<bool>,
    /// Rules that are asked before `rules`: for exceptions of your own without repeating a preset's list.
    pub rules_first: Option<Vec<RuleFile>>,
    /// What answers mean, in order; the first match wins. The `envelope` and the HTTP status alone when absent.
    pub rules: Option<Vec<RuleFile>>,
    /// Waits up to this are slept, longer ones park the job; `5m` when absent.
    pub max_wait: Option<String>,
    /// One attempt takes at most this long, body included; `60s` when absent.
    pub timeout: Option<String>,
    /// Largest body accepted after decompression: bytes, or text such as `64MiB`; `64MiB` when absent.
    pub max_body: Option<Item>,
    /// How the simulator plays the provider.
    pub simulate: Option<Simulation>,
}

/// How an answer is read. Paths are JSON Pointers (`/data/result`).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeFile {
    /// Where the code stands, one path or several; the first that holds one counts. The HTTP status decides
    /// when absent.
    pub code: Option<Texts>,
    /// Where the message stands, one path or several; no message when absent.
    pub message: Option<Texts>,
    /// Codes that mean success; `0` and `"0"` are the same.
    pub ok: Option<Vec<Item>>,
    /// A body without a code on HTTP 2xx is a success; `false` when absent.
    pub ok_when_absent: Option<bool>,
    /// Where the records are; the whole body when absent.
    pub records: Option<String>,
    /// Where the cost of the call is, in credits; calls cost none when absent.
    pub cost: Option<String>,
}

/// A whole number or text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Item {
    /// `429`
    Number(i64),
    /// `"429"`
    Text(String),
}

impl Item {
    /// The number or the text, as text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// One text or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Texts {
    /// `"/code"`
    One(String),
    /// `["/error/code", "/code"]`
    Many(Vec<String>),
}

impl Texts {
    /// All of them, in order.
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}
