//! Judges hand-offs whose spans have no ids to match, by parents and links alone.
//!
//! This shows which contexts arrived, but never which did not. A root may have had no sender, and a
//! missing parent may not have been exported.

use baton_propagators::id::SpanId;
use foldhash::{HashMap, HashSet};

use super::Assembly;
use super::deliveries::Deliveries;
use crate::hand_off::Hop;
use crate::span::{Kind, Span, SpanReference};

/// The counts from parents and links for one hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// Receivers whose parent is a sender's span or is in another service, or that share a sender's
    /// id.
    pub connected: u64,
    /// Receivers in new traces that link to a sender's span.
    pub linked: u64,
    /// Receivers without a parent. They may have had no sender.
    pub roots: u64,
    /// Receivers whose parent is not among the spans, or the caller whose id they share.
    pub orphans: u64,
}

impl Structure {
    /// The number of receivers.
    pub fn receivers(&self) -> u64 {
        self.connected + self.linked + self.roots + self.orphans
    }
}

/// Spans whose kind sends or receives, but that have no ids.
#[derive(Debug, Default)]
pub(super) struct Unmatched {
    senders: HashSet<SpanReference>,
    receivers: HashMap<SpanReference, Receiving>,
}

#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) hop: Hop,
    pub(super) parent: Option<SpanId>,
    pub(super) parent_is_remote: Option<bool>,
    pub(super) service: Option<usize>,
    pub(super) links: Box<[SpanReference]>,
}

impl Unmatched {
    /// Adds `span` if it sends or receives. `service` is the number of its service.
    pub(super) fn add(&mut self, span: &Span<'_>, service: usize) {
        let hop = match span.kind {
            Kind::Client | Kind::Producer => {
                self.senders.insert(span.reference);
                return;
            }
            Kind::Server => Hop::Ingress,
            Kind::Consumer => Hop::Record,
            Kind::Unspecified | Kind::Internal => return,
        };
        self.receivers
            .entry(span.reference)
            .or_insert_with(|| Receiving {
                hop,
                parent: span.parent_span_id,
                parent_is_remote: span.parent_is_remote,
                service: Some(service),
                links: span.links.iter().map(|link| link.to).collect(),
            });
    }

    /// Whether a span receives at `hop`.
    pub(super) fn has_receivers(&self, hop: Hop) -> bool {
        self.receivers
            .values()
            .any(|receiving| receiving.hop == hop)
    }

    /// The counts for the receivers of `hop`, including `more`. `is_sender` recognises further
    /// senders. `is_in` says whether a span is known to be in a service, or in another one.
    pub(super) fn structure(
        &self,
        hop: Hop,
        more: impl Iterator<Item = (SpanReference, Receiving)>,
        is_sender: impl Fn(SpanReference) -> bool,
        is_in: impl Fn(Option<usize>, SpanId) -> Home,
    ) -> Structure {
        let is_sender = |span| self.senders.contains(&span) || is_sender(span);
        let mut structure = Structure::default();
        let mut count = |span: SpanReference, receiving: &Receiving| {
            let parent = receiving
                .parent
                .map(|span_id| SpanReference { span_id, ..span });
            let place = match parent {
                // In B3, client and server may share a span's id.
                _ if is_sender(span) => &mut structure.connected,
                Some(parent) if is_sender(parent) => &mut structure.connected,
                Some(_) if receiving.parent_is_remote == Some(false) => return,
                Some(parent) => match is_in(receiving.service, parent.span_id) {
                    Home::SameService => return,
                    Home::OtherService => &mut structure.connected,
                    Home::Unknown => &mut structure.orphans,
                },
                // A span that shares its id with a caller that is not in the source.
                None if receiving.parent_is_remote == Some(true) => &mut structure.orphans,
                None if receiving.links.iter().any(|to| is_sender(*to)) => &mut structure.linked,
                None => &mut structure.roots,
            };
            *place += 1;
        };
        for (span, receiving) in &self.receivers {
            if receiving.hop == hop {
                count(*span, receiving);
            }
        }
        for (span, receiving) in more {
            count(span, &receiving);
        }
        structure
    }
}

impl Assembly {
    /// The counts from parents and links for `hop`, whose ends have no ids in common.
    pub fn structure(&self, hop: Hop) -> Structure {
        let clients = self
            .requests
            .iter()
            .filter_map(|request| request.client.as_ref());
        let clients = clients.map(|client| &client.sender);
        let producers = self
            .records
            .iter()
            .filter_map(|record| record.sender.as_ref());
        let senders: HashSet<_> = clients
            .chain(producers)
            .filter_map(|sender| sender.reference)
            .collect();
        let servers = self.requests.iter().map(|request| &request.servers);
        let consumers = self.records.iter().map(|record| &record.receivers);
        let with_ids: Vec<&Deliveries> = match hop {
            Hop::Ingress => servers.collect(),
            Hop::Record => consumers.collect(),
        };
        let with_ids = with_ids.into_iter().flat_map(Deliveries::kept);
        let receiving = with_ids.filter_map(|delivery| {
            let receiver = &delivery.receiver;
            let receiving = Receiving {
                hop,
                parent: receiver.parent,
                parent_is_remote: receiver.parent_is_remote,
                service: delivery.service,
                links: receiver.links.iter().map(|link| link.to).collect(),
            };
            Some((receiver.reference?, receiving))
        });
        let services = self.services.len();
        let is_in = |service: Option<usize>, span| {
            let holds = |service| self.spans_without_flags.contains(&(service, span));
            match service {
                Some(service) if holds(service) => Home::SameService,
                _ if (0..services).any(holds) => Home::OtherService,
                _ => Home::Unknown,
            }
        };
        let is_sender = |span| senders.contains(&span);
        self.unmatched.structure(hop, receiving, is_sender, is_in)
    }
}

/// The service of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    SameService,
    OtherService,
    Unknown,
}
