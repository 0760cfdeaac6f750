//! How a run ends, in one number: the contract with every scheduler.

use serde::{Deserialize, Serialize};

/// The end of a run or of one job in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// All that was asked for is done and published.
    Done,
    /// Unexpected failure; running again is sensible.
    Failed,
    /// Usage, settings or a job file is wrong; nothing was sent.
    Usage,
    /// Finished, but some cells or records were rejected for good.
    Rejected,
    /// A person must act.
    NeedsPerson,
    /// Paused with all work kept.
    Paused,
    /// SIGINT, after a clean checkpoint.
    Interrupted,
    /// SIGTERM or SIGHUP, after a clean checkpoint.
    Terminated,
}

impl Exit {
    /// Every end with its code and meaning, in the order of the codes.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Rejected,
        Self::NeedsPerson,
        Self::Paused,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Rejected => 3,
            Self::NeedsPerson => 4,
            Self::Paused => 75,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The exit code for a scheduler that is told of a pause by `paused`, if that is another one.
    pub fn code_for(self, paused: Option<u8>) -> u8 {
        paused.filter(|_| self == Self::Paused).unwrap_or(self.code())
    }

    /// What it means, for `--help`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "all that was asked for is done and published",
            Self::Failed => {
                "unexpected failure (bug, disk, network gone after all attempts); running again is sensible"
            }
            Self::Usage => "usage, settings or a job file is wrong; nothing was sent",
            Self::Rejected => "finished, but some cells or records were rejected for good: listed and kept",
            Self::NeedsPerson => "a person must act: credential refused, arrears, credits empty, address not allowed",
            Self::Paused => {
                "paused with all work kept: daily quota used up, deadline, ceiling, provider down, another run holds the job"
            }
            Self::Interrupted => "interrupted after a clean checkpoint",
            Self::Terminated => "terminated after a clean checkpoint",
        }
    }

    /// The one that stands for both when jobs differ: 130/143, 2, 4, 1, 75, 3, 0.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Interrupted => 0,
            Self::Terminated => 1,
            Self::Usage => 2,
            Self::NeedsPerson => 3,
            Self::Failed => 4,
            Self::Paused => 5,
            Self::Rejected => 6,
            Self::Done => 7,
        }
    }
}
