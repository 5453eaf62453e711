//! A new format costs one file and one line: the tests' own format takes part in everything.

use crate::{
    Explanation, Format, HeaderList, Mode, Outgoing, Propagation, Sampling, Setter, SpanId,
    TraceContext, TraceId,
};

const NAME: &str = "added";
const HEADER: &str = "x-added";
const TRACE_ID: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN_ID: &str = "a2fb4a1d1a96d312";

fn sent() -> Outgoing {
    let trace_id = TraceId::from_hex(TRACE_ID).expect("a trace id");
    let span_id = SpanId::from_hex(SPAN_ID).expect("a span id");
    TraceContext::new(trace_id, span_id, Sampling::Keep).into()
}

fn both_ways() -> Propagation {
    let mode: Mode = "tracecontext,Added".parse().expect("formats");
    Propagation::from(mode)
}

#[test]
fn it_can_be_listed_in_a_mode() {
    let mode = both_ways().extract;
    assert_eq!(mode.to_string(), "tracecontext,added");
    let names: Vec<_> = mode.context_formats().map(Format::name).collect();
    assert_eq!(names, ["tracecontext", "added"]);
    assert!(mode.reads(&NAME.parse().expect("a format")));
    let suggestion = "aded".parse::<Mode>().expect_err("unknown").to_string();
    assert!(suggestion.contains("did you mean added?"), "{suggestion}");
}

#[test]
fn it_is_injected_and_extracted_beside_others() {
    let mut headers = HeaderList::new();
    both_ways().inject(&sent(), &mut headers);
    let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["traceparent", HEADER]);

    headers.set(HEADER, &format!("{TRACE_ID}{}", "0".repeat(15) + "1"));
    let extraction = both_ways().extract(&headers);
    assert_eq!(extraction.continued().map(|found| found.format), Some(NAME));
    let conflict = extraction.conflict.expect("another span");
    assert_eq!(conflict.formats.as_slice(), ["tracecontext", NAME]);
}

#[test]
fn what_arrives_in_it_is_explained() {
    let explained = |headers: &HeaderList| {
        let extraction = both_ways().extract(headers);
        Explanation::new(&extraction.candidates, headers)
    };
    let mut headers = HeaderList::new();
    both_ways().inject(&sent(), &mut headers);
    assert_eq!(
        explained(&headers).summary,
        format!(
            "traceparent and x-added agree on trace {TRACE_ID}, span {SPAN_ID}, but about sampling traceparent says \
             sampled, x-added says sampling deferred: a service that reads one of them as specified continues that \
             span."
        )
    );
    headers = HeaderList::from([(HEADER, "short")]);
    assert_eq!(
        explained(&headers).summary,
        "No usable trace context arrives, so a receiver starts a new trace: x-added names a trace but no \
         parent span, so there is no span to continue."
    );
}
