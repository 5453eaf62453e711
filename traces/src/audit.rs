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
pub mod patterns;
pub mod services;
mod source_audit;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::source_audit::SourceAudit;
pub(crate) use crate::edges::role_without_spans;
pub use crate::edges::unjudged::{Unjudged, What};
pub use crate::edges::{Between, Channel, ChannelKind, Edge, Example, HandOff, share_between};
use crate::edges::{Each, OfRun, judge, unjudged};
use crate::hand_off::{Flag, Hop, Verdict};
use crate::matching::by_id::Assembly;
pub use crate::matching::evidence::Evidence;
use crate::matching::names::Name;
use crate::matching::spans::Gathered;
use crate::matching::spans::tree::{Parent, Tree};
use crate::span::{Kind, Span, SpanReference, UnixTime};
use crate::threads::together;

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

impl Options {
    /// Whether a span with this start is in the requested period. A span without a known start is.
    fn takes(&self, start: Option<UnixTime>) -> bool {
        let is_early = |since| start.is_some_and(|at| at < since);
        let is_late = |until| start.is_some_and(|at| at >= until);
        !self.since.is_some_and(is_early) && !self.until.is_some_and(is_late)
    }
}

/// When the first and the last of the spans outside the requested period start.
type Outside = Option<(UnixTime, UnixTime)>;

fn together_outside(one: Outside, other: Outside) -> Outside {
    let both = one.zip(other);
    let both = both.map(|((first, last), other)| (first.min(other.0), last.max(other.1)));
    both.or(one).or(other)
}

/// An audit of one source.
///
/// It needs spans read with [`crate::span::Want::HandOffs`] or all of them. A span that occurs
/// twice counts once.
#[derive(Clone, Debug)]
pub struct Audit {
    options: Options,
    gathered: Gathered,
    outside: Outside,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit::new(Options::default())
    }
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
    /// How many traces they belong to.
    #[serde(skip)]
    pub traces: u64,
    /// How many hand-offs may be ambiguous on all edges together; `None` if unknown.
    #[serde(default)]
    pub most_ambiguous: Option<u64>,
    /// How many more spans there were than an audit can hold.
    #[serde(default)]
    pub left_out: u64,
    /// When the first and the last span outside the requested period start; `None` if there is none.
    #[serde(skip)]
    pub outside: Option<(UnixTime, UnixTime)>,
    /// The services of these spans.
    pub services: BTreeSet<String>,
    /// How many spans each service has.
    pub spans_by_service: BTreeMap<String, u64>,
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
            outside: None,
        }
    }

    /// Adds a span, in any order.
    pub fn add(&mut self, span: &Span<'_>) {
        if self.options.takes(span.start) {
            self.gathered.add(span);
        } else if let Some(start) = span.start {
            self.outside = together_outside(self.outside, Some((start, start)));
        }
    }

    /// A part of this audit, still empty.
    pub(crate) fn part(&self) -> Audit {
        Audit {
            options: self.options.clone(),
            gathered: self.gathered.empty(),
            outside: None,
        }
    }

    /// Adds the spans of a part.
    pub(crate) fn add_part(&mut self, part: Audit) {
        self.gathered.append(part.gathered);
        self.outside = together_outside(self.outside, part.outside);
    }

    /// Judges every hand-off.
    pub fn judge(self) -> Judged {
        self.judged(None, None, None)
    }

    /// Judges every hand-off, and hands each to `each`.
    pub fn judge_each(self, each: &mut dyn FnMut(&HandOff)) -> Judged {
        self.judge_run(None, Some(each))
    }

    /// Judges every hand-off. Those that a run's ids, logs and lab records show are taken from
    /// `of_run`, which must be finished; `None` for an export. Every judged hand-off goes to
    /// `each`.
    pub fn judge_run(
        self,
        of_run: Option<&Assembly>,
        each: Option<&mut dyn FnMut(&HandOff)>,
    ) -> Judged {
        let each = each.map(|take| Each {
            take,
            takes_those_of_run: true,
        });
        self.judged(of_run, each, None)
    }

    /// Judges every hand-off, and hands each to `each`. An end without a partner does not count as
    /// unjudged if `is_elsewhere` says that the caller counts it. It takes the span, and whether
    /// that is a sender.
    pub fn judge_without(
        self,
        is_elsewhere: &dyn Fn(SpanReference, bool) -> bool,
        each: &mut dyn FnMut(&HandOff),
    ) -> Judged {
        let each = Each {
            take: each,
            takes_those_of_run: true,
        };
        self.judged(None, Some(each), Some(is_elsewhere))
    }

    /// The same as [`Audit::judge_run`]. `each` only gets the hand-offs that are not in `of_run`.
    pub(crate) fn judge_others(
        self,
        of_run: Option<&Assembly>,
        take: &mut dyn FnMut(&HandOff),
    ) -> Judged {
        let each = Each {
            take,
            takes_those_of_run: false,
        };
        self.judged(of_run, Some(each), None)
    }

    fn judged(
        self,
        of_run: Option<&Assembly>,
        each: Option<Each<'_>>,
        is_elsewhere: Option<&dyn Fn(SpanReference, bool) -> bool>,
    ) -> Judged {
        let mut tree = Tree::of(self.gathered);
        let options = &self.options;
        let takes = |start| options.takes(start);
        let of_run = of_run.map(|assembly| OfRun::new(&mut tree, assembly, &takes));
        let of_run = of_run.as_ref();
        let ((mut edges, mut pairs), counts) = together(
            || judge(&tree, of_run, each),
            || (traces(&tree), received(&tree)),
        );
        let (traces, received) = counts;
        let spans_by_service = spans_by_service(&tree);
        let mut unjudged = Vec::new();
        if let Some(of_run) = of_run {
            of_run.mark(&mut pairs);
            unjudged = of_run.unjudged(&tree);
        }
        if let Some(is_elsewhere) = is_elsewhere {
            for at in tree.all() {
                let span = tree.span(at);
                if is_elsewhere(span.reference(), span.kind.is_sender()) {
                    pairs.settle(at);
                }
            }
        }
        unjudged.extend(unjudged::of(&tree, &pairs));
        unjudged::count_on_edges(&unjudged, &mut edges);
        Judged {
            edges,
            unjudged,
            received,
            spans: tree.len() as u64,
            traces,
            most_ambiguous: Some(pairs.most_ambiguous()),
            left_out: tree.left_out(),
            outside: self.outside,
            services: spans_by_service.keys().cloned().collect(),
            spans_by_service,
        }
    }
}

