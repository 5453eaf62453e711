//! Services at which traces end or begin, although the services around them pass the context on.

use std::collections::BTreeSet;

use super::{Pattern, Tendency, Total, tendency};
use crate::audit::Edge;

/// The patterns of the services, those with the most broken hand-offs first. A service is left out if
/// `is_explained` says of all its broken edges that another pattern explains them.
pub(super) fn find(edges: &[&Edge], is_explained: &dyn Fn(&Edge) -> bool) -> Vec<Pattern> {
    let names = edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
    let names: BTreeSet<&String> = names.collect();
    let is_left = |name: &&String| {
        let mut of = edges
            .iter()
            .filter(|edge| edge.to == **name || edge.from == **name);
        of.any(|edge| edge.is_broken() && !is_explained(edge))
    };
    let names = names.into_iter().filter(is_left);
    let patterns = names.filter_map(|name| of_service(edges, name));
    let mut patterns: Vec<(u64, Pattern)> = patterns.collect();
    patterns.sort_by_key(|(broken, _)| std::cmp::Reverse(*broken));
    patterns.into_iter().map(|(_, pattern)| pattern).collect()
}

/// The pattern of one service, and how many hand-offs it explains.
fn of_service(edges: &[&Edge], name: &str) -> Option<(u64, Pattern)> {
    let of = |is_of: &dyn Fn(&Edge) -> bool| {
        edges
            .iter()
            .copied()
            .filter(|edge| is_of(edge))
            .collect::<Vec<&Edge>>()
    };
    let (to, from) = (of(&|edge| edge.to == name), of(&|edge| edge.from == name));
    let all = |edges: &[&Edge], wanted| edges.iter().all(|edge| tendency(edge) == wanted);
    let breaks = |edges: &[&Edge]| !edges.is_empty() && all(edges, Tendency::Break);
    let senders: BTreeSet<&String> = to.iter().map(|edge| &edge.from).collect();
    let receivers: BTreeSet<&String> = from.iter().map(|edge| &edge.to).collect();
    let holding = |edge: &&&Edge| tendency(edge) == Tendency::Hold;
    let service = name.to_owned();
    if breaks(&to) && breaks(&from) {
        let others = senders.union(&receivers).count() as u64;
        let Total { broken, judged } = Total::of(to.iter().chain(&from).copied());
        let elsewhere = Total::of(of(&|edge| edge.to != name && edge.from != name));
        return (others > 2 && elsewhere.mostly_held()).then_some((
            broken,
            Pattern::CutOff {
                service,
                broken,
                judged,
                others,
                held_elsewhere: elsewhere.held(),
                judged_elsewhere: elsewhere.judged,
            },
        ));
    }
    if breaks(&to) && senders.len() > 1 {
        let elsewhere = edges.iter().filter(holding).map(|edge| &edge.from);
        let elsewhere: BTreeSet<&String> =
            elsewhere.filter(|from| senders.contains(from)).collect();
        let Total { broken, judged } = Total::of(to.iter().copied());
        return (!elsewhere.is_empty()).then_some((
            broken,
            Pattern::ContinuesNone {
                service,
                broken,
                judged,
                senders: senders.len() as u64,
                continued_elsewhere: elsewhere.len() as u64,
            },
        ));
    }
    if breaks(&from) && receivers.len() > 1 {
        let others = edges.iter().filter(holding).map(|edge| &edge.to);
        let others: BTreeSet<&String> = others.filter(|to| receivers.contains(to)).collect();
        let Total { broken, judged } = Total::of(from.iter().copied());
        return (!others.is_empty()).then_some((
            broken,
            Pattern::NeverContinued {
                service,
                broken,
                judged,
                receivers: receivers.len() as u64,
                continue_others: others.len() as u64,
            },
        ));
    }
    None
}
