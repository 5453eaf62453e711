//! The flags of `baton explain`.

use std::ffi::OsString;

use baton_propagators::mode::{Engine, Mode, Select};
use clap::Args;

/// `baton explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A header as in 'traceparent: 00-…'. Without any, or with -, standard input is read: headers, a request, what
    /// curl -v prints, a HAR file, or a JSON object of headers
    #[arg(value_name = "HEADER")]
    pub(crate) headers: Vec<OsString>,
    /// A record as it comes from the stream, {"tracecontext":{…},"record":…}, or Base64 of it, or an event or a
    /// get-records answer that holds some; - reads standard input
    #[arg(long, value_name = "JSON", conflicts_with = "headers")]
    pub(crate) record: Option<OsString>,
    /// A mode to judge, as in tracecontext,b3 or tracecontext,b3/first; may be repeated. Without any: the usual ones,
    /// and those of the other formats that arrive
    #[arg(long = "mode", value_name = "LIST[/first|/last]", value_parser = selection)]
    pub(crate) modes: Vec<Selection>,
    /// Whose code reads the headers: native or otel
    #[arg(long, default_value_t = Engine::Native, value_name = "ENGINE")]
    pub(crate) engine: Engine,
}

/// A mode, and which of several valid contexts it continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) mode: Mode,
    pub(crate) select: Select,
}

/// Parses a list of formats, optionally followed by a slash and the winner.
fn selection(text: &str) -> Result<Selection, String> {
    let (mode, select) = match text.split_once('/') {
        None => (text, Select::default()),
        Some((mode, select)) => (mode, select.parse().map_err(reason)?),
    };
    let mode = mode.parse().map_err(reason)?;
    Ok(Selection { mode, select })
}

fn reason(error: impl std::error::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_says_which_context_of_a_list_wins() {
        let read = |text| selection(text).map(|found| (found.mode.to_string(), found.select));
        let mixed = || "tracecontext,b3".to_owned();
        assert_eq!(read("mixed"), Ok((mixed(), Select::Last)));
        assert_eq!(read("tracecontext,b3/last"), Ok((mixed(), Select::Last)));
        assert_eq!(read("tracecontext,b3/first"), Ok((mixed(), Select::First)));
        for wrong in ["", "/first", "b3/", "b3/middle", "b3/first/last", "b4"] {
            assert!(selection(wrong).is_err(), "{wrong:?}");
        }
    }
}
