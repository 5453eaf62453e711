//! Tests of the exact words about headers. `claims.rs` checks their statements about other
//! libraries against measurements.

use crate::explained::{all, explain};
use baton_propagators::{Engine, Explanation, HeaderList, Propagation, XraySource};

fn explain_upstream(headers: &HeaderList) -> Explanation {
    let propagation = Propagation {
        engine: Engine::Otel,
        ..all()
    };
    Explanation::new(&propagation.extract(headers).candidates, headers)
}

fn explain_in_lambda(headers: &HeaderList, trace_header: &str) -> Explanation {
    let propagation = Propagation {
        xray_source: XraySource::Environment,
        ..all()
    };
    let extraction = propagation.extract_with_environment(headers, Some(trace_header));
    Explanation::new(&extraction.candidates, headers)
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn the_summary_says_what_arrives_and_who_continues_what() {
    let b3 = |value: &str| HeaderList::from([("traceparent", TRACEPARENT), ("b3", value)]);
    for (headers, expected) in [
        (
            HeaderList::from([("accept", "*/*")]),
            "No trace context arrives, so a receiver starts a new trace: there is no header of any format.",
        ),
        (
            HeaderList::from([("baggage", "a=1")]),
            "Only baggage arrives, so a receiver starts a new trace.",
        ),
        (
            HeaderList::from([("b3", "0")]),
            "No trace context arrives, so a receiver starts a new trace: b3 names no span to continue and only asks \
             not to sample.",
        ),
        (
            HeaderList::from([("b3", "1-2")]),
            "No usable trace context arrives, so a receiver starts a new trace: b3 has a TraceId of 1 character \
             instead of 32 or 16, at byte 0.",
        ),
        (
            HeaderList::from([
                ("x-datadog-trace-id", "5208512171318403364"),
                ("x-datadog-parent-id", "0"),
                ("x-datadog-sampling-priority", "1"),
            ]),
            "No span to continue arrives, so a receiver starts a root span, in the arriving trace or in a new one: \
             x-datadog-trace-id names a trace but no span, and only asks to sample.",
        ),
        (
            HeaderList::from([("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)]),
            "traceparent arrives twice with trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, sampled, \
             but may arrive only once: a receiver that follows the specification starts a new trace.",
        ),
        (
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                (
                    "traceparent",
                    "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-01",
                ),
            ]),
            "Two different traces arrive in traceparent, 0af7651916cd43dd8448eb211c80319c and \
             463ac35c9f6413ad48485a3953bb6124, although it may arrive only once: a receiver that follows the \
             specification starts a new trace.",
        ),
        (
            HeaderList::from([("traceparent", TRACEPARENT), ("traceparent", "garbage")]),
            "No usable trace context arrives, so a receiver starts a new trace: traceparent arrived several times, \
             but may arrive only once.",
        ),
        (
            HeaderList::from([("traceparent", TRACEPARENT)]),
            "One trace context arrives in traceparent, trace 0af7651916cd43dd8448eb211c80319c, span \
             b7ad6b7169203331, sampled: a service that reads tracecontext as specified continues it.",
        ),
        (
            HeaderList::from([
                ("x-b3-traceid", "463ac35c9f6413ad"),
                ("x-b3-spanid", "a2fb4a1d1a96d312"),
            ]),
            "One trace context arrives in x-b3-traceid, trace 0000000000000000463ac35c9f6413ad, span \
             a2fb4a1d1a96d312, sampling deferred: a service that reads b3multi as specified continues it.",
        ),
        (
            b3("garbage"),
            "One trace context arrives in traceparent, trace 0af7651916cd43dd8448eb211c80319c, span \
             b7ad6b7169203331, sampled: a service that reads tracecontext as specified continues it; b3 has a \
             TraceId of 7 characters instead of 32 or 16, at byte 0.",
        ),
        (
            b3("463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1"),
            "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, b3 says \
             463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,b3 continues b3's, because \
             in its list the last valid format wins, and with b3,tracecontext it continues traceparent's; Datadog's \
             libraries with tracecontext,b3 continue traceparent's and link b3's.",
        ),
        (
            b3("0af7651916cd43dd8448eb211c80319c-a2fb4a1d1a96d312-1"),
            "One trace arrives with two different parents: traceparent says b7ad6b7169203331, b3 says \
             a2fb4a1d1a96d312; an OpenTelemetry service with tracecontext,b3 continues b3's, because in its list the \
             last valid format wins, and with b3,tracecontext it continues traceparent's; Datadog's libraries with \
             tracecontext,b3 continue traceparent's.",
        ),
        (
            b3("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"),
            "One span arrives with two sampling decisions: traceparent says sampled, b3 says not sampled; an \
             OpenTelemetry service with tracecontext,b3 continues b3's, because in its list the last valid format \
             wins, and with b3,tracecontext it continues traceparent's; Datadog's libraries with tracecontext,b3 \
             continue traceparent's.",
        ),
        (
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("x-datadog-trace-id", "9532127138774266268"),
                ("x-datadog-parent-id", "1"),
                ("x-datadog-sampling-priority", "1"),
                ("x-datadog-tags", "_dd.p.tid=0af7651916cd43dd"),
            ]),
            "One trace arrives with two different parents: traceparent says b7ad6b7169203331, x-datadog-trace-id \
             says 0000000000000001; an OpenTelemetry service with tracecontext,datadog continues \
             x-datadog-trace-id's, because in its list the last valid format wins, and with datadog,tracecontext it \
             continues traceparent's; Datadog's libraries with datadog,tracecontext continue x-datadog-trace-id's \
             with traceparent's span id.",
        ),
        (
            // the most serious disagreement is reported, wherever it is
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("b3", "0af7651916cd43dd8448eb211c80319c-a2fb4a1d1a96d312-1"),
                (
                    "uber-trace-id",
                    "463ac35c9f6413ad48485a3953bb6124:a2fb4a1d1a96d312:0:1",
                ),
            ]),
            "Two different traces arrive: traceparent and b3 say 0af7651916cd43dd8448eb211c80319c, uber-trace-id \
             says 463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,jaeger continues \
             uber-trace-id's, because in its list the last valid format wins, and with jaeger,tracecontext it \
             continues traceparent's.",
        ),
        (
            // an open decision agrees with both others, which disagree
            HeaderList::from([
                ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"),
                (
                    "uber-trace-id",
                    "0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1",
                ),
                (
                    "x-amzn-trace-id",
                    "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=0",
                ),
            ]),
            "One span arrives with two sampling decisions: b3 says sampling deferred, uber-trace-id says sampled, \
             x-amzn-trace-id says not sampled; an OpenTelemetry service with jaeger,xray continues \
             x-amzn-trace-id's, because in its list the last valid format wins, and with xray,jaeger it continues \
             uber-trace-id's.",
        ),
        (
            b3("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"),
            "traceparent and b3 agree on trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, but about \
             sampling traceparent says sampled, b3 says sampling deferred: a service that reads one of them as \
             specified continues that span.",
        ),
        (
            b3("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-d"),
            "traceparent and b3 agree on trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, but about \
             sampling traceparent says sampled, b3 says sampled for debugging: a service that reads one of them as \
             specified continues that span.",
        ),
        (
            // a third header that cannot be read
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1"),
                ("uber-trace-id", "1:2"),
            ]),
            "traceparent and b3 agree on trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, sampled: a \
             service that reads one of them as specified continues it; uber-trace-id has no parent-span-id, at byte \
             3.",
        ),
        (
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                (
                    "x-amzn-trace-id",
                    "Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=?",
                ),
            ]),
            "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, x-amzn-trace-id says \
             463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,xray continues \
             x-amzn-trace-id's, because in its list the last valid format wins, and with xray,tracecontext it \
             continues traceparent's; OpenTelemetry (JavaScript, Python, Java), Datadog for Java find nothing in \
             x-amzn-trace-id.",
        ),
        (
            // how Datadog's libraries read a different low half, or unreadable tags, was not
            // measured
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("x-datadog-trace-id", "9532127138774266268"),
                ("x-datadog-parent-id", "1"),
                ("x-datadog-tags", "_dd.p.tid=zz"),
            ]),
            "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, x-datadog-trace-id says \
             00000000000000008448eb211c80319c; an OpenTelemetry service with tracecontext,datadog continues \
             x-datadog-trace-id's, because in its list the last valid format wins, and with datadog,tracecontext it \
             continues traceparent's.",
        ),
        (
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("x-datadog-trace-id", "9532127138774266268"),
                ("x-datadog-parent-id", "1"),
            ]),
            "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, x-datadog-trace-id says \
             00000000000000008448eb211c80319c; an OpenTelemetry service with tracecontext,datadog continues \
             x-datadog-trace-id's, because in its list the last valid format wins, and with datadog,tracecontext it \
             continues traceparent's.",
        ),
        (
            HeaderList::from([("tracestate", "a=1")]),
            "No trace context arrives, so a receiver starts a new trace: tracestate alone does not hold one.",
        ),
        (
            HeaderList::from([
                ("x-b3-flags", "0"),
                ("X-Datadog-Sampling-Priority", "1"),
                ("x-datadog-origin", "rum"),
            ]),
            "No trace context arrives, so a receiver starts a new trace: x-b3-flags, x-datadog-sampling-priority and x-datadog-origin \
             alone do not hold one.",
        ),
        (
            HeaderList::from([("ot-baggage-user", "alice")]),
            "No trace context arrives, so a receiver starts a new trace: ot-baggage-* alone does not hold one.",
        ),
        (
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1"),
                (
                    "uber-trace-id",
                    "463ac35c9f6413ad48485a3953bb6124:a2fb4a1d1a96d312:0:1",
                ),
            ]),
            "Two different traces arrive: traceparent and b3 say 0af7651916cd43dd8448eb211c80319c, uber-trace-id \
             says 463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,jaeger continues \
             uber-trace-id's, because in its list the last valid format wins, and with jaeger,tracecontext it \
             continues traceparent's.",
        ),
    ] {
        assert_eq!(explain(&headers).summary, expected);
    }
}

