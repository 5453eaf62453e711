//! A trace over time: one row for each span, under its parent, with a bar where it ran.
//!
//! Where a hand-off broke, the trace has another half under another id. Both stand on one time scale, and each
//! says where the other is.

mod notes;
mod outline;
mod svg;
mod text;

use std::collections::HashSet;
use std::time::Duration;

use baton_propagators::id::TraceId;

use self::notes::Notes;
use crate::hand_off::Verdict;
use crate::shown::visible;
use crate::span::{StatusCode, UnixTime};
use crate::trace::{Node, Place, Trace};
use crate::trace_index::Passage;

pub use self::text::TextStyle;

/// Traces on one time scale, ready to be drawn. All text in it is safe to show.
#[derive(Clone, Debug)]
pub struct Waterfall {
    sections: Vec<Section>,
    /// Services in the order in which they first appear.
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
    /// So many spans that are not shown.
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
    /// Where the bar starts and how long it is, as shares of the whole time; `None` for a span without times.
    bar: Option<(f64, f64)>,
    duration: Option<Duration>,
    verdict: Option<Verdict>,
    failed: bool,
    notes: Vec<String>,
    /// Each as `name=value`, the value as JSON.
    attributes: Vec<String>,
}

impl Waterfall {
    /// `traces` on one time scale, of each at most `rows_limit` spans: those nearest to the root. `passages` are
    /// the hand-offs that begin or end in them.
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

    /// In how many traces it is.
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

/// What a service is called in a picture.
pub(crate) fn service_name(name: &str) -> String {
    if name.is_empty() {
        "(no service name)".to_owned()
    } else {
        visible(name)
    }
}

/// The places of at most `limit` nodes, those that stand highest first.
fn nearest_to_the_root(tree: &[Node], limit: usize) -> HashSet<usize> {
    let mut places: Vec<usize> = (0..tree.len()).collect();
    places.sort_by_key(|place| tree[*place].depth);
    places.truncate(limit);
    places.into_iter().collect()
}

/// What a place in the tree that is not plain is called.
fn place_note(place: Place, parent: Option<String>) -> Option<String> {
    match place {
        Place::Root | Place::Child => None,
        Place::Orphan => Some(format!(
            "its parent {} was not seen",
            parent.unwrap_or_default()
        )),
        Place::Cycle => Some("its parent descends from it: the circle is cut here".to_owned()),
    }
}
