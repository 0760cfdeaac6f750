//! How it looks: figures as inline SVG, and pages for a browser that load nothing from anywhere.
//!
//! Invariant: well-formed XML, and every text goes through `escape`: whatever a provider says stays text. Colours come from
//! the style sheet by class, light or dark as the reader has it.

mod distribution;
mod page;
mod plot;
mod tiles;

pub(crate) use distribution::{Times, distribution};
pub(crate) use page::document;
pub(crate) use plot::{Frame, Scale, escape, in_groups, number, round_steps};
pub(crate) use tiles::{Tile, tiles};
