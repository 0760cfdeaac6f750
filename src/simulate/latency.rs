//! How long a request takes there, at the provider and back, drawn from a hash.
//!
//! The models `J0` to `J3` are those the limiter was studied with: a line without jitter, a good wide-area line, a bad
//! one, and a bad one with cold connections and stalls. Where only the sum of processing and way back is known, the way
//! back follows the law of the way there and the rest is processing.

use std::str::FromStr;
use std::time::Duration;

use crate::job::parse_duration;

use super::choice::ChoiceError;
use super::mix::{mix, unit};

/// A model of processing and network time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// All of it at the provider: `floor` and an exponential tail of mean `mean_extra`.
    Plain {
        /// No answer is quicker.
        floor: Duration,
        /// Mean of what comes on top.
        mean_extra: Duration,
    },
    /// 25 ms each way, 50 ms at the provider, always.
    J0,
    /// Each way 20 ms + exp(4 ms); at the provider 20 ms + exp(30 ms).
    J1,
    /// Each way 60 ms + 15 ms × lognormal(0, 1), one in two hundred 200 ms + exp(300 ms) longer; at the provider
    /// 100 ms + exp(200 ms).
    J2,
    /// As `J2`; one way there in ten opens a connection, 200 ms + exp(120 ms) longer, and one request in two thousand
    /// stalls at the provider for 3 s.
    J3,
}

/// The parts of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Legs {
    /// From the client to the provider.
    pub there: Duration,
    /// Processing, if the request is let in.
    pub work: Duration,
    /// From the provider to the client.
    pub back: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self::Plain { floor: Duration::from_millis(30), mean_extra: Duration::from_millis(30) }
    }
}

impl Latency {
    /// Always the same, all of it at the provider.
    pub fn fixed(floor: Duration) -> Self {
        Self::Plain { floor, mean_extra: Duration::ZERO }
    }

    /// The parts that go with `hash`. Unrelated hashes give unrelated parts.
    pub fn legs(&self, hash: u64) -> Legs {
        // Every part draws from a hash of its own.
        let draw = |part: u64| mix(hash, part);
        match self {
            Self::Plain { floor, mean_extra } => {
                Legs { work: *floor + mean_extra.mul_f64(exponential(hash)), ..Legs::default() }
            }
            Self::J0 => Legs { there: millis(25.0), work: millis(50.0), back: millis(25.0) },
            Self::J1 => Legs {
                there: millis(20.0 + 4.0 * exponential(draw(1))),
                work: millis(20.0 + 30.0 * exponential(draw(2))),
                back: millis(20.0 + 4.0 * exponential(draw(3))),
            },
            Self::J2 => Legs {
                there: bad_way(draw(1)),
                work: millis(100.0 + 200.0 * exponential(draw(2))),
                back: bad_way(draw(3)),
            },
            Self::J3 => {
                let Legs { there, work, back } = Self::J2.legs(hash);
                let connecting = if unit(draw(4)) < 0.1 { 200.0 + 120.0 * exponential(draw(5)) } else { 0.0 };
                let stall = if unit(draw(6)) < 0.0005 { Duration::from_secs(3) } else { Duration::ZERO };
                Legs { there: there + millis(connecting), work: work + stall, back }
            }
        }
    }

    /// How long the provider takes to say no.
    pub(super) fn refusal(&self) -> Duration {
        match self {
            Self::Plain { floor, .. } => *floor,
            Self::J0 | Self::J1 | Self::J2 | Self::J3 => Duration::ZERO,
        }
    }
}

impl FromStr for Latency {
    type Err = ChoiceError;

    /// Reads `j0`, `j1`, `j2`, `j3` or a plain latency such as `30ms+30ms`.
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let plain = || {
            let (floor, extra) = text.split_once('+')?;
            Some(Self::Plain { floor: parse_duration(floor).ok()?, mean_extra: parse_duration(extra).ok()? })
        };
        match text {
            "j0" => Ok(Self::J0),
            "j1" => Ok(Self::J1),
            "j2" => Ok(Self::J2),
            "j3" => Ok(Self::J3),
            _ => plain().ok_or_else(|| {
                ChoiceError::new("latency", text, "j0, j1, j2, j3, or a floor and a mean extra such as 30ms+30ms")
            }),
        }
    }
}

/// One way of a bad line.
fn bad_way(hash: u64) -> Duration {
    let spike = if unit(mix(hash, 1)) < 0.005 { 200.0 + 300.0 * exponential(mix(hash, 2)) } else { 0.0 };
    millis(60.0 + 15.0 * normal(mix(hash, 3), mix(hash, 4)).exp() + spike)
}

/// Exponential with mean 1.
fn exponential(hash: u64) -> f64 {
    // 1 - unit is never 0; the tail is cut so that no answer outlasts a client's patience by itself.
    (-(1.0 - unit(hash)).ln()).min(20.0)
}

/// Normal with mean 0 and variance 1, after Box and Muller; the cut of [`exponential`] keeps it within ±6.4.
fn normal(radius: u64, angle: u64) -> f64 {
    (2.0 * exponential(radius)).sqrt() * (std::f64::consts::TAU * unit(angle)).cos()
}

fn millis(number: f64) -> Duration {
    Duration::from_secs_f64(number / 1000.0)
}
