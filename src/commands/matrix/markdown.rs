//! The matrix for a document.

use baton_traces::hand_off::Hop;

use super::report::{Carried, Section, sections};
use crate::print::markdown::{code, escaped};
use crate::print::table::grid::{Grid, GridCell};
use baton_experiments::matrix::Matrix;

/// Writes the whole matrix.
pub(super) fn render(matrix: &Matrix) -> String {
    let mut parts: Vec<_> = answer(&matrix.answer).into_iter().collect();
    parts.extend(sections(matrix).iter().map(write));
    let defects = matrix.defects.iter().map(ToString::to_string);
    let all = matrix.left_out.iter().cloned().chain(defects);
    parts.extend(bullets(
        &all.chain(matrix.problems.iter().cloned())
            .collect::<Vec<_>>(),
    ));
    parts.join("\n\n")
}

/// The answer as a list, with one sentence per line.
fn answer(text: &str) -> Option<String> {
    let sentences = text.split_inclusive(". ");
    bullets(
        &sentences
            .map(|sentence| sentence.trim_end().to_owned())
            .collect::<Vec<_>>(),
    )
}

fn write(section: &Section) -> String {
    let heading = match section.hop {
        Hop::Ingress => format!("### Clients to producers, engine {}", section.engine),
        Hop::Record => format!("### Producers to consumers, engine {}", section.engine),
    };
    let flags =
        bullets(&section.flags).map(|flags| format!("Lost although the trace held:\n\n{flags}"));
    let carriers = match section.hop {
        Hop::Record => "What a record carries, for example:",
        Hop::Ingress => "What the clients sent, for example:",
    };
    let parts = [
        Some(heading),
        Some(format!("{}.", escaped(&section.title))),
        Some(table(&section.grid)),
        bullets(&section.reasons),
        flags,
        Some(format!(
            "{carriers}\n\n{}",
            headers(section.grid.corner, &section.carriers)
        )),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join("\n\n")
}

fn table(grid: &Grid) -> String {
    let columns = grid.columns.iter().map(|column| code(column));
    let mut lines = vec![
        row([escaped(grid.corner)].into_iter().chain(columns)),
        row(vec!["---".to_owned(); grid.columns.len() + 1].into_iter()),
    ];
    for (label, cells) in &grid.rows {
        let cells = cells.iter().map(|GridCell { words, holds }| {
            let text = words.join(", ");
            match *holds || text.is_empty() {
                true => text,
                // the letter has the meaning that a colour has on a terminal
                false => format!("**{text}**"),
            }
        });
        lines.push(row([code(label)].into_iter().chain(cells)));
    }
    lines.join("\n")
}

fn headers(corner: &str, carriers: &[Carried]) -> String {
    let has_bytes = carriers.iter().any(|carried| carried.bytes.is_some());
    let what = if has_bytes { "bytes" } else { "what" };
    let mut lines = vec![
        row([corner, what, "headers"].map(str::to_owned).into_iter()),
        row(["---"; 3].map(str::to_owned).into_iter()),
    ];
    for carried in carriers {
        let headers = carried.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| code(&format!("{name}: {value}")))
            .collect();
        let bytes = carried.bytes.map(|bytes| bytes.to_string());
        let about = carried.about.as_deref().map(escaped);
        let what = bytes.or(about).unwrap_or_default();
        lines.push(row(
            [code(&carried.name), what, headers.join("<br>")].into_iter()
        ));
    }
    lines.join("\n")
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn bullets(lines: &[String]) -> Option<String> {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| format!("- {}", escaped(line)))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
