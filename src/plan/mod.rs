//! Which pieces: a job and today become cells and partitions, and what is left of them a forecast.
//!
//! Invariant: a cell has one name for ever and stands in one partition for ever. Entry points: [`cells`], then
//! [`assign`] with what the ledger knows; [`forecast()`].

mod assign;
mod axis;
mod canonical;
mod cell;
mod cells;
mod dates;
mod expand;
mod fingerprint;
mod forecast;
mod forecast_window;
mod grid;
mod learned;
mod names;
mod refetch;

pub use assign::{KnownPartition, assign, check_together, folders_of};
pub use cell::{Cell, CellId, CellKey, Partition};
pub use cells::{Cells, CellsIter};
pub use dates::{DateSpan, spans, today, write_day};
pub use expand::cells;
pub use fingerprint::Fingerprint;
pub use forecast::{Bottleneck, Forecast, Used, Work, forecast};
pub use learned::Learned;
pub use refetch::recent;
