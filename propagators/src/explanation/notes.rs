//! The notes: one function for each problem. It returns `None` if the problem is absent.

mod lost;
mod sampling;

use super::arrived::{Arrived, Source, list, who, writer_of};
use crate::carrier::Getter;
use crate::format::{Candidate, Fault, Format};
use crate::formats::b3multi::{self, B3Multi};
use crate::formats::{self, b3, datadog, ottrace, tracecontext, xray};
use crate::libraries::Readers;

type Note = fn(&Arrived<'_>) -> Option<String>;

/// In the order of output: what breaks a trace, what turns it off, what is lost with it.
const NOTES: &[Note] = &[
    where_from,
    low_half,
    half_alone,
    ignored_parent,
    hidden_multi,
    refused_by,
    sampling::unsampled,
    sampling::no_parent,
    sampling::decision_alone,
    zeros,
    upper_case,
    several,
    sampling::deferred,
    sampling::debug,
    lost::tracestate_lost,
    lost::too_many_members,
    lost::repeated_key,
    lost::tracestate_alone,
    lost::baggage,
    lost::plus,
    lost::baggage_alone,
];

/// All notes that apply.
pub(super) fn all(arrived: &Arrived<'_>) -> Vec<String> {
    NOTES.iter().filter_map(|note| note(arrived)).collect()
}

/// Contexts of different spans have different writers. AWS writes X-Ray's.
fn where_from(arrived: &Arrived<'_>) -> Option<String> {
    let of_xray = |source: &&Source<'_>| source.format == xray::NAME;
    let (aws, others): (Vec<_>, Vec<_>) = arrived.sources.iter().partition(of_xray);
    let differ = |source: &Source<'_>| {
        let mut others = others.iter();
        others.any(|other| source.is_of_another_span(other))
    };
    if others.iter().any(|source| differ(source)) {
        return Some(
            "The headers were written by different spans. Most often a proxy or a gateway rewrites one format and forwards \
             the other unchanged. Let the last sender write every format, or let this service read only the one that its \
             callers write."
                .to_owned(),
        );
    }
    aws.iter().any(|source| differ(source)).then(|| {
        "AWS's services write the X-Ray header themselves and forward the others unchanged, so it names a span of AWS. \
         List xray first, or leave it out if none of your services writes it."
            .to_owned()
    })
}

/// A 64-bit trace id that is the low half of another one.
fn low_half(arrived: &Arrived<'_>) -> Option<String> {
    let halves = |id: crate::TraceId| (id.is_64_bit(), id.low_64());
    let pair = arrived.sources.iter().find_map(|short| {
        let is_whole = |long: &&Source<'_>| {
            halves(long.context.trace_id) == (false, short.context.trace_id.low_64())
        };
        let long = arrived.sources.iter().find(is_whole)?;
        short.context.trace_id.is_64_bit().then_some((short, long))
    });
    let (short, long) = pair?;
    let remedy = match short.format {
        datadog::NAME => {
            "Let the sender write the upper half, as _dd.p.tid in x-datadog-tags, or list"
        }
        // Its writers always use 64 bits.
        ottrace::NAME => "List",
        _ => "Let that sender write ids of 128 bits, or list",
    };
    let measured = [b3::NAME, b3multi::NAME].contains(&short.format);
    let to_whom = if measured && long.format == tracecontext::NAME {
        "To OpenTelemetry and to Datadog's libraries"
    } else {
        "To a receiver"
    };
    Some(format!(
        "{}'s trace id is the low half of {}'s: both mean one trace, but one sender wrote 64 bits. {to_whom} they are two \
         traces, so a service that continues {} cuts the trace in two. {remedy} {} last.",
        short.header, long.header, short.header, long.format,
    ))
}

/// A trace id of 64 bits, if no other header has all 128 bits of it.
fn half_alone(arrived: &Arrived<'_>) -> Option<String> {
    let of_b3 = |source: &&Source<'_>| [b3::NAME, b3multi::NAME].contains(&source.format);
    let short = |source: &&Source<'_>| source.context.trace_id.is_64_bit();
    let source = arrived.sources.iter().filter(of_b3).find(short)?;
    let is_alone = arrived
        .sources
        .iter()
        .all(|other| other.context.trace_id == source.context.trace_id);
    is_alone.then(|| {
        format!(
            "{} has a trace id of 64 bits. OpenTelemetry puts 16 zeros before it: {}. Backends show one form or the other, so \
             search for both. Let the sender write 128 bits (in Brave: traceId128Bit).",
            source.header, source.context.trace_id
        )
    })
}

/// A malformed parent span id of B3, which no reader needs.
fn ignored_parent(arrived: &Arrived<'_>) -> Option<String> {
    let objections = arrived.candidates.iter();
    let mut objections = objections.filter_map(|candidate| candidate.objection.as_deref());
    let reject = objections.find(|reject| {
        let field = match reject.fault {
            Fault::Length { field, .. } | Fault::NotLowerHex { field } => field.name,
            _ => return reject.header == b3multi::PARENT_SPAN_ID,
        };
        field == b3::PARENT_SPAN_ID.name
    })?;
    let what = if reject.header == b3::HEADER {
        "The fourth field of b3"
    } else {
        reject.header
    };
    Some(format!(
        "{what} is ignored: B3 needs only a trace id and a span id. Let the sender leave the parent span id out.",
    ))
}

/// A carrier without one of its headers.
struct Without<'a>(&'a dyn Getter, &'static str);

