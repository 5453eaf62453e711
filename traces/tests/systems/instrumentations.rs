//! What an audit says of the spans that instrumentations write: one form of each in
//! `tests/data/systems/instrumentations.txt`, with a context that arrives as the parent, as a link,
//! or not at all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use baton_propagators::{SpanId, TraceId};
use baton_traces::audit::{Audit, Judged, Options};
use baton_traces::span::{AnyValue, Kind, Link, Span, SpanReference, UnixTime};

/// One end, as a line describes it.
struct End<'a> {
    service: &'a str,
    kind: Kind,
    id: &'a str,
    /// Whether its context is sent.
    is_sent: bool,
    parent: &'a str,
    attributes: Vec<(&'a str, String)>,
}

/// How one instrumentation writes a hand-off, and what an audit says of it.
struct Form<'a> {
    title: &'a str,
    ends: Vec<End<'a>>,
    channel: &'a str,
    rest: &'a str,
    lost: &'a str,
}

/// How the sender's context arrives at the receiver.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arrives {
    AsParent,
    AsLink,
    Not,
}

fn kind(name: &str) -> Kind {
    match name {
        "unset" => Kind::Unspecified,
        "internal" => Kind::Internal,
        "server" => Kind::Server,
        "client" => Kind::Client,
        "producer" => Kind::Producer,
        "consumer" => Kind::Consumer,
        _ => panic!("{name}"),
    }
}

fn form(text: &str) -> Form<'_> {
    let mut form = Form {
        title: "",
        ends: Vec::new(),
        channel: "",
        rest: "0",
        lost: "",
    };
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            form.title = title;
        } else if let Some(channel) = line.strip_prefix("= over ") {
            form.channel = channel;
        } else if let Some(count) = line.strip_prefix("= rest ") {
            form.rest = count;
        } else if let Some(lost) = line.strip_prefix("= lost ") {
            form.lost = lost;
        } else {
            let fields: Vec<&str> = line.split(' ').collect();
            let [service, name, id, parent, attributes @ ..] = fields.as_slice() else {
                panic!("{line}");
            };
            let attributes = attributes.iter().map(|it| it.split_once('=').expect(line));
            form.ends.push(End {
                service,
                kind: kind(name),
                id: id.trim_end_matches('*'),
                is_sent: id.ends_with('*'),
                parent,
                attributes: attributes
                    .map(|(name, value)| (name, value.replace('+', " ")))
                    .collect(),
            });
        }
    }
    form
}

fn reference(trace: &str, span: &str) -> SpanReference {
    SpanReference {
        trace_id: TraceId::from_hex(&format!("{trace:0>32}")).expect(trace),
        span_id: SpanId::from_hex(&format!("{span:0>16}")).expect(span),
    }
}

fn time(milliseconds: u64) -> Option<UnixTime> {
    UnixTime::from_nanoseconds((1_767_225_600_000 + milliseconds) * 1_000_000)
}

impl Form<'_> {
    fn sent(&self) -> &End<'_> {
        self.ends.iter().find(|end| end.is_sent).expect(self.title)
    }

    /// The ways in which the context may arrive: not as a parent, if it only ever becomes a link.
    fn ways(&self) -> Vec<Arrives> {
        let received = self.ends.iter().filter(|end| end.parent.ends_with('<'));
        let mut ways = vec![Arrives::Not];
        if received.clone().any(|end| end.parent == "<") {
            ways.push(Arrives::AsParent);
        }
        if received.clone().all(|end| end.kind == Kind::Consumer) {
            ways.push(Arrives::AsLink);
        }
        ways
    }

    /// The spans of both ends. A number is text or an integer.
    fn spans(&self, arrives: Arrives, has_integers: bool) -> Vec<Span<'_>> {
        let is_request = self.sent().kind == Kind::Client
            && self
                .ends
                .iter()
                .any(|end| end.kind == Kind::Server && end.parent == "<");
        let mut traces: BTreeMap<&str, &str> = BTreeMap::new();
        let mut spans: Vec<Span<'_>> = Vec::new();
        for (start, end) in (0..).step_by(10).zip(&self.ends) {
            let sent = self.sent().id;
            let own = end.parent.trim_end_matches(['<', '-']);
            let parent = match end.parent {
                "<" if arrives == Arrives::AsParent => sent,
                _ => own,
            };
            let trace = traces.get(parent).copied().unwrap_or(end.id);
            traces.insert(end.id, trace);
            let mut span = Span::new(reference(trace, end.id), end.service);
            span.kind = end.kind;
            span.parent_span_id = (!parent.is_empty()).then(|| reference(trace, parent).span_id);
            let is_later = end.service == "b" && !is_request;
            let start = if is_later { start + 1000 } else { start };
            let lasts = if is_request && end.service == "a" {
                900
            } else {
                5
            };
            (span.start, span.end) = (time(start), time(start + lasts));
            let links = end.attributes.iter().filter(|(name, _)| *name == "link");
            let links = links.map(|(_, to)| reference(traces[&**to], to));
            let arrived = end.parent.ends_with('<') && arrives == Arrives::AsLink;
            let arrived = arrived.then(|| reference(traces[sent], sent));
            span.links = links.chain(arrived).map(|to| end.link(to)).collect();
            for (name, value) in &end.attributes {
                match *name {
                    "name" => span.name = value.into(),
                    name if name == "link" || name.starts_with("link.") => {}
                    name => {
                        let value = typed(value, has_integers);
                        span.other_attributes.push((name.into(), value));
                    }
                }
            }
            spans.push(span);
        }
        spans
    }
}

