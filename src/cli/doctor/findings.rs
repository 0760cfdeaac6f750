//! What the doctor found: plain values, no secret among them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::ledger::Holder;

/// Everything.
#[derive(Debug, Clone)]
pub(super) struct Findings {
    pub(super) now: Timestamp,
    /// `tidemill.toml`, if there is one.
    pub(super) settings: Option<String>,
    /// Where it was looked for first.
    pub(super) folder: String,
    /// What is wrong with files, settings and variables, each with its place, and what to do.
    pub(super) problems: Vec<(String, Option<String>)>,
    /// `.env`, and its permissions if it is there.
    pub(super) dotenv: (String, Option<u32>),
    pub(super) folders: Vec<Folder>,
    pub(super) ledger: Ledger,
    /// Jobs that are held, and by whom; or why that is not known.
    pub(super) held: Result<Vec<(String, Holder)>, String>,
    /// The host's own zone.
    pub(super) zone: TimeZone,
    /// What keeps a client from being built.
    pub(super) tls: Option<String>,
    /// Variables that name a proxy, and the proxy without user and password.
    pub(super) proxies: Vec<(String, String)>,
    pub(super) providers: Vec<Provider>,
    /// Whether the providers were asked.
    pub(super) live: bool,
}

/// A folder that runs write to.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// `state`, `output`, `quota`.
    pub(super) name: &'static str,
    pub(super) path: String,
    pub(super) exists: bool,
    /// Of the folder, or of the first above it that exists.
    pub(super) writable: Result<(), String>,
    /// Of its disk.
    pub(super) space: Option<Space>,
}

/// How full a disk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    /// Bytes for those who are not root.
    pub(super) free: u64,
    pub(super) size: u64,
    /// Files that can still be made; none where they are not counted.
    pub(super) files: Option<u64>,
}

/// The ledger of the state folder.
#[derive(Debug, Clone)]
pub(super) enum Ledger {
    /// No run was here yet.
    Absent,
    Opens {
        version: i64,
        known: i64,
    },
    /// The next run mends it.
    Damaged(String),
    /// Of a newer program or of another one.
    NotOurs(String),
    /// It cannot be opened.
    Refused(String),
}

/// A provider that jobs may name.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    pub(super) name: String,
    /// On the command line.
    pub(super) named: bool,
    /// In settings or in a file of its own.
    pub(super) configured: bool,
    pub(super) base_url: String,
    /// One for each secret that it takes.
    pub(super) secrets: Vec<Secret>,
    /// Its days: when each resets next, in which zone.
    pub(super) resets: Vec<(Timestamp, TimeZone)>,
    /// Keys of `limits` that are guesses.
    pub(super) guessed: Vec<String>,
    /// What came back, if it was asked.
    pub(super) answer: Option<Answer>,
}

/// A secret that a provider takes.
#[derive(Debug, Clone)]
pub(super) enum Secret {
    Found {
        /// Its place, never its value.
        at: String,
        /// The file it is in and its permissions.
        file: Option<(String, u32)>,
        /// `.env` has another one under the same name.
        shadows: bool,
    },
    Missing {
        /// Where it was looked for.
        why: String,
        hint: String,
    },
    /// Found, but it cannot be sent.
    Unusable { why: String, hint: String },
}

/// What came of asking a base URL for its headers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Came {
        status: u16,
        /// How far the clock here is ahead of the provider's, in milliseconds, to about a second; none without `Date`.
        ahead: Option<i64>,
        took_ms: u128,
    },
    /// Nothing came; in words.
    Failed(String),
}

impl Findings {
    /// Whether a variable leads requests through a proxy.
    pub(super) fn is_proxied(&self) -> bool {
        self.proxies.iter().any(|(name, _)| !name.eq_ignore_ascii_case("no_proxy"))
    }

    /// Whether the provider at `index` is worth a question: it is named, has settings, or has its keys.
    pub(super) fn is_asked(&self, index: usize) -> bool {
        let complete = |provider: &Provider| {
            let found = |secret: &Secret| matches!(secret, Secret::Found { .. });
            !provider.secrets.is_empty() && provider.secrets.iter().all(found)
        };
        let provider = self.providers.get(index);
        provider.is_some_and(|provider| provider.named || provider.configured || complete(provider))
    }
}
