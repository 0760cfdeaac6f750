//! A tide mill grinds when the tide allows. Tidemill fetches when the quota allows: it takes declarative job files,
//! calls paid, rate-limited JSON APIs exactly as fast as their limits permit, survives any crash without losing or
//! re-buying a page, and leaves Parquet files that any reader trusts.
//!
//! # The way of a record
//!
//! ```text
//! job file ─▶ Job ─▶ Cells ─▶ Permit ─▶ Attempt ─▶ Verdict ─▶ Page ─▶ Spool ─▶ Batches ─▶ Parquet, once
//! ```
//!
//! The modules below stand in that order, and each may use only those above it (`tests/it/tidy.rs` holds the walls):
//!
//! | stage | question | takes → gives |
//! |---|---|---|
//! | [`job`] | what was asked? | text of a job file → [`job::Job`], or every problem at once |
//! | [`provider`] | who serves? | preset, settings, environment → [`provider::Provider`] and its credential |
//! | [`plan`] | which pieces? | job + today → cells and partitions; what is left → calls, credits, finishing time |
//! | [`json`] | what does an answer say? | bytes → checked text and where its values stand, nothing copied |
//! | [`disk`] | how do bytes stay? | folders, files, names → durable ones; each step can be stopped and watched |
//! | [`ledger`] | what is done? | small transactional facts; SQLite, and an in-memory model for property tests |
//! | [`quota`] | may we call now? | limits → permits; pure limiter, one dispatcher that waits |
//! | [`spool`] | what have we paid for? | pages → framed, checksummed, compressed segments on disk |
//! | [`fetch`] | get the pages | cell + permit → attempts, verdicts, pages in the spool, handed on to who follows |
//! | [`decode`] | pages → batches | spooled bodies → exact Arrow batches and the schema they need |
//! | [`sink`] | batches → file | batches → one staged, hashed, renamed Parquet file |
//! | [`simulate`] | play the provider | the same provider file → a server that really checks and counts |
//! | [`run`] | wire it together | jobs → events and a report; the only spawner |
//! | [`draw`] | how does it look? | figures → inline SVG and pages that load nothing |
//! | [`bench`](mod@bench) | how close to the limits? | client strategies side by side → figures, by the server's own count |
//! | [`cli`] | talk to the person | arguments, screens, exit codes |
//!
//! # Invariants
//!
//! - **A request cannot leave unmetered.** [`fetch::Transport::send`] takes a [`quota::Permit`] by value; retries,
//!   pages and polls each take their own. All windows of a credential are decided at one instant, all or none.
//! - **A credential has one set of limits on a host.** Its processes write what they do into one journal before they do it, and
//!   each applies what the others wrote like its own doings; whoever dies is found by its lock.
//! - **A page is durable before the next of its cell is asked for**, and its permit is held until then. With
//!   `parallel_pages` that holds for each of those under way. The spool alone is the truth about how far a cell got.
//! - **A file is made while its pages come**: what is durable is handed on, decoded and written at once, in plan order.
//!   Whatever does not go straight is read from the spool when all of it is there, which gives the same file.
//! - **A file becomes visible by one rename**, after the ledger has *decided* its digest under a fencing token.
//!   Recovery only rolls forward. Parquet is a pure function of the spool.
//! - **The code in the body decides, then the HTTP status.** An unknown code is never success.
//! - **No number passes through f64 on its way to an integer or decimal column**; what does not fit exactly is
//!   rejected by name, never rounded.
//! - **A secret is a type.** It meets a request only in `fetch/sign.rs`; bodies and messages are masked before they are
//!   kept or shown.
//! - **Deciders are pure.** `now`, randomness and data are arguments; [`quota::Clock`] is the one source of time, so
//!   tests run months on tokio's paused clock. Blocking work goes through `spawn_blocking`, which alone holds that
//!   clock still.
//!
//! `tests/it/disk` kills a run, fails it and takes its power away at every change of the disk; `tests/crash/run` does so at
//! every system call.
//!
//! # Refused, with the reason
//!
//! - *A workspace of crates*: one tree shows the whole way of a record; a test holds the walls crates would.
//! - *Full sans-IO*: fetching a cell is sequential, and async already writes that state machine.
//! - *Delta or Iceberg in the core*: they pin an older Arrow; plain files with one rename are what every reader takes.
//! - *A daemon or scheduler*: cron, systemd, Kubernetes and Airflow exist; exit codes are the contract with them.
//! - *A plugin system*: a provider is data. *YAML*: it loses spans, and one parser is enough.
//! - *Retries inside the HTTP client*: every attempt must take its own permit, so reqwest's own are off.
//! - *More than one thread for what waits*: asking and waiting share one, without a lock or a switch between them; what
//!   works (packing, long bodies, decoding, Parquet, the ledger) goes aside to threads of its own.
//! - *A trait before its second use*: there are two, [`fetch::Transport`] and [`ledger::Ledger`], and each has two
//!   real implementations or more.

//! # As a library
//!
//! [`Job::of`] builds a job in code, [`Mill`] runs it, a closure hears its [`Event`]s, the [`Report`] says how it ended. These names
//! are the surface that stays; the modules below them serve the command line and change with it.
//!
//! ```
#![doc = include_str!("../examples/embed.rs")]
//! ```

pub mod job;

pub mod provider;

pub mod plan;

pub mod json;

pub mod disk;

pub mod ledger;

pub mod quota;

pub mod spool;

pub mod fetch;

pub mod decode;

pub mod sink;

pub mod simulate;

pub mod run;

pub mod draw;

pub mod bench;

pub mod cli;

pub use job::{Job, Problems};
pub use run::{Event, EventKind, Exit, JobReport, Mill, MillError, Report};
