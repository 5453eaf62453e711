//! How the edges of two audits differ: edges that appeared, edges that are gone, and changed
//! shares.

use std::collections::BTreeMap;

use serde::Serialize;

use super::holm;
use super::shares::{self, Share};
use crate::audit::{Channel, Edge, Judged};
use crate::shown;

/// Differences with a p value up to this are significant.
const LEVEL: f64 = 0.01;

/// A difference on an edge, or among the requests that a service received.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EdgeDifference {
    /// The kind of difference.
    pub what: What,
    /// The sending service; `None` for requests without a parent.
    pub from: Option<String>,
    /// The receiving service.
    pub to: String,
    /// The channel; `None` for requests without a parent.
    pub channel: Option<Channel>,
    /// The share in the baseline; `None` if nothing was judged there.
    pub baseline: Option<f64>,
    /// The share in the source; `None` if nothing was judged there.
    pub value: Option<f64>,
    /// The p value after Holm's correction; `None` if nothing was tested.
    pub p: Option<f64>,
    /// Whether the difference is more than noise; `None` if nothing was tested.
    pub significant: Option<bool>,
}

/// The kind of an [`EdgeDifference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The share of traces in which every hand-off on the edge held. It counts traces, because
    /// hand-offs of one trace are not independent.
    Held,
    /// Only the source has the edge.
    Appeared,
    /// Only the baseline has the edge.
    Gone,
    /// The share of a service's server spans that have no parent.
    Parentless,
}

/// How the edges of `value` differ from those of `baseline`, edge by edge.
pub fn edge_differences(baseline: &Judged, value: &Judged) -> Vec<EdgeDifference> {
    let mut found: Vec<(EdgeDifference, Option<f64>)> = Vec::new();
    let (before, after) = (by_edge(baseline), by_edge(value));
    for (key, new) in &after {
        let old = before.get(key).copied();
        let (old_share, share) = (old.map(held), held(new));
        let tested = old_share.and_then(|old| shares::test(old, share));
        let what = if old.is_some() {
            What::Held
        } else {
            What::Appeared
        };
        let old = old.and_then(Edge::share);
        found.push((
            difference(what, new, old, new.share()),
            tested.map(|(_, p)| p),
        ));
    }
    for (key, old) in &before {
        if !after.contains_key(key) {
            found.push((difference(What::Gone, old, old.share(), None), None));
        }
    }
    for (service, new) in &value.received {
        let old = baseline.received.get(service).copied().unwrap_or_default();
        let share = |part, of| Share { part, of };
        let old = share(old.parentless, old.requests);
        let new = share(new.parentless, new.requests);
        let difference = EdgeDifference {
            what: What::Parentless,
            from: None,
            to: service.clone(),
            channel: None,
            baseline: old.ratio(),
            value: new.ratio(),
            p: None,
            significant: None,
        };
        found.push((difference, shares::test(old, new).map(|(_, p)| p)));
    }
    corrected(found)
}

type Key<'a> = (&'a str, &'a str, &'a Channel);

fn by_edge(judged: &Judged) -> BTreeMap<Key<'_>, &Edge> {
    let edges = judged.edges.iter();
    edges
        .map(|edge| ((&*edge.from, &*edge.to, &edge.channel), edge))
        .collect()
}

fn held(edge: &Edge) -> Share {
    Share {
        part: edge.traces_whole,
        of: edge.traces,
    }
}

fn difference(
    what: What,
    edge: &Edge,
    baseline: Option<f64>,
    value: Option<f64>,
) -> EdgeDifference {
    EdgeDifference {
        what,
        from: Some(edge.from.clone()),
        to: edge.to.clone(),
        channel: Some(edge.channel.clone()),
        baseline,
        value,
        p: None,
        significant: None,
    }
}

/// Adds the corrected p values.
fn corrected(found: Vec<(EdgeDifference, Option<f64>)>) -> Vec<EdgeDifference> {
    let p_values: Vec<f64> = found.iter().filter_map(|(_, p)| *p).collect();
    let mut adjusted = holm::adjusted(&p_values).into_iter();
    let with_p = |(difference, p): (EdgeDifference, Option<f64>)| {
        let p = p.and_then(|_| adjusted.next());
        EdgeDifference {
            p,
            significant: p.map(|p| p <= LEVEL),
            ..difference
        }
    };
    found.into_iter().map(with_p).collect()
}

impl EdgeDifference {
    /// Whether it is worth a sentence: an edge that appeared or is gone, or a share that differs
    /// significantly.
    pub fn is_notable(&self) -> bool {
        match self.what {
            What::Appeared | What::Gone => true,
            What::Held | What::Parentless => self.significant == Some(true),
        }
    }

    /// The difference in one sentence.
    pub fn sentence(&self) -> String {
        let share = |share: Option<f64>| match share {
            Some(share) => shown::share([share, share]),
            None => "an unknown share".to_owned(),
        };
        let (old, new) = (share(self.baseline), share(self.value));
        let channel = self.channel.as_ref().map(ToString::to_string);
        let edge = format!(
            "{} -> {} ({})",
            self.from.as_deref().unwrap_or_default(),
            self.to,
            channel.unwrap_or_default()
        );
        let test = self
            .p
            .map_or_else(String::new, |p| format!(" (p = {p:.2e})"));
        match self.what {
            What::Held => {
                format!("{edge} held in {new} of its traces, in the baseline in {old}{test}.")
            }
            What::Appeared => {
                format!("{edge} is not in the baseline. It held in {new} of its traces.")
            }
            What::Gone => {
                format!("{edge} is only in the baseline. It held in {old} of its traces there.")
            }
            What::Parentless => format!(
                "{} server spans of {} have no parent: {new}, in the baseline {old}{test}.",
                if self.value > self.baseline {
                    "More"
                } else {
                    "Fewer"
                },
                self.to
            ),
        }
    }
}
