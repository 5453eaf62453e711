//! One trace as a waterfall, with the traces that hand-offs join to it.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use baton_propagators::TraceId;
use baton_traces::hand_off::Hop;
use baton_traces::readers::collect::Collect;
use baton_traces::shown::{self, service_name, visible};
use baton_traces::source::extent::Extent;
use baton_traces::trace::index::{Filter, Journey, TraceIndex, Wanted};
use baton_traces::trace::{Trace, TraceSpan};
use baton_views::drawing::Page as Width;
use baton_views::waterfall::Waterfall;

use super::Shared;
use crate::carrier::Carrier;
use crate::explain;
use crate::frame::{self, Frame, MessagePage};
use crate::live::Live;
use crate::map::address;

/// How many joined traces, spans of a trace and records are shown.
const MAX_TRACES: usize = 6;
const MAX_SPANS: usize = 200;
const MAX_RECORDS: usize = 10;

/// What the page says about a trace that only the functions' logs show.
const UNSAMPLED: &str =
    " This trace was not sampled, so it has no spans. Its ids are from the functions' logs.";
/// How long a request may wait until something is known of it. Its first span comes with the
/// answer, and a line of the log half a second later.
const MAX_WAIT: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "trace.html")]
struct TracePage {
    frame: Frame,
    trace_id: String,
    /// Whether there are spans to draw. A trace that was not sampled has none.
    has_spans: bool,
    state: &'static str,
    answer: String,
    wide: String,
    narrow: String,
    carriers: Vec<RecordView>,
    /// How many records are not among these, in a sentence.
    further_records: Option<String>,
    spans: Vec<SpanView>,
}

/// What a record carried.
struct RecordView {
    sequence_number: String,
    note: Option<String>,
    headers: Vec<HeaderView>,
}

/// One header, explained.
struct HeaderView {
    name: String,
    value: String,
    says: String,
    address: String,
}

/// One span with everything that it has.
struct SpanView {
    service: String,
    name: String,
    kind: String,
    duration: Option<String>,
    pairs: Vec<(String, String)>,
    links: Vec<LinkView>,
    events: Vec<String>,
}

struct LinkView {
    trace_id: String,
    span_id: String,
}

/// The trace with this id. The beginning of an id, or an id in another form, leads to the list.
pub(super) async fn trace(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let is_whole = TraceId::from_hex(&id.to_ascii_lowercase()).is_some();
    if !is_whole && Wanted::parse(&id).is_some() {
        return Redirect::to(&address("/traces", &[("id", id)])).into_response();
    }
    let found = match TraceId::from_hex(&id.to_ascii_lowercase()) {
        Some(trace_id) => {
            let page = shared.page.clone();
            let read = tokio::task::spawn_blocking(move || view(&page.live, trace_id));
            read.await.ok().flatten()
        }
        None => None,
    };
    let title = format!("Trace {}", visible(&id));
    let frame = Frame::new(&shared.controls, title, "Traces");
    match found {
        Some(found) => frame::page(&found(frame)),
        None => {
            let message = MessagePage {
                frame,
                message: "No trace with this id is in memory. It has not arrived yet, or it has left memory. \
                          The lab's directory has every trace."
                    .to_owned(),
                address: "/traces".to_owned(),
                link: "All traces",
            };
            frame::message(StatusCode::NOT_FOUND, message)
        }
    }
}

/// The trace in which a request was handled, by the id that the endpoint returned.
pub(super) async fn of_request(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let mut changes = shared.page.live.changes();
    let known = async {
        loop {
            if let Some(trace_id) = shared.page.live.trace_of_request(&id) {
                return trace_id;
            }
            if changes.changed().await.is_err() {
                std::future::pending().await
            }
        }
    };
    if let Ok(trace_id) = tokio::time::timeout(MAX_WAIT, known).await {
        return Redirect::to(&format!("/traces/{trace_id}")).into_response();
    }
    let again = format!("/requests/{}", id.replace(['?', '#', '%', '/'], ""));
    let message = MessagePage {
        frame: Frame::new(&shared.controls, "Request", "Traces"),
        message: "Nothing is known of this request: no span and no line of a log with its id is in memory."
            .to_owned(),
        address: again,
        link: "Try again",
    };
    frame::message(StatusCode::NOT_FOUND, message)
}

