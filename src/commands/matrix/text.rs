//! The matrix for a terminal.

use baton_traces::hand_off::Hop;
use baton_traces::shown::visible;

use super::report::{Carried, Section, sections};
use crate::print::output::Output;
use crate::print::table::COLUMNS;
use crate::print::wrap::wrapped;
use baton_experiments::matrix::Matrix;

/// Draws the whole matrix in the terminal's width, if its words allow it.
pub(super) fn render(matrix: &Matrix, output: &Output) -> String {
    let width = output.columns.unwrap_or(usize::from(COLUMNS));
    let mut parts: Vec<String> = sections(matrix)
        .iter()
        .map(|section| draw(section, width, output))
        .collect();
    parts.extend(paragraph(&matrix.left_out, width));
    let defects: Vec<_> = matrix.defects.iter().map(ToString::to_string).collect();
    parts.extend(paragraph(&defects, width));
    parts.extend(paragraph(&matrix.problems, width));
    parts.push(format!(
        "What happens if we mix and match the W3C and B3 headers?\n{}",
        wrapped(&visible(&matrix.answer), width, "")
    ));
    parts.join("\n\n")
}

fn draw(section: &Section, width: usize, output: &Output) -> String {
    let carriers: Vec<_> = section.carriers.iter().map(carried).collect();
    let parts = [
        Some(wrapped(&section.title, width, "")),
        Some(section.grid.draw(output)),
        lines("Why", &section.reasons, width),
        lines("Lost although the trace held", &section.flags, width),
        match section.hop {
            Hop::Record => lines("What a record carries", &carriers, width),
            Hop::Ingress => lines("What the clients send", &carriers, width),
        },
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join("\n\n")
}

fn carried(carried: &Carried) -> String {
    let names: Vec<_> = carried.headers.iter().map(|(name, _)| &**name).collect();
    let names = names.join(", ");
    let text = match (carried.bytes, &carried.about) {
        (Some(bytes), _) => format!("{}: {bytes} bytes {names}", carried.name),
        (None, Some(about)) => format!("{}: {about}", carried.name),
        (None, None) => format!("{}: {names}", carried.name),
    };
    text.trim_end().to_owned()
}

fn lines(heading: &str, lines: &[String], width: usize) -> Option<String> {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| wrapped(&format!("  {line}"), width, "    "))
        .collect();
    (!lines.is_empty()).then(|| format!("{heading}\n{}", lines.join("\n")))
}

fn paragraph(lines: &[String], width: usize) -> Option<String> {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| wrapped(&visible(line), width, ""))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
