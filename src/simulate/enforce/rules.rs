//! How limits are kept, as a person or a benchmark chooses it.

use std::str::FromStr;
use std::time::Duration;

use crate::simulate::choice::ChoiceError;

/// How a limit of `N` calls per time `T` is kept. Calendar days are counted exactly whatever the kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Windows of length `T` one after the other, aligned to the provider's own clock: up to `2 N` calls pass around
    /// an edge.
    Fixed,
    /// The exact log of the last `T`: a call that is exactly `T` old has left it.
    #[default]
    Log,
    /// The aligned window and the share of the one before that the last `T` still covers, as if its calls had come
    /// evenly: `before * (1 - f) + now + 1 <= N`, where `f` is how much of the window has passed.
    Counter,
    /// A bucket of `burst` calls, full at first, that refills at `N / T`.
    Bucket {
        /// Calls it holds; none are ever let in when it is 0.
        burst: u32,
    },
    /// As nginx `limit_req` with `burst` and `nodelay`: what comes too early is an excess that drains at `N / T`, and a
    /// call is let in while the excess is at most `burst`. With 0 every call must come `T / N` after the one before.
    /// The excess is exact here; nginx counts it in thousandths of a call and looks at whole milliseconds.
    Gcra {
        /// Calls that may come early.
        burst: u32,
    },
}

/// How all limits of a credential are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// How each window is kept.
    pub kind: Kind,
    /// A refused call counts against every window too, as with some gateways. It takes what a bucket has left, but an
    /// empty one owes nothing.
    pub count_refusals: bool,
    /// Aligned windows begin so long after the multiples of their length since the Unix epoch.
    pub phase: Duration,
}

impl FromStr for Kind {
    type Err = ChoiceError;

    /// Reads `log`, `fixed`, `counter`, `bucket:10` or `gcra:5`.
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let wrong = || ChoiceError::new("way to keep a limit", text, "log, fixed, counter, bucket:N or gcra:N");
        let (name, burst) = match text.split_once(':') {
            Some((name, burst)) => (name, Some(burst.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (name, burst) {
            ("log", None) => Ok(Self::Log),
            ("fixed", None) => Ok(Self::Fixed),
            ("counter", None) => Ok(Self::Counter),
            ("bucket", Some(burst)) if burst > 0 => Ok(Self::Bucket { burst }),
            ("bucket", Some(_)) => Err(ChoiceError::new("bucket that lets a call in", text, "bucket:1 or more")),
            ("gcra", Some(burst)) => Ok(Self::Gcra { burst }),
            _ => Err(wrong()),
        }
    }
}
