//! What is said about headers, word for word. `truth.rs` holds what it claims of other libraries to what was measured.

use baton_propagators::{Explanation, HeaderList, Mode, Propagation, formats};

fn explain(headers: &HeaderList) -> Explanation {
    let all: Mode = formats()
        .collect::<Vec<_>>()
        .join(",")
        .parse()
        .expect("all formats");
    let extraction = Propagation::from(all).extract(headers);
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
            "No trace context arrives but baggage alone, so a receiver starts a new trace.",
        ),
        (
            HeaderList::from([("b3", "0")]),
            "No trace context arrives, so a receiver starts a new trace: b3 names no span to continue and says not to sample.",
        ),
        (
            HeaderList::from([("b3", "1-2")]),
            "No usable trace context arrives, so a receiver starts a new trace: \
             b3 has a TraceId of 1 character where 32 or 16 belong, at byte 0.",
        ),
        (
            HeaderList::from([("traceparent", TRACEPARENT)]),
            "One trace context arrives, traceparent says trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, \
             sampled: whatever reads tracecontext continues that.",
        ),
        (
            HeaderList::from([
                ("x-b3-traceid", "463ac35c9f6413ad"),
                ("x-b3-spanid", "a2fb4a1d1a96d312"),
            ]),
            "One trace context arrives, x-b3-traceid says trace 0000000000000000463ac35c9f6413ad, span a2fb4a1d1a96d312, \
             sampling deferred: whatever reads b3multi continues that.",
        ),
        (
            b3("garbage"),
            "One trace context arrives, traceparent says trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, \
             sampled: whatever reads tracecontext continues that; b3 has a TraceId of 7 characters where 32 or 16 belong, \
             at byte 0.",
        ),
        (
            b3("463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1"),
            "Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, b3 says \
             463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,b3 continues b3's, because its \
             composite lets the last valid format win, and with b3,tracecontext traceparent's; Datadog's libraries with \
             tracecontext,b3 continue traceparent's and link b3's.",
        ),
        (
            b3("0af7651916cd43dd8448eb211c80319c-a2fb4a1d1a96d312-1"),
            "One trace arrives with two different parents: traceparent says b7ad6b7169203331, b3 says a2fb4a1d1a96d312; an \
             OpenTelemetry service with tracecontext,b3 continues b3's, because its composite lets the last valid format \
             win, and with b3,tracecontext traceparent's; Datadog's libraries with tracecontext,b3 continue traceparent's.",
        ),
        (
            b3("0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"),
            "One span arrives with two sampling decisions: traceparent says sampled, b3 says not sampled; an OpenTelemetry \
             service with tracecontext,b3 continues b3's, because its composite lets the last valid format win, and with \
             b3,tracecontext traceparent's; Datadog's libraries with tracecontext,b3 continue traceparent's.",
        ),
        (
            HeaderList::from([
                ("traceparent", TRACEPARENT),
                ("x-datadog-trace-id", "9532127138774266268"),
                ("x-datadog-parent-id", "1"),
                ("x-datadog-sampling-priority", "1"),
                ("x-datadog-tags", "_dd.p.tid=0af7651916cd43dd"),
            ]),
            "One trace arrives with two different parents: traceparent says b7ad6b7169203331, x-datadog-trace-id says \
             0000000000000001; an OpenTelemetry service with tracecontext,datadog continues x-datadog-trace-id's, because \
             its composite lets the last valid format win, and with datadog,tracecontext traceparent's; Datadog's libraries \
             with datadog,tracecontext continue x-datadog-trace-id's with traceparent's span id and tracestate.",
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
            "Two different traces arrive: traceparent and b3 say 0af7651916cd43dd8448eb211c80319c, uber-trace-id says \
             463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,jaeger continues uber-trace-id's, \
             because its composite lets the last valid format win, and with jaeger,tracecontext traceparent's.",
        ),
    ] {
        assert_eq!(explain(&headers).summary, expected);
    }
}

