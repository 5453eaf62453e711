//! The edges that no id shows, such as calls between services that are not the lab's own. An audit
//! of the held spans finds them, as `baton audit` does.
//!
//! An audit looks at all spans of a period, so it does not run for each span. The page runs one
//! while nothing else is asked of it ([`Live::audit`]), and only if spans without an id came.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use baton_propagators::id::TraceId;
use baton_traces::audit::{Audit, Channel, ChannelKind, Edge, HandOff, Judged, Options, Unjudged};
use baton_traces::hand_off::{Role, Verdict};
use baton_traces::span::{Kind, Span, UnixTime, Want};

use super::names::Name;
use super::{Held, Live};

/// A rate is shown for this long after the audit that measured it.
const RATE_LASTS: Duration = Duration::from_secs(15);

/// What an audit of one period found, without the edges that ids show.
#[derive(Debug)]
pub(crate) struct Audited {
    /// The edges, those with the most broken hand-offs first.
    pub(crate) edges: Vec<AuditedEdge>,
    /// What could not be judged.
    pub(crate) unjudged: Vec<Unjudged>,
    /// The hand-offs of each trace.
    crossings: HashMap<TraceId, Vec<Crossing>>,
    at: Instant,
}

/// An edge with its rate.
#[derive(Debug)]
pub(crate) struct AuditedEdge {
    /// The edge.
    pub(crate) edge: Edge,
    /// New hand-offs per second since the audit before.
    rate: f64,
    at: Instant,
}

impl AuditedEdge {
    /// Hand-offs per second; 0 if nothing came for a while.
    pub(crate) fn rate(&self) -> f64 {
        match self.at.elapsed() < RATE_LASTS {
            true => self.rate,
            false => 0.0,
        }
    }
}

/// A hand-off that begins or ends in a trace.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) is_message: bool,
    pub(super) verdict: Verdict,
    /// The trace of its other end, if that is another one.
    pub(super) other: Option<TraceId>,
}

impl Held {
    /// Notes whether only an audit can find the hand-off of `span`.
    pub(super) fn note_for_audit(&mut self, span: &Span<'_>, service: Name, period: usize) {
        let has_id = !matches!(
            Role::of(span),
            Role::Other | Role::ClientRequest { request_id: None }
        );
        if has_id {
            self.known_by_id.insert(service);
        } else if span.kind != Kind::Internal {
            self.periods[period].to_audit = true;
        }
    }

    /// The hand-offs that audits found to begin or end in a trace.
    pub(super) fn crossings(&self, trace_id: TraceId) -> impl Iterator<Item = &Crossing> {
        let audited = self
            .periods
            .iter()
            .filter_map(|period| period.audited.as_ref());
        audited
            .filter_map(move |audited| audited.crossings.get(&trace_id))
            .flatten()
    }

    /// The newest period that has to be audited, with its bounds.
    fn next_to_audit(&mut self) -> Option<(usize, Options)> {
        let number = self.periods.iter().rposition(|period| period.to_audit)?;
        self.periods[number].to_audit = false;
        let since = (number > 0).then(|| self.periods[number].since);
        let until = self.periods.get(number + 1).map(|next| next.since);
        let options = Options {
            since: since.and_then(UnixTime::of),
            until: until.and_then(UnixTime::of),
            ..Options::default()
        };
        Some((number, options))
    }

    /// Keeps what an audit found of what ids do not show.
    fn keep_audited(
        &mut self,
        number: usize,
        judged: Judged,
        mut crossings: HashMap<TraceId, Vec<Crossing>>,
    ) {
        let by_id = self.pairs_by_id(number);
        let is_known = |from: &str, to: &str, is_message: bool| {
            by_id.contains(&(from.to_owned(), to.to_owned(), is_message))
        };
        for found in crossings.values_mut() {
            found.retain(|found| !is_known(&found.from, &found.to, found.is_message));
        }
        crossings.retain(|_, found| !found.is_empty());
        let known = self.known_by_id.iter();
        let known: BTreeSet<String> = known.map(|name| self.name(*name).to_owned()).collect();
        let at = Instant::now();
        let before = self.periods[number].audited.take();
        let rate = |edge: &Edge| {
            let before = before.as_ref()?;
            let earlier = before.edges.iter();
            let mut earlier = earlier.filter(|known| is_same(&known.edge, edge));
            let earlier = earlier.next().map_or(0, |known| known.edge.handoffs);
            let seconds = at.duration_since(before.at).as_secs_f64();
            Some(edge.handoffs.saturating_sub(earlier) as f64 / seconds)
        };
        let edges = judged.edges.into_iter();
        let edges = edges.filter(|edge| !is_known(&edge.from, &edge.to, is_message(&edge.channel)));
        let edges = edges.map(|edge| AuditedEdge {
            rate: rate(&edge).unwrap_or_default(),
            edge,
            at,
        });
        let audited = Audited {
            edges: edges.collect(),
            unjudged: judged
                .unjudged
                .into_iter()
                .filter(|unjudged| unjudged.is_hand_off && !known.contains(&unjudged.service))
                .collect(),
            crossings,
            at,
        };
        self.periods[number].audited = Some(audited);
    }

    /// The edges that ids show: the names of the ends, and whether messages go over it.
    fn pairs_by_id(&self, number: usize) -> BTreeSet<(String, String, bool)> {
        let keys = self.periods[number].edges.keys();
        let pairs = keys.filter_map(|key| Some((key.from?, key.to?, key.queue.is_some())));
        pairs
            .map(|(from, to, is_message)| {
                (
                    self.name(from).to_owned(),
                    self.name(to).to_owned(),
                    is_message,
                )
            })
            .collect()
    }
}

fn is_message(channel: &Channel) -> bool {
    channel.kind == ChannelKind::Messaging
}

fn is_same(one: &Edge, other: &Edge) -> bool {
    (&one.from, &one.to, &one.channel) == (&other.from, &other.to, &other.channel)
}

impl Live {
    /// Audits one period, if spans came that only an audit can judge. Gives whether it did.
    pub(crate) fn audit(&self) -> bool {
        let next = self.held().next_to_audit();
        let Some((number, options)) = next else {
            return false;
        };
        let mut audit = Audit::new(options);
        self.each_span(Want::HandOffs, &mut |span| audit.add(span));
        let mut crossings: HashMap<TraceId, Vec<Crossing>> = HashMap::new();
        let judged = audit.judge_each(&mut |hand_off| {
            for (trace_id, crossing) in both_ends(hand_off) {
                crossings.entry(trace_id).or_default().push(crossing);
            }
        });
        let mut held = self.held();
        held.keep_audited(number, judged, crossings);
        drop(held);
        self.changed();
        true
    }
}

/// A hand-off for each of the traces that it is in.
fn both_ends(hand_off: &HandOff) -> BTreeMap<TraceId, Crossing> {
    let ends = [hand_off.sender, hand_off.receiver];
    let traces: BTreeSet<TraceId> = ends.into_iter().flatten().map(|end| end.trace_id).collect();
    let other = |own: &TraceId| traces.iter().copied().find(|id| id != own);
    let crossing = |own: &TraceId| Crossing {
        from: hand_off.from.clone(),
        to: hand_off.to.clone(),
        is_message: is_message(&hand_off.channel),
        verdict: hand_off.verdict,
        other: other(own),
    };
    traces.iter().map(|own| (*own, crossing(own))).collect()
}
