//! Only address and time: the receiver starts during the call, at the address of the call, and no
//! other call fits.
//!
//! If the true sender is not in the source, a single candidate may be wrong. How often is estimated
//! from the data: from the number of receivers without any candidate, and from how often a receiver
//! has a candidate by chance after its time was shifted. Receivers that started a trace, and those
//! that continue one, are estimated separately, because their senders are missing for different
//! reasons. Requests at regular intervals are a monitor's, unless almost all of them have a
//! candidate. A call that nothing else answers may still be the sender of one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::assignment::{self, Candidates};
use super::clocks::{self, Clocks};
use super::fit::Places;
use super::loose::{self, Leaving, Loose};
use super::{Evidence, Pairs, regular};
use crate::matching::names::Name;
use crate::matching::spans::At;
use crate::matching::spans::about::Failure;
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::Kind;
use crate::threads::side_by_side;

/// The estimated share of wrong pairs that is accepted.
const MAX_WRONG: f64 = 0.01;
/// The share of requests at regular intervals that have a candidate, unless a monitor sends them.
const MIN_CALLED: f64 = 0.9;
/// A receiver with more candidates than this is ambiguous.
const MAX_CANDIDATES: usize = 64;
/// With more kinds of calls than this, only those with exactly the receiver's path are considered.
const MAX_KINDS: usize = 2000;
/// How many times each receiver's time is shifted, at most and at least.
const MOVES: (i64, i64) = (8, 1);
/// From this number of shifted times on, more of them tell nothing new about a service.
const ENOUGH_MOVED: i64 = 1 << 16;

/// Pairs spans that match by address and time, and counts ambiguous ones.
pub(super) fn find(tree: &Tree, pairs: &mut Pairs, evidence: Evidence) {
    let mut by_service: BTreeMap<Name, Vec<At>> = BTreeMap::new();
    for receiver in Loose::receivers(tree, pairs) {
        let end = tree.span(receiver);
        if end.kind == Kind::Server && end.start != 0 && !tree.about(receiver).is_probe {
            let service = end.service;
            by_service.entry(service).or_default().push(receiver);
        }
    }
    if by_service.is_empty() {
        return;
    }
    let clocks = Clocks::of(tree, pairs);
    let places = Places::of(tree, pairs);
    let calls = Calls::of(tree, &loose::free_calls(tree, pairs));
    let search = Search {
        tree,
        pairs,
        clocks: &clocks,
        places: &places,
        calls: &calls,
        leaving: Leaving::new(tree),
    };
    let (mut certain, mut unsure) = (Candidates::new(), Candidates::new());
    let mut monitored = Candidates::new();
    let mut found = side_by_side(by_service.values(), |receivers| {
        search.candidates(receivers)
    });
    for found in &mut found {
        monitored.append(&mut found.monitored);
    }
    for Group {
        candidates,
        chances,
    } in found.into_iter().flat_map(|found| found.groups)
    {
        let into = if chances.wrong() <= MAX_WRONG {
            &mut certain
        } else {
            &mut unsure
        };
        into.extend(candidates);
    }
    let found = assignment::forced(&mut certain);
    for (call, receiver) in found {
        pairs.add(call, receiver, evidence);
    }
    for calls in monitored.values_mut() {
        calls.retain(|call| !pairs.has_receiver(*call));
    }
    monitored.retain(|_, calls| !calls.is_empty());
    unsure.append(&mut monitored);
    count_ambiguous(tree, pairs, &certain, true);
    count_ambiguous(tree, pairs, &unsure, false);
}

/// Calls of one service to one address, sorted by their start.
struct Kinship {
    calls: Vec<At>,
    /// The start of each call.
    starts: Vec<u64>,
    /// The latest end among the calls up to each index.
    ends: Vec<u64>,
}

/// The calls without a receiver, by kind.
struct Calls {
    kinds: Vec<Kinship>,
    by_path: BTreeMap<Name, Vec<usize>>,
}

impl Calls {
    fn of(tree: &Tree, free: &[At]) -> Calls {
        let mut kinds: BTreeMap<(Name, u32), Vec<At>> = BTreeMap::new();
        for call in free {
            let (end, about) = (tree.span(*call), tree.about(*call));
            let may_arrive = about.failure != Failure::NotConnected;
            if end.start != 0 && end.end != 0 && !about.is_messaging && may_arrive {
                let kind = (end.service, end.about_number());
                kinds.entry(kind).or_default().push(*call);
            }
        }
        let mut calls = Calls {
            kinds: Vec::new(),
            by_path: BTreeMap::new(),
        };
        for (_, mut same) in kinds {
            same.sort_by_key(|at| (tree.span(*at).start, *at));
            let path = tree.about(same[0]).path;
            calls
                .by_path
                .entry(path)
                .or_default()
                .push(calls.kinds.len());
            let mut latest = 0;
            let ends = same.iter().map(|at| {
                latest = latest.max(tree.span(*at).end);
                latest
            });
            let ends = ends.collect();
            let starts = same.iter().map(|at| tree.span(*at).start).collect();
            calls.kinds.push(Kinship {
                calls: same,
                starts,
                ends,
            });
        }
        calls
    }
}

