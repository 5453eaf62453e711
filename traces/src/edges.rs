//! The edges of a system: the hand-offs from one service to another over one channel, with their
//! verdicts.
//!
//! Pairs of spans go in, and those that a run's ids show. Edges come out, with counts, examples and
//! causes, and a list of what could not be judged.

mod cause;
mod counting;
pub(crate) mod headers;
mod of_run;
pub(crate) mod unjudged;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::counting::{Counting, Key, Seen};
pub(crate) use self::of_run::{OfRun, role_without_spans};
use crate::hand_off::{Flag, Hop, Verdict};
use crate::matching::evidence::{Evidence, Loose, Pair, Pairs};
use crate::matching::spans::tree::Tree;
use crate::matching::spans::verdict;
use crate::shown::count;
use crate::span::{Kind, SpanReference};
use crate::threads::{filter_map, together};

/// The channel of a hand-off.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Channel {
    /// Whether it is a request or a message.
    pub kind: ChannelKind,
    /// The messaging or RPC system; `None` for HTTP, or if unknown.
    pub system: Option<String>,
    /// The queue, topic or stream; `None` for requests, or if unknown.
    pub destination: Option<String>,
}

/// Whether a hand-off is a request or a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A request over HTTP.
    #[default]
    Http,
    /// A call over another RPC system.
    Rpc,
    /// A message.
    Messaging,
}

impl Channel {
    /// The corresponding hop of a run: ingress for requests, record for messages.
    pub(crate) fn hop(&self) -> Hop {
        match self.kind {
            ChannelKind::Http | ChannelKind::Rpc => Hop::Ingress,
            ChannelKind::Messaging => Hop::Record,
        }
    }
}

impl std::fmt::Display for Channel {
    /// Its text in tables: `http`, `grpc`, `kafka stock-levels`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            ChannelKind::Http => "http",
            ChannelKind::Rpc => "rpc",
            ChannelKind::Messaging => "messaging",
        };
        formatter.write_str(self.system.as_deref().unwrap_or(kind))?;
        match &self.destination {
            Some(destination) => write!(formatter, " {destination}"),
            None => Ok(()),
        }
    }
}

/// One judged hand-off.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HandOff {
    /// The sending service.
    pub from: String,
    /// The receiving service.
    pub to: String,
    /// The channel.
    pub channel: Channel,
    /// The sender's span; `None` for a sender of a run without tracing.
    pub sender: Option<SpanReference>,
    /// The receiver's span; `None` for a message of a run that was lost.
    pub receiver: Option<SpanReference>,
    /// The verdict.
    pub verdict: Verdict,
    /// The evidence by which its two ends were matched.
    pub evidence: Evidence,
}

/// An example of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Example {
    /// The verdict.
    pub verdict: Verdict,
    /// The sender's span; `None` for a sender of a run without tracing.
    pub sender: Option<SpanReference>,
    /// The receiver's span; `None` for a message of a run that was lost.
    pub receiver: Option<SpanReference>,
}

/// How many hand-offs broke, although it is unknown which sender belongs to which receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Between {
    /// At least this many.
    pub at_least: u64,
    /// At most this many.
    pub at_most: u64,
}

impl Between {
    /// How many more broke or may have broken, such as `3 to 5 broken (not paired)`; `None` if there
    /// are none.
    pub fn more(&self) -> Option<String> {
        let Between { at_least, at_most } = *self;
        Some(match (at_least, at_most) {
            (_, 0) => return None,
            (0, most) => format!("up to {} broken (not paired)", count(most)),
            (least, most) if least == most => format!("{} broken (not paired)", count(most)),
            (least, most) => format!("{} to {} broken (not paired)", count(least), count(most)),
        })
    }
}

/// The lowest and the highest share that may have held, if `held` of the `judged` hand-offs did, and
/// `ambiguous` and `not_judged` ones are left; `None` if it is unknown what held.
pub fn share_between(
    held: u64,
    judged: u64,
    ambiguous: Between,
    not_judged: u64,
) -> Option<[f64; 2]> {
    let Between { at_least, at_most } = ambiguous;
    let known = judged + at_least;
    let unknown = at_most - at_least + not_judged;
    let share = |held| held as f64 / (known + unknown) as f64;
    (known > 0).then(|| [share(held), share(held + unknown)])
}

