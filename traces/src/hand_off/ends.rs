//! The two ends of a hand-off: what a sender passed on, and what a receiver made of it.

use baton_propagators::{SpanId, TraceId};

use crate::span::{Key, Kind, Span, SpanFormat, SpanReference, UnixTime};

/// Identifies a record on both sides of Kinesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageKey<'a> {
    /// The stream's name.
    pub stream: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The sequence number that Kinesis gave the record; unique within its shard.
    pub sequence_number: &'a str,
}

/// The end of a hand-off that a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// The sender of the ingress hop. A failed request may have no id.
    ClientRequest {
        /// The request id in the API's answer.
        request_id: Option<&'a str>,
    },
    /// The receiver of the ingress hop.
    ServerRequest {
        /// The request id in the API's event.
        request_id: &'a str,
    },
    /// The sender of the record hop. Only an accepted record has a key.
    Send(MessageKey<'a>),
    /// The receiver of the record hop.
    Receive(MessageKey<'a>),
    /// Neither end: a span inside a service, or a span without an id to match.
    Other,
}

impl<'a> Role<'a> {
    /// The role of `span`, from its kind and attributes alone.
    pub fn of(span: &'a Span<'_>) -> Role<'a> {
        let attributes = &span.attributes;
        let request_id = attributes.text(Key::RequestId);
        let message = attributes
            .text(Key::MessageId)
            .map(|sequence_number| MessageKey {
                stream: attributes.text(Key::Destination).unwrap_or_default(),
                shard: attributes.text(Key::Partition).unwrap_or_default(),
                sequence_number,
            });
        let sends = attributes.text(Key::OperationType) == Some("send");
        match (span.kind, message) {
            (Kind::Producer, Some(key)) => Role::Send(key),
            (Kind::Client, Some(key)) if sends => Role::Send(key),
            (Kind::Consumer, Some(key)) => Role::Receive(key),
            // Requests of an AWS SDK also have request ids, but of another API.
            (Kind::Client, _) if sends || attributes.get(Key::RpcSystem).is_some() => Role::Other,
            // a span with neither an id nor a status is not an HTTP request; it may be a database
            // call
            (Kind::Client, _)
                if request_id.is_none()
                    && attributes.get(Key::StatusCode).is_none()
                    && attributes.get(Key::ErrorType).is_none() =>
            {
                Role::Other
            }
            (Kind::Client, _) => Role::ClientRequest { request_id },
            (Kind::Server, _) => match request_id {
                Some(request_id) => Role::ServerRequest { request_id },
                None => Role::Other,
            },
            _ => Role::Other,
        }
    }

    /// Whether an id joins the span with the other end of its hand-off.
    pub fn has_id(self) -> bool {
        !matches!(self, Role::ClientRequest { request_id: None } | Role::Other)
    }
}

/// What a context carries besides its ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Luggage {
    /// The `tracestate`; empty if there is none.
    pub trace_state: Box<str>,
    /// How many baggage entries.
    pub baggage_entries: u64,
    /// Whether the debug flag was set.
    pub debug: bool,
}

impl Luggage {
    /// The luggage in the attributes of `span`; `None` if it has none, like most spans.
    pub fn of(span: &Span<'_>) -> Option<Box<Luggage>> {
        let entries = span.attributes.integer(Key::BaggageEntries);
        let luggage = Luggage {
            trace_state: Box::from(&*span.trace_state),
            baggage_entries: entries
                .and_then(|entries| entries.try_into().ok())
                .unwrap_or(0),
            debug: span.attributes.boolean(Key::ContextDebug) == Some(true),
        };
        (luggage != Luggage::default()).then(|| Box::new(luggage))
    }
}

/// The sending end.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Its span; `None` if the sender ran without tracing.
    pub reference: Option<SpanReference>,
    /// The parent of its span.
    pub parent: Option<SpanId>,
    /// Whether that parent is in another process; `None` if this is unknown.
    pub parent_is_remote: Option<bool>,
    /// The spans above that parent in the sender's service, the nearest first, and the spans below
    /// the sender that a receiver names.
    pub around: Vec<SpanId>,
    /// Whether its span was recorded. If not, everything known about it comes from the log.
    pub recorded: bool,
    /// Its sampling decision; `None` if it is unknown, or was left to the receiver.
    pub sampled: Option<bool>,
    /// When its span started.
    pub start: Option<UnixTime>,
    /// When its span ended.
    pub end: Option<UnixTime>,
    /// What its context carried.
    pub luggage: Option<Box<Luggage>>,
    /// The form of its span, if it was not OTLP. Such forms may not show the `tracestate` that was
    /// sent.
    pub format: Option<SpanFormat>,
}

