//! A provider, checked.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use url::Url;

use crate::job::{Paging, Pointer};

use super::{Rule, SecretRef, Simulation};

/// Who grants quota: everything needed to ask and to understand the answer.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name in job files and settings.
    pub name: String,
    /// Requests go below it; its path ends without a slash.
    pub base_url: Url,
    /// Zone of its calendar: day windows without a zone of their own, `today` of date axes.
    pub zone: TimeZone,
    /// How a request proves who asks.
    pub auth: Auth,
    /// Headers on every request.
    pub headers: Vec<(String, String)>,
    /// How an answer is read.
    pub envelope: Envelope,
    /// It ignores parameters it does not know.
    pub ignores_unknown: bool,
    /// What answers mean, in order.
    pub rules: Vec<Rule>,
    /// What it allows.
    pub limits: Limits,
    /// How following pages are asked for.
    pub paging: Paging,
    /// Waits up to this are slept, longer ones park the job.
    pub max_wait: Duration,
    /// One attempt takes at most this long, body included.
    pub timeout: Duration,
    /// Largest body accepted, bytes after decompression.
    pub max_body: u64,
    /// How the simulator plays it.
    pub simulation: Simulation,
}

/// How a request proves who asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// Not at all.
    None,
    /// A header: `name: prefix` + secret. Bearer is `Authorization` with prefix `Bearer `.
    Header {
        /// Header name.
        name: String,
        /// Text before the secret.
        prefix: String,
        /// The key.
        value: SecretRef,
    },
    /// A query parameter.
    Query {
        /// Parameter name.
        name: String,
        /// The key.
        value: SecretRef,
    },
    /// A top-level field of a JSON body.
    Json {
        /// Field name.
        name: String,
        /// The key.
        value: SecretRef,
    },
    /// A field of a form body.
    Form {
        /// Field name.
        name: String,
        /// The key.
        value: SecretRef,
    },
    /// `Authorization: Basic`.
    Basic {
        /// User name.
        user: SecretRef,
        /// Password.
        password: SecretRef,
    },
    /// A JSON Web Token signed HS256, sent as `Authorization: Bearer`.
    Jwt {
        /// Becomes the claim `iss`.
        access_key: SecretRef,
        /// Signs the token.
        secret_key: SecretRef,
        /// `exp` = now + this.
        lifetime: Duration,
        /// `nbf` = now - this.
        leeway: Duration,
        /// Share of the lifetime after which a new token is minted, 0 to 1.
        renew_at: f64,
    },
}

/// How an answer is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Where the code stands; the first place that holds one counts. Empty: HTTP status alone.
    pub code: Vec<Pointer>,
    /// Where the message stands.
    pub message: Vec<Pointer>,
    /// Codes that mean success, as text.
    pub ok: Vec<String>,
    /// A body without a code on HTTP 2xx is a success.
    pub ok_when_absent: bool,
    /// Where the records are.
    pub records: Pointer,
    /// Where the cost of the call is, in credits.
    pub cost: Option<Pointer>,
}

/// What a provider allows one credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// All of them hold at once.
    pub windows: Vec<Window>,
    /// Requests in flight.
    pub concurrency: u32,
    /// Keys of `[limits]`, such as `per_day`, whose number is a cautious guess: the provider publishes none, and the
    /// user has given none.
    pub guessed: Vec<String>,
}

/// At most `max` of `unit` per `kind`.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// How many.
    pub max: u32,
    /// When they count.
    pub kind: WindowKind,
    /// What is counted.
    pub unit: Unit,
    /// The provider is known to keep it as a bucket that refills evenly: spacing alone keeps it, and nothing is held.
    pub bucket: bool,
}

impl Window {
    /// At most `max` calls in the last `period`, wherever it starts.
    pub fn rolling(max: u32, period: Duration) -> Self {
        Self { max, kind: WindowKind::Rolling(period), unit: Unit::Calls, bucket: false }
    }

    /// At most `max` calls in a day that begins at `resets` in `zone`.
    pub fn day(max: u32, resets: Time, zone: TimeZone) -> Self {
        Self { max, kind: WindowKind::Day { resets, zone }, unit: Unit::Calls, bucket: false }
    }
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Every attempt is one.
    Calls,
    /// What the answers say they cost.
    Credits,
}

impl Unit {
    /// What `calls` that cost `price` credits each count.
    pub fn weight(self, calls: u32, price: u32) -> u32 {
        match self {
            Self::Calls => calls,
            Self::Credits => calls.saturating_mul(price),
        }
    }
}

/// When a call counts against a limit.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowKind {
    /// The last so long, wherever it starts: second, minute, hour, or a day that is not known to follow the calendar.
    Rolling(Duration),
    /// A calendar day that begins at `resets` in `zone`.
    Day {
        /// Wall-clock time of the reset.
        resets: Time,
        /// The zone it is read in.
        zone: TimeZone,
    },
}
