//! The map and its edges in words, for one period between two switches.

mod flows;
mod rows;

use std::collections::BTreeMap;

use baton_traces::run::Function;
use baton_traces::service_map::{Key, NodeKind, Passed, ServiceMap};
use baton_traces::shown::{count, counted, service_name, visible};
use baton_views::drawing::Page as Width;
use baton_views::service_map;

use self::flows::{Flow, flows, may_gain_a_sender};
pub(crate) use self::rows::EdgeRow;
use crate::live::{AuditState, Held, Period};

/// The names of the lab's own services, which are drawn before any span arrives.
const PRODUCER: &str = Function::Producer.service_name();
const CONSUMER: &str = Function::Consumer.service_name();
/// The sender of requests without a client's span, such as those of `curl`.
pub(crate) const CLIENT: &str = "client";
/// The sender of records without a span.
const UNSEEN: &str = "(sender unseen)";
/// The most edges that are listed, and those that are drawn at each update. The ones that broke
/// come first. Drawing 200 edges takes 100 ms on the server; drawing 60 takes a few milliseconds.
const MAX_LISTED: usize = 200;
const MAX_DRAWN: usize = 60;

/// The map of a period, as pictures and in words.
pub(crate) struct MapView {
    /// The picture for a desktop, as an `svg` element.
    pub(crate) wide: String,
    /// The picture for a phone.
    pub(crate) narrow: String,
    /// What the map says, in a sentence or two.
    pub(crate) answer: String,
    /// Whether that is good news, bad news, or none.
    pub(crate) state: &'static str,
    /// One row for each edge.
    pub(crate) edges: Vec<EdgeRow>,
    /// What could not be judged, a sentence for each kind.
    pub(crate) unjudged: Vec<String>,
    /// What is neither drawn nor listed, in sentences.
    pub(crate) left_out: String,
}

/// What happened in a period, taken from memory at one moment. It is drawn after the lock is
/// released.
pub(crate) struct Seen {
    flows: Vec<Flow>,
    /// The names of the services, each with the number of its spans.
    spans: Vec<(String, u64)>,
    unjudged: Vec<String>,
    /// Whether an audit has to look at new spans, or a span of a sender may still arrive.
    is_waiting: bool,
}

impl Seen {
    /// What happened in `period`.
    pub(crate) fn of(held: &Held, period: &Period) -> Seen {
        let spans = period.spans.iter();
        let mut edges = period.edges.iter();
        let is_on_its_way = edges.any(|(key, edge)| may_gain_a_sender(key, edge));
        Seen {
            flows: flows(held, period),
            spans: spans
                .map(|(name, spans)| (held.name(*name).to_owned(), *spans))
                .collect(),
            unjudged: unjudged(&period.audit),
            is_waiting: period.audit.is_due || is_on_its_way,
        }
    }
}

/// What an audit could not judge, and what it cannot judge any more.
fn unjudged(audit: &AuditState) -> Vec<String> {
    let unjudged = audit.notes.unjudged.iter();
    let mut sentences: Vec<String> = unjudged.map(|unjudged| unjudged.sentence()).collect();
    if audit.left_unseen > 0 {
        sentences.push(format!(
            "{} left memory before an audit looked at all calls.",
            counted(audit.left_unseen, "trace")
        ));
    }
    if audit.left_unjudged {
        sentences.push(
            "Older hand-offs that an audit could not judge have left memory, and are not listed."
                .to_owned(),
        );
    }
    sentences
}

impl MapView {
    /// The map of a period. `stream` is the name of the lab's own.
    pub(crate) fn of(seen: Seen, stream: &str) -> MapView {
        let Seen {
            mut flows,
            spans,
            unjudged,
            is_waiting,
        } = seen;
        flows.sort_by_key(|flow| flow.broken() == 0);
        let all: Vec<EdgeRow> = flows.iter().map(EdgeRow::of).collect();
        let has_left = flows.iter().any(|flow| flow.left_unjudged > 0);
        let is_all = unjudged.is_empty() && !has_left;
        let (state, answer) = answer(&all, is_all, is_waiting);
        let edges: Vec<EdgeRow> = all.into_iter().take(MAX_LISTED).collect();
        let left_out = left_out(&flows);
        flows.retain(|flow| !flow.is_further);
        flows.truncate(MAX_DRAWN);
        let map = drawn(&spans, &flows, stream).map();
        MapView {
            wide: service_map::drawing(&map, Width::Wide).inline(),
            narrow: service_map::drawing(&map, Width::Narrow).inline(),
            answer,
            state,
            edges,
            unjudged,
            left_out,
        }
    }
}

/// What is neither drawn nor listed of these edges, in sentences.
fn left_out(flows: &[Flow]) -> String {
    let mut sentences = String::new();
    if flows.len() > MAX_DRAWN {
        let listed = flows.iter().filter(|flow| !flow.is_further).count();
        let of = match listed == flows.len() {
            true => "of",
            false => "of more than",
        };
        let all = count(listed as u64);
        sentences.push_str(&format!("The map shows {MAX_DRAWN} {of} {all} edges. "));
    }
    if let Some(further) = flows
        .get(MAX_LISTED..)
        .filter(|further| !further.is_empty())
    {
        let broken = further.iter().filter(|flow| flow.broken() > 0).count();
        sentences.push_str(&format!(
            "{} with {} not listed, {} broken. ",
            counted(further.len() as u64, "more edge"),
            counted(further.iter().map(|flow| flow.count).sum(), "hand-off"),
            count(broken as u64)
        ));
    }
    sentences
}

