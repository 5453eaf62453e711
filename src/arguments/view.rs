//! The flags of the commands that show traces: `baton traces` and `baton map`.

use std::num::NonZeroUsize;

use baton_traces::hand_off::Verdict;
use baton_traces::source::Source;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::LabChoice;
use super::number::whole_number;

/// `baton traces`.
#[derive(Debug, Args)]
pub(crate) struct TracesArguments {
    /// The trace to show: its id as any backend writes it, or at least its first 8 digits. With -v,
    /// each span has its attributes. Without an id, traces are listed, the newest first. Anything
    /// else is a SOURCE: a run directory, a file or directory of spans, - for standard input, or
    /// the address of a backend [default: the lab that is up]
    #[arg(value_name = "TRACE-ID] [SOURCE")]
    pub(crate) words: Vec<String>,
    /// A source, even if it looks like a trace id; may be repeated
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Vec<Source>,
    /// Only traces with a span of this service; may be repeated, and all must match
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// Only traces with this attribute on a span or its resource; may be repeated, and all must
    /// match
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attribute: Vec<(String, String)>,
    /// Only traces with a hand-off of this verdict, as in new_trace; may be repeated, and any may
    /// match
    #[arg(long, value_name = "VERDICT", hide_possible_values = true, value_parser = verdict())]
    pub(crate) verdict: Vec<Verdict>,
    /// How many traces to list, or how many spans of each trace to show [default: 20 traces, 100
    /// spans]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole_number::<NonZeroUsize>)]
    pub(crate) limit: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

/// `baton map`.
#[derive(Debug, Args)]
pub(crate) struct MapArguments {
    /// A run directory, a file or directory of spans, - for standard input, or the address of a
    /// backend [default: the lab that is up]
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<Source>,
    /// Only edges from or to this service or stream; may be repeated, and any may match
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// Only edges on which a trace broke
    #[arg(long)]
    pub(crate) broken: bool,
    #[command(flatten)]
    pub(crate) lab: LabChoice,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, as in custom.tag.name=Kate".to_owned()),
    }
}

/// Reads a verdict. Completions know its values.
fn verdict() -> impl TypedValueParser<Value = Verdict> {
    let find = |name: String| {
        let mut all = Verdict::ALL.into_iter();
        let found = all.find(|verdict| verdict.name() == name);
        found.ok_or("no such verdict")
    };
    PossibleValuesParser::new(Verdict::ALL.map(Verdict::name)).try_map(find)
}
