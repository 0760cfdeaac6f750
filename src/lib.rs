//! A tide mill grinds when the tide allows. Tidemill fetches when the quota allows: it takes declarative job files,
//! calls paid, rate-limited JSON APIs exactly as fast as their limits permit, survives any crash without losing or
//! re-buying a page, and leaves Parquet files that any reader trusts.

pub mod job;

pub mod provider;

pub mod plan;

pub mod ledger;

pub mod quota;

pub mod spool;

pub mod fetch;

pub mod decode;

pub mod sink;

pub mod simulate;
