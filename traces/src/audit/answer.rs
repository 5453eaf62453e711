//! The result of an audit in sentences.

use std::collections::BTreeSet;

use super::patterns::Pattern;
use super::{Edge, Judged, Unjudged, What};
use crate::hand_off::{Flag, Hop};
use crate::shown::{count, counted, service_name};

/// At most this many patterns get a sentence.
const MAX_PATTERNS: usize = 5;

impl Judged {
    /// The result in a few sentences: how many hand-offs broke and where, what the broken edges
    /// have in common, and how many could not be judged.
    pub fn answer(&self) -> Vec<String> {
        let mut sentences = vec![self.headline()];
        let patterns = self.patterns();
        sentences.extend(patterns.iter().take(MAX_PATTERNS).map(Pattern::sentence));
        let more = patterns.len().saturating_sub(MAX_PATTERNS) as u64;
        if more > 0 {
            let patterns = counted(more, "more pattern");
            sentences.push(format!(
                "`baton audit --format json` has {patterns} like these."
            ));
        }
        if self.left_out > 0 {
            sentences.push(format!(
                "{} more are beyond what one audit can hold and were not read.",
                counted(self.left_out, "span")
            ));
        }
        let ambiguous = self.ambiguous();
        if ambiguous.1 > 0 {
            let (least, most) = (count(ambiguous.0), count(ambiguous.1));
            let others = if self.broken() > 0 { " more" } else { "" };
            let more = match ambiguous.0 {
                0 => format!("Up to {most} more may have broken"),
                all if all == ambiguous.1 => format!("{most}{others} broke"),
                _ => format!("Between {least} and {most}{others} broke"),
            };
            sentences.push(format!(
                "{more}, but the spans do not show which call belongs to which receiver."
            ));
        }
        let unjudged = self.not_judged();
        if unjudged > 0 {
            sentences.push(format!(
                "{} could not be judged, because one end is not in the source or cannot be matched.",
                counted(unjudged, "hand-off")
            ));
        }
        let outside = self
            .unjudged
            .iter()
            .filter(|unjudged| unjudged.what == What::Roots && !unjudged.is_hand_off);
        let outside: u64 = outside.map(|unjudged| unjudged.count).sum();
        if outside > 0 {
            let have = if outside == 1 { "has" } else { "have" };
            sentences.push(format!(
                "{} {have} no sender in the source: it is outside, or wrote no span.",
                counted(outside, "request")
            ));
        }
        let redelivered: u64 = self.edges.iter().map(|edge| edge.redelivered).sum();
        if redelivered > 0 {
            let edges = self.edges.iter().filter(|edge| edge.redelivered > 0);
            let hops: BTreeSet<Hop> = edges.map(|edge| edge.channel.hop()).collect();
            let what = match (hops.first(), hops.len()) {
                (Some(Hop::Record), 1) => "message",
                (Some(Hop::Ingress), 1) => "request",
                _ => "hand-off",
            };
            let arrived = counted(redelivered, what);
            sentences.push(format!(
                "{arrived} arrived again, with an id that was seen before. Each counts once, by the best of its deliveries."
            ));
        }
        let unsampled: u64 = self.edges.iter().map(|edge| edge.sender_unsampled).sum();
        if unsampled > 0 {
            sentences.push(format!(
                "The senders of {} did not sample.",
                counted(unsampled, "hand-off")
            ));
        }
        sentences.extend(Flag::ALL.into_iter().filter_map(|flag| self.flagged(flag)));
        sentences
    }

    /// How many hand-offs have `flag`, and on how many edges; `None` if none is known to have it.
    fn flagged(&self, flag: Flag) -> Option<String> {
        let counts = self.edges.iter().filter_map(|edge| edge.flags.get(&flag));
        let counts: Vec<u64> = counts.copied().filter(|count| *count > 0).collect();
        let what = match flag {
            Flag::SampledChanged => "arrived with another sampling decision",
            Flag::TracestateLost => "arrived without all members of tracestate",
            Flag::BaggageLost => "arrived without all entries of baggage",
            Flag::DebugLost => "arrived without the debug flag",
        };
        let hand_offs = counted(counts.iter().sum(), "hand-off");
        let edges = counted(counts.len() as u64, "edge");
        (!counts.is_empty()).then(|| format!("{hand_offs} {what}, on {edges}."))
    }

