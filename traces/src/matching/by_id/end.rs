//! One end of a hand-off in a compact form: a few numbers for each span or log line.

use baton_propagators::{SpanId, TraceId};

use crate::hand_off::{Luggage, MessageKey};
use crate::matching::names::{Name, Names, Renamed};
use crate::readers::log::LogSpan;
use crate::span::{Key, Span, SpanFormat, SpanReference, UnixTime};

/// One end of a hand-off.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// The hash of the id that both ends have: the request id or the record's sequence number.
    pub(super) id: u64,
    /// Its trace; zeros if it ran without tracing.
    pub(super) trace: [u8; 16],
    /// Its span; 0 if it ran without tracing.
    pub(super) span: u64,
    /// Its parent; 0 for a root.
    pub(super) parent: u64,
    /// When it started; 0 if unknown.
    pub(super) start: u64,
    /// When it ended; 0 if unknown.
    pub(super) end: u64,
    /// Its number among the facts of all ends.
    pub(super) facts: u32,
    /// Its number among the lists of links.
    pub(super) links: u32,
    /// The number of the id's text.
    pub(super) text: u32,
    /// Whether it receives.
    pub(super) receives: bool,
    /// Its sampling decision, if known.
    pub(super) sampled: Option<bool>,
    /// Whether its parent is in another process, if known.
    pub(super) parent_is_remote: Option<bool>,
    /// Whether headers arrived, if known.
    pub(super) carrier: Option<bool>,
}

/// What many ends have in common. It is stored once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    /// Whether it was recorded, or only logged.
    pub(super) recorded: bool,
    /// Whether it is the client of a request that succeeded.
    pub(super) succeeded: bool,
    /// The form of its span, if that was not OTLP.
    pub(super) format: Option<SpanFormat>,
    /// The service, if that is needed to derive whether the parent is remote.
    pub(super) service: Option<Name>,
    /// The stream of a record; empty if unknown.
    pub(super) stream: Name,
    /// The shard of a record; empty if unknown.
    pub(super) shard: Name,
    /// Size of the JSON object that carries the context, if the end says so.
    pub(super) carrier_bytes: Option<u64>,
    pub(super) trace_state: Name,
    pub(super) baggage_entries: u64,
    pub(super) debug: bool,
}

impl End {
    /// A sender or receiver without a span.
    fn new(id: u64, receives: bool) -> End {
        End {
            id,
            trace: [0; 16],
            span: 0,
            parent: 0,
            start: 0,
            end: 0,
            facts: 0,
            links: 0,
            text: 0,
            receives,
            sampled: None,
            parent_is_remote: None,
            carrier: None,
        }
    }

    /// The end that a span is.
    pub(super) fn recorded(id: u64, span: &Span<'_>, receives: bool) -> End {
        let time = |time: Option<UnixTime>| time.map_or(0, UnixTime::as_nanoseconds);
        End {
            start: time(span.start),
            end: time(span.end),
            sampled: Some(true),
            parent_is_remote: span.parent_is_remote,
            ..End::new(id, receives).with_ids(Some(span.reference), span.parent_span_id)
        }
    }

    /// The end that a log line reports.
    pub(super) fn logged(id: u64, span: &LogSpan, receives: bool) -> End {
        End {
            sampled: span.sampled,
            parent_is_remote: span.parent_is_remote,
            ..End::new(id, receives).with_ids(span.reference, span.parent_span_id)
        }
    }

    fn with_ids(self, reference: Option<SpanReference>, parent: Option<SpanId>) -> End {
        End {
            trace: reference.map_or([0; 16], |it| it.trace_id.to_bytes()),
            span: reference.map_or(0, |it| number(it.span_id)),
            parent: parent.map_or(0, number),
            ..self
        }
    }

    /// Its trace id and span id; `None` if it ran without tracing.
    pub(super) fn reference(&self) -> Option<SpanReference> {
        Some(SpanReference {
            trace_id: TraceId::from_bytes(self.trace)?,
            span_id: SpanId::from_bytes(self.span.to_be_bytes())?,
        })
    }

    /// Its parent; `None` for a root.
    pub(super) fn parent(&self) -> Option<SpanId> {
        SpanId::from_bytes(self.parent.to_be_bytes())
    }

    /// When it started.
    pub(super) fn start(&self) -> Option<UnixTime> {
        UnixTime::from_nanoseconds(self.start)
    }

    /// When it ended.
    pub(super) fn end(&self) -> Option<UnixTime> {
        UnixTime::from_nanoseconds(self.end)
    }
}

fn number(id: SpanId) -> u64 {
    u64::from_be_bytes(id.to_bytes())
}

impl Facts {
    /// The facts in a span.
    pub(super) fn recorded(span: &Span<'_>, names: &mut Names) -> Facts {
        let luggage = Luggage::of(span).unwrap_or_default();
        Facts {
            recorded: true,
            format: span.format(),
            trace_state: names.intern(&luggage.trace_state),
            baggage_entries: luggage.baggage_entries,
            debug: luggage.debug,
            ..Facts::default()
        }
    }

    /// The same facts of the end of a record.
    pub(super) fn of_record(self, key: MessageKey<'_>, names: &mut Names) -> Facts {
        Facts {
            stream: names.intern(key.stream),
            shard: names.intern(key.shard),
            ..self
        }
    }

    /// The same facts with the size of the context that a send span carries.
    pub(super) fn with_carrier_of(self, span: &Span<'_>) -> Facts {
        let bytes = span.attributes.integer(Key::CarrierBytes);
        Facts {
            carrier_bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            ..self
        }
    }

    /// The same facts with other names.
    pub(super) fn renamed(self, names: &Renamed) -> Facts {
        Facts {
            service: self.service.map(|service| names.get(service)),
            stream: names.get(self.stream),
            shard: names.get(self.shard),
            trace_state: names.get(self.trace_state),
            ..self
        }
    }

    /// What the context carried besides its ids; `None` if it carried nothing, like most.
    pub(super) fn luggage(&self, names: &Names) -> Option<Box<Luggage>> {
        let is_empty = self.trace_state.is_empty() && self.baggage_entries == 0 && !self.debug;
        (!is_empty).then(|| {
            Box::new(Luggage {
                trace_state: Box::from(names.text(self.trace_state)),
                baggage_entries: self.baggage_entries,
                debug: self.debug,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::End;

    #[test]
    fn an_end_is_small() {
        // two million of them are kept for a million messages and their requests, twice
        assert_eq!(std::mem::size_of::<End>(), 72);
    }
}
