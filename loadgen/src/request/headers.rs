//! The trace and the client span of a request, and the headers that carry them.

use std::sync::Arc;

use baton_propagators::{
    Baggage, Engine, Format, HeaderDefect, Mode, Outgoing, Propagation, Sampling, SpanId,
    TraceContext, TraceId, TraceState,
};
use fastrand::Rng;
use http::{HeaderMap, HeaderValue};

use crate::plan::scenario::{Conflict, Malformed, Parent, Scenario, is_b3};

/// The header of B3's parent id.
const B3_PARENT_ID: &str = "x-b3-parentspanid";
/// How many digits of a trace id make its high half.
const HIGH_HALF: usize = 16;

/// Writes the headers of one scenario.
#[derive(Debug)]
pub(crate) struct Headers {
    name: Option<Arc<str>>,
    parent: Option<Parent>,
    /// In the order of the mode. It matters if two formats write the same header.
    groups: Vec<Group>,
    conflict: Option<Conflict>,
    malformed: Option<Malformed>,
    sampling: Sampling,
    trace_state: TraceState,
    baggage: Option<Baggage>,
    /// B3's trace ids lose their high half.
    short_b3: bool,
    /// The client's own trace id has no high half.
    short_trace_id: bool,
    /// W3C's random flag is set.
    random_flag: bool,
    /// B3's parent id is sent, but empty.
    empty_parent: bool,
}

/// Formats that are written with one context.
#[derive(Debug)]
struct Group {
    propagation: Propagation,
    /// Whether they have the context that disagrees with the client's own.
    disagrees: bool,
    /// The only format of the group, if its header is malformed in some requests.
    breaks: Option<&'static dyn Format>,
}

/// What the headers of one request say about the client's span.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The trace. Without a parent, it begins with this request.
    pub trace_id: TraceId,
    /// The client's span.
    pub span_id: SpanId,
    /// The span of another process whose child it is.
    pub parent_span_id: Option<SpanId>,
    /// The client's decision.
    pub sampling: Sampling,
    /// The `tracestate` of the client's own context.
    pub trace_state: TraceState,
    /// The number of baggage entries, if the request has baggage.
    pub baggage_entries: Option<usize>,
    /// The scenario's name.
    pub scenario: Option<Arc<str>>,
    /// The defect of the malformed header.
    pub defect: Option<HeaderDefect>,
}

impl Headers {
    /// The headers of `scenario`, written by `engine`. A [`Plan`](crate::plan::Plan) has checked
    /// it.
    pub(crate) fn new(scenario: &Scenario, engine: Engine) -> Self {
        let own = scenario.client.context_formats().next();
        let breaks = scenario
            .malformed
            .and_then(|malformed| scenario.side(malformed.side));
        let conflict = scenario
            .conflict
            .filter(|conflict| *conflict != Conflict::Agree);
        let is = |format: &dyn Format, other: Option<&'static dyn Format>| {
            other.is_some_and(|other| other.name() == format.name())
        };
        let mut groups: Vec<(Vec<&'static str>, bool, bool)> = Vec::new();
        for format in scenario.client.formats() {
            let name = format.name();
            let disagrees = conflict.is_some() && format.carries_context() && !is(*format, own);
            let is_broken = is(*format, breaks);
            match groups.last_mut() {
                Some((names, other, false)) if *other == disagrees && !is_broken => {
                    names.push(name);
                }
                _ => groups.push((vec![name], disagrees, is_broken)),
            }
        }
        let groups: Vec<Group> = groups
            .into_iter()
            .map(|(names, disagrees, is_broken)| Group {
                propagation: Propagation {
                    engine,
                    // The names come from a mode, so they parse.
                    ..Propagation::from(names.join(",").parse::<Mode>().unwrap_or_default())
                },
                disagrees,
                breaks: breaks.filter(|_| is_broken),
            })
            .collect();
        Self {
            name: scenario.name.as_deref().map(Arc::from),
            parent: scenario.parent,
            groups,
            conflict,
            malformed: scenario.malformed,
            sampling: scenario.sampling,
            trace_state: scenario.tracestate().unwrap_or_default(),
            baggage: scenario.baggage().unwrap_or_default(),
            short_b3: scenario.b3_64_bit_ids,
            random_flag: scenario.random_flag,
            empty_parent: scenario.b3_empty_parent,
            short_trace_id: scenario.b3_64_bit_ids && own.is_some_and(is_b3),
        }
    }

