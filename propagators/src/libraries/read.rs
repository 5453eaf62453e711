//! The result of reading one format, and how to choose among the results of a list.

use crate::context::{SpanId, TraceId};

/// How a library's reader of one format reads the headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// None of its headers arrived.
    Absent,
    /// Its headers arrived, and the reader ignores them for this reason.
    Refused(&'static str),
    /// A sampling decision without ids.
    Decision(Decision),
    /// An invalid context that replaces a valid one, so that nothing is continued.
    Void(&'static str),
    /// A fault that stops all reading, so that nothing is continued.
    Corrupt(&'static str),
    /// A context.
    Context(Found),
}

/// A sampling decision that arrived without ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) sampled: bool,
    pub(super) debug: bool,
}

/// A context as a library holds it. An id of zero means a missing id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) trace: u128,
    pub(super) span: u64,
    /// `None` if the library keeps the decision open.
    pub(super) sampled: Option<bool>,
    pub(super) debug: bool,
    /// Whether the debug state came in `X-B3-Flags`, if the library distinguishes that.
    pub(super) debug_in_flags: bool,
    /// Whether the library remembers that the decision is open, although its context says "not
    /// sampled".
    pub(super) open: bool,
    /// W3C's random flag, if the library keeps it.
    pub(super) random: bool,
    pub(super) tracestate: String,
    /// Whether it keeps the `tracestate` of the context that it replaces.
    pub(super) keeps_tracestate: bool,
}

impl Found {
    /// A context without debug state and `tracestate`.
    pub(super) fn new(trace: u128, span: u128, sampled: Option<bool>) -> Self {
        Found {
            trace,
            span: u64::try_from(span).unwrap_or_default(),
            sampled,
            ..Found::default()
        }
    }

    pub(super) fn trace_id(&self) -> Option<TraceId> {
        TraceId::from_bytes(self.trace.to_be_bytes())
    }

    pub(super) fn span_id(&self) -> Option<SpanId> {
        SpanId::from_bytes(self.span.to_be_bytes())
    }

    /// This context as a reading. An id of zero makes it `Void`, or `Refused` for readers that
    /// check ids.
    pub(super) fn checked(self, fault: fn(&'static str) -> Read) -> Read {
        if self.trace == 0 {
            return fault("the trace id is zero");
        }
        if self.span == 0 {
            return fault("the span id is zero or missing");
        }
        Read::Context(self)
    }
}

/// The formats of a list in order, each with its reading.
pub(super) type Readings = [(&'static str, Read)];

/// How a library chooses among the readings.
pub(super) type Choose = fn(&Readings) -> Chosen;

/// What a library decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    pub(super) context: Option<(&'static str, Found)>,
    pub(super) decision: Option<Decision>,
    pub(super) links: Vec<(&'static str, Found)>,
    /// A format without a context that prevents every other format from being continued, and why.
    pub(super) blocked: Option<(&'static str, &'static str)>,
    /// The format whose debug state is passed on although another format's context is continued.
    pub(super) leaked_debug: Option<&'static str>,
}

/// OpenTelemetry's composite propagator: each format that finds a context replaces the earlier one.
/// B3's debug state is stored beside the context and survives when the context is replaced
/// (`b.w3c+b3.trace-d`).
pub(super) fn last(readings: &Readings) -> Chosen {
    let mut chosen = Chosen::default();
    for (format, read) in readings {
        match read {
            Read::Context(found) => {
                let mut found = found.clone();
                if let (true, Some((_, before))) = (found.keeps_tracestate, &chosen.context) {
                    found.tracestate.clone_from(&before.tracestate);
                }
                if found.debug {
                    chosen.leaked_debug = Some(format);
                }
                chosen.context = Some((format, found));
                chosen.blocked = None;
            }
            Read::Void(reason) => {
                chosen.context = None;
                chosen.blocked = Some((format, reason));
            }
            // Go keeps the debug state of a header `d` without ids (`b.w3c+b3.onlyd`).
            Read::Decision(decision) if decision.debug => chosen.leaked_debug = Some(format),
            Read::Absent | Read::Refused(_) | Read::Decision(_) | Read::Corrupt(_) => {}
        }
    }
    chosen.leaked_debug = chosen.leaked_debug.filter(|debug| {
        chosen
            .context
            .as_ref()
            .is_some_and(|(format, _)| format != debug)
    });
    chosen
}

/// Spring Boot's composites: the first format that finds anything wins, even if it is only a
/// decision.
pub(super) fn first(readings: &Readings) -> Chosen {
    let mut chosen = Chosen::default();
    for (format, read) in readings {
        match read {
            Read::Absent | Read::Refused(_) | Read::Corrupt(_) => continue,
            Read::Context(found) => chosen.context = Some((format, found.clone())),
            Read::Void(reason) => chosen.blocked = Some((format, reason)),
            Read::Decision(decision) => {
                chosen.decision = Some(*decision);
                chosen.blocked = Some((format, "it holds a sampling decision and no ids"));
            }
        }
        break;
    }
    chosen
}
