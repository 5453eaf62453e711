//! What the broken edges of a system have in common: groups of services that do not understand each
//! other, a channel that carries no context, a service at which traces end or begin.
//!
//! A pattern only counts what was judged. What may have caused it is said to be a guess.

mod groups;
mod services;

use std::collections::BTreeSet;

use baton_propagators::explanation::list;
use serde::Serialize;

use super::{Edge, Judged};
use crate::hand_off::Verdict;
use crate::shown::{count, counted, service_name};

/// What several edges of a system have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pattern {
    /// Two groups of services. Nearly all hand-offs between them break, and nearly all within them
    /// hold, as if each spoke a format of its own.
    TwoGroups {
        /// The services of each group.
        groups: [Vec<String>; 2],
        /// How many judged hand-offs between the groups broke.
        broken: u64,
        /// How many hand-offs between the groups were judged.
        between: u64,
        /// How many judged hand-offs within the groups held.
        held: u64,
        /// How many hand-offs within the groups were judged.
        within: u64,
    },
    /// Nearly all hand-offs over one system break, while most of those over others hold.
    Channel {
        /// The channel's system, such as `sqs`; `http` for requests.
        system: String,
        /// How many judged hand-offs over it broke.
        broken: u64,
        /// How many hand-offs over it were judged.
        judged: u64,
        /// On how many edges.
        edges: u64,
        /// How many judged hand-offs over other systems held.
        held_elsewhere: u64,
        /// How many hand-offs over other systems were judged.
        judged_elsewhere: u64,
    },
    /// Nearly all hand-offs to a service and from it break, while most of the others hold.
    CutOff {
        /// The service.
        service: String,
        /// How many of its judged hand-offs broke.
        broken: u64,
        /// How many of its hand-offs were judged.
        judged: u64,
        /// How many services it exchanges them with.
        others: u64,
        /// How many judged hand-offs of the other services held.
        held_elsewhere: u64,
        /// How many hand-offs of the other services were judged.
        judged_elsewhere: u64,
    },
    /// Nearly all hand-offs to a service break, although its senders reach other services.
    ContinuesNone {
        /// The service.
        service: String,
        /// How many judged hand-offs to it broke.
        broken: u64,
        /// How many hand-offs to it were judged.
        judged: u64,
        /// How many services send them.
        senders: u64,
        /// How many of these services have their context continued elsewhere.
        continued_elsewhere: u64,
    },
    /// Nearly all hand-offs from a service break, although its receivers continue other traces.
    NeverContinued {
        /// The service.
        service: String,
        /// How many judged hand-offs from it broke.
        broken: u64,
        /// How many hand-offs from it were judged.
        judged: u64,
        /// How many services receive them.
        receivers: u64,
        /// How many of these services continue the context of others.
        continue_others: u64,
    },
}

/// The share of hand-offs that must hold, or break, for an edge to count as one that does.
const NEARLY_ALL: f64 = 0.95;
/// At most this many services of a group are named in a sentence.
const MAX_NAMES: usize = 6;

/// What nearly all hand-offs of an edge do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tendency {
    Hold,
    /// The receiver continues no context, or another one.
    Break,
    /// Some hold and some break, or they break in a way that formats do not explain.
    Neither,
}

fn tendency(edge: &Edge) -> Tendency {
    let starts_anew = !matches!(
        edge.worst(),
        Some(Verdict::WrongParent | Verdict::IdTruncated | Verdict::Unsampled | Verdict::Lost)
    );
    match edge.share() {
        Some(share) if share >= NEARLY_ALL => Tendency::Hold,
        Some(share) if share <= 1.0 - NEARLY_ALL && starts_anew => Tendency::Break,
        _ => Tendency::Neither,
    }
}

/// The hand-offs of some edges, and how many of them broke.
#[derive(Clone, Copy, Default)]
struct Total {
    broken: u64,
    judged: u64,
}

impl Total {
    fn of<'a>(edges: impl IntoIterator<Item = &'a Edge>) -> Total {
        edges
            .into_iter()
            .fold(Total::default(), |total, edge| Total {
                broken: total.broken + edge.broken() + edge.ambiguous.at_least,
                judged: total.judged + edge.handoffs + edge.ambiguous.at_least,
            })
    }

    fn held(self) -> u64 {
        self.judged - self.broken
    }

    fn mostly_held(self) -> bool {
        self.held() * 2 > self.judged
    }
}

/// The edges between two different services that have names.
fn between_services(edges: &[Edge]) -> impl Iterator<Item = &Edge> {
    let is_named = |edge: &&Edge| !edge.from.is_empty() && !edge.to.is_empty();
    edges
        .iter()
        .filter(is_named)
        .filter(|edge| edge.from != edge.to)
}

impl Judged {
    /// What the broken edges have in common. Patterns of more services, and of more broken
    /// hand-offs, come first.
    pub fn patterns(&self) -> Vec<Pattern> {
        let edges: Vec<&Edge> = between_services(&self.edges).collect();
        let holds_anywhere = edges.iter().any(|edge| tendency(edge) == Tendency::Hold);
        if !holds_anywhere {
            return Vec::new();
        }
        let mut patterns = Vec::from_iter(groups::find(&edges));
        if patterns.is_empty() {
            patterns = channels(&edges);
        }
        let is_explained = |edge: &Edge| patterns.iter().any(|pattern| pattern.explains(edge));
        let of_services = services::find(&edges, &is_explained);
        patterns.extend(of_services);
        patterns
    }
}

