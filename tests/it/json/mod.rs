//! The reader of answers against serde_json: what is JSON, what a value says, what no record may hold.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod accepts;
mod elements;
mod flaws;
mod given;
mod values;
