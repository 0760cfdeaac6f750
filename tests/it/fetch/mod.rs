//! Get the pages: verdicts, paging, retries, tokens, signatures, records, one file for each.

mod bodies;
mod code_table;
mod connections;
mod explain;
pub(crate) mod given;
mod headers;
mod locate;
mod loopback;
mod page;
mod paging;
mod paging_ends;
mod paging_links;
mod parallel;
mod rate_headers;
mod retry;
mod signing;
mod table;
mod token;
mod verdicts;
mod wire;
