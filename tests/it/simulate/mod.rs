//! The simulator: what it demands, what it refuses, what it answers.

mod auth;
mod enforce;
mod faults;
mod help;
mod latency;
mod limits;
mod pages;
mod trip;
mod wire;
