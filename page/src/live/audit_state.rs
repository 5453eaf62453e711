//! What is known of the audits of one period.

use std::collections::{BTreeMap, BTreeSet};

use baton_traces::audit::{Between, Unjudged};

use super::edges::EdgeKey;
use super::names::Name;

/// What audits of a period found that is not a hand-off's verdict, and what they could not look at.
#[derive(Debug, Default)]
pub(crate) struct AuditState {
    /// Whether spans have arrived that no audit has looked at.
    pub(crate) is_due: bool,
    /// What the last audit found.
    pub(crate) notes: Notes,
    /// How many traces left memory before an audit looked at all their spans.
    pub(crate) left_unseen: u64,
    /// Whether traces left memory whose hand-offs an audit may have been unable to judge.
    pub(crate) left_unjudged: bool,
    /// The number of the audit that is next, or that runs.
    pub(super) round: u32,
    /// The number of the last audit that has ended, plus one.
    pub(super) ended: u32,
    /// When its last audit began, as a number that grows with each audit of any period.
    pub(super) turn: u64,
    /// The services of the traces that left memory since the last audit began, and those that left
    /// before it.
    left: BTreeSet<Name>,
    left_before: BTreeSet<Name>,
}

/// What one audit found.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The hand-offs that could not be judged.
    pub(crate) unjudged: Vec<Unjudged>,
    /// The edges on which some hand-offs broke, but it is unknown which.
    pub(crate) ambiguous: BTreeMap<EdgeKey, Between>,
    /// What broke the edges, if the spans show it.
    pub(crate) causes: BTreeMap<EdgeKey, String>,
}

impl AuditState {
    /// Begins an audit in this `turn`. Returns its number.
    pub(super) fn begin(&mut self, turn: u64) -> u32 {
        self.is_due = false;
        self.turn = turn;
        self.left_before.append(&mut self.left);
        self.round += 1;
        self.round - 1
    }

    /// Keeps what the audit with this number found. Returns the edges on which hand-offs broke, as
    /// the audit before knew, and that may have left memory since: a trace of one of their services
    /// has.
    pub(super) fn end(&mut self, round: u32, notes: Notes) -> Vec<EdgeKey> {
        // the audit has looked at what left while it ran
        let has_left =
            |name: Option<Name>| name.is_some_and(|name| self.left_before.contains(&name));
        let before = self.notes.ambiguous.iter();
        let before = before.filter(|(_, between)| between.at_least > 0);
        let before = before.map(|(edge, _)| *edge);
        let missing = before.filter(|edge| has_left(edge.from) || has_left(edge.to));
        let missing = missing.collect();
        self.left_before.clear();
        self.notes = notes;
        self.ended = round + 1;
        missing
    }

    /// Notes that a trace of these services leaves memory. The last of its spans that only an audit
    /// can judge arrived in `round`.
    pub(super) fn leave(&mut self, round: u32, services: &[Name]) {
        if round >= self.ended {
            self.left_unseen += 1;
        }
        self.left_unjudged |= !self.notes.unjudged.is_empty();
        self.left.extend(services);
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::*;

    /// What an audit found of one edge.
    fn notes(edge: EdgeKey, at_least: u64) -> Notes {
        let at_most = 4;
        Notes {
            ambiguous: BTreeMap::from([(edge, Between { at_least, at_most })]),
            ..Notes::default()
        }
    }

    #[test]
    fn what_an_audit_knew_to_be_broken_may_be_missing_when_a_trace_leaves() {
        let mut names = Names::default();
        let [web, booking, other] = ["web", "booking", "other"].map(|name| names.number(name));
        let edge = EdgeKey {
            from: Some(web),
            queue: None,
            to: Some(booking),
        };
        let mut state = AuditState::default();
        let audit = |state: &mut AuditState, at_least| {
            let round = state.begin(1);
            state.end(round, notes(edge, at_least))
        };
        assert!(audit(&mut state, 3).is_empty());
        state.leave(0, &[other]);
        assert!(audit(&mut state, 2).is_empty(), "of another service");
        assert!(audit(&mut state, 1).is_empty(), "new spans told of one");
        // as many may have come as have left
        state.leave(0, &[booking]);
        assert_eq!(audit(&mut state, 1), [edge]);
        assert!(audit(&mut state, 0).is_empty(), "once");
        state.leave(0, &[web]);
        assert!(audit(&mut state, 0).is_empty(), "none was known");
    }

    #[test]
    fn a_trace_that_leaves_during_an_audit_counts_for_the_next_one_too() {
        let mut names = Names::default();
        let web = names.number("web");
        let edge = EdgeKey {
            from: Some(web),
            queue: None,
            to: None,
        };
        let mut state = AuditState::default();
        let round = state.begin(1);
        state.end(round, notes(edge, 1));
        let round = state.begin(2);
        state.leave(0, &[web]);
        assert!(state.end(round, notes(edge, 1)).is_empty(), "it was seen");
        let round = state.begin(3);
        assert_eq!(state.end(round, Notes::default()), [edge]);
        assert_eq!(state.left_unseen, 0);
        state.leave(9, &[web]);
        assert_eq!(state.left_unseen, 1, "no audit has seen it");
    }
}