/// Reads the trace and draws it; `None` if it is not held.
fn view(live: &Live, trace_id: TraceId) -> Option<impl FnOnce(Frame) -> TracePage + use<>> {
    let mut index = TraceIndex::new(Filter::default());
    let mut part = index.part();
    let traces = live.read(trace_id, MAX_TRACES, &mut |span| {
        part.add(span);
        index.add_span(span);
    });
    index.add_part(part);
    let mut ids: Vec<TraceId> = traces.iter().map(|trace| trace.trace_id).collect();
    if ids.is_empty() {
        ids.push(trace_id);
    }
    let mut logged = 0;
    live.unsampled_ends(&ids, &mut |line| {
        index.add_log_line(line);
        logged += 1;
    });
    if traces.is_empty() && logged == 0 {
        return None;
    }
    // other receivers may not have come yet, so nothing is lost
    index.finish(&Extent {
        is_run: true,
        is_cut_short: true,
        ..Extent::default()
    });
    let journey = index.journey(trace_id, MAX_TRACES);
    let waterfall = Waterfall::new(&traces, &journey.passages, MAX_SPANS);
    let (mut state, mut answer) = answer(&traces, &journey);
    if is_rest(live, &ids) {
        answer.push_str(" Earlier spans have left memory, and are not shown.");
        if state == "whole" {
            state = "quiet";
        }
    }
    if traces.is_empty() {
        answer.push_str(UNSAMPLED);
    }
    let carriers = carriers(live, &journey);
    let further_records = further_records(&journey, carriers.len());
    Some(move |frame| TracePage {
        frame,
        trace_id: trace_id.to_string(),
        has_spans: !traces.is_empty(),
        state,
        answer,
        wide: waterfall.drawing(Width::Wide).inline(),
        narrow: waterfall.drawing(Width::Narrow).inline(),
        carriers,
        further_records,
        spans: traces.iter().flat_map(spans).take(MAX_SPANS).collect(),
    })
}

/// Whether earlier spans of these traces have left memory.
fn is_rest(live: &Live, ids: &[TraceId]) -> bool {
    let held = live.held();
    ids.iter().any(|id| held.is_rest(*id))
}

/// What became of the trace, in a sentence.
fn answer(traces: &[Trace], journey: &Journey) -> (&'static str, String) {
    let verdicts = journey.passages.iter().filter_map(|passage| {
        let hop = match passage.hop {
            Hop::Ingress => "the request",
            Hop::Record => "the record",
        };
        Some((hop, passage.verdict?))
    });
    let verdicts: Vec<_> = verdicts.collect();
    let broken = verdicts.iter().find(|(_, verdict)| !verdict.holds());
    match (broken, verdicts.is_empty()) {
        (Some((hop, verdict)), _) => {
            let parts = match traces.len() {
                1 => String::new(),
                number => format!(" {number} traces are shown, on one time scale."),
            };
            (
                "broken",
                format!(
                    "✗ The trace broke at {hop} ({verdict}): {}.{parts}",
                    verdict.meaning()
                ),
            )
        }
        (None, true) if journey.passages.is_empty() => (
            "quiet",
            "No hand-off begins or ends in this trace.".to_owned(),
        ),
        (None, true) => (
            "quiet",
            "No hand-off of this trace could be judged: its sender or its receiver has no span."
                .to_owned(),
        ),
        (None, false) if traces.len() >= MAX_TRACES => (
            "quiet",
            format!(
                "Every judged hand-off between the {MAX_TRACES} traces shown held. There may be more traces."
            ),
        ),
        (None, false) => ("whole", "✓ Every judged hand-off held.".to_owned()),
    }
}