impl Getter for Without<'_> {
    fn get_all<'a>(&'a self, name: &str, each: &mut dyn FnMut(&'a str)) {
        if !name.eq_ignore_ascii_case(self.1) {
            self.0.get_all(name, each);
        }
    }

    fn keys<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.0.keys(each);
    }
}

/// `x-b3-*` headers beside a `b3` header that says something else.
fn hidden_multi(arrived: &Arrived<'_>) -> Option<String> {
    let multi = B3Multi.extract(&Without(arrived.headers, b3::HEADER));
    let hidden = multi.context()?;
    let alone = sampling::sampling_alone(arrived, &[b3::NAME, b3multi::NAME]);
    if alone.is_some_and(|candidate| candidate.header == b3::HEADER) {
        return Some(format!(
            "The x-b3-* headers name trace {}, but the decision in b3 hides them: the single header takes precedence, so a \
             new trace starts. OpenTelemetry for Rust reads them anyway, and Datadog's b3multi reads only them. Let the \
             sender write b3 with ids, or not at all.",
            hidden.trace_id
        ));
    }
    let single = arrived.source(b3::NAME)?;
    let what = if hidden.trace_id != single.context.trace_id {
        format!("another trace, {}", hidden.trace_id)
    } else if hidden.span_id != single.context.span_id {
        format!("another span, {}", hidden.span_id)
    } else if hidden.sampling != single.context.sampling {
        format!(
            "another sampling decision, {}",
            super::arrived::sampling(hidden.sampling)
        )
    } else {
        return None;
    };
    // Its b3multi does not understand the d of the single header and reads the others.
    let exception = if arrived.headers.get(b3::HEADER).is_some_and(asks_for_debug) {
        ", except OpenTelemetry for Rust with b3multi"
    } else {
        ""
    };
    Some(format!(
        "The x-b3-* headers name {what}. OpenTelemetry does not read them when b3 is there{exception}; Datadog's b3multi \
         reads only them."
    ))
}

/// Whether the sampling state of a `b3` header is the debug state.
fn asks_for_debug(value: &str) -> bool {
    value.trim().split('-').nth(2) == Some("d")
}

/// A header that some libraries refuse although this reader takes it.
fn refused_by(arrived: &Arrived<'_>) -> Option<String> {
    let sentences = arrived.sources.iter().flat_map(|source| {
        let refusals = arrived.readers(source).refuse.into_iter();
        refusals.map(|(reason, libraries)| {
            format!(
                "{} nothing in {}: {reason}.",
                who(&libraries, "find"),
                source.header
            )
        })
    });
    let sentences: Vec<_> = sentences.collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Ids of zeros.
fn zeros(arrived: &Arrived<'_>) -> Option<String> {
    let mut rejects = arrived.candidates.iter().filter_map(Candidate::reject);
    let reject = rejects.find(|reject| matches!(reject.fault, Fault::AllZeros { .. }))?;
    Some(format!(
        "An id of all zeros means that the sender of {} had no active span.",
        reject.header
    ))
}

/// Ids in upper case.
fn upper_case(arrived: &Arrived<'_>) -> Option<String> {
    let rejects = arrived.candidates.iter().filter_map(Candidate::reject);
    let upper = |place: &(&'static str, usize)| {
        let value = arrived.headers.get(place.0).unwrap_or_default();
        value
            .as_bytes()
            .get(place.1)
            .is_some_and(|byte| matches!(byte, b'A'..=b'F'))
    };
    let places = rejects.filter(|reject| matches!(reject.fault, Fault::NotLowerHex { .. }));
    let (header, _) = places
        .filter_map(|reject| Some((reject.header, reject.position?)))
        .find(upper)?;
    let readers = Readers::of(writer_of(header)?, arrived.headers).read;
    let lenient = if readers.is_empty() {
        String::new()
    } else {
        format!(
            " {} them anyway, so whether the trace continues depends on the receiver.",
            who(&readers, "read")
        )
    };
    Some(format!(
        "{header} has digits in upper case, which the specification does not allow.{lenient} Let the sender write \
         lower case."
    ))
}

/// Headers that arrived several times and are not lists.
fn several(arrived: &Arrived<'_>) -> Option<String> {
    let mut first_counts: Vec<&str> = Vec::new();
    let mut none_counts = false;
    let formats = arrived.candidates.iter();
    let formats = formats.filter_map(|candidate| formats::find(candidate.format));
    let fields =
        formats.flat_map(|format| format.fields().iter().map(move |field| (format, field)));
    for (format, field) in fields {
        let arrival = arrived.headers.arrival(field);
        if *field == tracecontext::TRACEPARENT {
            none_counts = arrival.several;
        } else if arrival.differing
            && !format.lists().contains(field)
            && !first_counts.contains(field)
        {
            first_counts.push(field);
        }
    }
    let mut notes = Vec::new();
    if none_counts {
        notes.push(format!(
            "{} arrived several times: something on the way adds a second one instead of replacing the first.",
            tracecontext::TRACEPARENT
        ));
        let readers = Readers::of(tracecontext::NAME, arrived.headers);
        if !readers.read.is_empty() {
            notes.push(format!(
                "{} one of them anyway.",
                who(&readers.read, "continue")
            ));
        }
        let refusing = readers.refusing();
        if !refusing.is_empty() {
            notes.push(format!("{} nothing in them.", who(&refusing, "find")));
        }
    }
    if !first_counts.is_empty() {
        notes.push(format!(
            "{} arrived several times with different values: something on the way adds a second one instead of replacing the \
             first. By OpenTelemetry's Propagators API the first value counts.",
            list(first_counts.iter().copied())
        ));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}