    fn headline(&self) -> String {
        let (judged, broken) = (self.hand_offs(), self.broken());
        if self.spans == 0 {
            return match self.outside {
                Some((first, last)) => format!(
                    "No span starts in the period that you chose. Those of the source start from {} to {}.",
                    first.timestamp(),
                    last.timestamp()
                ),
                None => "No span was seen.".to_owned(),
            };
        }
        let is_seen = |edge: &&Edge| edge.handoffs > 0 || edge.ambiguous.at_most > 0;
        let edges = counted(self.edges.iter().filter(is_seen).count() as u64, "edge");
        let broken_edges = self.edges.iter().filter(|edge| edge.is_broken()).count() as u64;
        let broken_edges = count(broken_edges);
        if broken == 0 && self.ambiguous().0 > 0 {
            let held = match judged {
                0 => String::new(),
                judged => format!(" {} whose two ends are known held.", all_hand_offs(judged)),
            };
            return format!("Hand-offs broke on {broken_edges} of {edges}.{held}");
        }
        if judged == 0 {
            return match self.services.len() {
                _ if self.is_nameless() => {
                    "No span names its service, so hand-offs between services cannot be found. The resource needs \
                     service.name."
                        .to_owned()
                }
                0 | 1 => "All spans are of one service, so there is no hand-off between services to judge.".to_owned(),
                services => format!(
                    "Nothing could be judged: no hand-off between the {services} services was found."
                ),
            };
        }
        if broken == 0 {
            let of_judged = match self.is_all_judged() {
                true => "",
                false => " that could be judged",
            };
            return format!("{}{of_judged} held, on {edges}.", all_hand_offs(judged));
        }
        format!(
            "{} of {} broke, on {broken_edges} of {edges}.",
            count(broken),
            counted(judged, "judged hand-off")
        )
    }

    /// Whether every hand-off with a known end was judged, except requests that may come from
    /// outside.
    pub fn is_all_judged(&self) -> bool {
        self.not_judged() == 0 && self.ambiguous().1 == 0 && self.left_out == 0
    }

    /// Whether there are spans, and none of them names its service.
    pub fn is_nameless(&self) -> bool {
        self.services.len() == 1 && self.services.contains("")
    }

    /// At least and at most how many hand-offs of these edges are ambiguous.
    fn ambiguous(&self) -> (u64, u64) {
        let edges = self.edges.iter().map(|edge| edge.ambiguous);
        let (least, most) = edges.fold((0, 0), |(least, most), ambiguous| {
            (least + ambiguous.at_least, most + ambiguous.at_most)
        });
        let most = most.min(self.most_ambiguous.unwrap_or(u64::MAX));
        (least, most.max(least))
    }
}

fn all_hand_offs(number: u64) -> String {
    match number {
        1 => "The only hand-off".to_owned(),
        number => format!("All {} hand-offs", count(number)),
    }
}

impl Unjudged {
    /// What was not judged, why, and what would help, in one line.
    pub fn sentence(&self) -> String {
        let Unjudged {
            service,
            what,
            count,
            to,
            why,
            would_help,
            ..
        } = self;
        let service = service_name(service);
        let number = |noun| counted(*count, noun);
        let place = |preposition: &str| {
            to.as_ref()
                .map_or_else(String::new, |to| format!(" {preposition} {to}"))
        };
        let subject = match what {
            What::Calls => format!("{} of {service}{}", number("call"), place("to")),
            What::MessagesSent => format!("{} sent by {service}{}", number("message"), place("to")),
            What::Roots => format!("{} to {service}", number("request")),
            What::Continued => format!("{} of {service}{}", number("span"), place("below")),
            What::MessagesReceived => {
                format!(
                    "{} received by {service}{}",
                    number("message"),
                    place("from")
                )
            }
        };
        let help = would_help
            .as_ref()
            .map_or_else(String::new, |help| format!(". Would help: {help}"));
        format!("{subject}: {why}{help}")
    }
}

impl Edge {
    /// What broke on the edge, why, in which traces, and what to change; `None` if nothing is known
    /// to have broken.
    pub fn sentence(&self) -> Option<String> {
        if !self.is_broken() {
            return None;
        }
        let edge = format!("{} -> {} ({})", self.from, self.to, self.channel);
        let more = self.ambiguous.at_least;
        let is_exact = more == self.ambiguous.at_most;
        let more = match is_exact {
            true => count(more),
            false => format!("at least {}", count(more)),
        };
        let worst = self.worst();
        let mut sentence = match worst {
            None => format!(
                "{edge}: {more} hand-offs broke, although it is unknown which receiver belongs to which sender."
            ),
            Some(_) => {
                let broken = self.verdicts.iter().filter(|(verdict, _)| !verdict.holds());
                let broken: Vec<String> = broken
                    .map(|(verdict, number)| format!("{} {verdict}", count(*number)))
                    .collect();
                let and_more = match self.ambiguous.at_least {
                    0 => String::new(),
                    _ => format!(", and {more} more"),
                };
                format!(
                    "{edge}: {} of {} broke ({}){and_more}.",
                    count(self.broken()),
                    counted(self.handoffs, "hand-off"),
                    broken.join(", ")
                )
            }
        };
        if let Some(cause) = &self.cause {
            sentence += &format!(" {cause}.");
        }
        let examples = self
            .examples
            .iter()
            .filter(|example| Some(example.verdict) == worst);
        let traces: Vec<String> = examples
            .filter_map(|example| example.sender.or(example.receiver))
            .map(|span| span.trace_id.to_string())
            .collect();
        if !traces.is_empty() {
            sentence += &format!(" Traces to open: {}.", traces.join(", "));
        }
        if let Some(change) = &self.change {
            sentence += &format!(" {change}");
        }
        Some(sentence)
    }
}
