//! One of the two traces, and the positions of its spans.

use std::collections::HashMap;

use baton_propagators::SpanId;

use crate::span::Key;
use crate::trace::{Node, Place, Trace, TraceSpan};

/// A trace, its tree, and look-up tables. A node is identified by its index in the tree.
pub(super) struct Side<'a> {
    trace: &'a Trace,
    /// The tree, in depth-first order.
    pub(super) tree: Vec<Node>,
    tops: Vec<usize>,
    children: Vec<Vec<usize>>,
    parents: Vec<Option<usize>>,
    by_id: HashMap<SpanId, usize>,
}

impl<'a> Side<'a> {
    pub(super) fn of(trace: &'a Trace) -> Side<'a> {
        let tree = trace.tree();
        let mut side = Side {
            trace,
            tops: Vec::new(),
            children: vec![Vec::new(); tree.len()],
            parents: Vec::with_capacity(tree.len()),
            by_id: HashMap::new(),
            tree,
        };
        // the previous node, its parent, and so on to the top
        let mut above: Vec<usize> = Vec::new();
        for (place, node) in side.tree.iter().enumerate() {
            above.truncate(node.depth);
            match above.last() {
                Some(parent) => side.children[*parent].push(place),
                None => side.tops.push(place),
            }
            side.parents.push(above.last().copied());
            above.push(place);
            let id = trace.spans[node.span].reference.span_id;
            side.by_id.entry(id).or_insert(place);
        }
        side
    }

    /// The span at a node.
    pub(super) fn span(&self, node: usize) -> &'a TraceSpan {
        &self.trace.spans[self.tree[node].span]
    }

    /// The children of `parent`, or the nodes without a parent.
    pub(super) fn under(&self, parent: Option<usize>) -> &[usize] {
        parent.map_or(&self.tops, |parent| &self.children[parent])
    }

    /// The parent, or `None` at the top.
    pub(super) fn parent(&self, node: usize) -> Option<usize> {
        self.parents[node]
    }

    /// The name of the parent.
    pub(super) fn parent_name(&self, node: usize) -> String {
        match (self.tree[node].place, self.parents[node]) {
            (Place::Orphan, _) => "a span that was not seen".to_owned(),
            (Place::Cycle, _) => "one of its own descendants".to_owned(),
            (_, Some(parent)) => full_name(self.span(parent)),
            (_, None) => "none".to_owned(),
        }
    }

    /// The targets of the links of the span at a node.
    pub(super) fn link_names(&self, node: usize) -> String {
        let links = self.span(node).links.iter();
        let mut names: Vec<String> = links
            .map(|link| {
                let here = link.trace_id == self.trace.trace_id;
                match self.by_id.get(&link.span_id).filter(|_| here) {
                    Some(target) => full_name(self.span(*target)),
                    None if here => "a span that was not seen".to_owned(),
                    None => "another trace".to_owned(),
                }
            })
            .collect();
        names.sort();
        names.join(", ")
    }
}

/// A span's service and name.
fn full_name(span: &TraceSpan) -> String {
    format!("{} {}", span.service, span.name).trim().to_owned()
}

/// The id that a span shares with the other end of its hand-off. The same span in another export
/// has it too.
pub(super) fn shared_id(span: &TraceSpan) -> Option<&str> {
    let keys = [Key::MessageId, Key::RequestId];
    keys.into_iter()
        .find_map(|key| span.attributes.get(key.name())?.as_str())
}