/// The parent of a span whose [`Role`] has no id. Such a span may be between a sender and a span
/// above or below it in the sender's service. `None` if it has no parent, or if the parent is known
/// to be in another process.
pub fn leads_up(span: &Span<'_>) -> Option<SpanId> {
    let may_lead = span.parent_is_remote != Some(true);
    span.parent_span_id.filter(|_| may_lead)
}

impl Sender {
    /// The most spans above a sender, or between it and one below it, that are looked at. It also
    /// ends the search in a cycle of parents.
    pub const MAX_ABOVE: usize = 64;

    /// A client's end, from its span. A load generator writes spans for all requests. The span's
    /// flags show a decision "not sampled", and an attribute shows an open decision.
    pub fn client(span: &Span<'_>) -> Sender {
        let deferred = span.attributes.boolean(Key::ContextDeferred) == Some(true);
        Sender {
            sampled: (!deferred).then(|| span.sampled.unwrap_or(true)),
            ..Sender::recorded(span)
        }
    }

    /// The sending end of a recorded span.
    pub fn recorded(span: &Span<'_>) -> Sender {
        Sender {
            reference: Some(span.reference),
            parent: span.parent_span_id,
            parent_is_remote: span.parent_is_remote,
            around: Vec::new(),
            recorded: true,
            sampled: Some(true),
            start: span.start,
            end: span.end,
            luggage: Luggage::of(span),
            format: span.format(),
        }
    }

    /// The sender of a record that left no span and no log line.
    pub(crate) const UNKNOWN: Sender = Sender {
        reference: None,
        parent: None,
        parent_is_remote: None,
        around: Vec::new(),
        recorded: false,
        sampled: None,
        start: None,
        end: None,
        luggage: None,
        format: None,
    };
}

/// A span that a receiver links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverLink {
    /// The linked span.
    pub to: SpanReference,
    /// The `tracestate` of the linked context; empty if there is none.
    pub trace_state: Box<str>,
}

/// The receiving end.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    /// Its span; `None` if the receiver ran without tracing.
    pub reference: Option<SpanReference>,
    /// The parent of its span.
    pub parent: Option<SpanId>,
    /// Whether that parent is in another process; `None` if this is unknown.
    pub parent_is_remote: Option<bool>,
    /// Whether its span was recorded. If not, everything known about it comes from the log.
    pub recorded: bool,
    /// Its sampling decision, if known.
    pub sampled: Option<bool>,
    /// Whether headers arrived, understood or not; `None` if this is unknown.
    pub carrier: Option<bool>,
    /// When its span started.
    pub start: Option<UnixTime>,
    /// When its span ended.
    pub end: Option<UnixTime>,
    /// The spans it links to.
    pub links: Box<[ReceiverLink]>,
    /// What the arriving context carried.
    pub luggage: Option<Box<Luggage>>,
    /// The form of its span, if it was not OTLP. Such forms may not show its links and the
    /// `tracestate` that arrived.
    pub format: Option<SpanFormat>,
}

/// How many links of one receiver are kept. This is OpenTelemetry's default limit.
pub(crate) const MAX_LINKS: usize = 128;

impl Receiver {
    /// The spans in the trace `sent` that it has as its parent or a link.
    pub fn named_in(&self, sent: TraceId) -> impl Iterator<Item = SpanId> {
        let is_in = move |span: &SpanReference| span.trace_id == sent;
        let parent = self.reference.filter(is_in).and(self.parent);
        let links = self.links.iter().map(|link| link.to).filter(is_in);
        parent.into_iter().chain(links.map(|to| to.span_id))
    }

    /// The receiving end of a recorded span.
    pub fn recorded(span: &Span<'_>) -> Receiver {
        let links = span.links.iter().take(MAX_LINKS);
        Receiver {
            reference: Some(span.reference),
            parent: span.parent_span_id,
            parent_is_remote: span.parent_is_remote,
            recorded: true,
            sampled: Some(true),
            carrier: None,
            start: span.start,
            end: span.end,
            links: links
                .map(|link| ReceiverLink {
                    to: link.to,
                    trace_state: Box::from(&*link.trace_state),
                })
                .collect(),
            luggage: Luggage::of(span),
            format: span.format(),
        }
    }
}
