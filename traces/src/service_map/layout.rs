//! Which layer a node stands in and where in it. The same map always gets the same layout.

use super::ServiceMap;

/// The places of the nodes, in the order of [`ServiceMap::nodes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of each node: its layer, and its place within it.
    pub(super) places: Vec<(usize, usize)>,
    /// How many nodes each layer has.
    pub(super) layers: Vec<usize>,
}

impl Layout {
    /// Every node stands one layer after the last of those that hand over to it, edges that close a circle aside.
    pub(super) fn of(map: &ServiceMap) -> Layout {
        let forward = forward_edges(map);
        let mut layer = vec![0; map.nodes.len()];
        // without circles, the longest way has fewer edges than there are nodes
        for _ in 0..map.nodes.len() {
            let mut moved = false;
            for (from, to) in &forward {
                if layer[*to] <= layer[*from] {
                    layer[*to] = layer[*from] + 1;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let mut layers = vec![0; layer.iter().max().map_or(0, |last| last + 1)];
        let mut places = vec![(0, 0); map.nodes.len()];
        for (current, count) in layers.iter_mut().enumerate() {
            let nodes = 0..map.nodes.len();
            let mut nodes: Vec<usize> = nodes.filter(|node| layer[*node] == current).collect();
            // beneath those that hand over to them, so that edges cross little
            nodes.sort_by_key(|node| {
                let senders = forward.iter().filter(|(_, to)| to == node);
                let above: Vec<usize> = senders.map(|(from, _)| places[*from].1).collect();
                (
                    above.iter().sum::<usize>() * 100 / above.len().max(1),
                    *node,
                )
            });
            for (place, node) in nodes.iter().enumerate() {
                places[*node] = (current, place);
            }
            *count = nodes.len();
        }
        Layout { places, layers }
    }
}

/// The edges less those that close a circle, as a walk from the nodes that nothing leads to finds them.
fn forward_edges(map: &ServiceMap) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let receivers = |node: usize| {
        let edges = map.edges.iter().filter(move |edge| edge.from == node);
        edges.map(|edge| edge.to).collect::<Vec<_>>()
    };
    let mut state = vec![State::New; map.nodes.len()];
    let mut forward = Vec::new();
    for start in starts(map) {
        if state[start] != State::New {
            continue;
        }
        let mut way = vec![(start, receivers(start))];
        state[start] = State::Open;
        while let Some((node, waiting)) = way.last_mut() {
            let node = *node;
            let Some(next) = (!waiting.is_empty()).then(|| waiting.remove(0)) else {
                state[node] = State::Done;
                way.pop();
                continue;
            };
            if state[next] == State::Open {
                continue;
            }
            forward.push((node, next));
            if state[next] == State::New {
                state[next] = State::Open;
                way.push((next, receivers(next)));
            }
        }
    }
    forward
}

/// Every node, first those that nothing leads to.
pub(super) fn starts(map: &ServiceMap) -> Vec<usize> {
    let is_receiver = |node: &usize| map.edges.iter().any(|edge| edge.to == *node);
    let nodes = 0..map.nodes.len();
    let (inner, outer): (Vec<_>, Vec<_>) = nodes.partition(is_receiver);
    outer.into_iter().chain(inner).collect()
}