#[test]
fn engine_otel_names_the_header_that_upstream_took() {
    let multi = [
        ("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"),
        ("x-b3-spanid", "b7ad6b7169203331"),
        ("x-b3-sampled", "1"),
    ];
    let debug = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-d";
    // only the upstream crates continue what the specification refuses
    assert_eq!(
        explain_upstream(&HeaderList::from([("traceparent", "00-1-1-1")])).summary,
        "One trace context arrives in traceparent, trace 00000000000000000000000000000001, span 0000000000000001, \
         sampled: opentelemetry-rust with tracecontext continues it."
    );
    for (other, expected) in [
        (
            ("x-b3-parentspanid", "zz"),
            "One trace context arrives in x-b3-traceid, trace 0af7651916cd43dd8448eb211c80319c",
        ),
        (
            ("b3", "0"),
            "One trace context arrives in x-b3-traceid, trace 0af7651916cd43dd8448eb211c80319c",
        ),
        (
            ("b3", debug),
            "Two different traces arrive: b3 says 463ac35c9f6413ad48485a3953bb6124, x-b3-traceid says \
             0af7651916cd43dd8448eb211c80319c",
        ),
    ] {
        let headers: HeaderList = multi.into_iter().chain([other]).collect();
        let summary = explain_upstream(&headers).summary;
        assert!(summary.starts_with(expected), "{other:?}: {summary}");
    }
}

