//! The parts of the first page that change while it is open.

use std::collections::{BTreeMap, HashSet};

use askama::Template;
use baton_lab::Controls;
use baton_propagators::Mode;
use baton_traces::hand_off::Verdict;
use baton_traces::shown::{self, count, counted, service_name, visible};
use baton_traces::span::UnixTime;
use jiff::Timestamp;

use crate::LabPage;
use crate::causes::Causes;
use crate::frame::render;
use crate::live::{Held, Listed, Period, Search};
use crate::map::{EdgeRow, MapView, Seen};
use crate::settings;

/// How many traces the first page lists, and among how many of the newest it looks for them.
const NEWEST: usize = 8;
const LOOKED_AT: usize = 40;

#[derive(Template)]
#[template(path = "fragments/answer.html")]
struct AnswerFragment {
    state: &'static str,
    answer: String,
    since: String,
    /// When the period ended, if it is not the present one.
    past_until: Option<String>,
    settings: String,
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
    /// The edges, each with the cause of its breaks as far as the settings show it.
    edges: Vec<(EdgeRow, Option<String>)>,
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
    /// Whether rates are shown, which fall while nothing arrives.
    pub(super) is_moving: bool,
}

#[derive(Template)]
#[template(path = "fragments/periods.html")]
struct PeriodsFragment {
    periods: Vec<PeriodRow>,
}

