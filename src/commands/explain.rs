//! `baton explain`: which context each format finds in headers, which one each mode continues, and why.

mod answer;
mod headers;
mod http_text;
mod input;
mod json;
mod line;
mod record;
mod table;
mod text;

use std::process::ExitCode;

use baton_propagators::{
    Candidate, Engine, Explanation, Extraction, FORMATS, Fault, HeaderList, Mode, OnConflict,
    Outcome, Propagation, Select, XraySource, formats,
};

use crate::arguments::{ExplainArguments, Format, Selection};
use crate::failure::Failure;
use crate::output::Output;

use headers::Headers;

/// The modes that are judged without `--mode`, whatever arrives.
const USUAL_MODES: [&str; 7] = [
    "tracecontext",
    "b3",
    "b3multi",
    "tracecontext,b3",
    "b3,tracecontext",
    "tracecontext,b3multi",
    "b3multi,tracecontext",
];

/// Reads the headers, judges them under each mode, prints the answer.
pub(crate) fn explain(arguments: &ExplainArguments, output: &Output) -> Result<ExitCode, Failure> {
    let request = input::read(arguments)?;
    if let Some(choice) = &request.choice {
        output.note(choice);
    }
    let headers = &request.headers;
    let judge = Judge {
        carrier: headers.carrier(),
        environment: headers.environment(),
        engine: arguments.engine,
    };
    let mut all = judge
        .under(&selection(&formats().collect::<Vec<_>>().join(",")))
        .extraction;
    for candidate in &mut all.candidates {
        // What a service brings about that continues it is the notes' to tell: this is no service's list.
        candidate.objection = candidate
            .objection
            .take()
            .filter(|reject| reject.fault != Fault::EnvironmentUnsampled);
    }
    let selections = if arguments.modes.is_empty() {
        default_modes(&all.candidates, arguments.engine)
    } else {
        check(&arguments.modes, arguments.engine)?;
        arguments.modes.clone()
    };
    let judgements: Vec<_> = selections
        .iter()
        .map(|selection| judge.under(selection))
        .collect();
    let mut explanation = Explanation::new(&all.candidates, &judge.carrier);
    explanation.notes.extend_from_slice(&request.notes);
    match output.format {
        Format::Json => {
            output.print_json(&answer::Answer::new(
                &request,
                &all,
                &judgements,
                &explanation,
            ))?;
        }
        _ => {
            output.print(&text::draw(
                headers,
                &all,
                &judgements,
                &explanation,
                output,
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Headers to be judged.
struct Judge {
    carrier: HeaderList,
    /// Lambda's tracing header.
    environment: Option<String>,
    engine: Engine,
}

/// What a service of one mode makes of the headers.
struct Judgement {
    propagation: Propagation,
    extraction: Extraction,
}

impl Judge {
    fn under(&self, selection: &Selection) -> Judgement {
        let propagation = propagation(selection, self.engine);
        let extraction =
            propagation.extract_with_environment(&self.carrier, self.environment.as_deref());
        Judgement {
            propagation,
            extraction,
        }
    }
}

fn propagation(selection: &Selection, engine: Engine) -> Propagation {
    Propagation {
        inject: Mode::NONE,
        extract: selection.mode.clone(),
        select: selection.select,
        on_conflict: OnConflict::Keep,
        engine,
        xray_source: XraySource::Environment,
    }
}

/// Refuses a mode that the engine cannot do.
fn check(selections: &[Selection], engine: Engine) -> Result<(), Failure> {
    for selection in selections {
        propagation(selection, engine).check().map_err(|reason| {
            Failure::usage(format!(
                "--mode {} has no engine {engine}: {reason}",
                selection.mode
            ))
        })?;
    }
    Ok(())
}

/// The usual modes, and for every other format that arrives it alone, behind and before `tracecontext`.
fn default_modes(candidates: &[Candidate], engine: Engine) -> Vec<Selection> {
    let mut selections: Vec<_> = USUAL_MODES.into_iter().map(selection).collect();
    let others = FORMATS
        .iter()
        .filter(|format| format.carries_context() && !USUAL_MODES.contains(&format.name()));
    for format in others.map(|format| format.name()) {
        let arrived = |candidate: &Candidate| {
            candidate.format == format && candidate.outcome != Outcome::Absent
        };
        if candidates.iter().any(arrived) {
            let lists = [
                format.to_owned(),
                format!("tracecontext,{format}"),
                format!("{format},tracecontext"),
            ];
            selections.extend(lists.iter().map(|list| selection(list)));
        }
    }
    selections.retain(|selection| propagation(selection, engine).check().is_ok());
    selections
}

/// A mode by names that are known to be right.
fn selection(list: &str) -> Selection {
    Selection {
        mode: list.parse().unwrap_or_default(),
        select: Select::Last,
    }
}

/// Headers to explain, and what there is to say about where they come from.
#[derive(Debug)]
struct Request {
    headers: Headers,
    /// Which of several requests or records it is, and why that.
    choice: Option<String>,
    /// What of the input does not count, a sentence each.
    notes: Vec<String>,
}