fn traces(tree: &Tree) -> u64 {
    let traces = tree.spans().chunk_by(|one, other| one.trace == other.trace);
    traces.count() as u64
}

fn spans_by_service(tree: &Tree) -> BTreeMap<String, u64> {
    let named = |(name, spans): (&Name, &u64)| (tree.names().text(*name).to_owned(), *spans);
    tree.spans_by_service().iter().map(named).collect()
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

    /// How many hand-offs of `hop` have each flag.
    pub(crate) fn flags(&self, hop: Hop) -> BTreeMap<Flag, u64> {
        let mut flags = BTreeMap::new();
        for edge in self.edges.iter().filter(|edge| edge.channel.hop() == hop) {
            for (flag, count) in &edge.flags {
                *flags.entry(*flag).or_default() += count;
            }
        }
        flags
    }

    /// How many hand-offs broke.
    pub fn broken(&self) -> u64 {
        self.edges.iter().map(Edge::broken).sum()
    }

    /// How many ends of hand-offs could not be judged. Requests that may come from outside are not
    /// counted.
    pub fn not_judged(&self) -> u64 {
        let hand_offs = self.unjudged.iter().filter(|unjudged| unjudged.is_hand_off);
        hand_offs.map(|unjudged| unjudged.count).sum()
    }

    /// How many ends of hand-offs of `hop` could not be judged, and how many broke, although it is
    /// unknown which.
    pub(crate) fn not_judged_of(&self, hop: Hop) -> u64 {
        let is_of_hop = |what| match what {
            What::Calls | What::Roots | What::Continued => hop == Hop::Ingress,
            What::MessagesSent | What::MessagesReceived => hop == Hop::Record,
        };
        let unjudged = self.unjudged.iter();
        let unjudged = unjudged.filter(|it| it.is_hand_off && is_of_hop(it.what));
        let edges = self.edges.iter().filter(|edge| edge.channel.hop() == hop);
        let ambiguous: u64 = edges.map(|edge| edge.ambiguous.at_most).sum();
        unjudged.map(|unjudged| unjudged.count).sum::<u64>() + ambiguous
    }
}
