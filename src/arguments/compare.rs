//! The flags of `baton compare`.

use baton_traces::source::Source;
use clap::Args;

use super::number::share;
use baton_traces::compare::limits::{Limit, fail_over, fail_under};

/// `baton compare`.
#[derive(Debug, Args)]
#[command(after_help = baton_traces::compare::figures_help())]
pub(crate) struct CompareArguments {
    /// What to compare: a run directory, a file or directory of spans, - for standard input, or the
    /// address of a backend. A single source can only be checked against limits
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<Source>,
    /// The source that the others are compared with, by its name or as it is written [default: the
    /// first]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) baseline: Option<String>,
    /// Fail if a figure of any source is below a limit, as in connected=99.9%; may be repeated
    #[arg(long, value_name = "NAME=LIMIT", value_parser = fail_under)]
    pub(crate) fail_under: Vec<Limit>,
    /// Fail if a figure of any source is above a limit, as in p99=50ms; may be repeated
    #[arg(long, value_name = "NAME=LIMIT", value_parser = fail_over)]
    pub(crate) fail_over: Vec<Limit>,
    /// The smallest difference of a latency that counts
    #[arg(long, default_value = "3%", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub(crate) smallest_difference: f64,
    /// Compare two traces of the sources span by span: their ids as any backend writes them, or at
    /// least their first 8 digits
    #[arg(
        long,
        num_args = 2,
        value_names = ["TRACE", "TRACE"],
        conflicts_with_all = ["baseline", "fail_under", "fail_over"]
    )]
    pub(crate) diff: Option<Vec<String>>,
}
