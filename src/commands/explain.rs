//! `baton explain`: which context each format finds in pasted text, which library continues it, and
//! why.

pub(crate) mod answer;
mod input;
mod line;
pub(crate) mod list;
mod section;
mod table;
mod text;

use std::process::ExitCode;

use baton_pastes::explain::{Judged, check};
use baton_propagators::libraries::LIBRARIES;

use crate::arguments::{ExplainArguments, Format};
use crate::failure::Failure;
use crate::print::output::Output;

/// Reads the text, judges its carriers, and prints the answer.
pub(crate) fn explain(arguments: &ExplainArguments, output: &Output) -> Result<ExitCode, Failure> {
    if arguments.list_libraries {
        return list::print(output);
    }
    let paste = input::read(arguments)?;
    check(&arguments.modes, arguments.engine)
        .map_err(|reason| Failure::usage(format!("--mode {reason}")))?;
    let judged: Vec<Judged<'_>> = paste
        .carriers
        .iter()
        .map(|carrier| Judged::new(carrier, &arguments.modes, arguments.engine))
        .collect();
    if output.format == Format::Json {
        let asked = arguments.libraries();
        let wanted = if asked.is_empty() { LIBRARIES } else { &asked };
        output.print_json(&answer::Answer::new(&paste, &judged, wanted))?;
    } else {
        output.print(&text::draw(&paste, &judged, arguments, output))?;
    }
    Ok(ExitCode::SUCCESS)
}
