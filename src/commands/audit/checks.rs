//! The limits of an audit: the share of hand-offs that held, of all edges or of one.

use std::collections::BTreeSet;

use baton_traces::audit::{Judged, Unjudged};
use baton_traces::compare::limits::{ALL_HAND_OFFS, Bounds, Check, Limit};
use baton_traces::shown::{counted, visible};
use serde::Serialize;

use crate::print::junit::Case;

/// A limit and its result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Checked {
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "baton_schemas::Check"))]
    pub(super) check: Check,
    /// Why the share is unknown, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The name of its test case: which hand-offs it is about, and the limit.
    #[serde(skip)]
    case: String,
}

impl Checked {
    /// The result as a test case.
    pub(super) fn case(&self) -> Case {
        Case {
            suite: "hand-offs".to_owned(),
            limit: self.case.clone(),
            sentence: self.sentence(),
            passed: self.check.passed,
        }
    }

    /// The result in one sentence.
    pub(super) fn sentence(&self) -> String {
        let sentence = match &self.reason {
            Some(reason) => format!("{}: {reason}", self.check),
            None => self.check.to_string(),
        };
        visible(&sentence)
    }
}

/// Checks every limit.
pub(super) fn check(limits: &[Limit], judged: &Judged) -> Vec<Checked> {
    let mut names = BTreeSet::new();
    let checked = |limit: &Limit| {
        let known = Known::of(judged, &limit.name);
        let check = limit.evaluate_bounds(|_| known.bounds());
        Checked {
            reason: check.value.is_none().then(|| known.reason()),
            check,
            case: case_name(limit, judged, &mut names),
        }
    };
    limits.iter().map(checked).collect()
}

/// The edges and the limit, as in `web -> booking over http, kafka bookings: at least 95%`. A limit
/// that is given twice gets a number, because names of test cases are unique.
fn case_name(limit: &Limit, judged: &Judged, names: &mut BTreeSet<String>) -> String {
    let pair = limit.name.split_once("->");
    let what = match pair.filter(|_| limit.name != ALL_HAND_OFFS) {
        None => "all hand-offs".to_owned(),
        Some((from, to)) => {
            let edges = judged.edges.iter();
            let edges = edges.filter(|edge| edge.from == from && edge.to == to);
            let channels: BTreeSet<String> = edges.map(|edge| edge.channel.to_string()).collect();
            let over = if channels.is_empty() { "" } else { " over " };
            let channels: Vec<String> = channels.into_iter().collect();
            format!("{from} -> {to}{over}{}", channels.join(", "))
        }
    };
    let name = format!("{what}: at least {}", limit.text);
    let numbers = (2..).map(|number| format!("{name} #{number}"));
    let mut free = std::iter::once(name.clone()).chain(numbers);
    let name = free.find(|name| !names.contains(name)).unwrap_or_default();
    names.insert(name.clone());
    name
}

/// What is known about the hand-offs that a limit covers.
#[derive(Default)]
struct Known {
    edges: usize,
    judged: u64,
    held: u64,
    /// Hand-offs that broke, although it is unknown which.
    broken: u64,
    /// Hand-offs that may have broken.
    unknown: u64,
}

impl Known {
    /// What is known of all hand-offs, or, if `name` is `FROM->TO`, of those from one service to
    /// another.
    fn of(judged: &Judged, name: &str) -> Known {
        let pair = name.split_once("->").filter(|_| name != ALL_HAND_OFFS);
        let is_meant = |from: &str, to: &str| pair.is_none_or(|pair| pair == (from, to));
        let mut known = Known::default();
        for edge in judged
            .edges
            .iter()
            .filter(|edge| is_meant(&edge.from, &edge.to))
        {
            known.edges += 1;
            known.judged += edge.handoffs;
            known.held += edge.held();
            known.broken += edge.ambiguous.at_least;
            known.unknown += edge.ambiguous.at_most - edge.ambiguous.at_least;
        }
        let may_be_meant = |unjudged: &&Unjudged| match pair {
            Some((from, to)) => unjudged.may_be_between(from, to),
            None => unjudged.is_hand_off,
        };
        let unjudged = judged.unjudged.iter().filter(may_be_meant);
        known.unknown += unjudged.map(|unjudged| unjudged.count).sum::<u64>();
        known
    }

    fn bounds(&self) -> Option<Bounds> {
        let of = self.judged + self.broken;
        Bounds::of_share(self.held, of, self.unknown)
    }

    fn reason(&self) -> String {
        match self.edges {
            0 => "the source shows no hand-off there".to_owned(),
            _ if self.judged + self.broken == 0 => "no hand-off there could be judged".to_owned(),
            _ => format!("{} could not be judged", counted(self.unknown, "hand-off")),
        }
    }
}
