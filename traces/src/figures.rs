//! The figures of a source: what `summary.json` holds.
//!
//! A source goes in, and a [`summary`] comes out. [`measure`] reads the source. [`tally`] counts
//! its spans and log lines meanwhile. [`known`] says which figures the source cannot show.

pub mod known;
pub mod measure;
pub mod summary;
pub mod tally;
