//! A disk that stops, refuses, forgets or alters, at any step; debug builds only, which alone can be watched.
//!
//! [`mill`] runs a small job thousands of times; [`recording`] keeps the steps of such a run and [`model`] says what a
//! file system may have made of them when the power goes; [`proof`] is what must come of anything that is left.

mod case;
mod damage;
mod generations;
mod killed;
mod mill;
mod model;
mod poison;
mod power;
mod proof;
mod quarantine;
mod recording;
mod refused;
mod states;
mod watch;