/// How many records of a journey are not among the `shown` ones; `None` if all are.
fn further_records(journey: &Journey, shown: usize) -> Option<String> {
    let records = journey.passages.iter();
    let records = records.filter(|passage| passage.hop == Hop::Record);
    let further = records.count().saturating_sub(shown);
    (further > 0).then(|| {
        format!(
            "The headers of {} are not shown: they are not in memory, or are not among the first {MAX_RECORDS}.",
            shown::counted(further as u64, "record")
        )
    })
}

/// What the records of a journey carried, with what each header says.
fn carriers(live: &Live, journey: &Journey) -> Vec<RecordView> {
    let held = live.held();
    let records = journey.passages.iter();
    let records = records.filter(|passage| passage.hop == Hop::Record);
    let found = records.filter_map(|passage| Some((&passage.key, held.carrier(&passage.key)?)));
    found
        .take(MAX_RECORDS)
        .map(|(sequence_number, carrier)| {
            let (note, headers) = match carrier {
                Carrier::None => (
                    Some(
                        "This record has no headers. It is the body of the request alone."
                            .to_owned(),
                    ),
                    Vec::new(),
                ),
                Carrier::TooLong(bytes) => (
                    Some(format!(
                        "The headers of this record have {bytes} bytes, which is too many to keep."
                    )),
                    Vec::new(),
                ),
                Carrier::Headers(headers) if headers.is_empty() => (
                    Some("The envelope of this record has no headers.".to_owned()),
                    Vec::new(),
                ),
                Carrier::Headers(headers) => (
                    (headers.len() > 1).then(|| explain::summary(headers)),
                    headers.iter().map(HeaderView::of).collect(),
                ),
            };
            RecordView {
                sequence_number: visible(sequence_number),
                note,
                headers,
            }
        })
        .collect()
}

impl HeaderView {
    fn of((name, value): (&str, &str)) -> HeaderView {
        let text = format!("{name}: {value}");
        HeaderView {
            says: explain::one_header(name, value),
            address: address("/explain", &[("text", text)]),
            name: visible(name),
            value: visible(value),
        }
    }
}

/// The spans of a trace in the order of its tree.
fn spans(trace: &Trace) -> Vec<SpanView> {
    let tree = trace.tree();
    let spans = tree
        .iter()
        .map(|node| SpanView::of(&trace.spans[node.span]));
    spans.collect()
}

impl SpanView {
    fn of(span: &TraceSpan) -> SpanView {
        let mut pairs = vec![
            ("trace id".to_owned(), span.reference.trace_id.to_string()),
            ("span id".to_owned(), span.reference.span_id.to_string()),
        ];
        if let Some(parent) = span.parent_span_id {
            pairs.push(("parent".to_owned(), parent.to_string()));
        }
        if let Some(start) = span.start {
            pairs.push(("start".to_owned(), shown::time(start)));
        }
        if !span.trace_state.is_empty() {
            pairs.push(("tracestate".to_owned(), visible(&span.trace_state)));
        }
        if !span.status_message.is_empty() {
            pairs.push(("status".to_owned(), visible(&span.status_message)));
        }
        let attributes = span.attributes.iter().chain(&span.resource);
        pairs.extend(attributes.map(|(name, value)| {
            let value = match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (visible(name), visible(&value))
        }));
        SpanView {
            service: service_name(&span.service),
            name: visible(&span.name),
            kind: format!("{:?}", span.kind).to_lowercase(),
            duration: span.duration().map(shown::duration),
            pairs,
            links: span
                .links
                .iter()
                .map(|link| LinkView {
                    trace_id: link.trace_id.to_string(),
                    span_id: link.span_id.to_string(),
                })
                .collect(),
            events: span
                .events
                .iter()
                .map(|event| visible(&event.name))
                .collect(),
        }
    }
}
