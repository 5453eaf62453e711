//! Pairs the spans of two traces that are the same step.

use std::collections::{HashMap, VecDeque};

use super::side::{Side, shared_id};
use crate::span::Kind;
use crate::trace::TraceSpan;

/// The partner of each node in the other tree.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) of_left: Vec<Option<usize>>,
    pub(super) of_right: Vec<Option<usize>>,
}

/// What two spans must have in common to be paired, the strongest first.
#[derive(Clone, Copy)]
enum By {
    /// Service, kind, and the id of the message or request.
    Id,
    /// Service and kind.
    Identity,
    /// Service and name. The kind differs.
    Name,
}

impl By {
    fn key(self, span: &TraceSpan) -> Option<Key<'_>> {
        let service = &*span.service;
        // in Zipkin and Jaeger, work inside a service has no kind
        let kind = match span.kind {
            Kind::Unspecified => Kind::Internal,
            kind => kind,
        };
        match self {
            By::Id => Some((service, Some(kind), shared_id(span)?)),
            By::Identity => Some((service, Some(kind), "")),
            By::Name => Some((service, None, &*span.name)),
        }
    }
}

type Key<'a> = (&'a str, Option<Kind>, &'a str);

impl Pairs {
    /// Pairs from the top down, and then the remaining spans, which have moved.
    pub(super) fn of<'a>(left: &Side<'a>, right: &Side<'a>) -> Pairs {
        let mut pairs = Pairs {
            of_left: vec![None; left.tree.len()],
            of_right: vec![None; right.tree.len()],
        };
        pairs.add_under(left, right, (None, None));
        for by in [By::Id, By::Name] {
            let mut waiting = Waiting::of(right, 0..right.tree.len(), by);
            for node in 0..left.tree.len() {
                if pairs.of_left[node].is_none()
                    && let Some(partner) = waiting.take(left.span(node), &pairs)
                {
                    pairs.add(node, partner);
                    pairs.add_under(left, right, (Some(node), Some(partner)));
                }
            }
        }
        pairs
    }

    fn add(&mut self, left: usize, right: usize) {
        self.of_left[left] = Some(right);
        self.of_right[right] = Some(left);
    }

    /// Pairs the descendants of two paired nodes.
    fn add_under<'a>(
        &mut self,
        left: &Side<'a>,
        right: &Side<'a>,
        parents: (Option<usize>, Option<usize>),
    ) {
        let mut waiting_parents = vec![parents];
        while let Some((left_parent, right_parent)) = waiting_parents.pop() {
            for by in [By::Id, By::Identity, By::Name] {
                let candidates = right.under(right_parent).iter().copied();
                let mut waiting = Waiting::of(right, candidates, by);
                for node in left.under(left_parent) {
                    if self.of_left[*node].is_none()
                        && let Some(partner) = waiting.take(left.span(*node), self)
                    {
                        self.add(*node, partner);
                        waiting_parents.push((Some(*node), Some(partner)));
                    }
                }
            }
        }
    }

    /// The nodes of both trees in one depth-first order. Nodes that only the right tree has keep
    /// their position.
    pub(super) fn in_order(
        &self,
        left: &Side<'_>,
        right: &Side<'_>,
    ) -> Vec<(Option<usize>, Option<usize>)> {
        let mut rows = Vec::new();
        let mut waiting = self.together(left.under(None), right.under(None));
        waiting.reverse();
        while let Some(row) = waiting.pop() {
            rows.push(row);
            let under = |side: &Side<'_>, node: Option<usize>| match node {
                Some(_) => side.under(node).to_vec(),
                None => Vec::new(),
            };
            let below = self.together(&under(left, row.0), &under(right, row.1));
            waiting.extend(below.into_iter().rev());
        }
        rows
    }

    /// Merges two lists of siblings. A pair takes the position of its left node.
    fn together(&self, left: &[usize], right: &[usize]) -> Vec<(Option<usize>, Option<usize>)> {
        let places: HashMap<usize, usize> = right
            .iter()
            .enumerate()
            .map(|(place, node)| (*node, place))
            .collect();
        let mut rows = Vec::new();
        let mut reached = 0;
        let mut only_right = |rows: &mut Vec<_>, upto: usize| {
            for node in right.get(reached..upto).unwrap_or_default() {
                if self.of_right[*node].is_none() {
                    rows.push((None, Some(*node)));
                }
            }
            reached = reached.max(upto);
        };
        for node in left {
            let partner = self.of_left[*node];
            if let Some(place) = partner.and_then(|partner| places.get(&partner)) {
                only_right(&mut rows, *place);
            }
            rows.push((Some(*node), partner));
        }
        only_right(&mut rows, right.len());
        rows
    }
}

/// Spans of the right trace that wait for a partner, in their order.
struct Waiting<'a> {
    by: By,
    nodes: HashMap<Key<'a>, VecDeque<usize>>,
}

impl<'a> Waiting<'a> {
    fn of(side: &Side<'a>, nodes: impl Iterator<Item = usize>, by: By) -> Waiting<'a> {
        let mut waiting = Waiting {
            by,
            nodes: HashMap::new(),
        };
        for node in nodes {
            if let Some(key) = by.key(side.span(node)) {
                waiting.nodes.entry(key).or_default().push_back(node);
            }
        }
        waiting
    }

    /// The first span that fits `span` and has no partner yet.
    fn take(&mut self, span: &'a TraceSpan, pairs: &Pairs) -> Option<usize> {
        let same = self.nodes.get_mut(&self.by.key(span)?)?;
        while let Some(node) = same.pop_front() {
            if pairs.of_right[node].is_none() {
                return Some(node);
            }
        }
        None
    }
}
