//! What is known of the audits of one period.

use std::collections::{BTreeMap, BTreeSet};

use baton_traces::audit::{Between, Unjudged};

use super::edges::EdgeKey;
use super::names::Name;

/// What audits of a period found that is not a hand-off's verdict, and what they could not look at.
#[derive(Debug, Default)]
pub(crate) struct AuditState {
    /// Whether spans came that no audit has looked at.
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
}

/// What one audit found.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The hand-offs that could not be judged.
    pub(crate) unjudged: Vec<Unjudged>,
    /// The edges on which some hand-offs broke without it being known which.
    pub(crate) ambiguous: BTreeMap<EdgeKey, Between>,
    /// What broke the edges, if the spans show it.
    pub(crate) causes: BTreeMap<EdgeKey, String>,
}

impl AuditState {
    /// Begins an audit. Gives its number.
    pub(super) fn begin(&mut self) -> u32 {
        self.is_due = false;
        self.round += 1;
        self.round - 1
    }

    /// Keeps what the audit with this number found.
    pub(super) fn end(&mut self, round: u32, notes: Notes) {
        self.notes = notes;
        self.ended = round + 1;
    }

    /// Notes that a trace leaves memory. The last of its spans that only an audit can judge came in
    /// `round`. Gives the edges on which hand-offs of it may have broken.
    pub(super) fn leave(&mut self, round: u32, services: &[Name]) -> BTreeSet<EdgeKey> {
        if round >= self.ended {
            self.left_unseen += 1;
        }
        self.left_unjudged |= !self.notes.unjudged.is_empty();
        let is_in = |name: Option<Name>| name.is_some_and(|name| services.contains(&name));
        let ambiguous = self.notes.ambiguous.iter();
        // a trace with both services is probably one that held
        let broken = ambiguous
            .filter(|(edge, between)| between.at_least > 0 && (is_in(edge.from) != is_in(edge.to)));
        broken.map(|(edge, _)| *edge).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Names;
    use super::*;

    #[test]
    fn a_trace_that_leaves_is_missed_where_an_audit_was_unsure() {
        let mut names = Names::default();
        let [web, booking, other] = ["web", "booking", "other"].map(|name| names.number(name));
        let edge = EdgeKey {
            from: Some(web),
            queue: None,
            to: Some(booking),
        };
        let between = Between {
            at_least: 1,
            at_most: 2,
        };
        let mut state = AuditState::default();
        let round = state.begin();
        assert!(state.leave(round, &[web]).is_empty());
        assert_eq!(state.left_unseen, 1, "the audit has not ended");
        let notes = Notes {
            ambiguous: BTreeMap::from([(edge, between)]),
            ..Notes::default()
        };
        state.end(round, notes);
        assert!(state.leave(round, &[other]).is_empty());
        assert_eq!(state.leave(round, &[booking]), BTreeSet::from([edge]));
        assert_eq!(state.left_unseen, 1);
        assert!(!state.left_unjudged);
    }
}
