//! What identifies a request: a trace of its own, the client's span in it, and the headers that carry both.

use std::sync::Arc;

use baton_propagators::baggage::Baggage;
use baton_propagators::context::{Outgoing, TraceContext, TraceState};
use baton_propagators::id::{SpanId, TraceId};
use baton_propagators::mode::{Engine, Mode};
use baton_propagators::propagation::Propagation;
use baton_propagators::sampling::Sampling;
use fastrand::Rng;
use http::{HeaderMap, HeaderValue};

use crate::defect::Defect;
use crate::scenario::{B3, Conflict, Malformed, Scenario};

/// Headers that hold a B3 trace id, at their beginning.
const B3_TRACE_IDS: [&str; 2] = ["b3", "x-b3-traceid"];
/// The header of B3's parent id.
const B3_PARENT_ID: &str = "x-b3-parentspanid";
/// How many digits of a trace id make its high half.
const HIGH_HALF: usize = 16;

/// Writes the headers of one scenario.
#[derive(Debug)]
pub(crate) struct Headers {
    name: Option<Arc<str>>,
    /// In the order of the mode, which matters where two formats write the same header.
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
    /// B3's parent id goes along, and is empty.
    empty_parent: bool,
}

/// Formats that are written alike.
#[derive(Debug)]
struct Group {
    propagation: Propagation,
    /// They carry the context that disagrees with the client's own.
    disagrees: bool,
    /// The one format among them is the one that is broken now and then.
    breaks: Option<&'static str>,
}

/// The client's span of one request, as far as its headers go.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The trace, which begins with this request.
    pub trace_id: TraceId,
    /// The client's span.
    pub span_id: SpanId,
    /// The client's decision.
    pub sampling: Sampling,
    /// What goes along in the client's own context.
    pub trace_state: TraceState,
    /// How many entries the request's baggage has, if it carries baggage.
    pub baggage_entries: Option<usize>,
    /// The scenario's name.
    pub scenario: Option<Arc<str>>,
    /// How one of the headers is broken.
    pub defect: Option<Defect>,
}

impl Headers {
    /// The headers of `scenario`, in which a [`Plan`](crate::plan::Plan) has found no fault, written by `engine`.
    pub(crate) fn new(scenario: &Scenario, engine: Engine) -> Self {
        let own = scenario.contexts().next();
        let breaks = scenario
            .malformed
            .and_then(|malformed| scenario.side(malformed.side));
        let conflict = scenario
            .conflict
            .filter(|conflict| *conflict != Conflict::Agree);
        let mut groups: Vec<(Vec<&'static str>, bool, bool)> = Vec::new();
        for name in scenario.client.names() {
            let disagrees = conflict.is_some() && name != "baggage" && Some(name) != own;
            let is_broken = Some(name) == breaks;
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
                    // the names are a mode's, so they make one
                    ..Propagation::from(names.join(",").parse::<Mode>().unwrap_or_default())
                },
                disagrees,
                breaks: breaks.filter(|_| is_broken),
            })
            .collect();
        Self {
            name: scenario.name.as_deref().map(Arc::from),
            groups,
            conflict,
            malformed: scenario.malformed,
            sampling: scenario.sampling,
            trace_state: scenario.tracestate().unwrap_or_default(),
            baggage: scenario.baggage().unwrap_or_default(),
            short_b3: scenario.b3_64_bit_ids,
            random_flag: scenario.random_flag,
            empty_parent: scenario.b3_empty_parent,
            short_trace_id: scenario.b3_64_bit_ids && own.is_some_and(|own| B3.contains(&own)),
        }
    }

    /// A new trace, drawn from `rng`, and the headers of the scenario's request `number`. W3C's random flag is set only
    /// where the scenario says so.
    pub(crate) fn next(&self, number: u64, rng: &mut Rng) -> (Sent, HeaderMap) {
        let trace_id = self.draw_trace_id(rng);
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
                        .or_else(|| choose(Defect::of(format), rng))
                        .and_then(|defect| defect.break_headers(format, &mut broken));
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
            .any(|group| !group.disagrees && group.propagation.inject.contains("tracecontext"));
        let sent = Sent {
            trace_id,
            span_id,
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

    /// What the formats carry that disagree with `own`.
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
            for name in B3_TRACE_IDS {
                shorten(name, headers);
            }
        }
    }
}

/// Takes the high half of the trace id away, once.
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

/// The first id that is one: all zeros is not.
fn draw<Id>(mut candidate: impl FnMut() -> Option<Id>) -> Id {
    loop {
        if let Some(id) = candidate() {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
