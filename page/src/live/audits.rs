//! The hand-offs that no id shows, such as calls between services that are not the lab's own. An
//! audit of the held spans finds them, as `baton audit` does. They are counted as those that ids
//! show, and stay counted when their traces leave memory.
//!
//! An audit looks at all spans of a period, so it does not run for each span. The page runs one
//! while nothing else is asked of it ([`Live::audit`]), and only if spans without an id have
//! arrived.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::PoisonError;

use baton_propagators::TraceId;
use baton_traces::audit::{Audit, Between, Channel, ChannelKind, Edge, HandOff as Judged, Options};
use baton_traces::hand_off::Role;
use baton_traces::span::{Kind, Span, SpanReference, UnixTime, Want};

use super::audit_state::Notes;
use super::edges::EdgeKey;
use super::hand_offs::ByAudit;
use super::keys::{Id, Key};
use super::names::Name;
use super::{Held, Live, MAX_AT_ONCE};

/// What the last audit of each period found.
pub(super) type LastAudits = HashMap<usize, HashSet<Key>>;

/// The spans of a sender and a receiver.
type Pair = (Option<SpanReference>, Option<SpanReference>);

/// A hand-off as an audit found it, with the keys of its ends as far as they have ids.
struct Found {
    by_audit: ByAudit,
    sender: Option<Key>,
    receiver: Option<Key>,
}

/// The numbers of names, without asking for the lock for each.
struct Numbers<'a> {
    live: &'a Live,
    known: HashMap<String, Name>,
}

impl Numbers<'_> {
    fn number(&mut self, text: &str) -> Name {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let number = self.live.held().names.number(text);
        self.known.insert(text.to_owned(), number);
        number
    }

    fn edge(&mut self, from: &str, to: &str, channel: &Channel) -> EdgeKey {
        let queue = channel.destination.as_deref();
        let queue = queue.filter(|_| channel.kind == ChannelKind::Messaging);
        EdgeKey {
            from: Some(self.number(from)),
            queue: queue.map(|queue| self.number(queue)),
            to: Some(self.number(to)),
        }
    }
}

impl Held {
    /// Notes whether only an audit can find the hand-off of `span`.
    pub(super) fn note_for_audit(&mut self, span: &Span<'_>, role: Role<'_>, number: usize) {
        if role.has_id() || span.kind == Kind::Internal {
            return;
        }
        let Some(period) = self.periods.get_mut(number) else {
            return;
        };
        period.audit.is_due = true;
        let round = period.audit.round;
        if let Some(entry) = self.traces.get_mut(span.reference.trace_id) {
            entry.to_audit = Some((number, round));
        }
    }

    /// The period that has to be audited next, with the number of the audit and its bounds.
    fn next_to_audit(&mut self) -> Option<(usize, u32, Options)> {
        let (number, turn) = self.periods.next_to_audit()?;
        let since = |number: usize| self.periods.get(number).map(|period| period.since);
        let since_start = since(number).filter(|_| number > 0);
        let options = Options {
            since: since_start.and_then(UnixTime::of),
            until: since(number + 1).and_then(UnixTime::of),
            ..Options::default()
        };
        let round = self.periods.get_mut(number)?.audit.begin(turn);
        Some((number, round, options))
    }

    /// Whether an audit looks at a span: its trace is held, and it is not an end of a hand-off
    /// whose other end has left memory.
    fn is_to_audit(&self, span: SpanReference) -> bool {
        let entry = self.traces.get(span.trace_id);
        entry.is_some_and(|entry| !entry.settled.contains(&span.span_id))
    }

    /// Takes a hand-off that an audit found. Returns its key; `None` if ids judge it, or if it has
    /// left memory.
    fn take_found(&mut self, found: &Found) -> Option<Key> {
        let id = self.id_of_found(found)?;
        if !found
            .by_audit
            .ends()
            .any(|end| self.traces.contains(end.trace_id))
        {
            return None;
        }
        let (key, hand_off) = self.hand_off(id)?;
        if hand_off.by_audit.as_deref() == Some(&found.by_audit) {
            self.count_with(key, found.receiver);
            return Some(key);
        }
        let noted: Vec<TraceId> = hand_off.trace_ids().collect();
        hand_off.by_audit = Some(Box::new(found.by_audit));
        let ends = found.by_audit.ends().map(|end| end.trace_id);
        let traces: BTreeSet<TraceId> = ends.filter(|id| !noted.contains(id)).collect();
        for trace_id in traces {
            if let Some(entry) = self.traces.get_mut(trace_id) {
                entry.hand_offs.push(key);
            }
        }
        self.count(key);
        self.count_with(key, found.receiver);
        Some(key)
    }

