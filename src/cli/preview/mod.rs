//! `tidemill preview`: two pages of a cell, to see whether a job asks, follows and reads as it was meant to.
//!
//! [`command`](self::preview) asks; [`view`] makes facts of what came, by the deciders [`paths`] and [`paging`]; [`screen`]
//! and [`table`] lay them out for people; [`save`] writes columns into a job file. All but the first are pure.

mod command;
mod paging;
mod paths;
mod save;
mod screen;
mod table;
mod view;

pub(super) use command::preview;
