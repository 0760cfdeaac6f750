//! `verify`: an undamaged tree has no finding, every damage has the right one, and looking changes nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod command;
mod finished;
mod ledgers;
mod place;
mod sound;
mod unfinished;
