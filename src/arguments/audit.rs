//! The flags of `baton audit`.

use std::path::PathBuf;

use baton_traces::compare::limits::{Limit, share};
use baton_traces::source::Source;
use baton_traces::span::UnixTime;
use clap::Args;

/// `baton audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// The spans of one system: files, directories of files, run directories, addresses of
    /// backends, - for standard input
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<Source>,
    /// An attribute that holds an id of a request or message on both sides; may be repeated
    #[arg(long, value_name = "ATTRIBUTE")]
    pub(crate) key: Vec<String>,
    /// A TOML file that says what each service injects and extracts, and what is between services:
    /// predicts verdicts, and shows where the spans contradict them
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) services: Option<PathBuf>,
    /// What to compare the edges with: a source of the same system at another time or with other
    /// settings
    #[arg(long, value_name = "SOURCE")]
    pub(crate) baseline: Option<Source>,
    /// Only edges from this service; may be repeated for more
    #[arg(long, value_name = "SERVICE")]
    pub(crate) from: Vec<String>,
    /// Only edges to this service; may be repeated for more
    #[arg(long, value_name = "SERVICE")]
    pub(crate) to: Vec<String>,
    /// Only edges from or to this service; may be repeated for more
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Vec<String>,
    /// Only spans that start at this time or later, as in 2026-11-29T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = UnixTime::parse)]
    pub(crate) since: Option<UnixTime>,
    /// Only spans that start before this time
    #[arg(long, value_name = "TIME", value_parser = UnixTime::parse)]
    pub(crate) until: Option<UnixTime>,
    /// Fail if a smaller share of the hand-offs held, as in 99%, or of those from one service to
    /// another, as in 'web->booking=95%'; may be repeated
    #[arg(long, value_name = "[FROM->TO=]SHARE", value_parser = share)]
    pub(crate) fail_under: Vec<Limit>,
    /// Write one line of JSON for each judged hand-off to this file
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) hand_offs: Option<PathBuf>,
}
