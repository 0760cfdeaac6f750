//! At which point of the processing a request is counted and decided.

use std::str::FromStr;
use std::time::Duration;

use super::choice::ChoiceError;

/// A point of the processing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountAt {
    /// On arrival.
    #[default]
    Start,
    /// Half of it is done.
    Middle,
    /// It is done.
    End,
}

impl CountAt {
    /// How much of `work` is done before the request is counted.
    pub fn done(self, work: Duration) -> Duration {
        match self {
            Self::Start => Duration::ZERO,
            Self::Middle => work / 2,
            Self::End => work,
        }
    }
}

impl FromStr for CountAt {
    type Err = ChoiceError;

    /// Reads `start`, `middle` or `end`.
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        match text {
            "start" => Ok(Self::Start),
            "middle" => Ok(Self::Middle),
            "end" => Ok(Self::End),
            _ => Err(ChoiceError::new("point of the processing", text, "start, middle or end")),
        }
    }
}
