//! The flags of `baton explain`.

use std::ffi::OsString;

use baton_pastes::explain::Selection;
use baton_propagators::libraries::{LIBRARIES, Library, find};
use baton_propagators::{Engine, Select};
use clap::Args;

/// `baton explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A header such as 'traceparent: 00-…', or a value alone. Without arguments, or with -,
    /// standard input is read: any text with headers in it, such as logs, dumps, AWS events, the
    /// output of curl -v, or a HAR file. If it is empty, the variables TRACEPARENT, TRACESTATE and
    /// BAGGAGE are read
    #[arg(value_name = "HEADER")]
    pub(crate) headers: Vec<OsString>,
    /// A record from a stream, or an event with records; - reads standard input. It is read in the
    /// same way as standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "headers")]
    pub(crate) record: Option<OsString>,
    /// A mode to judge, such as tracecontext,b3 or tracecontext,b3/first; may be repeated. By
    /// default: the usual modes, and those of the other formats that arrive
    #[arg(long = "mode", value_name = "LIST[/first|/last]", value_parser = selection)]
    pub(crate) modes: Vec<Selection>,
    /// The code that reads the headers: native or otel
    #[arg(long, default_value_t = Engine::Native, value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// A library whose answer is shown in full, with the headers that it would send on; may be
    /// repeated; all stands for every library
    #[arg(long = "as", value_name = "LIBRARY", value_parser = library)]
    libraries: Vec<Named>,
    /// List the libraries whose answers are known
    #[arg(long)]
    pub(crate) list_libraries: bool,
}

/// One library, or all.
#[derive(Clone, Copy, Debug)]
enum Named {
    One(&'static Library),
    All,
}

impl ExplainArguments {
    /// The libraries of `--as`, each once; none without `--as`.
    pub(crate) fn libraries(&self) -> Vec<&'static Library> {
        let mut libraries: Vec<&'static Library> = Vec::new();
        for named in &self.libraries {
            let of_name = match named {
                Named::One(library) => std::slice::from_ref(library),
                Named::All => LIBRARIES,
            };
            for library in of_name {
                if !libraries.iter().any(|known| known.name == library.name) {
                    libraries.push(library);
                }
            }
        }
        libraries
    }
}

/// A library by its name.
fn library(text: &str) -> Result<Named, String> {
    if text == "all" {
        return Ok(Named::All);
    }
    find(text).map(Named::One).ok_or_else(|| {
        let names: Vec<&str> = LIBRARIES.iter().map(|library| library.name).collect();
        format!(
            "there is no such library; the libraries are {}, or all",
            names.join(", ")
        )
    })
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