/// The input of a search for candidates.
struct Search<'a> {
    tree: &'a Tree,
    pairs: &'a Pairs,
    clocks: &'a Clocks,
    places: &'a Places,
    calls: &'a Calls,
    leaving: Leaving<'a>,
}

impl Search<'_> {
    /// The candidates of the receivers of one service.
    fn candidates(&self, receivers: &[At]) -> OfService {
        let mut kinds: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut groups: [Group; 3] = Default::default();
        let starts = receivers.iter().map(|at| self.tree.span(*at).start);
        let (first, last) = (starts.clone().min(), starts.max());
        let period = last.zip(first).map_or(0, |(last, first)| last - first);
        let period = clocks::signed(period);
        let first = clocks::signed(first.unwrap_or(0));
        let (most, least) = MOVES;
        let moves =
            (ENOUGH_MOVED / clocks::signed(receivers.len() as u64).max(1)).clamp(least, most);
        let monitored = self.monitored(receivers);
        for receiver in receivers.iter().filter(|at| !monitored.contains_key(at)) {
            let about = self.tree.span(*receiver).about_number();
            let kinds = kinds.entry(about).or_insert_with(|| self.kinds(*receiver));
            if kinds.is_empty() {
                continue;
            }
            let found = self.active(*receiver, kinds, 0);
            let (continues, found) = self.by_trace(*receiver, found);
            let Group {
                candidates,
                chances,
            } = &mut groups[continues as usize];
            if continues != Continues::Candidate {
                chances.count(found.len());
                let start = clocks::signed(self.tree.span(*receiver).start);
                for number in 1..=moves {
                    let moved = (start - first + number * (period / (moves + 1))) % period.max(1);
                    chances.count_moved(self.active(*receiver, kinds, first + moved - start).len());
                }
            }
            if !found.is_empty() {
                candidates.insert(*receiver, found);
            }
        }
        OfService { groups, monitored }
    }

    /// The receivers of one service that a monitor is likely to have called, each with its
    /// candidates.
    fn monitored(&self, receivers: &[At]) -> Candidates {
        let mut monitored = Candidates::new();
        for same in regular::find(self.tree, receivers).into_values() {
            let kinds = self.kinds(same[0]);
            let candidates = same.iter().map(|at| (*at, self.active(*at, &kinds, 0)));
            let candidates: Candidates = candidates.collect();
            let called = candidates.values().filter(|calls| !calls.is_empty());
            if (called.count() as f64) < same.len() as f64 * MIN_CALLED {
                monitored.extend(candidates);
            }
        }
        monitored
    }

    /// The kinds of calls that match the address of `receiver`.
    fn kinds(&self, receiver: At) -> Vec<usize> {
        let fits = |kind: &usize| {
            self.places
                .fit(self.tree, self.calls.kinds[*kind].calls[0], receiver)
        };
        if self.calls.kinds.len() <= MAX_KINDS {
            return (0..self.calls.kinds.len()).filter(fits).collect();
        }
        let paths = [self.tree.about(receiver).path, Name::EMPTY];
        let kinds = paths.iter().filter_map(|path| self.calls.by_path.get(path));
        kinds.flatten().copied().filter(fits).collect()
    }

    /// The calls in progress when `receiver` starts, if its start is shifted by `moved`
    /// nanoseconds.
    fn active(&self, receiver: At, kinds: &[usize], moved: i64) -> Vec<At> {
        let mut found = Vec::new();
        for kind in kinds {
            let Kinship {
                calls,
                starts,
                ends,
            } = &self.calls.kinds[*kind];
            let service = self.tree.span(calls[0]).service;
            let start = self.clocks.start(self.tree, receiver, service);
            let start = start.saturating_add(moved);
            let time = clocks::signed;
            let slack = self.clocks.slack();
            let begun = |called: &u64| time(*called) <= start.saturating_add(slack);
            let mut place = starts.partition_point(begun);
            while place > 0 && time(ends[place - 1]) >= start.saturating_sub(slack) {
                place -= 1;
                let call = calls[place];
                let lasts = time(self.tree.span(call).end) >= start.saturating_sub(slack);
                if lasts && self.tree.entry(call) != receiver {
                    found.push(call);
                }
                if found.len() > MAX_CANDIDATES {
                    return found;
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// What `receiver` continues, and its candidates among those `found`. If some are in its trace,
    /// the others are not.
    fn by_trace(&self, receiver: At, found: Vec<At>) -> (Continues, Vec<At>) {
        if self.tree.parent(receiver) == Parent::None {
            return (Continues::Nothing, found);
        }
        let trace = self.tree.span(receiver).trace;
        let is_inside = |call: &At| self.tree.span(*call).trace == trace;
        if found.iter().any(is_inside) {
            let inside = found.into_iter().filter(is_inside);
            return (Continues::Candidate, inside.collect());
        }
        let may_leave = self.leaving.may_leave_its_trace(self.pairs, receiver);
        (Continues::Other, if may_leave { found } else { Vec::new() })
    }
}

/// The candidates of one service's receivers.
struct OfService {
    /// By what the receivers continue.
    groups: [Group; 3],
    /// Those of the receivers that a monitor is likely to have called.
    monitored: Candidates,
}

/// What a receiver continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Continues {
    /// It started its trace.
    Nothing,
    /// The trace of a candidate, which is therefore not there by chance.
    Candidate,
    /// Another trace. It is often the trace of a true sender that the source lacks.
    Other,
}

/// The candidates of receivers that continue the same, and how likely they are there by chance.
#[derive(Default)]
struct Group {
    candidates: Candidates,
    chances: Chances,
}

/// How often receivers have no candidate, or one, at their own time and at shifted times.
#[derive(Default)]
struct Chances {
    all: f64,
    without: f64,
    alone: f64,
    moved: f64,
    moved_without: f64,
    moved_alone: f64,
}

impl Chances {
    fn count(&mut self, candidates: usize) {
        self.all += 1.0;
        self.without += f64::from(u8::from(candidates == 0));
        self.alone += f64::from(u8::from(candidates == 1));
    }

    fn count_moved(&mut self, candidates: usize) {
        self.moved += 1.0;
        self.moved_without += f64::from(u8::from(candidates == 0));
        self.moved_alone += f64::from(u8::from(candidates == 1));
    }

    /// The share of wrong ones among single candidates. A receiver whose sender is not in the
    /// source has a candidate only by chance. The number of such receivers follows from those
    /// without a candidate.
    fn wrong(&self) -> f64 {
        if self.without == 0.0 || self.alone == 0.0 {
            return 0.0;
        }
        let by_chance = self.moved_alone.max(1.0) / self.moved;
        let without_by_chance = (self.moved_without / self.moved).max(1.0 / self.moved);
        let senderless = (self.without / self.all / without_by_chance).min(1.0);
        senderless * by_chance * self.all / self.alone
    }
}

/// Counts ambiguous hand-offs by the services of the candidates.
fn count_ambiguous(tree: &Tree, pairs: &mut Pairs, left: &Candidates, is_certain: bool) {
    let mut calls: BTreeMap<(Name, Name), BTreeSet<At>> = BTreeMap::new();
    let crowded = match is_certain {
        true => assignment::crowded(left),
        false => BTreeSet::new(),
    };
    let all: BTreeSet<&At> = left.values().flatten().collect();
    pairs.most_ambiguous += left.len().min(all.len()) as u64;
    for (receiver, candidates) in left {
        let to = tree.span(*receiver).service;
        pairs.unsure.insert(*receiver);
        pairs.unsure.extend(candidates);
        let services: BTreeSet<Name> = candidates
            .iter()
            .map(|call| tree.span(*call).service)
            .collect();
        let is_sure = is_certain && services.len() == 1 && !crowded.contains(receiver);
        for from in &services {
            let entry = pairs.ambiguous.entry((*from, to)).or_default();
            entry.at_most += 1;
            entry.at_least += u64::from(is_sure);
            entry.example = (candidates[0], *receiver);
        }
        for call in candidates {
            let edge = (tree.span(*call).service, to);
            calls.entry(edge).or_default().insert(*call);
        }
    }
    for (edge, calls) in calls {
        if let Some(ambiguous) = pairs.ambiguous.get_mut(&edge) {
            ambiguous.at_most = ambiguous.at_most.min(calls.len() as u64);
            ambiguous.at_least = ambiguous.at_least.min(ambiguous.at_most);
        }
    }
}
