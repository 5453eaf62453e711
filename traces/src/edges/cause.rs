//! Why an edge broke, and what would fix it. It only says what the spans show.

use crate::edges::Edge;
use crate::edges::headers::Arrived;
use crate::hand_off::Verdict;
use crate::matching::evidence::Ambiguous;
use crate::matching::spans::tree::{Parent, Tree};
use crate::matching::spans::{At, verdict};
use crate::shown;
use crate::span::Kind;

/// A symptom of a broken hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// The trace id only has its low 64 bits.
    Truncated,
    /// The receiver started a new trace.
    NewTrace,
    /// The receiver is in the trace, and its parent is missing in the source.
    AbsentParent,
    /// The receiver is in the trace, and its parent is another span than the call.
    OtherParent,
    /// The receiver continues a trace whose beginning is missing in the source.
    AbsentContext,
    /// The receiver continues the context of another span in the source.
    OtherContext,
    /// The receiver was not sampled, although its sender was.
    Unsampled,
}

impl Sign {
    const ALL: [Sign; 7] = [
        Sign::Truncated,
        Sign::NewTrace,
        Sign::AbsentParent,
        Sign::OtherParent,
        Sign::AbsentContext,
        Sign::OtherContext,
        Sign::Unsampled,
    ];

    /// The symptom of a hand-off to `receiver`; `None` if its receiver has no span that shows one.
    fn of(tree: &Tree, receiver: Option<At>, verdict: Verdict) -> Option<Sign> {
        let is_absent = receiver.is_some_and(|at| tree.parent(tree.entry(at)) == Parent::Missing);
        Some(match verdict {
            Verdict::Unsampled => Sign::Unsampled,
            Verdict::WrongParent | Verdict::WrongTrace if receiver.is_none() => return None,
            Verdict::IdTruncated => Sign::Truncated,
            Verdict::NewTrace => Sign::NewTrace,
            Verdict::WrongParent if is_absent => Sign::AbsentParent,
            Verdict::WrongParent => Sign::OtherParent,
            Verdict::WrongTrace if is_absent => Sign::AbsentContext,
            Verdict::WrongTrace => Sign::OtherContext,
            _ => return None,
        })
    }

    fn cause(self, from: &str, to: &str) -> String {
        match self {
            Sign::Truncated => format!(
                "{to} continues the low 64 bits of the trace id: something between {from} and {to} writes ids of 64 bits, as B3 allows"
            ),
            Sign::NewTrace => format!(
                "{to} starts a trace of its own: {from} sends no context, it does not arrive, or {to} does not read its format"
            ),
            Sign::AbsentParent => format!(
                "{to} is in the trace of {from}, but its parent is a span that this source does not have: something between them puts a span of its own in the sender's place, or a span of {from} was not exported"
            ),
            Sign::OtherParent => format!(
                "{to} is in the trace of {from}, but its parent is another span than the sender's: it got the context of another hand-off"
            ),
            Sign::AbsentContext => format!(
                "{to} continues another trace than that of {from}, below a span that this source does not have: another context came along and won"
            ),
            Sign::OtherContext => format!(
                "{to} continues the context of another span of this source: another context came along and won"
            ),
            Sign::Unsampled => format!(
                "{from} sampled, and {to} got its context and did not: its own sampler decides against the sender's decision"
            ),
        }
    }

    fn change(self, from: &str, to: &str) -> String {
        match self {
            Sign::Truncated => format!(
                "Make what lies between {from} and {to} keep all 128 bits of the trace id, or pass on the headers of {from} as they are."
            ),
            Sign::NewTrace => format!(
                "Make {from} inject a format that {to} extracts, and check that everything between them passes on its headers or attributes."
            ),
            Sign::AbsentParent => format!(
                "Send the spans of what lies between {from} and {to} to the same backend, or stop it from changing the context."
            ),
            Sign::OtherParent => format!(
                "Make {from} inject the context of its own call, and not pass on the headers that it got."
            ),
            Sign::Unsampled => {
                format!("Make {to} follow the sender's decision, as the samplers parentbased_* do.")
            }
            Sign::AbsentContext | Sign::OtherContext => format!(
                "Make {from} and what lies between it and {to} send one context: remove the headers of other formats, or make {to} extract only the one that {from} injects."
            ),
        }
    }
}

/// The symptoms of the broken hand-offs of one edge.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    counts: [u64; Sign::ALL.len()],
    arrived: Arrived,
    /// Whether a link to the sender would not show.
    hides_links: bool,
}

impl Signs {
    /// Adds the symptoms of a broken hand-off. `spans` are those of its two ends, if both were
    /// recorded.
    pub(crate) fn add(&mut self, tree: &Tree, spans: Option<(At, At)>, verdict: Verdict) {
        let receiver = spans.map(|(_, receiver)| receiver);
        if let Some(sign) = Sign::of(tree, receiver, verdict) {
            self.counts[sign as usize] += 1;
        }
        self.hides_links |= receiver.is_some_and(|at| {
            // the Collector writes links as tags, so one of them would show them all
            let end = tree.span(at);
            end.kind == Kind::Consumer && !end.may_link && tree.all_links().is_empty()
        });
        if let Some((sender, receiver)) = spans {
            self.arrived.add(tree, sender, receiver);
        }
    }

    /// Adds the symptom of hand-offs that broke, although it is unknown which. All are like the
    /// example.
    pub(crate) fn add_ambiguous(&mut self, tree: &Tree, ambiguous: &Ambiguous) {
        let (sender, receiver) = ambiguous.example;
        let verdict = verdict::of(tree, sender, receiver);
        if let Some(sign) = Sign::of(tree, Some(receiver), verdict) {
            self.counts[sign as usize] += ambiguous.at_least;
        }
    }

    /// The causes of the broken hand-offs of `edge`, the most common one first, and what would fix
    /// them.
    pub(crate) fn cause(&self, edge: &Edge) -> Option<(String, String)> {
        let counts = |sign: &Sign| self.counts[*sign as usize];
        let mut signs: Vec<Sign> = Sign::ALL
            .into_iter()
            .filter(|sign| counts(sign) > 0)
            .collect();
        signs.sort_by_key(|sign| std::cmp::Reverse(counts(sign)));
        let (worst, others) = signs.split_first()?;
        let worst = *worst;
        let (from, to) = (&*edge.from, &*edge.to);
        let mut cause = match worst {
            Sign::NewTrace if self.arrived.has_whole() => format!(
                "{to} starts a trace of its own although the context of {from} arrives: it does not read the format, or its instrumentation does not see the headers"
            ),
            _ => worst.cause(from, to),
        };
        if let Some(words) = self.arrived.words(to) {
            cause += &format!("; {words}");
        }
        if worst == Sign::NewTrace && self.hides_links {
            cause += "; a link to the sender would not show, because Zipkin's form has no links";
        }
        let mut change = worst.change(from, to);
        for other in others {
            let (count, more) = (shown::count(counts(other)), other.cause(from, to));
            cause += &format!(". For {count} of them, {more}");
            let other = other.change(from, to);
            if !change.contains(&other) {
                change += &format!(" {other}");
            }
        }
        Some((cause, change))
    }
}