impl End<'_> {
    fn link(&self, to: SpanReference) -> Link<'_> {
        let own = self.attributes.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("link.")?;
            Some((name.into(), typed(value, false)))
        });
        Link {
            to,
            trace_state: Cow::Borrowed(""),
            attributes: own.collect(),
        }
    }
}

fn typed(value: &str, has_integers: bool) -> AnyValue<'_> {
    let number = value.parse().ok().filter(|_| has_integers);
    number.map_or(AnyValue::Text(value.into()), AnyValue::Integer)
}

/// What an audit says of the hand-offs, and over which channels they went.
fn said(judged: &Judged) -> (Vec<String>, Vec<String>) {
    let (mut said, mut channels) = (Vec::new(), Vec::new());
    for edge in &judged.edges {
        channels.push(edge.channel.to_string());
        let ends = format!("{} {}", edge.from, edge.to);
        for (verdict, count) in &edge.verdicts {
            said.push(format!("{ends} {verdict} {count}"));
        }
        if edge.redelivered > 0 {
            said.push(format!("{ends} again {}", edge.redelivered));
        }
        if edge.ambiguous.at_most > 0 {
            said.push(format!("perhaps {}", edge.ambiguous.at_most));
        }
    }
    if judged.not_judged() > 0 {
        said.push(format!("unjudged {}", judged.not_judged()));
    }
    (said, channels)
}

impl Form<'_> {
    fn expected(&self, arrives: Arrives) -> Vec<String> {
        let held = match arrives {
            Arrives::AsParent => "a b connected 1",
            Arrives::AsLink => "a b linked 1",
            Arrives::Not if self.lost.contains(' ') => return vec![self.lost.to_owned()],
            Arrives::Not => return vec![format!("a b {} 1", self.lost)],
        };
        let rest = format!("unjudged {}", self.rest);
        let rest = (self.rest != "0").then_some(rest);
        std::iter::once(held.to_owned()).chain(rest).collect()
    }
}

#[test]
fn each_instrumentation_s_hand_off_is_one_hand_off() {
    let text = include_str!("../data/systems/instrumentations.txt");
    let forms = text.split("\n\n").filter(|form| form.starts_with("# "));
    let forms: Vec<Form<'_>> = forms.skip(1).map(form).collect();
    let mut wrong = Vec::new();
    for form in &forms {
        for arrives in form.ways() {
            for has_integers in [false, true] {
                let mut audit = Audit::new(Options::default());
                let spans = form.spans(arrives, has_integers);
                spans.iter().for_each(|span| audit.add(span));
                let (said, channels) = said(&audit.judge());
                let is_right = said == form.expected(arrives)
                    && channels.iter().all(|channel| channel == form.channel);
                if !is_right {
                    let expected = form.expected(arrives);
                    wrong.push(format!(
                        "{} {arrives:?}: {said:?} over {channels:?}, not {expected:?} over {}",
                        form.title, form.channel
                    ));
                }
            }
        }
    }
    assert!(forms.len() > 80, "{} forms", forms.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
