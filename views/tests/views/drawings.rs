//! Service maps and waterfalls exactly as a terminal shows them.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use baton_propagators::{SpanId, TraceId};
use baton_traces::service_map::ServiceMap;
use baton_traces::source::Source;
use baton_traces::source::load::load;
use baton_traces::span::{Kind, SpanReference, StatusCode, UnixTime, Want};
use baton_traces::trace::index::{Filter, TraceIndex};
use baton_traces::trace::{Gathering, Trace, TraceSpan};
use baton_views::drawing::Page;
use baton_views::service_map;
use baton_views::terminal::TextStyle;
use baton_views::waterfall::Waterfall;

use crate::case::{self, Case, Order};

const UNICODE: TextStyle = TextStyle {
    unicode: true,
    colour: false,
};

/// Every drawing equals its file, whatever the order of the spans.
#[test]
fn maps_and_waterfalls_are_drawn_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/views/drawings");
    let cases = case::parse_folder(Path::new(folder));
    assert!(cases.len() >= 12, "{} cases", cases.len());
    let mut failures = String::new();
    for case in &cases {
        for order in [Order::AsWritten, Order::Reversed] {
            let got = drawn(case, order);
            if got != case.drawing {
                let _ = writeln!(failures, "== {} ({order:?})\n--\n{got}\n", case.title);
            }
        }
    }
    assert!(failures.is_empty(), "these were drawn:\n\n{failures}");
}

/// The map, and the waterfall of the case's first trace with its journey.
fn drawn(case: &Case, order: Order) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    case.write(directory.path(), order);
    let source = Source::from(directory.path());
    let index = index(&source, Filter::default());
    let trace_id = index.find(&case.first_trace()).expect("the first trace");
    let waterfall = waterfall(&source, &index, trace_id);
    format!(
        "{}\n\n{}",
        service_map::text(&ServiceMap::of(&index), UNICODE),
        waterfall.text(UNICODE)
    )
}

fn index(source: &Source, filter: Filter) -> TraceIndex {
    let want = filter.want();
    let mut index = TraceIndex::new(filter);
    let loaded = load(source, want, &mut index).expect("a run");
    index.finish(&loaded.extent);
    index
}

fn waterfall(source: &Source, index: &TraceIndex, trace_id: TraceId) -> Waterfall {
    let journey = index.journey(trace_id, 5);
    let mut gathering = Gathering::new(journey.traces.iter().copied());
    source
        .read(Want::Everything, &mut |span| gathering.add_span(span))
        .expect("spans");
    let traces: Vec<Trace> = journey
        .traces
        .iter()
        .filter_map(|id| gathering.get(*id))
        .collect();
    Waterfall::new(&traces, &journey.passages, 100)
}

fn trace_id(byte: u8) -> TraceId {
    TraceId::from_bytes([byte; 16]).expect("not 0")
}

fn span_id(number: u64) -> SpanId {
    SpanId::from_bytes(number.to_be_bytes()).expect("not 0")
}

