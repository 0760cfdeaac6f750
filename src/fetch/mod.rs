//! Get the pages: from a cell's request to pages that are durable in the spool.
//!
//! Deciders (paginator, classifier, retry state, token times) are pure; [`fetch_cell`] is the one loop that carries
//! them out, [`HttpTransport`] the one file that touches the network. A page is durable before the next page of its
//! cell is asked for; where pages are asked for side by side, before its permit frees. Entry point: [`fetch_cell`].

mod attempt;
mod budget;
mod ceiling;
mod cell;
mod classify;
mod delay;
mod ending;
mod explain;
mod feed;
mod headers;
mod http;
mod locate;
mod notice;
mod page;
mod paginator;
mod parallel;
mod position;
mod rate_headers;
mod request;
mod retry;
mod sign;
mod spread;
mod token;
mod transport;

pub use attempt::Source;
pub use budget::RetryBudget;
pub use ceiling::Spending;
pub use cell::{CellEnd, CellError, CellTask, Reach, fetch_cell, render};
pub use classify::{Judgement, classify, unnamed};
pub use delay::DelaySequence;
pub use ending::Ending;
pub use explain::{deed, remedy};
pub use feed::{Fed, Feed, Handed};
pub use headers::{RETRY_AFTER_CAP, date, retry_after};
pub use http::HttpTransport;
pub use locate::{LocateError, Located, Missing, depth, document, locate, records};
pub use notice::Notice;
pub use page::{Page, PageError, check_echo, page_records, read_page, record_path};
pub use paginator::{Advance, Cursor, Paginator, PagingError};
pub use rate_headers::advice;
pub use request::{Body, Request};
pub use retry::{Decision, RetryState};
pub use sign::{SignError, Signed, Signer};
pub use token::{TokenState, TokenTimes};
pub use transport::{Answer, Exchange, Transport, TransportError, WireRequest};
