//! A disk that stops, refuses or forgets at any step; debug builds only, which alone can be watched.

mod poison;
mod quarantine;
mod watch;
