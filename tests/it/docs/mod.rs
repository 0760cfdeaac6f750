//! The documents: their commands run, their files are read, their exit codes are ours.
//!
//! [`page`] plays one page as a reader would, from an empty folder; [`scheduling`] reads the ready-made files.

mod page;
mod pages;
mod scheduling;
