//! Whether everything a run needs is there: settings, keys, folders, clock, network. Changes nothing.
//!
//! Invariant: [`look`] finds and judges nothing, [`judge()`] judges and finds nothing; no finding holds a secret. Entry point:
//! [`doctor`].

mod check;
mod command;
mod findings;
mod judge;
mod judge_provider;
mod live;
mod look;

pub(super) use command::doctor;
