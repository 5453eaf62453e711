//! The parts of the first page that change while it is open.

use std::collections::BTreeMap;

use askama::Template;
use baton_lab::Controls;
use baton_propagators::Propagation;
use baton_traces::hand_off::Verdict;
use baton_traces::shown::{self, count, counted, service_name, visible};
use baton_traces::span::UnixTime;
use jiff::Timestamp;

use crate::LabPage;
use crate::frame::render;
use crate::live::{Held, Listed, Period, Search};
use crate::map::{EdgeRow, MapView, Seen, sign};

/// How many traces the first page lists.
const NEWEST: usize = 8;

#[derive(Template)]
#[template(path = "fragments/answer.html")]
struct AnswerFragment {
    state: &'static str,
    answer: String,
    period: String,
    is_past: bool,
}

#[derive(Template)]
#[template(path = "fragments/map.html")]
struct MapFragment {
    wide: String,
    narrow: String,
}

#[derive(Template)]
#[template(path = "fragments/edges.html")]
struct EdgesFragment {
    edges: Vec<EdgeRow>,
    unjudged: Vec<String>,
    facts: String,
}

/// The map of a period and what it says. Each part changes by itself, so that a screen reader hears
/// a sentence only when it is another.
#[derive(Default)]
pub(super) struct MapParts {
    /// What became of the traces.
    pub(super) answer: String,
    /// The map.
    pub(super) picture: String,
    /// The edges as a table.
    pub(super) edges: String,
}

#[derive(Template)]
#[template(path = "fragments/periods.html")]
struct PeriodsFragment {
    periods: Vec<PeriodRow>,
}

struct PeriodRow {
    number: usize,
    since: String,
    producer: String,
    consumer: String,
    counts: Vec<(bool, String)>,
}

#[derive(Template)]
#[template(path = "fragments/traces.html")]
struct TracesFragment {
    rows: Vec<TraceRow>,
    nothing: &'static str,
}

struct TraceRow {
    trace_id: String,
    short_id: String,
    start: String,
    service: String,
    name: String,
    services: String,
    spans: String,
    duration: String,
    verdicts: Vec<(bool, String)>,
}

#[derive(Template)]
#[template(path = "fragments/burst.html")]
struct BurstFragment {
    running: Option<Running>,
    last: Option<String>,
}

struct Running {
    percent: u64,
    sentence: String,
}

/// The map and what it says. `number` is a past period; `None` is the present one.
pub(super) fn map(page: &LabPage, controls: &Controls, number: Option<usize>) -> MapParts {
    let status = controls.status();
    let (seen, period, is_past, facts) = {
        let held = page.live.held();
        let periods = held.periods();
        let past = number.filter(|number| *number < periods.last());
        let past = past.and_then(|number| periods.get(number));
        let Some(period) = past.or_else(|| periods.get(periods.last())) else {
            return MapParts::default();
        };
        let words = format!(
            "Since {}: producer {}, consumer {}.",
            time_of_day(period.since),
            in_words(&period.producer),
            in_words(&period.consumer)
        );
        let facts = facts(&held, status.records_delivered, status.spans);
        (Seen::of(&held, period), words, past.is_some(), facts)
    };
    let view = MapView::of(seen, &controls.addresses().stream);
    MapParts {
        answer: render(&AnswerFragment {
            state: view.state,
            answer: view.answer,
            period,
            is_past,
        }),
        picture: render(&MapFragment {
            wide: view.wide,
            narrow: view.narrow,
        }),
        edges: render(&EdgesFragment {
            edges: view.edges,
            unjudged: view.unjudged,
            facts: view.left_out + &facts,
        }),
    }
}

/// What is held, and what is not any more.
fn facts(held: &Held, delivered: u64, spans: u64) -> String {
    let (traces, limits) = held.traces();
    let mut facts = format!(
        "{} and {} so far. {} in memory, at most {} with {} MB of spans.",
        counted(delivered, "delivered record"),
        counted(spans, "span"),
        counted(traces as u64, "trace"),
        count(limits.traces as u64),
        count(limits.bytes as u64 / 1_000_000)
    );
    facts.push_str(&forgotten(held));
    facts
}

