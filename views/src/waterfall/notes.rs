//! The notes below a span: the other end of a broken hand-off, and times that are wrong.

use std::collections::HashMap;
use std::time::Duration;

use super::place_note;
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::shown::{duration, service_name, visible};
use baton_traces::span::{SpanReference, StatusCode};
use baton_traces::trace::index::Passage;
use baton_traces::trace::{Node, Trace, TraceSpan};

/// The hand-offs of the shown traces, by sender and by receiver.
pub(super) struct Notes<'a> {
    by_sender: HashMap<SpanReference, &'a Passage>,
    by_receiver: HashMap<SpanReference, &'a Passage>,
    senders: HashMap<SpanReference, &'a TraceSpan>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(traces: &'a [Trace], passages: &'a [Passage]) -> Notes<'a> {
        let ends = |end: fn(&Passage) -> Option<SpanReference>| {
            let passages = passages.iter();
            passages
                .filter_map(|passage| Some((end(passage)?, passage)))
                .collect()
        };
        let by_sender: HashMap<_, _> = ends(|passage| passage.sender);
        let spans = traces.iter().flat_map(|trace| &trace.spans);
        let senders = spans
            .filter(|span| by_sender.contains_key(&span.reference))
            .map(|span| (span.reference, span))
            .collect();
        Notes {
            by_sender,
            by_receiver: ends(|passage| passage.receiver.filter(|_| passage.receiver_recorded)),
            senders,
        }
    }

    /// The verdict to show beside a span. It belongs to the hand-off that the span received, or to
    /// the one it sent if the receiver has no span.
    pub(super) fn verdict(&self, span: &TraceSpan) -> Option<Verdict> {
        let received = self.by_receiver.get(&span.reference);
        let sent = || {
            self.by_sender
                .get(&span.reference)
                .filter(|passage| !passage.receiver_recorded)
        };
        received.or_else(sent).and_then(|passage| passage.verdict)
    }

    /// The notes below the span of `node`.
    pub(super) fn of(&self, trace: &Trace, node: &Node) -> Vec<String> {
        let span = &trace.spans[node.span];
        let parent = node.parent.map(|parent| &trace.spans[parent]);
        let received = self.by_receiver.get(&span.reference);
        let sent = self.by_sender.get(&span.reference);
        [
            place_note(node.place, span.parent_span_id.map(|id| id.to_string())),
            received.and_then(|passage| what_was_continued(passage)),
            received.and_then(|passage| from_where(passage, trace)),
            sent.and_then(|passage| where_to(passage, trace)),
            self.skew(span, parent),
            times(span),
            failure(span),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Says that clocks disagree if a receiver starts before its sender.
    fn skew(&self, span: &TraceSpan, parent: Option<&TraceSpan>) -> Option<String> {
        let sender = self
            .by_receiver
            .get(&span.reference)
            .and_then(|passage| passage.sender);
        let sender = sender.and_then(|sender| self.senders.get(&sender).copied());
        let before = sender.or(parent.filter(|parent| parent.service != span.service))?;
        let early = before
            .start?
            .since(span.start?)
            .filter(|early| *early > Duration::ZERO)?;
        Some(format!(
            "starts {} before {} sent it: their clocks disagree",
            duration(early),
            service_name(&before.service)
        ))
    }
}

fn message(hop: Hop) -> (&'static str, &'static str) {
    match hop {
        Hop::Ingress => ("request", "client"),
        Hop::Record => ("message", "sender"),
    }
}

/// What the receiver did with the context, if the verdict needs an explanation.
fn what_was_continued(passage: &Passage) -> Option<String> {
    match passage.verdict? {
        Verdict::WrongTrace => Some("it continued a context that is not its sender's".to_owned()),
        Verdict::IdTruncated => Some("only the low 64 bits of the trace id are left".to_owned()),
        _ => None,
    }
}

/// Where the message comes from, if the trace does not show it.
fn from_where(passage: &Passage, trace: &Trace) -> Option<String> {
    let verdict = passage.verdict?;
    let (message, sender) = message(passage.hop);
    match passage.sender {
        _ if verdict == Verdict::Connected => None,
        None => Some(format!("this {message}'s {sender} was not traced")),
        Some(from) if from.trace_id == trace.trace_id => Some(format!(
            "this {message}'s {sender} is span {}, which is not its parent",
            from.span_id
        )),
        Some(from) => Some(format!(
            "this {message}'s {sender} is in trace {}",
            from.trace_id
        )),
    }
}

/// Where the message went, if the trace does not show it.
fn where_to(passage: &Passage, trace: &Trace) -> Option<String> {
    let (message, _) = message(passage.hop);
    match (passage.verdict?, passage.receiver) {
        (Verdict::Lost, _) => Some(format!("this {message} was never delivered")),
        (Verdict::Unsampled, _) => Some(format!("this {message}'s receiver was not sampled")),
        (_, Some(to)) if !passage.receiver_recorded => Some(format!(
            "this {message}'s receiver recorded no span {}",
            to.span_id
        )),
        (_, Some(to)) if to.trace_id != trace.trace_id => {
            Some(format!("this {message} went on in trace {}", to.trace_id))
        }
        _ => None,
    }
}

fn times(span: &TraceSpan) -> Option<String> {
    match (span.start, span.end) {
        (Some(start), Some(end)) => {
            let early = start.since(end).filter(|early| *early > Duration::ZERO)?;
            Some(format!("ends {} before it starts", duration(early)))
        }
        (Some(_), None) => Some("has no end".to_owned()),
        (None, _) => Some("has no start".to_owned()),
    }
}

fn failure(span: &TraceSpan) -> Option<String> {
    let failed = span.status == StatusCode::Error;
    failed.then(|| match span.status_message.as_str() {
        "" => "failed".to_owned(),
        message => format!("failed: {}", visible(message)),
    })
}
