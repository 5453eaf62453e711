//! The flags of `baton matrix`.

use std::path::PathBuf;

use baton_propagators::{Engine, Select};
use clap::Args;

use super::FunctionArguments;
use crate::failure::Failure;

/// `baton matrix`.
#[derive(Debug, Args)]
pub(crate) struct MatrixArguments {
    /// The modes to mix, as in --modes none tracecontext tracecontext,b3 [default: none, each of
    /// tracecontext, b3, b3multi, jaeger, xray and datadog alone, tracecontext,b3 and
    /// b3,tracecontext]
    #[arg(long, value_name = "MODE", num_args = 1..)]
    pub(crate) modes: Vec<String>,
    /// The code that reads and writes the headers: native, otel, or both as native,otel
    #[arg(
        long = "engine",
        default_value = "native",
        value_name = "ENGINE",
        value_delimiter = ','
    )]
    pub(crate) engines: Vec<Engine>,
    /// How many requests to send for each cell
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) requests: u64,
    /// Which of several valid contexts to continue: last, as OpenTelemetry does, or first, as
    /// Datadog does [default: last]
    #[arg(long, value_name = "WHICH")]
    pub(crate) select: Option<Select>,
    #[command(flatten)]
    pub(crate) functions: FunctionArguments,
    /// Save the matrix to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Print a saved matrix instead of measuring one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["modes", "engines", "requests", "select", "functions", "save"])]
    pub(crate) from: Option<PathBuf>,
}

impl MatrixArguments {
    /// The named modes. A mode may contain commas, so modes are separated by spaces, semicolons or
    /// arguments.
    pub(crate) fn modes(&self) -> Result<Vec<&str>, Failure> {
        let words = self
            .modes
            .iter()
            .flat_map(|argument| argument.split([' ', ';']));
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        if words.is_empty() && !self.modes.is_empty() {
            return Err(Failure::usage(
                "--modes names no mode; give at least one, as in --modes none tracecontext,b3",
            ));
        }
        Ok(words)
    }
}
