//! The map and its edges in words, for one period between two switches.

use std::collections::BTreeMap;

use baton_lab::Addresses;
use baton_traces::audit::Between;
use baton_traces::hand_off::Verdict;
use baton_traces::service_map::{Edge, Node, NodeKind, ServiceMap};
use baton_traces::shown::{count, counted, service_name, significant, visible};
use baton_views::drawing::Page as Width;
use baton_views::service_map;

use crate::live::{EdgeCount, EdgeKey, Held, Period};

/// The names of the lab's own services, which are drawn before any span came.
const PRODUCER: &str = "producer-lambda";
const CONSUMER: &str = "consumer-lambda";
/// The sender of requests without a client's span, as of `curl`.
const CLIENT: &str = "client";
/// The sender of records without a span.
const UNSEEN: &str = "(sender unseen)";

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
}

/// An edge in words.
pub(crate) struct EdgeRow {
    /// The sender's name.
    pub(crate) from: String,
    /// The receiver's name.
    pub(crate) to: String,
    /// The queue's name.
    pub(crate) over: Option<String>,
    /// How many hand-offs.
    pub(crate) count: String,
    /// Hand-offs per second.
    pub(crate) rate: String,
    /// `broken`, `whole`, or empty if nothing is judged.
    pub(crate) state: &'static str,
    /// The edge in one word.
    pub(crate) word: &'static str,
    /// The verdicts, each with its meaning and an example.
    pub(crate) verdicts: Vec<VerdictLine>,
    /// Why there is no verdict.
    pub(crate) why_not: Option<&'static str>,
    /// The address of the traces over it.
    pub(crate) address: String,
}

/// One verdict on an edge.
pub(crate) struct VerdictLine {
    /// How many hand-offs have it.
    pub(crate) count: String,
    /// Its name.
    pub(crate) name: &'static str,
    /// Its meaning.
    pub(crate) meaning: &'static str,
    /// Whether the trace held.
    pub(crate) is_whole: bool,
    /// A trace with it.
    pub(crate) example: Option<String>,
}

type NodeName = (NodeKind, String);

/// The nodes and edges of a map by name.
#[derive(Default)]
struct Drawn {
    nodes: BTreeMap<NodeName, u64>,
    edges: BTreeMap<(NodeName, NodeName), EdgeCount>,
}

impl Drawn {
    fn add(&mut self, from: &NodeName, to: &NodeName, more: &EdgeCount, is_judged: bool) {
        self.nodes.entry(from.clone()).or_default();
        self.nodes.entry(to.clone()).or_default();
        let edge = self.edges.entry((from.clone(), to.clone())).or_default();
        edge.count += more.count;
        if is_judged {
            for (verdict, number) in &more.verdicts {
                *edge.verdicts.entry(*verdict).or_default() += number;
            }
        }
    }

    fn map(&self) -> ServiceMap {
        let place = |name: &NodeName| self.nodes.keys().position(|node| node == name);
        let edges = self.edges.iter().filter_map(|((from, to), edge)| {
            Some(Edge {
                from: place(from)?,
                to: place(to)?,
                channel: None,
                ambiguous: Between::default(),
                count: edge.count,
                broken: edge.broken() > 0,
                verdicts: edge.verdicts.clone(),
            })
        });
        ServiceMap {
            edges: edges.collect(),
            nodes: self
                .nodes
                .iter()
                .map(|((kind, name), spans)| Node {
                    kind: *kind,
                    name: name.clone(),
                    spans: *spans,
                })
                .collect(),
        }
    }
}

impl MapView {
    /// The map of `period`.
    pub(crate) fn of(held: &Held, period: &Period, addresses: &Addresses) -> MapView {
        let map = drawn(held, period, addresses).map();
        let mut edges: Vec<EdgeRow> = period
            .edges
            .iter()
            .map(|(key, edge)| EdgeRow::of(held, key, edge))
            .collect();
        edges.sort_by_key(|edge| edge.state != "broken");
        let (state, answer) = answer(&edges);
        MapView {
            wide: service_map::drawing(&map, Width::Wide).inline(),
            narrow: service_map::drawing(&map, Width::Narrow).inline(),
            answer,
            state,
            edges,
        }
    }
}