#[test]
fn baton_says_what_it_does_with_lambdas_header() {
    let value = "Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=0";
    let alone = explain_in_lambda(&HeaderList::new(), value);
    assert_eq!(
        alone.summary,
        "One trace context arrives in _X_AMZN_TRACE_ID, trace 463ac35c9f6413ad48485a3953bb6124, span \
         a2fb4a1d1a96d312, not sampled: baton with xray and BATON_XRAY_SOURCE=environment continues it."
    );
    let beside = explain_in_lambda(&HeaderList::from([("traceparent", TRACEPARENT)]), value);
    assert_eq!(
        beside.summary,
        "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, _X_AMZN_TRACE_ID says \
         463ac35c9f6413ad48485a3953bb6124; baton with BATON_XRAY_SOURCE=environment and tracecontext,xray continues \
         _X_AMZN_TRACE_ID's, because in its list the last valid format wins, and with xray,tracecontext it continues \
         traceparent's."
    );
    assert!(
        beside.notes[1].starts_with(
            "_X_AMZN_TRACE_ID says Sampled=0, as Lambda sets it where X-Ray tracing is off: baton with"
        ),
        "{beside:#?}"
    );
    for sampled in ["", ";Sampled=?", "; Sampled=1"] {
        let value =
            format!("Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312{sampled}");
        let notes = explain_in_lambda(&HeaderList::new(), &value)
            .notes
            .join(" ");
        assert!(
            !notes.contains("opentelemetry"),
            "nobody else was measured: {notes}"
        );
    }
}
