//! What a person sees while a run goes on: a bar per job on a terminal, a few lines for cron, JSON for programs; always on
//! stderr.
//!
//! Invariant: an event costs a few additions; whatever is shown is made of those at a tick. Texts are pure functions of
//! what is known, the time and the width. Entry point: [`Progress`], fed by [`follow`].

mod eta;
mod follow;
mod page;
mod painter;
mod rate;
mod row;
mod show;
mod told;
mod tracked;
mod words;

pub(super) use follow::follow;
pub(super) use painter::around;
pub(super) use show::{Progress, Subject};