    /// The id of a hand-off that an audit found. It is that of one of its ends, if the ends have
    /// ids and these do not judge it.
    fn id_of_found(&self, found: &Found) -> Option<Id> {
        let ends = (found.by_audit.sender, found.by_audit.receiver);
        let own = || Some(Id::Spans(ends.0, ends.1));
        if let Some(key) = found.receiver {
            let receiver = self.hand_offs.get(&key)?;
            if receiver.verdict_by_ids().is_some() {
                return None;
            }
        }
        let Some(key) = found.sender else {
            let receiver = found.receiver.and_then(|key| self.hand_offs.get(&key));
            return match receiver {
                Some(receiver) if takes(receiver.by_audit.as_deref(), found) => {
                    Some(receiver.id.clone())
                }
                _ => own(),
            };
        };
        let sender = self.hand_offs.get(&key)?;
        if sender.verdict_by_ids().is_some() {
            let is_same = sender.receiving_service() == found.by_audit.edge.to;
            return if is_same { None } else { own() };
        }
        if !takes(sender.by_audit.as_deref(), found) {
            return own();
        }
        Some(sender.id.clone())
    }

    /// Counts the receiver of a hand-off with the hand-off `with` that it was found to be an end
    /// of, and no longer by its own id.
    fn count_with(&mut self, with: Key, receiver: Option<Key>) {
        let Some(key) = receiver.filter(|receiver| *receiver != with) else {
            return;
        };
        if let Some(hand_off) = self.hand_offs.get_mut(&key)
            && hand_off.verdict().is_none()
        {
            hand_off.counts_as = Some(with);
            self.count(key);
        }
    }

    /// Takes back a hand-off that an audit of `period` found before, if it is not among the `pairs`
    /// of spans that it finds now, when more spans are known. If one of its traces has left memory,
    /// the audit cannot know.
    fn withdraw(&mut self, key: Key, period: usize, pairs: &HashSet<Pair>) {
        let Some(hand_off) = self.hand_offs.get_mut(&key) else {
            return;
        };
        let by_audit = hand_off.by_audit.take_if(|found| {
            let is_whole = |end: SpanReference| {
                let entry = self.traces.get(end.trace_id);
                entry.is_some_and(|entry| !entry.is_rest && !entry.settled.contains(&end.span_id))
            };
            found.period == period
                && !pairs.contains(&(found.sender, found.receiver))
                && found.ends().all(is_whole)
        });
        let Some(by_audit) = by_audit else {
            return;
        };
        let has_id = !matches!(hand_off.id, Id::Spans(..));
        self.separate(key, &by_audit);
        if has_id {
            self.count(key);
            return;
        }
        for end in by_audit.ends() {
            if let Some(entry) = self.traces.get_mut(end.trace_id) {
                entry.hand_offs.retain(|known| *known != key);
            }
        }
        let hand_off = self.hand_offs.remove(&key);
        if let Some(counted) = hand_off.and_then(|hand_off| hand_off.counted)
            && let Some(period) = self.periods.get_mut(counted.period)
        {
            period.edges.uncount(&counted);
        }
    }

    /// Counts hand-offs separately again that an audit had counted together with the hand-off
    /// `with`, as `by_audit` says.
    fn separate(&mut self, with: Key, by_audit: &ByAudit) {
        let receiver = by_audit.receiver.map(|end| end.trace_id);
        let entry = receiver.and_then(|id| self.traces.get(id));
        let keys = entry.map(|entry| entry.hand_offs.clone());
        for key in keys.unwrap_or_default() {
            if let Some(hand_off) = self.hand_offs.get_mut(&key)
                && hand_off.counts_as.take_if(|other| *other == with).is_some()
            {
                self.count(key);
            }
        }
    }
}

/// Whether a hand-off that an audit has or has not found before may be the one that it finds now. A
/// message may have several receivers, and each is a hand-off.
fn takes(before: Option<&ByAudit>, found: &Found) -> bool {
    before.is_none_or(|before| {
        (before.sender, before.receiver) == (found.by_audit.sender, found.by_audit.receiver)
    })
}

