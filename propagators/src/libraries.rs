//! How libraries in use read arriving headers: which context each would continue, and what it
//! passes on.
//!
//! A [`Library`] is a set of readers, one for each format, and a rule that chooses among their
//! results. Readers and rules follow the libraries' sources and were checked against measured
//! answers (`tests/libraries.rs`). If a rule is surprising, its comment names a measured case that
//! shows it.
//!
//! ```
//! use baton_propagators::{HeaderList, libraries};
//!
//! let headers = HeaderList::from([
//!     ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"),
//! ]);
//! let mode = "tracecontext".parse()?;
//! let java = libraries::find("otel-java").expect("it is in the list");
//! assert!(java.continues(&headers, &mode).continues.is_some());
//! // Spring Boot on Brave refuses the random flag and starts a new trace.
//! let spring = libraries::find("spring-boot-brave").expect("it is in the list");
//! assert_eq!(spring.continues(&headers, &mode).continues, None);
//! # Ok::<(), baton_propagators::ModeError>(())
//! ```

use crate::carrier::HeaderList;
use crate::context::{SpanId, TraceId};
use crate::propagation::Mode;
use arrived::{Arrived, Delivery};
use read::{Choose, Chosen, Read};
use sends::Writer;

mod arrived;
mod brave;
mod datadog;
mod digits;
mod names;
mod notes;
mod opentelemetry;
mod read;
mod readers;
mod sends;
mod spring_boot;
mod traceparent;
mod tracestate;

pub use names::{in_short, number};
pub use readers::MAX_BYTES;
pub(crate) use readers::{Readers, kept_members};
pub use sends::Sending;

/// A library that reads and writes trace context.
#[derive(Debug)]
pub struct Library {
    /// Its name, with the major version if versions differ: `datadog-js@5`.
    pub name: &'static str,
    /// Its name as people say it.
    pub title: &'static str,
    /// The version whose answers were measured.
    pub version: &'static str,
    delivery: Delivery,
    readers: &'static [(&'static str, Reader)],
    choose: Choose,
    undecided: Undecided,
    /// Whether it can be set to one format only.
    one_format: bool,
    /// How a new span changes the context that it inherits.
    opened: fn(&mut Sending),
    writers: &'static [(&'static str, Writer)],
}

type Reader = fn(&Arrived<'_>) -> Read;

/// What a service with the library's default sampler does with a context whose decision is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Undecided {
    /// Its own spans are sampled.
    Sampled,
    /// The open decision counts as "not sampled".
    NotSampled,
}

/// How a library answers to headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The context that it continues, whole or only its trace id; `None` if it starts a new trace.
    pub continues: Option<Continuation>,
    /// Contexts of other traces that it keeps as span links.
    pub links: Vec<Link>,
    /// Whether the next span is sampled, with the library's default sampler.
    pub next_sampled: bool,
    /// What it refuses although the specification allows it: one sentence each.
    pub refused: Vec<String>,
    /// What is lost, changed or accepted beyond the specification: one sentence each.
    pub notes: Vec<String>,
}

/// A context as a library continues it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The format it came in, under baton's name.
    pub format: &'static str,
    /// The trace that goes on.
    pub trace_id: TraceId,
    /// The parent of the next span; `None` if only the trace id is kept, so that the next span is a
    /// root of that trace.
    pub span_id: Option<SpanId>,
    /// The decision; `None` if the library leaves it open.
    pub sampled: Option<bool>,
    /// Whether B3's or Jaeger's debug state is kept.
    pub debug: bool,
    /// Whether the debug state came in `X-B3-Flags`.
    debug_in_flags: bool,
    /// Whether the library remembers, outside the context, that the decision is open.
    open: bool,
    /// Whether W3C's random flag is kept.
    pub random: bool,
    /// The `tracestate` that is kept; empty if there is none.
    pub tracestate: String,
}

/// A context that is not continued and becomes a span link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The format it came in.
    pub format: &'static str,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
}

impl Library {
    /// The formats that it reads, under baton's names.
    pub fn formats(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.readers.iter().map(|(format, _)| *format)
    }

