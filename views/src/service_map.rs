//! Shows a service map as a picture and as text: which service hands over to which, and where the
//! trace broke.

mod layout;
mod svg;
mod text;

use baton_traces::service_map::{Edge, Node, NodeKind};
use baton_traces::shown::{count, counted};

pub use self::svg::drawing;
pub use self::text::text;

/// What a node is.
fn node_facts(node: &Node) -> String {
    match node.kind {
        NodeKind::Service => counted(node.spans, "span"),
        NodeKind::Queue => "stream".to_owned(),
        NodeKind::Unrecorded => "known from logs".to_owned(),
        NodeKind::Nowhere => "lost".to_owned(),
    }
}

/// What went over the edge, one phrase per verdict: `2,000 connected`. Without verdicts it says
/// `2,000 sent` for a queue and `2,000 calls` otherwise.
pub(crate) fn edge_facts(edge: &Edge, receiver: NodeKind) -> Vec<String> {
    if edge.verdicts.is_empty() {
        return vec![match receiver {
            NodeKind::Queue => format!("{} sent", count(edge.count)),
            _ => counted(edge.count, "call"),
        }];
    }
    let verdicts = edge.verdicts.iter();
    verdicts
        .map(|(verdict, number)| format!("{} {verdict}", count(*number)))
        .collect()
}