/// Sentences about what has left memory; empty if nothing has.
pub(super) fn forgotten(held: &Held) -> String {
    let forgotten = held.forgotten();
    let mut sentences = String::new();
    if forgotten.traces > 0 {
        let until = forgotten.until.map(shown::time);
        let until = until.map_or_else(String::new, |until| format!(", the newest of {until}"));
        sentences.push_str(&format!(
            " {} left memory{until}. Their hand-offs are still counted.",
            counted(forgotten.traces, "older trace")
        ));
    }
    if forgotten.carriers > 0 {
        sentences.push_str(&format!(
            " The headers of {} left memory.",
            counted(forgotten.carriers, "older record")
        ));
    }
    let periods = held.periods().forgotten() as u64;
    if periods > 0 {
        sentences.push_str(&format!(
            " {} left memory with all counts.",
            counted(periods, "older setting")
        ));
    }
    if !sentences.is_empty() {
        sentences.push_str(" The lab's directory has all.");
    }
    sentences
}

/// What happened in each period.
pub(super) fn periods(page: &LabPage) -> String {
    let held = page.live.held();
    let periods = held.periods().iter().rev().take(20);
    render(&PeriodsFragment {
        periods: periods
            .map(|(number, period)| PeriodRow {
                number,
                since: time_of_day(period.since),
                producer: in_words(&period.producer),
                consumer: in_words(&period.consumer),
                counts: counts(period),
            })
            .collect(),
    })
}

/// The verdicts of a period over all edges.
fn counts(period: &Period) -> Vec<(bool, String)> {
    let mut all: BTreeMap<Verdict, u64> = BTreeMap::new();
    let edges = period.edges.iter();
    for (verdict, number) in edges.flat_map(|(_, edge)| &edge.verdicts) {
        *all.entry(*verdict).or_default() += number;
    }
    let counts = all.into_iter();
    counts
        .map(|(verdict, number)| (verdict.is_whole(), format!("{} {verdict}", count(number))))
        .collect()
}

/// The newest traces.
pub(super) fn newest(page: &LabPage) -> String {
    let (listed, _) = page.live.list(&Search::default(), NEWEST);
    rows(listed, "No trace has arrived yet.")
}

/// Traces as a table.
pub(super) fn rows(listed: Vec<Listed>, nothing: &'static str) -> String {
    let rows = listed.into_iter().map(|listed| {
        let trace_id = listed.trace_id.to_string();
        let start = listed.start.map(UnixTime::timestamp);
        let services = listed.services.iter();
        let services: Vec<String> = services.map(|service| service_name(service)).collect();
        let verdicts = listed.hand_offs.iter();
        TraceRow {
            short_id: trace_id[..8].to_owned(),
            trace_id,
            start: start.map_or_else(String::new, time_of_day),
            service: service_name(&listed.service),
            name: visible(&listed.name),
            services: services.join(", "),
            spans: count(listed.spans),
            duration: listed.duration.map(shown::duration).unwrap_or_default(),
            verdicts: verdicts
                .filter_map(|(_, to, verdict)| {
                    let verdict = (*verdict)?;
                    let text = format!("{verdict} at {}", service_name(to));
                    Some((verdict.is_whole(), text))
                })
                .collect(),
        }
    });
    render(&TracesFragment {
        rows: rows.collect(),
        nothing,
    })
}

/// The burst that runs, or how the last one ended.
pub(super) fn burst(page: &LabPage) -> String {
    let (running, last) = page.bursts.state();
    render(&BurstFragment {
        running: running.map(|burst| {
            let (percent, sentence) = burst.in_words();
            Running { percent, sentence }
        }),
        last,
    })
}

/// The settings of a function in words: its mode, and what differs from the defaults.
pub(super) fn in_words(variables: &BTreeMap<String, String>) -> String {
    let Ok(set) = Propagation::from_environment(|name| variables.get(name).cloned()) else {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| format!("{name}={value}"));
        return visible(&variables.collect::<Vec<_>>().join(" "));
    };
    let plain = Propagation::default();
    let mut words = match set.inject == set.extract {
        true => set.extract.to_string(),
        false => format!("writes {}, reads {}", set.inject, set.extract),
    };
    for (differs, name, value) in [
        (set.engine != plain.engine, "engine", set.engine.as_str()),
        (set.select != plain.select, "selects", set.select.as_str()),
        (
            set.on_conflict != plain.on_conflict,
            "on conflict",
            set.on_conflict.as_str(),
        ),
    ] {
        if differs {
            words.push_str(&format!(" ({name} {value})"));
        }
    }
    words
}

/// A time of day in UTC, to the millisecond.
pub(super) fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S.%3f").to_string()
}

/// A verdict with its sign.
pub(super) fn signed(verdict: Verdict) -> String {
    format!("{} {verdict}", sign(verdict))
}
