//! One whole trace: its spans with all their fields, and the tree that they form.
//!
//! Spans come in any order. A parent may be missing, and parents may form a cycle. Neither is an
//! error; the tree marks the place.

pub mod difference;
pub mod index;
mod json;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use baton_propagators::{SpanId, TraceId};
use serde::Serialize;
use serde_json::Value as Json;

pub use self::json::TraceJson;
use crate::span::{AnyValue, Attribute, Kind, Span, SpanReference, StatusCode, UnixTime, Value};

/// How many spans of one trace are kept. Further spans are only counted.
pub const MAX_SPANS: usize = 200_000;

/// A trace. Its spans are sorted by their start; spans without a start come last.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its id.
    pub trace_id: TraceId,
    /// Its spans.
    pub spans: Vec<TraceSpan>,
    /// How many further spans are not kept.
    pub left_out: u64,
}

/// One span of a [`Trace`].
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSpan {
    /// Its trace id and span id.
    pub reference: SpanReference,
    /// The parent's id; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// The service that it ran in; empty if the exporter did not say.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub kind: Kind,
    /// When it started.
    pub start: Option<UnixTime>,
    /// When it ended.
    pub end: Option<UnixTime>,
    /// The `tracestate` of its context; empty if there is none.
    pub trace_state: String,
    /// Whether the operation succeeded.
    pub status: StatusCode,
    /// What went wrong; empty if the exporter did not say.
    pub status_message: String,
    /// Its attributes, by name.
    pub attributes: BTreeMap<String, Json>,
    /// The attributes of its resource, by name.
    pub resource: BTreeMap<String, Json>,
    /// What happened during it.
    pub events: Vec<TraceEvent>,
    /// The spans it links to.
    pub links: Vec<SpanReference>,
}

/// Something that happened at one moment during a span.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEvent {
    /// When it happened.
    pub time: Option<UnixTime>,
    /// Its name.
    pub name: String,
    /// Its attributes, by name.
    pub attributes: BTreeMap<String, Json>,
}

/// How a span is attached to the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It has no parent.
    Root,
    /// Its parent is in the trace.
    Child,
    /// Its parent is not in the trace.
    Orphan,
    /// Its parent is one of its own descendants. The cycle is cut here.
    Cycle,
}

/// One span of the tree, in depth-first order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The index of the span in [`Trace::spans`].
    pub span: usize,
    /// Its depth in the tree; 0 at the top.
    pub depth: usize,
    /// How it is attached.
    pub place: Place,
    /// The index of its parent in [`Trace::spans`]; `None` at the top.
    pub parent: Option<usize>,
}

impl TraceSpan {
    fn of(span: &Span<'_>) -> TraceSpan {
        let known = span.attributes.iter();
        let known = known.map(|(key, value)| (key.name().to_owned(), json_of_value(value)));
        TraceSpan {
            reference: span.reference,
            parent_span_id: span.parent_span_id,
            service: span.service.to_owned(),
            name: span.name.to_string(),
            kind: span.kind,
            start: span.start,
            end: span.end,
            trace_state: span.trace_state.to_string(),
            status: span.status.code,
            status_message: span.status.message.to_string(),
            attributes: known.chain(by_name(&span.other_attributes)).collect(),
            resource: by_name(span.resource_attributes).collect(),
            events: span
                .events
                .iter()
                .map(|event| TraceEvent {
                    time: event.time,
                    name: event.name.to_string(),
                    attributes: by_name(&event.attributes).collect(),
                })
                .collect(),
            links: span.links.iter().map(|link| link.to).collect(),
        }
    }

    /// How long it took; `None` if a time is missing, or if it ended before it started.
    pub fn duration(&self) -> Option<Duration> {
        self.end?.since(self.start?)
    }
}