impl Live {
    /// Audits one period, if spans have arrived that only an audit can judge. Returns whether it
    /// did.
    pub(crate) fn audit(&self) -> bool {
        // one at a time
        let mut last = self
            .last_audits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (next, keys) = {
            let mut held = self.held();
            (held.next_to_audit(), held.keys.clone())
        };
        let Some((period, round, options)) = next else {
            return false;
        };
        let mut audit = Audit::new(options);
        let mut with_id: HashMap<(SpanReference, bool), Key> = HashMap::new();
        self.each_span(Want::HandOffs, &mut |span| {
            if !self.held().is_to_audit(span.reference) {
                return;
            }
            if let Some((id, is_sender)) = Id::of(Role::of(span)) {
                with_id.insert((span.reference, is_sender), keys.of(&id));
            }
            audit.add(span);
        });
        let mut numbers = Numbers {
            live: self,
            known: HashMap::new(),
        };
        let mut found = Vec::new();
        let mut judged = audit.judge_without(
            &|span, is_sender| with_id.contains_key(&(span, is_sender)),
            &mut |judged| found.extend(found_by(judged, period, &with_id, &mut numbers)),
        );
        judged.unjudged.retain(|unjudged| unjudged.is_hand_off);
        let notes = Notes {
            ambiguous: ambiguous(&judged.edges, &mut numbers),
            causes: causes(&judged.edges, &mut numbers),
            unjudged: judged.unjudged,
        };
        let before = last.remove(&period).unwrap_or_default();
        self.withdraw_all(before.into_iter().collect(), period, &found);
        last.insert(period, self.take_all_found(&found));
        let mut held = self.held();
        if let Some(period) = held.periods.get_mut(period) {
            period.end_audit(round, notes);
        }
        last.retain(|period, _| held.periods.get(*period).is_some());
        drop(held);
        self.changed();
        true
    }

    fn take_all_found(&self, found: &[Found]) -> HashSet<Key> {
        let mut keys = HashSet::new();
        for some in found.chunks(MAX_AT_ONCE) {
            let mut held = self.held();
            keys.extend(some.iter().filter_map(|found| held.take_found(found)));
        }
        keys
    }

    fn withdraw_all(&self, keys: Vec<Key>, period: usize, found: &[Found]) {
        let pairs = found.iter().map(|found| &found.by_audit);
        let pairs: HashSet<Pair> = pairs.map(|pair| (pair.sender, pair.receiver)).collect();
        for some in keys.chunks(MAX_AT_ONCE) {
            let mut held = self.held();
            some.iter()
                .for_each(|key| held.withdraw(*key, period, &pairs));
        }
    }
}

/// What an audit found; `None` if both ends have the same id, which judges them.
fn found_by(
    judged: &Judged,
    period: usize,
    with_id: &HashMap<(SpanReference, bool), Key>,
    numbers: &mut Numbers<'_>,
) -> Option<Found> {
    let key = |end: Option<SpanReference>, is_sender| with_id.get(&(end?, is_sender)).copied();
    let (sender, receiver) = (key(judged.sender, true), key(judged.receiver, false));
    if sender.is_some() && sender == receiver {
        return None;
    }
    Some(Found {
        by_audit: ByAudit {
            period,
            edge: numbers.edge(&judged.from, &judged.to, &judged.channel),
            verdict: judged.verdict,
            sender: judged.sender,
            receiver: judged.receiver,
        },
        sender,
        receiver,
    })
}

fn ambiguous(edges: &[Edge], numbers: &mut Numbers<'_>) -> BTreeMap<EdgeKey, Between> {
    let mut all = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.ambiguous.at_most > 0) {
        let key = numbers.edge(&edge.from, &edge.to, &edge.channel);
        let between: &mut Between = all.entry(key).or_default();
        between.at_least += edge.ambiguous.at_least;
        between.at_most += edge.ambiguous.at_most;
    }
    all
}

fn causes(edges: &[Edge], numbers: &mut Numbers<'_>) -> BTreeMap<EdgeKey, String> {
    let mut all = BTreeMap::new();
    for edge in edges {
        if let Some(cause) = &edge.cause {
            let key = numbers.edge(&edge.from, &edge.to, &edge.channel);
            all.entry(key).or_insert_with(|| cause.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests;
