//! The deliveries of one message to one service: a broker delivers it again if it was not
//! acknowledged, or if the service asked for a retry.

use crate::matching::spans::At;
use crate::matching::spans::about::Operation;
use crate::matching::spans::tree::Tree;
use crate::span::Kind;

/// How many times a message was delivered, to judge by its receivers. Spans that handled it at the
/// same time are one delivery.
pub(super) fn count(tree: &Tree, receivers: &[At]) -> u64 {
    let handles = |at: &&At| {
        let is_fetch = tree.about(**at).operation == Operation::Receive;
        !is_fetch && tree.span(**at).kind != Kind::Client
    };
    let handlers = receivers.iter().filter(handles);
    let mut times: Vec<(u64, u64)> = handlers
        .map(|at| (tree.span(*at).start, tree.span(*at).end))
        .collect();
    times.sort_unstable();
    let (mut deliveries, mut until) = (0, 0);
    for (start, end) in times {
        deliveries += u64::from(deliveries == 0 || start > until);
        // a span without an end may last forever
        until = until.max(if end == 0 { u64::MAX } else { end });
    }
    deliveries
}