/// The hand-offs from one service to another over one channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Edge {
    /// The sending service.
    pub from: String,
    /// The receiving service.
    pub to: String,
    /// The channel.
    pub channel: Channel,
    /// How many hand-offs were judged: the sum of `verdicts`.
    pub handoffs: u64,
    /// How many have each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many have each flag.
    pub flags: BTreeMap<Flag, u64>,
    /// How many hand-offs were matched by each kind of evidence.
    pub evidence: BTreeMap<Evidence, u64>,
    /// How many further hand-offs broke, although it is unknown which.
    pub ambiguous: Between,
    /// How many further calls or messages over it could not be judged. Those that may belong to
    /// another edge, too, are not counted.
    #[serde(default)]
    pub not_judged: u64,
    /// How many more times messages, or requests with one id, arrived than they were sent. Each
    /// counts once, by the best of its deliveries.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redelivered: u64,
    /// How many senders are known not to have been sampled. In an export their hand-offs have no
    /// verdict. In a run, the logs have the ids of such senders, and most have one.
    pub sender_unsampled: u64,
    /// What caused the broken verdicts, the most common one first, if the spans show it.
    pub cause: Option<String>,
    /// What would fix it.
    pub change: Option<String>,
    /// How many traces have judged hand-offs on it. Traces are counted, because hand-offs of one
    /// trace are not independent.
    pub traces: u64,
    /// In how many of these traces every hand-off held.
    pub traces_whole: u64,
    /// A few hand-offs of each verdict.
    pub examples: Vec<Example>,
    /// What the formats of the services predict, if a file lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Prediction>,
}

/// What the formats predict for an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Prediction {
    /// The verdicts that can be expected. There are several if the sender forwards headers, and
    /// they depend on who called it.
    pub verdicts: Vec<Verdict>,
    /// Which formats lead to them.
    pub why: String,
    /// How many judged hand-offs have another verdict.
    pub contradicted: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Edge {
    /// How many judged hand-offs held.
    pub fn held(&self) -> u64 {
        let held = self.verdicts.iter().filter(|(verdict, _)| verdict.holds());
        held.map(|(_, count)| count).sum()
    }

    /// How many judged hand-offs broke.
    pub fn broken(&self) -> u64 {
        self.handoffs - self.held()
    }

    /// The share that held, of the judged hand-offs and of those that broke although it is unknown
    /// which; `None` if there are none.
    pub fn share(&self) -> Option<f64> {
        let all = self.handoffs + self.ambiguous.at_least;
        (all > 0).then(|| self.held() as f64 / all as f64)
    }

    /// Whether any hand-off is known to have broken, even if it is unknown which.
    pub fn is_broken(&self) -> bool {
        self.broken() + self.ambiguous.at_least > 0
    }

    /// The lowest and the highest share that may have held, with what is not known of further
    /// hand-offs; `None` if it is unknown what held.
    pub fn share_between(&self) -> Option<[f64; 2]> {
        share_between(self.held(), self.handoffs, self.ambiguous, self.not_judged)
    }

    /// The most common broken verdict, if there is one.
    pub fn worst(&self) -> Option<Verdict> {
        let broken = self.verdicts.iter().filter(|(verdict, _)| !verdict.holds());
        broken
            .max_by_key(|(_, count)| **count)
            .map(|(verdict, _)| *verdict)
    }

    /// What the file of services predicts, and whether the spans agree; `None` without a
    /// prediction.
    pub fn prediction_sentence(&self) -> Option<String> {
        let Prediction {
            verdicts,
            why,
            contradicted,
        } = self.prediction.as_ref()?;
        let verdicts: Vec<&str> = verdicts.iter().map(|verdict| verdict.name()).collect();
        let expected = verdicts.join(" or ");
        let edge = format!("{} -> {} ({})", self.from, self.to, self.channel);
        Some(match contradicted {
            0 => {
                format!("{edge}: the services file predicts {expected}, as the spans show: {why}.")
            }
            _ => format!(
                "{edge}: the services file predicts {expected} ({why}), and {contradicted} of {} hand-offs contradict it: what runs differs from the file.",
                self.handoffs
            ),
        })
    }
}

