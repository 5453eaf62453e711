//! `baton explain`: which context each format finds in pasted text, which library continues it, and
//! why.

pub(crate) mod answer;
mod arrival;
mod input;
mod judge;
pub(crate) mod libraries;
mod line;
mod section;
mod table;
mod text;

use std::process::ExitCode;

use baton_propagators::libraries::LIBRARIES;

use crate::arguments::{ExplainArguments, Format};
use crate::failure::Failure;
use crate::print::output::Output;

use judge::{Judged, Judgement};

/// Reads the text, judges its carriers, and prints the answer.
pub(crate) fn explain(arguments: &ExplainArguments, output: &Output) -> Result<ExitCode, Failure> {
    if arguments.list_libraries {
        return libraries::list(output);
    }
    let paste = input::read(arguments)?;
    judge::check(&arguments.modes, arguments.engine)?;
    let judged: Vec<Judged<'_>> = paste
        .carriers
        .iter()
        .map(|carrier| Judged::new(carrier, arguments))
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

/// The items without repetition, in the order in which each occurs first.
fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}
