//! Small systems in `tests/data/systems/cases.txt`, one for each rule.

use std::borrow::Cow;

use baton_propagators::{SpanId, TraceId};
use baton_traces::audit::{Audit, Judged, Options};
use baton_traces::span::{
    AnyValue, Key, Kind, Link, Span, SpanReference, StatusCode, UnixTime, Value,
};

fn trace_id(hex: &str) -> TraceId {
    TraceId::from_hex(&format!("{hex:0>32}")).expect(hex)
}

fn span_id(hex: &str) -> SpanId {
    SpanId::from_hex(&format!("{hex:0>16}")).expect(hex)
}

fn reference(trace: &str, span: &str) -> SpanReference {
    SpanReference {
        trace_id: trace_id(trace),
        span_id: span_id(span),
    }
}

/// The span that a line describes.
fn span(line: &str) -> Span<'_> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [
        service,
        kind,
        trace,
        id,
        parent,
        start,
        end,
        attributes @ ..,
    ] = fields.as_slice()
    else {
        panic!("{line}");
    };
    let mut span = Span::new(reference(trace, id), service);
    span.kind = match *kind {
        "server" => Kind::Server,
        "client" => Kind::Client,
        "producer" => Kind::Producer,
        "consumer" => Kind::Consumer,
        "internal" => Kind::Internal,
        "unset" => Kind::Unspecified,
        _ => panic!("{line}"),
    };
    let time = |milliseconds: &str| {
        if milliseconds == "-" {
            return None;
        }
        let milliseconds: u64 = milliseconds.parse().expect("a number");
        UnixTime::from_nanoseconds(1_767_225_600_000_000_000 + milliseconds * 1_000_000)
    };
    span.parent_span_id = (*parent != "-").then(|| span_id(parent));
    (span.start, span.end) = (time(start), time(end));
    for attribute in attributes {
        match attribute.split_once('=').expect(line) {
            ("link", to) => {
                let (trace, span_id) = to.split_once('/').expect(line);
                span.links.push(Link {
                    to: reference(trace, span_id),
                    trace_state: Cow::Borrowed(""),
                    attributes: Vec::new(),
                });
            }
            ("service.namespace", name) => span.namespace = name.into(),
            ("error", text) => {
                span.status.code = StatusCode::Error;
                span.status.message = text.replace('_', " ").into();
            }
            ("name", name) => span.name = name.to_owned().into(),
            ("baton.span.format", form) => {
                span.attributes
                    .set(Key::SpanFormat, Value::Text(form.into()));
            }
            (name, value) => span
                .other_attributes
                .push((name.into(), AnyValue::Text(value.into()))),
        }
    }
    span
}

/// The verdicts on each edge, the further deliveries, and the hand-offs that broke at least without
/// being named.
fn said(judged: &Judged) -> Vec<String> {
    let mut said = Vec::new();
    for edge in &judged.edges {
        if edge.redelivered > 0 {
            said.push(format!(
                "{} {} again {}",
                edge.from, edge.to, edge.redelivered
            ));
        }
        for (verdict, count) in &edge.verdicts {
            said.push(format!("{} {} {verdict} {count}", edge.from, edge.to));
        }
        if edge.ambiguous.at_least > 0 {
            said.push(format!("{} {} ambiguous", edge.from, edge.to));
        }
    }
    if judged.edges.iter().any(|edge| edge.ambiguous.at_most > 0) {
        let more = judged.answer();
        said.extend(
            more.into_iter()
                .filter(|sentence| sentence.contains("do not show which call")),
        );
    }
    said.sort();
    said
}

/// The rest of the lines with this beginning, and the other lines.
fn apart<'a>(lines: Vec<&'a str>, beginning: &str) -> (Vec<&'a str>, Vec<&'a str>) {
    let (own, others): (Vec<&str>, Vec<&str>) = lines
        .into_iter()
        .partition(|line| line.starts_with(beginning));
    let own = own.iter().map(|line| &line[beginning.len()..]);
    (own.collect(), others)
}