struct PeriodRow {
    address: String,
    is_shown: bool,
    is_last: bool,
    since: String,
    /// The client's mode, if it is not the default.
    client: Option<String>,
    producer: String,
    consumer: String,
    /// Engine, selection and policy.
    settings: String,
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
    /// The first span, with its service.
    name: String,
    services: String,
    spans: String,
    duration: String,
    has_hand_off: bool,
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

/// The period that is shown.
struct Shown {
    since: String,
    /// When it ended, if it is not the present one.
    until: Option<String>,
    client: Mode,
    producer: BTreeMap<String, String>,
    consumer: BTreeMap<String, String>,
}

/// The map and what it says. `number` is a past period; `None` is the present one.
pub(super) fn map(page: &LabPage, controls: &Controls, number: Option<usize>) -> MapParts {
    let status = controls.status();
    let (seen, shown, facts) = {
        let held = page.live.held();
        let periods = held.periods();
        let past = number.filter(|number| *number < periods.last());
        let past = past.and_then(|number| Some((number, periods.get(number)?)));
        let Some(period) = past
            .map(|(_, period)| period)
            .or_else(|| periods.get(periods.last()))
        else {
            return MapParts::default();
        };
        let shown = Shown {
            since: time_of_day(period.since),
            until: period.until.filter(|_| past.is_some()).map(time_of_day),
            client: period.client.clone(),
            producer: period.producer.clone(),
            consumer: period.consumer.clone(),
        };
        let mut facts = facts(&held, status.records_delivered, status.spans);
        if number.is_some_and(|number| number < periods.forgotten()) {
            facts
                .push_str(" The setting of this address has left memory: this is the present one.");
        }
        (Seen::of(&held, period), shown, facts)
    };
    let stream = &controls.addresses().stream;
    let view = MapView::of(seen, stream);
    let is_broken = view.edges.iter().any(|edge| edge.state == "broken");
    let is_moving = view.edges.iter().any(|edge| edge.rate != EdgeRow::NO_RATE);
    let causes =
        is_broken.then(|| Causes::of(&shown.client, &shown.producer, &shown.consumer, stream));
    let edges = view.edges.into_iter().map(|edge| {
        let cause = causes.as_ref().and_then(|causes| causes.of_edge(&edge));
        (edge, cause)
    });
    let settings = settings::of_both(&shown.producer, &shown.consumer);
    MapParts {
        answer: render(&AnswerFragment {
            state: view.state,
            answer: view.answer,
            since: shown.since,
            settings: format!("client {}, {settings}.", shown.client),
            past_until: shown.until,
        }),
        picture: render(&MapFragment {
            wide: view.wide,
            narrow: view.narrow,
        }),
        edges: render(&EdgesFragment {
            edges: edges.collect(),
            unjudged: view.unjudged,
            facts: view.left_out + &facts,
        }),
        is_moving,
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
        let until = until.map_or_else(String::new, |until| format!(", the last of {until}"));
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
        sentences.push_str(" The lab's directory has everything.");
    }
    sentences
}

/// What happened in each period. `shown` is the past period that the page shows; `None` is the
/// present one.
pub(super) fn periods(page: &LabPage, shown: Option<usize>) -> String {
    let held = page.live.held();
    let last = held.periods().last();
    let shown = shown.filter(|shown| *shown < last).unwrap_or(last);
    let periods = held.periods().iter().rev().take(20);
    render(&PeriodsFragment {
        periods: periods
            .map(|(number, period)| PeriodRow {
                address: match number == last {
                    true => "/".to_owned(),
                    false => format!("/?period={number}"),
                },
                is_shown: number == shown,
                is_last: number == last,
                since: period.since.strftime("%H:%M:%S").to_string(),
                client: (!period.client.is_none()).then(|| period.client.to_string()),
                producer: settings::modes(&period.producer),
                consumer: settings::modes(&period.consumer),
                settings: settings::policies(&period.producer, &period.consumer),
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
        .map(|(verdict, number)| (verdict.holds(), format!("{} {verdict}", count(number))))
        .collect()
}

/// The newest traces. A consumer has one more trace for each batch, which would hide the requests:
/// a trace without a hand-off is left out if its services are in a trace that has one.
pub(super) fn newest(page: &LabPage) -> String {
    let (mut listed, _) = page.live.list(&Search::default(), LOOKED_AT);
    let shown = listed.iter().filter(|listed| !listed.hand_offs.is_empty());
    let shown: HashSet<String> = shown.flat_map(|listed| listed.services.clone()).collect();
    listed.retain(|listed| {
        let mut services = listed.services.iter();
        !listed.hand_offs.is_empty() || services.any(|service| !shown.contains(service))
    });
    newest_first(&mut listed);
    listed.truncate(NEWEST);
    rows(listed, "No trace has arrived yet.")
}

/// Sorts traces by their start. They are held in the order in which their first span arrived.
pub(super) fn newest_first(listed: &mut [Listed]) {
    listed.sort_by_key(|listed| std::cmp::Reverse(listed.start));
}

/// Traces as a table.
pub(super) fn rows(listed: Vec<Listed>, nothing: &'static str) -> String {
    let rows = listed.into_iter().map(|listed| {
        let trace_id = listed.trace_id.to_string();
        let start = listed.start.map(UnixTime::timestamp);
        let mut services = listed.services;
        services.sort_by_key(|service| (*service != listed.service, service.clone()));
        let services: Vec<String> = services
            .iter()
            .map(|service| service_name(service))
            .collect();
        let verdicts = listed.hand_offs.iter();
        TraceRow {
            short_id: trace_id[..8].to_owned(),
            trace_id,
            start: start.map_or_else(String::new, time_of_day),
            name: format!(
                "{}: {}",
                service_name(&listed.service),
                visible(&listed.name)
            ),
            has_hand_off: !listed.hand_offs.is_empty(),
            services: services.join(", "),
            spans: count(listed.spans),
            duration: listed.duration.map(shown::duration).unwrap_or_default(),
            verdicts: in_short(verdicts.filter_map(|(_, to, verdict)| Some((to, (*verdict)?)))),
        }
    });
    render(&TracesFragment {
        rows: rows.collect(),
        nothing,
    })
}

/// Verdicts in words: how many broke at each receiver, and how many held.
fn in_short<'a>(hand_offs: impl Iterator<Item = (&'a String, Verdict)>) -> Vec<(bool, String)> {
    let mut held: BTreeMap<Verdict, u64> = BTreeMap::new();
    let mut broken: BTreeMap<(Verdict, &String), u64> = BTreeMap::new();
    for (to, verdict) in hand_offs {
        match verdict.holds() {
            true => *held.entry(verdict).or_default() += 1,
            false => *broken.entry((verdict, to)).or_default() += 1,
        }
    }
    let broken = broken.into_iter().map(|((verdict, to), number)| {
        let number = match number {
            1 => String::new(),
            number => format!("{} ", count(number)),
        };
        (false, format!("{number}{verdict} at {}", service_name(to)))
    });
    let held = held.into_iter();
    let held = held.map(|(verdict, number)| (true, format!("{} {verdict}", count(number))));
    broken.chain(held).collect()
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

/// A time of day in UTC, to the millisecond.
pub(super) fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%S.%3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_one_receiver_are_counted_together() {
        let [consumer, web] = ["consumer", "web"].map(str::to_owned);
        let verdicts = [
            (&consumer, Verdict::NewTrace),
            (&web, Verdict::Connected),
            (&consumer, Verdict::NewTrace),
            (&web, Verdict::NewTrace),
        ];
        let words: Vec<String> = in_short(verdicts.into_iter())
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        let expected = ["2 new_trace at consumer", "new_trace at web", "1 connected"];
        assert_eq!(words, expected);
    }
}