/// A span of trace 1 from `start_ms` that takes a millisecond.
fn span(id: u64, parent: Option<u64>, start_ms: u64, service: &str, name: &str) -> TraceSpan {
    let at = |ms: u64| UnixTime::from_nanoseconds((1_700_000_000_000 + ms) * 1_000_000);
    TraceSpan {
        reference: SpanReference {
            trace_id: trace_id(1),
            span_id: span_id(id),
        },
        parent_span_id: parent.map(span_id),
        service: service.to_owned(),
        name: name.to_owned(),
        kind: Kind::Internal,
        start: at(start_ms),
        end: at(start_ms + 1),
        trace_state: String::new(),
        status: StatusCode::Unset,
        status_message: String::new(),
        attributes: Default::default(),
        resource: Default::default(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

#[test]
fn attributes_are_shown_on_request() {
    let mut client = span(1, None, 0, "client", "POST");
    for (name, value) in [
        ("baton.defect", "upper_case"),
        ("url.path", "/dev/\u{1b}[31m"),
    ] {
        client.attributes.insert(name.to_owned(), value.into());
    }
    let waterfall = Waterfall::new(&[Trace::new(trace_id(1), vec![client])], &[], 20);
    let text = waterfall.text_with_attributes(UNICODE);
    let line = "         baton.defect=\"upper_case\"  url.path=\"/dev/\\u001b[31m\"";
    assert_eq!(text.lines().last(), Some(line), "{text}");
    assert!(!waterfall.text(UNICODE).contains("baton.defect"));
}

#[test]
fn a_trace_of_100_000_spans_is_folded_and_says_so() {
    let mut spans = vec![
        span(1, None, 0, "a", "root"),
        span(2, Some(1), 1, "a", "first"),
        span(3, Some(1), 500, "a", "second"),
    ];
    spans.extend((4..=100_000).map(|id| span(id, Some(2), 2 + id % 100, "a", "many")));
    let trace = Trace::new(trace_id(1), spans);
    let text = Waterfall::new(&[trace], &[], 20).text(UNICODE);
    // the heading, twenty spans, and the count of further spans
    assert_eq!(text.lines().count(), 22, "{text}");
    assert!(text.contains("100,000 spans"), "{text}");
    assert!(text.contains("… 99,980 more spans"), "{text}");
    assert!(
        text.contains("second"),
        "spans near the root are shown: {text}"
    );
}

#[test]
fn a_chain_of_100_000_spans_is_drawn_and_stays_within_its_columns() {
    let spans = (1..=100_000).map(|id| span(id, (id > 1).then(|| id - 1), id / 100, "a", "deeper"));
    let trace = Trace::new(trace_id(1), spans.collect());
    let waterfall = Waterfall::new(&[trace], &[], 100);
    for line in waterfall.text(UNICODE).lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(waterfall.drawing(Page::Narrow).standalone().len() < 200_000);
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\u{1b}[2J\u{1b}[31mred",
    "line\nbreak\ttab",
    "\u{202e}backwards",
    "\"><img src=x onerror=alert(1)>",
    "日本語の名前がとても長いのでここで切られるはずです",
];

#[test]
fn a_hostile_name_neither_controls_the_terminal_nor_escapes_the_picture() {
    for hostile in HOSTILE {
        let trace = Trace::new(trace_id(1), vec![span(1, None, 0, hostile, hostile)]);
        let waterfall = Waterfall::new(&[trace], &[], 10);
        let text = waterfall.text(UNICODE);
        let controls = |character: char| {
            character.is_control() && character != '\n' || character == '\u{202e}'
        };
        assert!(!text.contains(controls), "{text:?}");
        assert_eq!(text.lines().count(), 2, "{text:?}");
        for page in [Page::Wide, Page::Narrow] {
            let svg = waterfall.drawing(page).standalone();
            assert!(!svg.contains(controls), "{svg:?}");
            let document = roxmltree::Document::parse(&svg).expect("well-formed");
            let elements = document.descendants().filter(roxmltree::Node::is_element);
            let names: Vec<_> = elements
                .map(|element| element.tag_name().name().to_owned())
                .collect();
            let known =
                |name: &String| ["svg", "style", "rect", "path", "text"].contains(&name.as_str());
            assert!(names.iter().all(known), "{names:?}");
        }
    }
}

#[test]
fn spans_without_times_and_with_impossible_times_are_shown() {
    let mut no_start = span(1, None, 0, "a", "no start");
    no_start.start = None;
    let mut backwards = span(2, None, 10, "a", "backwards");
    backwards.end = UnixTime::from_nanoseconds(1_700_000_000_005 * 1_000_000);
    let mut failed = span(3, None, 12, "", "");
    failed.status = StatusCode::Error;
    failed.status_message = "no\nroute".to_owned();
    let trace = Trace::new(trace_id(1), vec![no_start, backwards, failed]);
    let text = Waterfall::new(&[trace], &[], 10).text(UNICODE);
    for expected in [
        "└ has no start",
        "└ ends 5.00 ms before it starts",
        "(no service name) (no name)",
        "└ failed: no\\nroute",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn a_span_exported_twice_is_one() {
    let trace = Trace::new(
        trace_id(1),
        vec![span(1, None, 0, "a", "root"), span(1, None, 0, "a", "root")],
    );
    assert_eq!(trace.spans.len(), 1);
    assert_eq!(trace.spans[0].duration(), Some(Duration::from_millis(1)));
}
