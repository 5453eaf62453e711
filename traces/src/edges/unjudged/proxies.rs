//! Requests that a proxy may have passed on. A proxy that writes only spans of kind SERVER shows no
//! call that could be judged.

use foldhash::HashMap;

use super::reason::Reason;
use crate::matching::evidence::{is_specific, same_path};
use crate::matching::names::Name;
use crate::matching::spans::tree::Tree;
use crate::matching::spans::{At, End};
use crate::span::Kind;
use crate::threads::numbers;

pub(super) const PASSED_ON: Reason = Reason::of_hidden_sender(
    "a service without spans for its own calls had a request of this path at this time: it may be a proxy that passed the request on",
    "the proxy's spans of kind CLIENT, or x-request-id captured as an attribute",
);

/// How many requests of a proxy are compared with one receiver.
const MAX_TRIED: usize = 256;

/// The requests to services that may be proxies, by the end of their path and in the order of their
/// start.
pub(super) struct Proxies<'t> {
    tree: &'t Tree,
    by_path: HashMap<&'t str, Vec<At>>,
}

impl<'t> Proxies<'t> {
    /// Those with the path of one of these `receivers`.
    pub(super) fn of(tree: &'t Tree, receivers: &[At]) -> Proxies<'t> {
        let mut by_path: HashMap<&str, Vec<At>> = HashMap::default();
        for at in receivers {
            if is_specific(tree.names().text(tree.about(*at).path)) {
                by_path.entry(last_part(tree, *at)).or_default();
            }
        }
        if !by_path.is_empty() {
            let calling = tree.services(|at| tree.span(at).kind.is_sender());
            let may_be_proxys = |at: At| {
                let end = tree.span(at);
                end.kind == Kind::Server && end.start != 0 && !calling.contains(&end.service)
            };
            for at in numbers(tree.len(), may_be_proxys) {
                if let Some(same) = by_path.get_mut(last_part(tree, at)) {
                    same.push(at);
                }
            }
        }
        for same in by_path.values_mut() {
            same.sort_by_key(|at| (tree.span(*at).start, *at));
        }
        Proxies { tree, by_path }
    }

    /// The service that has a request with the path and method of `receiver` at the time of
    /// `receiver`, in another trace. What `receiver` calls is shorter than it, and what a proxy
    /// gets is not. Clocks may differ, so no start is compared. A proxy may remove the beginning
    /// of a path, and seldom adds one.
    pub(super) fn that_may_have_passed_on(&self, receiver: At) -> Option<Name> {
        let tree = self.tree;
        let (own, about) = (tree.span(receiver), tree.about(receiver));
        let text = |name: Name| tree.names().text(name);
        let same = self
            .by_path
            .get(last_part(tree, receiver))
            .filter(|_| own.start != 0)?;
        let begun = same.partition_point(|at| tree.span(*at).start <= own.end);
        let mut tried = same[..begun].iter().rev().take(MAX_TRIED);
        let proxy = tried.find(|at| {
            let (span, passed) = (tree.span(**at), tree.about(**at));
            let is_one_method = passed.method == about.method || passed.method.is_empty();
            span.service != own.service
                && span.trace != own.trace
                && span.end >= own.start
                && lasts(span) >= lasts(own)
                && is_one_method
                && text(passed.path).len() >= text(about.path).len()
                && same_path(tree, passed, about) == Some(true)
        });
        proxy.map(|at| tree.span(*at).service)
    }
}

fn lasts(span: &End) -> u64 {
    span.end.saturating_sub(span.start)
}

/// The last part of the path that the span `at` answers; empty if it is unknown.
fn last_part(tree: &Tree, at: At) -> &str {
    let path = tree.names().text(tree.about(at).path);
    let mut parts = path.rsplit('/');
    parts.find(|part| !part.is_empty()).unwrap_or_default()
}