/// Takes every judged hand-off.
pub(crate) struct Each<'a> {
    /// Takes one.
    pub(crate) take: &'a mut dyn FnMut(&HandOff),
    /// Whether it also takes those that the ids, logs and lab records of a run show.
    pub(crate) takes_those_of_run: bool,
}

/// The edges of a source, those with the most broken hand-offs first, and the pairs of its spans.
/// `of_run` has the hand-offs that a run's ids, logs and lab records show; they are not judged by
/// other evidence again.
pub(crate) fn judge(
    tree: &Tree,
    of_run: Option<&OfRun<'_>>,
    mut each: Option<Each<'_>>,
) -> (Vec<Edge>, Pairs) {
    let names = tree.names();
    let take = each.as_mut().filter(|each| each.takes_those_of_run);
    let (edges, mut pairs) = together(
        || of_run.map(|of_run| of_run.count(tree, take)),
        || Pairs::of(tree),
    );
    let mut edges = edges.unwrap_or_default();
    let is_known = |at| of_run.is_some_and(|of_run| of_run.has(at));
    let judge_other = |pair: &Pair| {
        let is_other = !is_known(pair.sender) && !is_known(pair.receiver);
        is_other.then(|| (*pair, judge_pair(tree, *pair)))
    };
    for some in pairs.all().chunks(JUDGED_AT_ONCE) {
        for (pair, (key, seen)) in filter_map(some, judge_other) {
            let edge = edges
                .entry(key)
                .or_insert_with(|| Counting::new(key, names));
            edge.count(tree, &seen);
            edge.add_deliveries(pairs.redelivered(&pair));
            if let Some(each) = &mut each {
                (each.take)(&seen.hand_off(key, names));
            }
        }
    }
    // an ambiguous hand-off may be the only one on its edge
    for (from, to, ambiguous) in pairs.ambiguous() {
        let key = Key::of(tree, ambiguous.example.0, ambiguous.example.1).between(from, to);
        let edge = edges
            .entry(key)
            .or_insert_with(|| Counting::new(key, names));
        edge.add_ambiguous(tree, ambiguous);
    }
    add_unsampled_senders(tree, &mut pairs, &mut edges);
    let mut edges: Vec<Edge> = edges.into_values().map(Counting::finish).collect();
    edges.sort_by(|left, right| {
        let broken = |edge: &Edge| edge.broken() + edge.ambiguous.at_least;
        let place = |edge: &Edge| (edge.from.clone(), edge.to.clone(), edge.channel.clone());
        let worst = broken(right).cmp(&broken(left));
        worst.then_with(|| place(left).cmp(&place(right)))
    });
    (edges, pairs)
}

/// How many pairs are judged on all cores before they are counted.
const JUDGED_AT_ONCE: usize = 1 << 17;

/// Judges a pair, and says on which edge it is.
fn judge_pair(tree: &Tree, pair: Pair) -> (Key, Seen) {
    let seen = Seen {
        sender: Some(tree.span(pair.sender).reference()),
        receiver: Some(tree.span(pair.receiver).reference()),
        spans: Some((pair.sender, pair.receiver)),
        verdict: verdict::of(tree, pair.sender, pair.receiver),
        evidence: pair.evidence,
        flags: verdict::flags(tree, pair.sender, pair.receiver),
        sender_unsampled: false,
    };
    (Key::of(tree, pair.sender, pair.receiver), seen)
}

/// Counts the requests whose captured headers say that the sender did not sample, on the edge from
/// the only service that is known to call the receiver in this way.
fn add_unsampled_senders(tree: &Tree, pairs: &mut Pairs, edges: &mut BTreeMap<Key, Counting>) {
    if tree.has_no_headers() {
        return;
    }
    let receivers = Loose::receivers(tree, pairs).into_iter();
    let unsampled = receivers.filter(|at| headers::say_sender_unsampled(tree, *at));
    for at in unsampled.collect::<Vec<_>>() {
        let is_message = tree.span(at).kind == Kind::Consumer;
        let mut leading = edges.iter_mut().filter(|(key, _)| {
            key.to == tree.span(at).service && is_message == (key.kind == ChannelKind::Messaging)
        });
        if let (Some((_, edge)), None) = (leading.next(), leading.next()) {
            edge.add_unsampled_sender();
            pairs.settle(at);
        }
    }
}