fn by_name<'a>(attributes: &'a [Attribute<'_>]) -> impl Iterator<Item = (String, Json)> + 'a {
    let attributes = attributes.iter();
    attributes.map(|(name, value)| (name.to_string(), json_of_any(value)))
}

fn json_of_value(value: &Value<'_>) -> Json {
    match value {
        Value::Text(text) => text.as_ref().into(),
        Value::Integer(number) => (*number).into(),
        Value::Boolean(value) => (*value).into(),
    }
}

fn json_of_any(value: &AnyValue<'_>) -> Json {
    match value {
        AnyValue::Empty => Json::Null,
        AnyValue::Text(text) | AnyValue::Bytes(text) => text.as_ref().into(),
        AnyValue::Integer(number) => (*number).into(),
        AnyValue::Double(number) => (*number).into(),
        AnyValue::Boolean(value) => (*value).into(),
        AnyValue::List(values) => values.iter().map(json_of_any).collect(),
        AnyValue::Map(attributes) => Json::Object(by_name(attributes).collect()),
    }
}

impl Trace {
    /// Makes a trace of these spans.
    pub fn new(trace_id: TraceId, spans: Vec<TraceSpan>) -> Trace {
        let mut trace = Trace {
            trace_id,
            spans,
            left_out: 0,
        };
        trace.sort();
        trace
    }

    /// Sorts the spans and removes duplicates. Of two exports of one span, the one with an end
    /// stays.
    fn sort(&mut self) {
        let half = |span: &TraceSpan| (span.reference, span.kind.is_sender());
        self.spans.sort_by_key(|span| span.end.is_none());
        let mut seen = HashSet::with_capacity(self.spans.len());
        self.spans.retain(|span| seen.insert(half(span)));
        self.spans.sort_by_key(|span| {
            let id = span.reference.span_id;
            (span.start.is_none(), span.start, id, span.kind as u8)
        });
    }

    /// The spans as a tree, in depth-first order. Children of the same span are sorted by their
    /// start.
    pub fn tree(&self) -> Vec<Node> {
        let halves = Halves::of(&self.spans);
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.spans.len()];
        let mut tops = Vec::new();
        for (index, span) in self.spans.iter().enumerate() {
            match (halves.parent(span), span.parent_span_id) {
                (Some(parent), _) => children[parent].push(index),
                (None, None) => tops.push((index, Place::Root)),
                (None, Some(_)) => tops.push((index, Place::Orphan)),
            }
        }
        let mut walk = Walk {
            children,
            seen: vec![false; self.spans.len()],
            nodes: Vec::with_capacity(self.spans.len()),
        };
        for (index, place) in tops {
            walk.down(index, place);
        }
        // Spans that were not reached are in a cycle, or below one.
        for index in 0..self.spans.len() {
            walk.down(index, Place::Cycle);
        }
        walk.nodes
    }
}

/// The spans of a trace by id. In B3, two spans may share an id: the caller's half of a call, and
/// the half of the called service.
struct Halves<'a> {
    spans: &'a [TraceSpan],
    senders: HashMap<SpanId, usize>,
    others: HashMap<SpanId, usize>,
}

impl<'a> Halves<'a> {
    fn of(spans: &'a [TraceSpan]) -> Halves<'a> {
        let mut halves = Halves {
            spans,
            senders: HashMap::new(),
            others: HashMap::with_capacity(spans.len()),
        };
        for (place, span) in spans.iter().enumerate() {
            let half = match span.kind.is_sender() {
                true => &mut halves.senders,
                false => &mut halves.others,
            };
            half.entry(span.reference.span_id).or_insert(place);
        }
        halves
    }

    /// The parent of `span`. If `span` is the called half of a shared id, this is the caller's
    /// half. Otherwise it is the span with the parent's id. If two halves have that id, it is the
    /// half in the same service, or else the called half.
    fn parent(&self, span: &TraceSpan) -> Option<usize> {
        let own = span.reference.span_id;
        if !span.kind.is_sender()
            && let Some(caller) = self.senders.get(&own)
        {
            return Some(*caller);
        }
        let id = span.parent_span_id?;
        let (sender, other) = (self.senders.get(&id), self.others.get(&id));
        match (sender, other) {
            (Some(sender), Some(other)) => {
                let is_in = |place: usize| self.spans[place].service == span.service;
                let called = is_in(*other) || !is_in(*sender);
                Some(if called { *other } else { *sender })
            }
            (sender, other) => sender.or(other).copied(),
        }
    }
}

/// A walk through the tree that visits each span once.
struct Walk {
    children: Vec<Vec<usize>>,
    seen: Vec<bool>,
    nodes: Vec<Node>,
}

impl Walk {
    fn down(&mut self, top: usize, place: Place) {
        let mut waiting = vec![Node {
            span: top,
            depth: 0,
            place,
            parent: None,
        }];
        while let Some(node) = waiting.pop() {
            if std::mem::replace(&mut self.seen[node.span], true) {
                continue;
            }
            self.nodes.push(node);
            let children = self.children[node.span].iter().rev();
            waiting.extend(children.map(|child| Node {
                span: *child,
                depth: node.depth + 1,
                place: Place::Child,
                parent: Some(node.span),
            }));
        }
    }
}

/// Collects the spans of certain traces only.
#[derive(Debug, Default)]
pub struct Gathering {
    wanted: HashSet<TraceId>,
    traces: HashMap<TraceId, Trace>,
}

impl Gathering {
    /// Collects the spans of these traces.
    pub fn new(wanted: impl IntoIterator<Item = TraceId>) -> Gathering {
        Gathering {
            wanted: wanted.into_iter().collect(),
            traces: HashMap::new(),
        }
    }

    /// Keeps `span` if it belongs to one of the traces.
    pub fn add_span(&mut self, span: &Span<'_>) {
        let trace_id = span.reference.trace_id;
        if !self.wanted.contains(&trace_id) {
            return;
        }
        let trace = self.traces.entry(trace_id).or_insert_with(|| Trace {
            trace_id,
            spans: Vec::new(),
            left_out: 0,
        });
        if trace.spans.len() < MAX_SPANS {
            trace.spans.push(TraceSpan::of(span));
        } else {
            trace.left_out += 1;
        }
    }

    /// The whole trace; `None` if none of its spans was seen.
    pub fn get(&self, trace_id: TraceId) -> Option<Trace> {
        let mut trace = self.traces.get(&trace_id)?.clone();
        trace.sort();
        Some(trace)
    }
}