#[test]
fn each_small_system_is_judged_as_described() {
    let text = include_str!("../data/systems/cases.txt");
    let cases = text.split("\n\n").filter(|case| case.starts_with("# "));
    let cases: Vec<&str> = cases.skip(1).collect();
    assert!(cases.len() >= 12, "{} cases", cases.len());
    // each failure says its title
    let is_wrong = |case: &&&str| std::panic::catch_unwind(|| check(case)).is_err();
    let wrong = cases.iter().filter(is_wrong).count();
    assert_eq!(wrong, 0, "of {} cases", cases.len());
}

/// Fails if the audit of a case says something else.
fn check(case: &str) {
    let (title, lines) = case.split_once('\n').expect("a title");
    let (expected, spans): (Vec<&str>, Vec<&str>) =
        lines.lines().partition(|line| line.starts_with("= "));
    let (words, expected) = apart(expected, "= because ");
    let (unjudged, expected) = apart(expected, "= unjudged ");
    let (between, expected) = apart(expected, "= may-be ");
    let (reasons, expected) = apart(expected, "= why ");
    let (channels, expected) = apart(expected, "= over ");
    let (ranges, expected) = apart(expected, "= range ");
    let expected = expected.iter().filter(|line| **line != "= nothing");
    let mut expected: Vec<String> = expected.map(|line| line[2..].to_owned()).collect();
    expected.sort();
    let mut forward = Audit::new(Options::default());
    let mut backward = Audit::new(Options::default());
    spans.iter().for_each(|line| forward.add(&span(line)));
    spans
        .iter()
        .rev()
        .for_each(|line| backward.add(&span(line)));
    let judged = forward.judge();
    // ranges say it in more detail
    let is_in_range =
        |line: &str| line.contains("do not show which call") || line.ends_with(" ambiguous");
    let said = |judged: &Judged| {
        let mut said = said(judged);
        said.retain(|line| ranges.is_empty() || !is_in_range(line));
        said
    };
    assert_eq!(said(&judged), expected, "{title}");
    for count in unjudged {
        assert_eq!(
            judged.not_judged().to_string(),
            count,
            "{title}, not judged"
        );
    }
    for expected in between {
        let fields: Vec<&str> = expected.split(' ').collect();
        let all = judged.unjudged.iter();
        let counted = all.filter(|it| it.may_be_between(fields[0], fields[1]));
        let count: u64 = counted.map(|it| it.count).sum();
        assert_eq!(count.to_string(), fields[2], "{title}: {expected}");
    }
    let all = judged.unjudged.iter();
    let mut whys: Vec<String> = all.map(|it| format!("{} {}", it.count, it.why)).collect();
    for words in reasons {
        let at = whys.iter().position(|why| why.starts_with(words));
        whys.remove(at.unwrap_or_else(|| panic!("{title}: {words}, of {whys:?}")));
    }
    let edges = judged.edges.iter();
    let between = edges.filter(|it| it.ambiguous.at_most > 0).map(|it| {
        let (least, most) = (it.ambiguous.at_least, it.ambiguous.at_most);
        format!("{} {} {least} {most}", it.from, it.to)
    });
    if !ranges.is_empty() {
        assert_eq!(between.collect::<Vec<_>>(), ranges, "{title}: ranges");
    }
    for channel in channels {
        let all = judged.edges.iter().map(|edge| edge.channel.to_string());
        assert!(
            all.clone().any(|other| other == channel),
            "{title}: {channel}"
        );
    }
    for words in words {
        let causes = judged.edges.iter().filter_map(|edge| edge.cause.as_ref());
        let causes: Vec<&String> = causes.collect();
        assert!(
            causes.iter().any(|cause| cause.contains(words)),
            "{title}: {causes:?}"
        );
    }
    assert_eq!(said(&backward.judge()), expected, "{title}, backward");
}
