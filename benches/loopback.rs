//! The yardstick of speed: `tidemill` and a bare loop fetch the same pages over loopback, each as a whole process.
//!
//! `cargo bench --bench loopback` plays `wide`, `parallel`, `cursor`, `small` and `slow`; words choose (`ten`, `power` and
//! `reqwest` too). The bare loop keeps no promise: no spool, ledger, limits or checks. What `tidemill` takes more is the
//! price of its promises.
//! `--runs N` counts N runs each after a warm-up, `--pages N` changes the number of pages. See `README.md` here.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on has failed, and prints")]
#![allow(
    clippy::disallowed_methods,
    reason = "the rules of the library on time and tasks are not those of what measures it"
)]

use std::process::ExitCode;

use connection::Through;

#[path = "loopback/bare.rs"]
mod bare;
#[path = "loopback/check.rs"]
mod check;
#[path = "loopback/connection.rs"]
mod connection;
#[path = "loopback/encode.rs"]
mod encode;
#[path = "loopback/measure.rs"]
mod measure;
#[path = "loopback/mill.rs"]
mod mill;
#[path = "loopback/page.rs"]
mod page;
#[path = "loopback/pages.rs"]
mod pages;
#[path = "loopback/parse.rs"]
mod parse;
#[path = "loopback/play.rs"]
mod play;
#[path = "loopback/rows.rs"]
mod rows;
#[path = "loopback/server.rs"]
mod server;
#[path = "loopback/table.rs"]
mod table;
#[path = "loopback/workload.rs"]
mod workload;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The two other processes of the bench are this binary in another role.
        ["role=server", workload, pages] => server::run(&workload::named(workload, pages.parse().unwrap())),
        [role @ ("role=bare" | "role=reqwest"), workload, pages, port, file] => {
            let through = if *role == "role=bare" { Through::Hyper } else { Through::reqwest() };
            let workload = workload::named(workload, pages.parse().unwrap());
            bare::run(&workload, through, port.parse().unwrap(), file.as_ref());
        }
        words => return play::play(&play::Asked::parse(words)),
    }
    ExitCode::SUCCESS
}
