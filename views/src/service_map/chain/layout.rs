//! Arranges the nodes of a chain in layers. The same map always gets the same layout.

use baton_traces::service_map::ServiceMap;

use crate::service_map::forward_edges;

/// The places of the nodes, in the order of [`ServiceMap::nodes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Each node's layer, and its place within the layer.
    pub(super) places: Vec<(usize, usize)>,
    /// How many nodes each layer has.
    pub(super) layers: Vec<usize>,
}

impl Layout {
    /// Puts every node one layer after its last sender. Edges that close a cycle are ignored.
    pub(super) fn of(map: &ServiceMap) -> Layout {
        let forward = forward_edges(map);
        let mut layer = vec![0; map.nodes.len()];
        // without cycles, a path has fewer edges than there are nodes
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
            // nodes are sorted by the places of their senders, so that few edges cross
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
