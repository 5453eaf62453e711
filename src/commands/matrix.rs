//! `baton matrix`: every pairing of modes and every client against every producer, through real
//! labs.

mod markdown;
mod report;
mod text;

use std::process::ExitCode;

use baton_experiments::matrix::{self, Matrix, MatrixSettings, Preparation};

use crate::arguments::{Format, MatrixArguments};
use baton_traces::shown::visible;

use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::progress::{Progress, Total};
use crate::{runtime, signals};

/// Measures a matrix, or reads a saved one, and prints it.
pub(crate) fn matrix(arguments: &MatrixArguments, output: &Output) -> Result<ExitCode, Failure> {
    let matrix = match &arguments.from {
        Some(path) => matrix::read(path).map_err(|error| Failure::from(error).of("--from"))?,
        None => {
            let measured = measure(arguments, output)?;
            if let Some(path) = &arguments.save {
                matrix::write(&measured, path)
                    .map_err(|error| Failure::from(error).of("--save"))?;
            }
            measured
        }
    };
    match output.format {
        Format::Json => output.print_json(&matrix)?,
        Format::Markdown => output.print(&markdown::render(&matrix))?,
        _ => output.print(&text::render(&matrix, output))?,
    }
    check(&matrix)
}

/// Fails if a request failed, or if baton cannot explain a cell of its own functions. A cell with a
/// function that is not baton's own may differ.
fn check(matrix: &Matrix) -> Result<ExitCode, Failure> {
    let mut failures = Vec::new();
    let defects = matrix.defects.iter();
    let own = defects.filter(|defect| defect.foreign.is_empty()).count();
    if own > 0 {
        failures.push(format!(
            "cells whose spans differ from what the formats alone predict: {own}; that is a defect of baton"
        ));
    }
    let problems = matrix.problems.iter();
    failures.extend(problems.map(|problem| visible(problem)));
    match failures.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::check(failures.join("\n"))),
    }
}

fn measure(arguments: &MatrixArguments, output: &Output) -> Result<Matrix, Failure> {
    let preparation = Preparation::of(MatrixSettings {
        modes: matrix::modes(arguments.modes()?)?,
        engines: arguments.engines.clone(),
        requests: arguments.requests,
        select: arguments.select.unwrap_or_default(),
        functions: arguments.functions.functions()?,
    })?;
    runtime::for_lab()?.block_on(async {
        let interrupted = signals::interrupted(|| {})?;
        let progress = Progress::new(output, Total::Requests(preparation.total()));
        let matrix = preparation.measure(&progress, interrupted).await?;
        progress.finish();
        Ok(matrix)
    })
}