    /// The span of the scenario's request `number`, and its headers. Ids are drawn from `rng`.
    /// W3C's random flag is set only where the scenario says so.
    pub(crate) fn next(&self, number: u64, rng: &mut Rng) -> (Sent, HeaderMap) {
        let trace_id = match self.parent {
            Some(parent) => parent.trace_id,
            None => self.draw_trace_id(rng),
        };
        let span_id = draw(|| SpanId::from_bytes(rng.u64(..).to_be_bytes()));
        let own = Outgoing {
            context: Some(TraceContext {
                tracestate: self.trace_state.clone(),
                random: self.random_flag,
                ..TraceContext::new(trace_id, span_id, self.sampling)
            }),
            baggage: self.baggage.clone(),
        };
        let other = self
            .conflict
            .map(|conflict| self.other(&own, conflict, rng));
        let strikes = self
            .malformed
            .is_some_and(|malformed| malformed.strikes(number));

        let mut headers = HeaderMap::new();
        let mut defect = None;
        for group in &self.groups {
            let outgoing = other.as_ref().filter(|_| group.disagrees).unwrap_or(&own);
            match group.breaks {
                Some(format) if strikes => {
                    let mut broken = HeaderMap::new();
                    self.inject(group, outgoing, &mut broken);
                    let named = self.malformed.and_then(|malformed| malformed.defect);
                    defect = named
                        .or_else(|| choose(format.defects(), rng))
                        .and_then(|defect| break_headers(format, defect, &mut broken));
                    headers.extend(broken);
                }
                _ => self.inject(group, outgoing, &mut headers),
            }
        }
        if self.empty_parent {
            headers.insert(B3_PARENT_ID, HeaderValue::from_static(""));
        }
        let own_trace_state = self
            .groups
            .iter()
            .any(|group| !group.disagrees && group.propagation.inject.carries_tracestate());
        let sent = Sent {
            trace_id,
            span_id,
            parent_span_id: self.parent.map(|parent| parent.span_id),
            sampling: self.sampling,
            trace_state: if own_trace_state {
                self.trace_state.clone()
            } else {
                TraceState::EMPTY
            },
            baggage_entries: self.baggage.as_ref().map(Baggage::len),
            scenario: self.name.clone(),
            defect,
        };
        (sent, headers)
    }

    fn draw_trace_id(&self, rng: &mut Rng) -> TraceId {
        draw(|| {
            if self.short_trace_id {
                TraceId::from_low_64(rng.u64(..).to_be_bytes())
            } else {
                TraceId::from_bytes(rng.u128(..).to_be_bytes())
            }
        })
    }

    /// The context that disagrees with `own`.
    fn other(&self, own: &Outgoing, conflict: Conflict, rng: &mut Rng) -> Outgoing {
        let mut other = own.clone();
        if let Some(context) = &mut other.context {
            match conflict {
                Conflict::Agree => {}
                Conflict::Trace => context.trace_id = self.draw_trace_id(rng),
                Conflict::Span => {
                    context.span_id = draw(|| SpanId::from_bytes(rng.u64(..).to_be_bytes()));
                }
                Conflict::Sampled => {
                    context.sampling = match context.sampling {
                        Sampling::Drop => Sampling::Keep,
                        Sampling::Keep | Sampling::Debug | Sampling::Deferred => Sampling::Drop,
                    };
                }
            }
        }
        other
    }

    fn inject(&self, group: &Group, outgoing: &Outgoing, headers: &mut HeaderMap) {
        group.propagation.inject(outgoing, headers);
        if self.short_b3 {
            let formats = group.propagation.inject.context_formats();
            for format in formats.filter(|format| is_b3(*format)) {
                for name in format.trace_id_headers() {
                    shorten(name, headers);
                }
            }
        }
    }
}

/// Breaks the headers that hold the trace id of `format`. Returns their defect: an id without
/// letters has no upper case, so it gets a character that is not a digit instead.
fn break_headers(
    format: &dyn Format,
    defect: HeaderDefect,
    headers: &mut HeaderMap,
) -> Option<HeaderDefect> {
    let mut done = None;
    for name in format.trace_id_headers() {
        let Some(value) = headers.get_mut(*name) else {
            continue;
        };
        let whole = value.to_str().unwrap_or_default();
        let mut defect = defect;
        let mut broken = defect.apply(whole);
        if broken == whole && defect.occurrences() == 1 {
            defect = HeaderDefect::NotADigit;
            broken = defect.apply(whole);
        }
        if let Ok(broken) = HeaderValue::from_str(&broken) {
            *value = broken.clone();
            for _ in 1..defect.occurrences() {
                headers.append(*name, broken.clone());
            }
            done = Some(defect);
        }
    }
    done
}

/// Removes the high half of a trace id of full length.
fn shorten(name: &str, headers: &mut HeaderMap) {
    let Some(value) = headers.get_mut(name) else {
        return;
    };
    let text = value.to_str().unwrap_or_default();
    let id = text.split('-').next().unwrap_or_default();
    if id.len() == TraceId::DIGITS
        && let Ok(short) = HeaderValue::from_str(&text[HIGH_HALF..])
    {
        *value = short;
    }
}

fn choose<T: Copy>(choices: &[T], rng: &mut Rng) -> Option<T> {
    (!choices.is_empty()).then(|| choices[rng.usize(..choices.len())])
}

/// The first valid id. All zeros are not valid.
fn draw<Id>(mut candidate: impl FnMut() -> Option<Id>) -> Id {
    loop {
        if let Some(id) = candidate() {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
