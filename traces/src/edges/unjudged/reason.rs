//! The reasons why something could not be judged, and what would help.

/// Why something could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason {
    pub(super) why: &'static str,
    pub(super) would_help: Option<&'static str>,
    pub(super) is_hand_off: bool,
    /// Whether the sender may have no span that shows it.
    pub(super) hides_sender: bool,
}

impl Reason {
    /// The reason for a hand-off that may have broken, and what would help to judge it.
    pub(super) const fn new(why: &'static str, would_help: &'static str) -> Reason {
        Reason {
            why,
            would_help: Some(would_help),
            is_hand_off: true,
            hides_sender: false,
        }
    }

    /// The reason for a hand-off that may have broken, and whose sender may not show.
    pub(super) const fn of_hidden_sender(why: &'static str, would_help: &'static str) -> Reason {
        Reason {
            hides_sender: true,
            ..Reason::new(why, would_help)
        }
    }

    /// The reason for something that is not a hand-off between services of the system.
    pub(super) const fn outside(why: &'static str) -> Reason {
        Reason {
            why,
            would_help: None,
            is_hand_off: false,
            hides_sender: false,
        }
    }
}

pub(super) const NO_RECEIVER: Reason = Reason::new(
    "no span of a service there is in the source",
    "spans of the services there: they may be uninstrumented, or not part of this export",
);
pub(super) const NO_ADDRESS: Reason = Reason::new(
    "the call does not say where it went, and no receiver in the source fits",
    "server.address and server.port on the call, and the spans of the service there",
);
pub(super) const NO_FIT: Reason = Reason::new(
    "spans of a service there are in the source, but none of them fits: the right one may not have been sampled, or fits several calls",
    "the receiver's spans for all requests, or an id that both ends carry, such as x-request-id captured as an attribute",
);
pub(super) const ANSWERED_ONLY_SOME: Reason = Reason::new(
    "the service there has spans for other calls from here: it may sample against the sender's decision, or drop spans",
    "a sampler in the receiving service that follows its parent, such as parentbased_always_on",
);
pub(super) const REFUSED: Reason = Reason::new(
    "an error was the answer, perhaps of something in front of the service there",
    "the span of the service there, if the request reached it",
);
pub(super) const FAILED: Reason = Reason::new(
    "the call failed without a response, so it may not have arrived",
    "the span of the service there, if the request reached it",
);
pub(super) const NOT_CONNECTED: Reason =
    Reason::outside("the error says that no connection was made, so nothing was handed over");
pub(super) const CLOUD_API: Reason =
    Reason::outside("an API of the cloud provider writes no spans");
pub(super) const NOT_CONSUMED: Reason = Reason::new(
    "no span in the source is the receiver",
    "the consumer's spans, with messaging.message.id or a link to the sender",
);
pub(super) const UNKNOWN_RECEIVER: Reason = Reason::new(
    "spans in the source received from there, but none shows which message",
    "messaging.message.id, or partition and offset, on both spans, or a link to the sender",
);
pub(super) const NO_CALLER: Reason =
    Reason::outside("no span in the source is the caller: it is outside, or wrote no span");
pub(super) const NO_CALLER_INSIDE: Reason = Reason::new(
    "no span in the source is known to be the caller, although other services call this one",
    "the spans of all callers, or an id that both ends carry, such as x-request-id captured as an attribute",
);
pub(super) const PROBE: Reason = Reason::outside("the user agent is a monitor's");
pub(super) const PROBED: Reason =
    Reason::outside("the path is one that monitors ask for, and no call in the source has it");
pub(super) const PREFLIGHT: Reason =
    Reason::outside("OPTIONS, which browsers send before the real request (CORS)");
pub(super) const SENDER_UNSAMPLED: Reason =
    Reason::outside("the sender did not sample, as the captured headers say");
pub(super) const NO_PARENT: Reason = Reason::new(
    "the parent is not in the source, and no call fits",
    "the spans of the service or proxy that called",
);
pub(super) const NO_SENDER: Reason = Reason::new(
    "no span in the source is known to be the sender",
    "messaging.message.id, or partition and offset, on the sender's and the receiver's spans",
);

pub(super) const CIRCLE: Reason = Reason::new(
    "their parents lead back to themselves, so they show no sender",
    "span ids that are unique within their trace",
);
pub(super) const TWO_NAMES: Reason = Reason::new(
    "neither span is the end of a call: one process may write both under two names, or a call has no span",
    "one service name for each process, or the spans of the call between them",
);

pub(super) const QUERY: Reason = Reason::outside(
    "a query of a database: the service that sends it also writes its span, under another name",
);