    /// The formats that it writes, under baton's names.
    pub fn writes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.writers.iter().map(|(format, _)| *format)
    }

    /// Why it cannot be set to `mode`; `None` if it can. `baggage` is ignored here.
    pub fn cannot(&self, mode: &Mode) -> Option<String> {
        let contexts = || mode.context_formats().map(|format| format.name());
        if self.one_format && contexts().count() > 1 {
            return Some(format!("{} is set to one format at a time.", self.title));
        }
        let unread: Vec<&str> = contexts()
            .filter(|name| !self.formats().any(|format| format == *name))
            .collect();
        (!unread.is_empty()).then(|| {
            format!(
                "{} does not read {}, or was not measured with it.",
                self.title,
                unread.join(" and ")
            )
        })
    }

    /// The context that it continues if it is set to read `mode`. Formats that it cannot read are
    /// ignored; see [`Library::cannot`].
    pub fn continues(&self, headers: &HeaderList, mode: &Mode) -> Answer {
        let arrived = Arrived::new(headers, self.delivery);
        let readings: Vec<(&'static str, Read)> = mode
            .names()
            .filter_map(|name| self.readers.iter().find(|(format, _)| *format == name))
            .map(|(format, reader)| (*format, reader(&arrived)))
            .collect();
        let chosen = (self.choose)(&readings);
        let continues = chosen.context.as_ref().and_then(|(format, found)| {
            Some(Continuation {
                format,
                trace_id: found.trace_id()?,
                span_id: found.span_id(),
                sampled: found.sampled,
                debug: found.debug || chosen.leaked_debug.is_some(),
                debug_in_flags: found.debug_in_flags,
                open: found.open,
                random: found.random,
                tracestate: found.tracestate.clone(),
            })
        });
        let links = chosen.links.iter().filter_map(|(format, found)| {
            Some(Link {
                format,
                trace_id: found.trace_id()?,
                span_id: found.span_id()?,
            })
        });
        Answer {
            links: links.collect(),
            next_sampled: self.next_sampled(&chosen, continues.as_ref()),
            refused: notes::refused(headers, &readings),
            notes: notes::notes(self, headers, &readings, &chosen, continues.as_ref()),
            continues,
        }
    }

    fn next_sampled(&self, chosen: &Chosen, continues: Option<&Continuation>) -> bool {
        match continues {
            Some(context) => context
                .sampled
                .unwrap_or(self.undecided == Undecided::Sampled),
            None => chosen.decision.is_none_or(|decision| decision.sampled),
        }
    }

    /// The span of a service that continues the answer's context with the library's default
    /// sampler; `None` if it starts a new trace.
    pub fn sending(&self, answer: &Answer, span_id: SpanId) -> Option<Sending> {
        let mut sending = Sending::under(answer.continues.as_ref()?, span_id);
        sending.sampled = Some(answer.next_sampled);
        (self.opened)(&mut sending);
        Some(sending)
    }

    /// The headers for the next hop if the library is set to write `mode`. Formats that it cannot
    /// write are left out.
    pub fn sends_on(&self, sending: &Sending, mode: &Mode) -> HeaderList {
        let mut headers = HeaderList::new();
        for name in mode.names() {
            if let Some((_, write)) = self.writers.iter().find(|(format, _)| *format == name) {
                write(sending, &mut headers);
            }
        }
        headers
    }
}

/// Every library with a profile. To add one, write a file with its readers and one line here.
pub static LIBRARIES: &[&Library] = &[
    &opentelemetry::javascript::V2,
    &opentelemetry::javascript::V3,
    &opentelemetry::python::LIBRARY,
    &opentelemetry::java::LIBRARY,
    &opentelemetry::go::LIBRARY,
    &opentelemetry::rust::LIBRARY,
    &brave::LIBRARY,
    &spring_boot::BRAVE,
    &spring_boot::OTEL,
    &datadog::javascript::V5,
    &datadog::javascript::V6,
    &datadog::python::LIBRARY,
    &datadog::java::LIBRARY,
    &datadog::go::LIBRARY,
    &datadog::rust::LIBRARY,
];

/// The library with this name, such as `otel-js@3`. Case is ignored.
pub fn find(name: &str) -> Option<&'static Library> {
    LIBRARIES
        .iter()
        .copied()
        .find(|library| library.name.eq_ignore_ascii_case(name))
}