/// The system of an edge's channel; `http` for requests.
fn system_of(edge: &Edge) -> &str {
    edge.channel.system.as_deref().unwrap_or("http")
}

/// The systems over which nearly all hand-offs break, on edges of at least two senders and two
/// receivers. Fewer services would explain it as well as the system.
fn channels(edges: &[&Edge]) -> Vec<Pattern> {
    let system = |edge: &Edge| {
        edge.channel
            .system
            .clone()
            .unwrap_or_else(|| "http".to_owned())
    };
    let systems: BTreeSet<String> = edges.iter().map(|edge| system(edge)).collect();
    let mut patterns = Vec::new();
    for name in systems {
        let (over, others): (Vec<&Edge>, Vec<&Edge>) = edges
            .iter()
            .copied()
            .partition(|edge| system_of(edge) == name);
        let ends = |end: fn(&Edge) -> &String| {
            over.iter()
                .map(|edge| end(edge))
                .collect::<BTreeSet<_>>()
                .len()
        };
        let is_broken = over.iter().all(|edge| tendency(edge) == Tendency::Break);
        let elsewhere = Total::of(others);
        let has_several = ends(|edge| &edge.from) > 1 && ends(|edge| &edge.to) > 1;
        if is_broken && has_several && elsewhere.mostly_held() {
            let Total { broken, judged } = Total::of(over.iter().copied());
            patterns.push(Pattern::Channel {
                system: name.to_owned(),
                broken,
                judged,
                edges: over.len() as u64,
                held_elsewhere: elsewhere.held(),
                judged_elsewhere: elsewhere.judged,
            });
        }
    }
    patterns
}

impl Pattern {
    /// Whether an edge is within the groups, or over the channel.
    fn explains(&self, edge: &Edge) -> bool {
        match self {
            Pattern::TwoGroups { groups, .. } => {
                let is_in = |name| groups.iter().any(|group| group.contains(name));
                is_in(&edge.from) && is_in(&edge.to)
            }
            Pattern::Channel { system, .. } => system_of(edge) == system,
            _ => false,
        }
    }

    /// The pattern in one or two sentences.
    pub fn sentence(&self) -> String {
        let share = |number: u64, of: u64| match number == of {
            true => format!("all {}", count(of)),
            false => format!("{} of {}", count(number), count(of)),
        };
        let hand_offs = |number: u64, of: u64| {
            let noun = if of == 1 { "hand-off" } else { "hand-offs" };
            format!("{} {noun}", share(number, of))
        };
        match self {
            Pattern::TwoGroups {
                groups: [one, other],
                broken,
                between,
                held,
                within,
            } => format!(
                "Two groups of services do not understand each other: {}, and {}. Between them, {} broke; within them, {} held. It looks as if each group reads only a format that the other does not send.",
                named(one),
                named(other),
                hand_offs(*broken, *between),
                share(*held, *within),
            ),
            Pattern::Channel {
                system,
                broken,
                judged,
                edges,
                held_elsewhere,
                judged_elsewhere,
            } => format!(
                "Over {system}, {} broke, on {}; of those over other channels, {} held. It looks as if no context is written into what {system} carries, or none is read.",
                hand_offs(*broken, *judged),
                counted(*edges, "edge"),
                share(*held_elsewhere, *judged_elsewhere),
            ),
            Pattern::CutOff {
                service,
                broken,
                judged,
                others,
                held_elsewhere,
                judged_elsewhere,
            } => format!(
                "{} is cut off: {} to it and from it broke, with {}; of the hand-offs between other services, {} held. It looks as if it speaks another format than the rest.",
                service_name(service),
                hand_offs(*broken, *judged),
                counted(*others, "service"),
                share(*held_elsewhere, *judged_elsewhere),
            ),
            Pattern::ContinuesNone {
                service,
                broken,
                judged,
                senders,
                continued_elsewhere,
            } => {
                let service = service_name(service);
                format!(
                    "{service} continues no trace: {} to it broke, from {}. The context of {continued_elsewhere} of these is continued elsewhere, so look first at {service} and at what is in front of it.",
                    hand_offs(*broken, *judged),
                    counted(*senders, "service"),
                )
            }
            Pattern::NeverContinued {
                service,
                broken,
                judged,
                receivers,
                continue_others,
            } => {
                let service = service_name(service);
                format!(
                    "No service continues the traces of {service}: {} from it broke, to {}. {continue_others} of these continue the context of others, so look first at {service}.",
                    hand_offs(*broken, *judged),
                    counted(*receivers, "service"),
                )
            }
        }
    }
}

/// The names of a group, the first few of a large one.
fn named(group: &[String]) -> String {
    let more = group.len().saturating_sub(MAX_NAMES);
    // one more name is as short as "1 more"
    let shown = if more > 1 { MAX_NAMES } else { group.len() };
    let mut names: Vec<String> = group[..shown]
        .iter()
        .map(|name| service_name(name))
        .collect();
    if shown < group.len() {
        names.push(format!("{} more", count((group.len() - shown) as u64)));
    }
    list(names.iter().map(String::as_str))
}

#[cfg(test)]
mod tests;