#[test]
fn each_trap_is_told_where_it_bites_and_nowhere_else() {
    let other = "463ac35c9f6413ad48485a3953bb6124";
    let single = |rest: &str| format!("{other}-a2fb4a1d1a96d312{rest}");
    let xray = |rest: &str| format!("Root=1-463ac35c-9f6413ad48485a3953bb6124{rest}");
    let traceparent = ("traceparent", TRACEPARENT.to_owned());
    let with = |name, value: String| vec![traceparent.clone(), (name, value)];
    let agreeing = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1".to_owned();
    type Headers = Vec<(&'static str, String)>;
    // headers, and how the notes begin
    let cases: Vec<(Headers, &[&str])> = vec![
        (vec![traceparent.clone()], &[]),
        (with("b3", agreeing.clone()), &[]),
        (
            with("b3", single("-1")),
            &["The headers were written by different spans"],
        ),
        (
            with("b3", single("-0")),
            &[
                "The headers were written",
                "A service that continues b3's records nothing, although traceparent",
            ],
        ),
        (
            with("b3", "8448eb211c80319c-b7ad6b7169203331-1".to_owned()),
            &["b3's trace id is the low half of traceparent's"],
        ),
        (
            vec![
                traceparent.clone(),
                ("x-datadog-trace-id", "9532127138774266268".to_owned()),
                ("x-datadog-parent-id", "13235353014750950193".to_owned()),
                ("x-datadog-sampling-priority", "1".to_owned()),
            ],
            &["x-datadog-trace-id's trace id is the low half of traceparent's"],
        ),
        (
            with(
                "x-amzn-trace-id",
                xray(";Parent=a2fb4a1d1a96d312;Sampled=0"),
            ),
            &[
                "AWS's services write",
                "x-amzn-trace-id says Sampled=0, as Lambda sets it where X-Ray tracing is off",
            ],
        ),
        (
            with("x-amzn-trace-id", xray("")),
            &["x-amzn-trace-id has a Root and no Parent"],
        ),
        (
            vec![("b3", "1".to_owned())],
            &["b3 is a sampling decision without ids: valid, and nothing to continue."],
        ),
        (
            with("b3", "0".to_owned()),
            &["b3 is a sampling decision without ids"],
        ),
        (
            with(
                "x-b3-traceid",
                "00000000000000000000000000000000".to_owned(),
            ),
            // the span's id is missing, which comes first
            &[],
        ),
        (
            with(
                "b3",
                "00000000000000000000000000000000-a2fb4a1d1a96d312-1".to_owned(),
            ),
            &["An id of zeros stands for none: who wrote b3 had no span. opentelemetry-python"],
        ),
        (
            vec![("b3", single("-1").to_uppercase())],
            &["b3 has digits in upper case"],
        ),
        (
            vec![(
                "b3",
                "463ac35c9f6413ad48485a3953bb612g-a2fb4a1d1a96d312-1".to_owned(),
            )],
            &[],
        ),
        (
            vec![traceparent.clone(), traceparent.clone()],
            &["traceparent arrived several times"],
        ),
        (
            vec![
                ("x-b3-traceid", other.to_owned()),
                ("x-b3-traceid", "1".to_owned()),
                ("x-b3-spanid", "a2fb4a1d1a96d312".to_owned()),
                ("x-b3-sampled", "1".to_owned()),
            ],
            &["x-b3-traceid arrived several times"],
        ),
        (
            vec![("b3", single(""))],
            &["b3 leaves the sampling decision to the receiver."],
        ),
        (vec![("b3", single("-d"))], &["b3 asks for debugging"]),
        (
            vec![
                traceparent.clone(),
                ("tracestate", "a=1".to_owned()),
                ("b3", agreeing.clone()),
            ],
            &[
                "tracestate belongs to traceparent: a service that continues b3's loses it (3 bytes).",
            ],
        ),
        (
            vec![("tracestate", "a=1".to_owned())],
            &["tracestate is read only beside a valid traceparent"],
        ),
        (
            with("baggage", "a=1".to_owned()),
            &["Baggage arrives too: it goes on only in services whose list has baggage."],
        ),
        (
            vec![
                ("b3", single("-1")),
                (
                    "x-b3-traceid",
                    "0af7651916cd43dd8448eb211c80319c".to_owned(),
                ),
                ("x-b3-spanid", "a2fb4a1d1a96d312".to_owned()),
                ("x-b3-sampled", "1".to_owned()),
            ],
            &["The x-b3-* headers name another trace, 0af7651916cd43dd8448eb211c80319c"],
        ),
    ];
    for (headers, expected) in cases {
        let headers: HeaderList = headers.into_iter().collect();
        let notes = explain(&headers).notes;
        let alike = notes.len() == expected.len()
            && notes
                .iter()
                .zip(expected)
                .all(|(note, expected)| note.starts_with(expected));
        assert!(alike, "{headers:?}\n{notes:#?}\n{expected:#?}");
    }
}