/// The nodes and edges of a period. The lab's own are there before any span came.
fn drawn(held: &Held, period: &Period, addresses: &Addresses) -> Drawn {
    let mut drawn = Drawn::default();
    let service = |name: &str| (NodeKind::Service, service_name(name));
    let nothing = EdgeCount::default();
    let (mut has_request, mut has_record) = (false, false);
    for (key, edge) in &period.edges {
        let from = key.from.map_or_else(
            || match key.queue {
                Some(_) => (NodeKind::Unrecorded, UNSEEN.to_owned()),
                None => service(CLIENT),
            },
            |from| service(held.name(from)),
        );
        let to = key.to.map(|to| service(held.name(to)));
        match (key.queue, to) {
            (Some(queue), to) => {
                has_record = true;
                let queue = (NodeKind::Queue, visible(held.name(queue)));
                drawn.add(&from, &queue, edge, false);
                match to {
                    Some(to) => drawn.add(&queue, &to, edge, true),
                    None => drawn.add(&queue, &service(CONSUMER), &nothing, false),
                }
            }
            (None, Some(to)) => {
                has_request = true;
                drawn.add(&from, &to, edge, true);
            }
            (None, None) => {}
        }
    }
    let queue = (NodeKind::Queue, visible(&addresses.stream));
    if !has_request {
        drawn.add(&service(CLIENT), &service(PRODUCER), &nothing, false);
    }
    if !has_record {
        drawn.add(&service(PRODUCER), &queue, &nothing, false);
        drawn.add(&queue, &service(CONSUMER), &nothing, false);
    }
    for (name, spans) in &period.spans {
        *drawn.nodes.entry(service(held.name(*name))).or_default() += spans;
    }
    drawn
}

impl EdgeRow {
    fn of(held: &Held, key: &EdgeKey, edge: &EdgeCount) -> EdgeRow {
        let raw = |name: Option<crate::live::Name>| name.map(|name| held.name(name).to_owned());
        let (from, to) = (raw(key.from), raw(key.to));
        let judged: u64 = edge.verdicts.values().sum();
        let (state, word) = match (judged, edge.broken()) {
            (0, _) => ("", "not judged"),
            (_, 0) => ("whole", "whole"),
            (judged, broken) if judged == broken => ("broken", "broken"),
            _ => ("broken", "partly broken"),
        };
        let search = [
            ("from", from.clone().unwrap_or_default()),
            (
                "to",
                to.clone().or_else(|| raw(key.queue)).unwrap_or_default(),
            ),
        ];
        EdgeRow {
            from: from.map_or_else(
                || match key.queue {
                    Some(_) => UNSEEN.to_owned(),
                    None => CLIENT.to_owned(),
                },
                |from| service_name(&from),
            ),
            to: to.map_or_else(|| "(not received yet)".to_owned(), |to| service_name(&to)),
            over: raw(key.queue).map(|queue| visible(&queue)),
            count: count(edge.count),
            rate: significant(edge.rate()),
            state,
            word,
            verdicts: edge
                .verdicts
                .iter()
                .map(|(verdict, number)| VerdictLine {
                    count: count(*number),
                    name: verdict.name(),
                    meaning: verdict.meaning(),
                    is_whole: verdict.is_whole(),
                    example: edge.examples.get(verdict).map(ToString::to_string),
                })
                .collect(),
            why_not: (judged == 0).then_some(match (key.from, key.to) {
                (_, None) => "no span of a receiver has come yet",
                (None, _) => "the sender left no span, so nothing can be compared",
                _ => "neither end was traced",
            }),
            address: address("/traces", &search),
        }
    }
}

/// What the edges say, and whether that is good news.
fn answer(edges: &[EdgeRow]) -> (&'static str, String) {
    let broken: Vec<&EdgeRow> = edges.iter().filter(|edge| edge.state == "broken").collect();
    let judged = edges.iter().any(|edge| !edge.state.is_empty());
    if let Some(first) = broken.first() {
        let further = match broken.len() {
            1 => String::new(),
            more => format!(" {} more.", counted(more as u64 - 1, "broken edge")),
        };
        return ("broken", format!("{}{further}", break_of(first)));
    }
    if judged {
        let unjudged = edges.iter().any(|edge| edge.state.is_empty());
        let rest = if unjudged {
            " An edge without a verdict is not judged."
        } else {
            ""
        };
        return (
            "whole",
            format!("Every judged hand-off kept its trace.{rest}"),
        );
    }
    match edges.is_empty() {
        true => (
            "quiet",
            "No request yet with these modes. Send one, and the edges show what became of its trace."
                .to_owned(),
        ),
        false => (
            "quiet",
            "Nothing is judged yet: the spans of one end are still missing.".to_owned(),
        ),
    }
}

/// Where a trace broke, and what became of it.
fn break_of(edge: &EdgeRow) -> String {
    let over = edge.over.as_ref();
    let over = over.map_or_else(String::new, |queue| format!(" over {queue}"));
    let verdicts = edge.verdicts.iter().filter(|verdict| !verdict.is_whole);
    let verdicts: Vec<String> = verdicts
        .map(|verdict| format!("{} {}", verdict.count, verdict.name))
        .collect();
    format!(
        "The trace breaks from {} to {}{over}: {} of {} hand-offs.",
        edge.from,
        edge.to,
        verdicts.join(", "),
        edge.count
    )
}

/// An address with a query, percent-encoded.
pub(crate) fn address(path: &str, query: &[(&str, String)]) -> String {
    let pairs = query.iter().map(|(name, value)| {
        let bytes = value.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        });
        format!("{name}={}", bytes.collect::<String>())
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// A verdict with its sign, as in `✗ new_trace`.
pub(crate) fn sign(verdict: Verdict) -> &'static str {
    if verdict.is_whole() { "✓" } else { "✗" }
}
