//! Judges every hand-off between the services of a source, by the strongest evidence available.
//!
//! ```
//! use baton_traces::audit::{Audit, Options};
//! use baton_traces::readers::otlp_json;
//! use baton_traces::span::Want;
//!
//! let line = br#"{"resourceSpans":[
//!   {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},
//!    "scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","kind":3}]}]},
//!   {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"booking"}}]},
//!    "scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","kind":2,
//!      "parentSpanId":"b7ad6b7169203331"}]}]}
//! ]}"#;
//! let mut audit = Audit::new(Options::default());
//! otlp_json::read_request(line, Want::Everything, &mut |span| audit.add(span)).expect("a valid request");
//! let judged = audit.judge();
//! assert_eq!(judged.edges[0].to, "booking");
//! assert_eq!(judged.edges[0].share(), Some(1.0));
//! ```

mod answer;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::collect::Collect;
pub use crate::edges::unjudged::{Unjudged, What};
pub use crate::edges::{Between, Channel, ChannelKind, Edge, Example, HandOff};
use crate::edges::{judge, unjudged};
use crate::ends::Gathered;
use crate::ends::names::Name;
use crate::ends::tree::{Parent, Tree};
pub use crate::evidence::Evidence;
use crate::evidence::Pairs;
use crate::hand_off::{Hop, Verdict};
use crate::span::{Kind, Span, UnixTime};

/// The options of an audit.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Attributes that hold ids of requests or messages, as the user says.
    pub keys: Vec<String>,
    /// Only spans that start at this time or later.
    pub since: Option<UnixTime>,
    /// Only spans that start before this time.
    pub until: Option<UnixTime>,
}

/// An audit of one source.
///
/// It needs spans read with [`crate::span::Want::HandOffs`] or all of them. A span that occurs
/// twice counts once.
#[derive(Clone, Debug)]
pub struct Audit {
    options: Options,
    gathered: Gathered,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit::new(Options::default())
    }
}

impl Collect for Audit {
    type Part = Audit;

    const TAKES_SPANS: bool = false;

    fn part(&self) -> Audit {
        Audit {
            options: self.options.clone(),
            gathered: self.gathered.empty(),
        }
    }

    fn prepare(part: &mut Audit, span: &Span<'_>) {
        part.add(span);
    }

    fn add_part(&mut self, part: Audit) {
        self.gathered.append(part.gathered);
    }

    fn add_span(&mut self, _span: &Span<'_>) {}
}

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The edges. Those with the most broken hand-offs come first.
    pub edges: Vec<Edge>,
    /// What could not be judged.
    pub unjudged: Vec<Unjudged>,
    /// How many spans there were.
    pub spans: u64,
    /// The services of these spans.
    pub services: BTreeSet<String>,
    /// The requests that each service received.
    pub received: BTreeMap<String, Received>,
}

/// The requests that one service received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// How many server spans it has.
    pub requests: u64,
    /// How many of them have no parent.
    pub parentless: u64,
}

impl Audit {
    /// Starts an audit.
    pub fn new(options: Options) -> Audit {
        Audit {
            gathered: Gathered::new(options.keys.clone()),
            options,
        }
    }

    /// Adds a span, in any order.
    pub fn add(&mut self, span: &Span<'_>) {
        let is_early = self
            .options
            .since
            .is_some_and(|since| span.start.is_some_and(|at| at < since));
        let is_late = self
            .options
            .until
            .is_some_and(|until| span.start.is_some_and(|at| at >= until));
        if !is_early && !is_late {
            self.gathered.add(span);
        }
    }

    /// Judges every hand-off.
    pub fn judge(self) -> Judged {
        self.judged(None)
    }

    /// Judges every hand-off, and hands each to `each`.
    pub fn judge_each(self, each: &mut dyn FnMut(&HandOff)) -> Judged {
        self.judged(Some(each))
    }

    fn judged(self, each: Option<&mut dyn FnMut(&HandOff)>) -> Judged {
        let tree = Tree::of(self.gathered);
        let pairs = Pairs::of(&tree);
        let edges = judge(&tree, &pairs, each);
        let services = tree.spans().iter().map(|end| end.service);
        let services: BTreeSet<_> = services.collect();
        Judged {
            edges,
            unjudged: unjudged::of(&tree, &pairs),
            received: received(&tree),
            spans: tree.len() as u64,
            services: services
                .into_iter()
                .map(|name| tree.names().text(name).to_owned())
                .collect(),
        }
    }
}

fn received(tree: &Tree) -> BTreeMap<String, Received> {
    let mut by_service: BTreeMap<Name, Received> = BTreeMap::new();
    for at in tree.all() {
        if tree.span(at).kind == Kind::Server && tree.entry(at) == at {
            let received = by_service.entry(tree.span(at).service).or_default();
            received.requests += 1;
            received.parentless += u64::from(tree.parent(at) == Parent::None);
        }
    }
    let named = |(name, received)| (tree.names().text(name).to_owned(), received);
    by_service.into_iter().map(named).collect()
}

impl Judged {
    /// How many hand-offs were judged.
    pub fn hand_offs(&self) -> u64 {
        self.edges.iter().map(|edge| edge.handoffs).sum()
    }

    /// The verdicts by hop. Requests count as ingress, messages as records.
    pub(crate) fn hops(&self) -> BTreeMap<Hop, BTreeMap<Verdict, u64>> {
        let mut hops: BTreeMap<Hop, BTreeMap<Verdict, u64>> = BTreeMap::new();
        for edge in self.edges.iter().filter(|edge| edge.handoffs > 0) {
            let verdicts = hops.entry(edge.channel.hop()).or_default();
            for (verdict, count) in &edge.verdicts {
                *verdicts.entry(*verdict).or_default() += count;
            }
        }
        hops
    }

    /// How many hand-offs broke.
    pub fn broken(&self) -> u64 {
        self.edges.iter().map(Edge::broken).sum()
    }

    /// How many hand-offs could not be judged. Requests that no span called are not counted,
    /// because they may come from outside.
    pub fn not_judged(&self) -> u64 {
        let unjudged = self
            .unjudged
            .iter()
            .filter(|unjudged| unjudged.what != What::Roots);
        unjudged.map(|unjudged| unjudged.count).sum()
    }
}
