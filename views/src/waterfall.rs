//! Shows traces over time: one row per span, below its parent, with a bar for its duration.
//!
//! If a hand-off broke, the trace continues under another id. Both traces share one time scale, and
//! each names the other.

mod notes;
mod outline;
mod svg;
mod text;

use std::collections::HashSet;
use std::time::Duration;

use baton_propagators::TraceId;

use self::notes::Notes;
use baton_traces::hand_off::Verdict;
use baton_traces::shown::{service_name, visible};
use baton_traces::span::{StatusCode, UnixTime};
use baton_traces::trace::index::Passage;
use baton_traces::trace::{Node, Place, Trace};

/// Traces on one time scale, ready to be drawn. All text in it has been made visible.
#[derive(Clone, Debug)]
pub struct Waterfall {
    sections: Vec<Section>,
    /// Services in order of first appearance.
    services: Vec<String>,
    duration: Duration,
}

/// One trace.
#[derive(Clone, Debug)]
struct Section {
    trace_id: TraceId,
    spans: u64,
    start: Option<UnixTime>,
    duration: Option<Duration>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
enum Row {
    Span(SpanRow),
    /// Spans that are not shown, as a count.
    More {
        depth: usize,
        count: u64,
    },
}

#[derive(Clone, Debug)]
struct SpanRow {
    depth: usize,
    service: usize,
    name: String,
    /// The bar's start and length as shares of the whole time; `None` for a span without times.
    bar: Option<(f64, f64)>,
    duration: Option<Duration>,
    verdict: Option<Verdict>,
    failed: bool,
    notes: Vec<String>,
    /// Each as `name=value`, with the value as JSON.
    attributes: Vec<String>,
}

impl Waterfall {
    /// Puts `traces` on one time scale. Each trace shows at most `rows_limit` spans, those nearest
    /// to the root. `passages` are the hand-offs that begin or end in the traces.
    pub fn new(traces: &[Trace], passages: &[Passage], rows_limit: usize) -> Waterfall {
        let spans = || traces.iter().flat_map(|trace| &trace.spans);
        let start = spans().filter_map(|span| span.start).min();
        let end = spans()
            .flat_map(|span| [span.start, span.end])
            .flatten()
            .max();
        let mut services: Vec<String> = Vec::new();
        for span in spans() {
            let service = service_name(&span.service);
            if !services.contains(&service) {
                services.push(service);
            }
        }
        let mut waterfall = Waterfall {
            sections: Vec::new(),
            services,
            duration: start
                .zip(end)
                .and_then(|(start, end)| end.since(start))
                .unwrap_or_default(),
        };
        let notes = Notes::new(traces, passages);
        for trace in traces {
            let section = waterfall.section(trace, &notes, start, rows_limit);
            waterfall.sections.push(section);
        }
        waterfall
    }

    /// How many traces the waterfall shows.
    pub(crate) fn traces(&self) -> usize {
        self.sections.len()
    }

    fn section(
        &self,
        trace: &Trace,
        notes: &Notes<'_>,
        start: Option<UnixTime>,
        rows_limit: usize,
    ) -> Section {
        let tree = trace.tree();
        let shown = nearest_to_the_root(&tree, rows_limit);
        let mut rows = Vec::new();
        for (place, node) in tree.iter().enumerate() {
            if shown.contains(&place) {
                rows.push(Row::Span(self.row(trace, node, notes, start)));
            } else if let Some(Row::More { count, .. }) = rows.last_mut() {
                *count += 1;
            } else {
                let depth = node.depth;
                rows.push(Row::More { depth, count: 1 });
            }
        }
        if trace.left_out > 0 {
            let count = trace.left_out;
            rows.push(Row::More { depth: 0, count });
        }
        let start = trace.spans.iter().filter_map(|span| span.start).min();
        let end = trace.spans.iter().filter_map(|span| span.end).max();
        Section {
            trace_id: trace.trace_id,
            spans: trace.spans.len() as u64 + trace.left_out,
            start,
            duration: start.zip(end).and_then(|(start, end)| end.since(start)),
            rows,
        }
    }

    fn row(
        &self,
        trace: &Trace,
        node: &Node,
        notes: &Notes<'_>,
        start: Option<UnixTime>,
    ) -> SpanRow {
        let span = &trace.spans[node.span];
        let whole = self.duration.as_secs_f64();
        let share = |duration: Duration| {
            if whole > 0.0 {
                duration.as_secs_f64() / whole
            } else {
                0.0
            }
        };
        let offset = start
            .zip(span.start)
            .and_then(|(start, at)| at.since(start));
        let service = service_name(&span.service);
        SpanRow {
            depth: node.depth,
            service: self
                .services
                .iter()
                .position(|known| *known == service)
                .unwrap_or(0),
            name: visible(if span.name.is_empty() {
                "(no name)"
            } else {
                &span.name
            }),
            bar: offset.map(|offset| (share(offset), share(span.duration().unwrap_or_default()))),
            duration: span.duration(),
            verdict: notes.verdict(span),
            failed: span.status == StatusCode::Error,
            notes: notes.of(trace, node),
            attributes: span
                .attributes
                .iter()
                .map(|(name, value)| visible(&format!("{name}={value}")))
                .collect(),
        }
    }
}

/// The places of the `limit` nodes nearest to the root.
fn nearest_to_the_root(tree: &[Node], limit: usize) -> HashSet<usize> {
    let mut places: Vec<usize> = (0..tree.len()).collect();
    places.sort_by_key(|place| tree[*place].depth);
    places.truncate(limit);
    places.into_iter().collect()
}

/// A note for a span whose parent is missing or is its own descendant.
fn place_note(place: Place, parent: Option<String>) -> Option<String> {
    match place {
        Place::Root | Place::Child => None,
        Place::Orphan => Some(format!(
            "its parent {} was not seen",
            parent.unwrap_or_default()
        )),
        Place::Cycle => Some("its parent descends from it: the cycle is cut here".to_owned()),
    }
}
