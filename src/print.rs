//! Prints results for people: the output, its tables, and the progress of long work.

pub(crate) mod checks;
pub(crate) mod comparison;
pub(crate) mod github;
pub(crate) mod junit;
pub(crate) mod latencies;
pub(crate) mod markdown;
pub(crate) mod modes;
pub(crate) mod output;
pub(crate) mod palette;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod wrap;