/// The nodes and edges of a map by name.
#[derive(Default)]
struct Drawn {
    nodes: BTreeMap<Key, u64>,
    edges: BTreeMap<(Key, Key), Passed>,
}

impl Drawn {
    fn edge(&mut self, from: &Key, to: &Key) -> &mut Passed {
        self.nodes.entry(from.clone()).or_default();
        self.nodes.entry(to.clone()).or_default();
        let edge = self.edges.entry((from.clone(), to.clone()));
        edge.or_insert_with(|| Passed {
            rate: Some(0.0),
            ..Passed::default()
        })
    }

    /// Adds hand-offs with what became of them.
    fn add_judged(&mut self, from: &Key, to: &Key, flow: &Flow) {
        let edge = self.edge(from, to);
        edge.add(flow.count, &flow.verdicts, flow.ambiguous);
        *edge.rate.get_or_insert_default() += flow.rate;
    }

    fn add(&mut self, flow: &Flow) {
        let service = |name: &String| (NodeKind::Service, service_name(name));
        let unseen = match flow.queue {
            Some(_) => (NodeKind::Unrecorded, UNSEEN.to_owned()),
            None => (NodeKind::Service, CLIENT.to_owned()),
        };
        let from = flow.from.as_ref().map_or(unseen, service);
        let to = flow.to.as_ref().map(service);
        match (&flow.queue, to) {
            (Some(queue), to) => {
                let queue = (NodeKind::Queue, visible(queue));
                let sent = self.edge(&from, &queue);
                sent.count += flow.count;
                *sent.rate.get_or_insert_default() += flow.rate;
                match to {
                    Some(to) => self.add_judged(&queue, &to, flow),
                    None => {
                        self.edge(&queue, &(NodeKind::Service, CONSUMER.to_owned()));
                    }
                }
            }
            (None, Some(to)) => self.add_judged(&from, &to, flow),
            (None, None) => {}
        }
    }

    fn map(self) -> ServiceMap {
        let edges = self.edges.into_iter();
        let edges = edges.map(|((from, to), passed)| (from, to, None, passed));
        ServiceMap::new(&self.nodes, edges)
    }
}

/// The nodes and edges of a period. The lab's own are there before any span arrives.
fn drawn(spans: &[(String, u64)], flows: &[Flow], stream: &str) -> Drawn {
    let mut drawn = Drawn::default();
    for flow in flows {
        drawn.add(flow);
    }
    let service = |name: &str| (NodeKind::Service, service_name(name));
    let (producer, consumer) = (service(PRODUCER), service(CONSUMER));
    let queue = (NodeKind::Queue, visible(stream));
    let is_called = drawn.edges.keys().any(|(_, to)| *to == producer);
    if !is_called {
        drawn.edge(&service(CLIENT), &producer);
    }
    let is_sent = drawn.edges.keys().any(|(_, to)| *to == queue);
    if !is_sent {
        drawn.edge(&producer, &queue);
        drawn.edge(&queue, &consumer);
    }
    for (name, spans) in spans {
        *drawn.nodes.entry(service(name)).or_default() += spans;
    }
    drawn
}

/// What the edges say, and whether that is good news. `is_all` is whether each hand-off that was
/// found is judged. `is_waiting` is whether there may soon be more: that changes with every batch,
/// so good news does not mention it.
fn answer(edges: &[EdgeRow], is_all: bool, is_waiting: bool) -> (&'static str, String) {
    let broken: Vec<&EdgeRow> = edges.iter().filter(|edge| edge.state == "broken").collect();
    let judged = edges.iter().any(|edge| !edge.state.is_empty());
    if let Some(first) = broken.first() {
        let further = match broken.len() {
            1 => String::new(),
            2 => " Hand-offs broke on one more edge.".to_owned(),
            more => format!(" Hand-offs broke on {} more edges.", count(more as u64 - 1)),
        };
        return ("broken", format!("{}{further}", first.break_sentence()));
    }
    if judged {
        let unjudged = edges.iter().any(|edge| edge.state.is_empty());
        let rest = match (is_all, unjudged) {
            (false, _) => " Other hand-offs are not judged.",
            (true, true) => " An edge without a verdict is not judged.",
            (true, false) => "",
        };
        let sentence = format!("Every judged hand-off held.{rest}");
        return ("whole", sentence);
    }
    let sentence = match edges.is_empty() && is_all && !is_waiting {
        true => "No request yet with these modes. Send one to see what becomes of its trace.",
        false => "No hand-off is judged yet: the spans of one end are still missing.",
    };
    ("quiet", sentence.to_owned())
}

/// An address with a query, percent-encoded.
pub(crate) fn address(path: &str, query: &[(&str, String)]) -> String {
    let pairs = query
        .iter()
        .map(|(name, value)| format!("{name}={}", percent_encoded(value)));
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// A text, percent-encoded as a part of an address (RFC 3986, section 2.1).
pub(crate) fn percent_encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}
