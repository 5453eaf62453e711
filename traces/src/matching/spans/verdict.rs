//! What the spans of an export show of a hand-off. `hand_off::by_ids` gives the verdict on it, and
//! looks at the ends of a run, whose logs show more.

use crate::hand_off::{ByIds, Flags, Verdict, every_member_is_in};
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, LinkAt};

/// The verdict on a hand-off from `sender` to `receiver`, which belong together.
///
/// The injected context may be that of the sender, of the active span above it, or of an HTTP
/// client's span below it. So every span above or below the sender within its service counts as the
/// sender.
pub(crate) fn of(tree: &Tree, sender: At, receiver: At) -> Verdict {
    let (from, at) = (tree.span(sender), tree.span(receiver));
    let entry = tree.entry(receiver);
    let parent = tree.parent(entry);
    let is_senders = |at: At| tree.is_at_or_below(sender, at) || tree.is_at_or_below(at, sender);
    let by_ids = ByIds {
        sender: from.trace,
        receiver: at.trace,
        is_child: matches!(parent, Parent::Span(parent) if is_senders(parent)),
    };
    by_ids.verdict(
        || links(tree, sender, receiver),
        || continues_another(tree, entry),
    )
}

/// Whether the part of a trace that begins with `entry` continues a context from another service.
/// A call of its own service that fetched the message has sent none.
fn continues_another(tree: &Tree, entry: At) -> bool {
    let first = match tree.parent(entry) {
        Parent::Span(parent) if tree.fetched_for(parent, entry) => tree.entry(parent),
        _ => entry,
    };
    match tree.parent(first) {
        Parent::None => false,
        Parent::Span(_) => true,
        // the parent is in the same service, and was not exported
        Parent::Missing => tree.span(first).remote != Some(false),
    }
}

/// Whether `receiver`, or a consumer above it in its service, has a link to one of the sender's
/// spans. If the source lacks the linked span, it is the sender's if it is the parent that the
/// sender lacks, or if nothing else leads from the receiver's trace to the sender's.
fn links(tree: &Tree, sender: At, receiver: At) -> bool {
    let trace = tree.span(sender).trace;
    let is_apart = tree.span(receiver).trace != trace;
    let first = tree.entry(sender);
    let lacks =
        |span: u64| tree.parent(first) == Parent::Missing && tree.span(first).parent == span;
    let is_senders = |link: &LinkAt| match link.linked() {
        Some(at) => tree.is_at_or_below(sender, at) || tree.is_at_or_below(at, sender),
        None => link.trace == trace && (is_apart || lacks(link.span)),
    };
    let mut spans = std::iter::once(receiver).chain(tree.above(receiver));
    spans.any(|at| tree.links(at).iter().any(is_senders))
}

/// What else was lost, as far as the two spans show it.
pub(crate) fn flags(tree: &Tree, sender: At, receiver: At) -> Flags {
    let (from, at) = (tree.span(sender), tree.span(receiver));
    let state = |name| tree.names().text(name);
    let is_told = from.is_otlp && at.is_otlp;
    Flags {
        tracestate_lost: is_told && !every_member_is_in(state(from.state), state(at.state)),
        ..Flags::default()
    }
}
