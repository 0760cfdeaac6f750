//! Who serves: presets, layers, bad settings, secrets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;
mod layers;
mod problems;
mod secrets;
