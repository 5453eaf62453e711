//! `baton compare --diff`: two traces side by side, span by span.

use std::process::ExitCode;

use baton_propagators::{SpanId, TraceId};
use baton_traces::shown::{self, visible};
use baton_traces::source::Source;
use baton_traces::trace::difference::{Change, MASKED, Mark, Row, TraceDifference};
use baton_traces::trace::{Node, Place, Trace};
use baton_traces::version::Version;
use comfy_table::{Cell, ContentArrangement};
use serde::Serialize;

use super::find::{Found, find};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::palette::Tone;
use crate::print::table::narrow_table;

/// Finds both traces and prints their differences. The left trace is looked for from the first
/// source on, the right one from the last source back. So two exports of one trace can be compared.
pub(super) fn diff(
    traces: &[String],
    sources: &[Source],
    output: &Output,
) -> Result<ExitCode, Failure> {
    let [left, right] = traces else {
        return Err(Failure::usage("--diff takes two traces"));
    };
    if !matches!(output.format, Format::Text | Format::Json) {
        return Err(Failure::usage(format!(
            "--diff prints text or json, not {}",
            output.format.name()
        )));
    }
    let left = find(left, sources, 0..sources.len())?;
    let right = find(right, sources, (0..sources.len()).rev())?;
    let difference = TraceDifference::between(&left.trace, &right.trace);
    if output.format == Format::Json {
        output.print_json(&to_json(&difference, &left, &right, sources))?;
    } else {
        output.print(&to_text(&difference, &left, &right, sources, output))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What `baton compare --diff --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DiffJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    left: SideJson,
    right: SideJson,
    same: usize,
    changed: usize,
    only_left: usize,
    only_right: usize,
    spans: Vec<RowJson<'a>>,
    /// What is not compared.
    masked: &'static [&'static str],
}

/// One of the two traces.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SideJson {
    source: String,
    #[cfg_attr(test, schemars(with = "String"))]
    trace_id: TraceId,
    spans: usize,
    spans_left_out: u64,
}

/// Two spans that belong together, or one without another.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RowJson<'a> {
    /// `same`, `changed`, `only_left` or `only_right`.
    #[cfg_attr(test, schemars(with = "String"))]
    mark: Mark,
    left: Option<SpanJson<'a>>,
    right: Option<SpanJson<'a>>,
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::SpanChange>"))]
    changes: &'a [Change],
}

/// A span of one of the traces.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SpanJson<'a> {
    #[cfg_attr(test, schemars(with = "String"))]
    span_id: SpanId,
    service: &'a str,
    name: &'a str,
    /// Its depth in the tree; 0 at the top.
    depth: usize,
    /// How it is attached to the tree: `root`, `child`, `orphan` or `cycle`.
    #[cfg_attr(test, schemars(with = "String"))]
    place: Place,
    duration_ms: Option<f64>,
}

impl<'a> SpanJson<'a> {
    fn of(trace: &'a Trace, node: Node) -> SpanJson<'a> {
        let span = &trace.spans[node.span];
        SpanJson {
            span_id: span.reference.span_id,
            service: &span.service,
            name: &span.name,
            depth: node.depth,
            place: node.place,
            duration_ms: span.duration().map(shown::milliseconds),
        }
    }
}

fn to_json<'a>(
    difference: &'a TraceDifference,
    left: &'a Found,
    right: &'a Found,
    sources: &[Source],
) -> DiffJson<'a> {
    let side = |found: &Found| SideJson {
        source: sources[found.source].to_string(),
        trace_id: found.trace.trace_id,
        spans: found.trace.spans.len(),
        spans_left_out: found.trace.left_out,
    };
    let rows = difference.rows.iter().map(|row| RowJson {
        mark: row.mark(),
        left: row.left.map(|node| SpanJson::of(&left.trace, node)),
        right: row.right.map(|node| SpanJson::of(&right.trace, node)),
        changes: &row.changes,
    });
    DiffJson {
        version: Version::default(),
        left: side(left),
        right: side(right),
        same: difference.count(Mark::Same),
        changed: difference.count(Mark::Changed),
        only_left: difference.count(Mark::OnlyLeft),
        only_right: difference.count(Mark::OnlyRight),
        spans: rows.collect(),
        masked: &MASKED,
    }
}

fn to_text(
    difference: &TraceDifference,
    left: &Found,
    right: &Found,
    sources: &[Source],
    output: &Output,
) -> String {
    let title = |side: &str, found: &Found| {
        let left_out = match found.trace.left_out {
            0 => String::new(),
            left_out => format!(", and {left_out} more that are not compared"),
        };
        visible(&format!(
            "{side}  {} in {}: {}{left_out}",
            found.trace.trace_id,
            sources[found.source],
            shown::counted(found.trace.spans.len() as u64, "span")
        ))
    };
    let mut table = narrow_table(["", "left", "right"], output);
    // both sides get the same width
    table.set_content_arrangement(ContentArrangement::Dynamic);
    for row in &difference.rows {
        table.add_row(cells(row, &left.trace, &right.trace, output));
        for change in &row.changes {
            let text = |side: &Option<String>| match side {
                Some(text) => visible(text),
                None => "-".to_owned(),
            };
            let what = format!("· {}: ", visible(&change.what));
            table.add_row([
                "".to_owned(),
                what.clone() + &text(&change.left),
                what + &text(&change.right),
            ]);
        }
    }
    let counts = format!(
        "{} same, {} changed, {} only left, {} only right.",
        difference.count(Mark::Same),
        difference.count(Mark::Changed),
        difference.count(Mark::OnlyLeft),
        difference.count(Mark::OnlyRight)
    );
    format!(
        "{}\n{}\n\n{}\n\n{counts}\nNot compared:\n  {}",
        title("left ", left),
        title("right", right),
        table.trim_fmt(),
        MASKED.join("\n  ")
    )
}

fn cells(row: &Row, left: &Trace, right: &Trace, output: &Output) -> Vec<Cell> {
    let (mark, tone) = match row.mark() {
        Mark::Same => ("=", None),
        Mark::Changed => ("~", Some(Tone::Changed)),
        Mark::OnlyLeft => ("<", Some(Tone::Bad)),
        Mark::OnlyRight => (">", Some(Tone::Good)),
    };
    let cells = [
        mark.to_owned(),
        span(left, row.left),
        span(right, row.right),
    ];
    let coloured = |text: String| match tone {
        Some(tone) => tone.cell(text, output),
        None => Cell::new(text),
    };
    cells.into_iter().map(coloured).collect()
}

/// A span in the tree, indented by its depth as far as there is room.
fn span(trace: &Trace, node: Option<Node>) -> String {
    const DEEPEST_INDENT: usize = 12;
    let Some(node) = node else {
        return String::new();
    };
    let span = &trace.spans[node.span];
    let indent = "  ".repeat(node.depth.min(DEEPEST_INDENT));
    let duration = span
        .duration()
        .map(|duration| format!(" {}", shown::duration(duration)));
    format!(
        "{indent}{} {}{}",
        visible(&span.service),
        visible(&span.name),
        duration.unwrap_or_default()
    )
}
