//! The topology of a generated system: its services, its edges and their faults.

use fastrand::Rng;

use super::Plan;

/// The channel of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// A request to a host that has the service's name.
    Http,
    /// A request through a proxy, whose host has another name than the service.
    Proxied,
    /// A message with a partition and an offset.
    Kafka,
    /// A message with an id.
    Sqs,
}

/// What goes wrong on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The receiver does not read the context.
    Unread,
    /// Something on the way puts a span of its own in the sender's place.
    Sidecar,
    /// Something on the way adds the context of a trace of its own, and it wins.
    Foreign,
    /// Something on the way keeps only the low 64 bits of the trace id.
    Truncated,
    /// The receiver links to the sender instead of continuing.
    Link,
}

/// An edge of the topology.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    /// The sending service's number.
    pub(crate) from: usize,
    /// The receiving service's number.
    pub(crate) to: usize,
    /// Its channel.
    pub(crate) channel: Channel,
    /// What goes wrong.
    pub(crate) fault: Fault,
}

/// The name of a service.
pub(crate) fn service_name(number: usize) -> String {
    const WORDS: [&str; 12] = [
        "web", "cart", "price", "stock", "mail", "bill", "search", "user", "ship", "rank", "tax",
        "feed",
    ];
    match number / WORDS.len() {
        0 => WORDS[number].to_owned(),
        round => format!("{}-{round}", WORDS[number % WORDS.len()]),
    }
}

/// Each service calls some that come after it, so that no request goes in circles.
pub(super) fn of(plan: &Plan, rng: &mut Rng) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for to in 1..plan.services {
        let callers = 1 + usize::from(rng.usize(..plan.services) < plan.calls);
        for _ in 0..callers {
            let from = rng.usize(to.saturating_sub(6)..to);
            if edges.iter().any(|edge| (edge.from, edge.to) == (from, to)) {
                continue;
            }
            let channel = match rng.u8(..10) {
                0..5 => Channel::Http,
                5..7 => Channel::Proxied,
                7..9 => Channel::Kafka,
                _ => Channel::Sqs,
            };
            edges.push(Edge {
                from,
                to,
                channel,
                fault: fault(plan, channel, rng),
            });
        }
    }
    edges
}

fn fault(plan: &Plan, channel: Channel, rng: &mut Rng) -> Fault {
    if rng.u8(..100) >= plan.broken_percent {
        let is_message = matches!(channel, Channel::Kafka | Channel::Sqs);
        return if is_message && rng.bool() {
            Fault::Link
        } else {
            Fault::None
        };
    }
    match (channel, rng.u8(..6)) {
        (Channel::Kafka | Channel::Sqs, _) | (_, 0..3) => Fault::Unread,
        (_, 3) => Fault::Sidecar,
        (_, 4) => Fault::Foreign,
        _ => Fault::Truncated,
    }
}
