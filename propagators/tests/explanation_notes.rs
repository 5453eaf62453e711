//! Tests that each note appears where it applies and nowhere else.

use crate::explained::explain;
use baton_propagators::{Engine, HeaderList, Mode, Propagation};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn each_note_appears_where_it_applies_and_nowhere_else() {
    let other = "463ac35c9f6413ad48485a3953bb6124";
    let single = |rest: &str| format!("{other}-a2fb4a1d1a96d312{rest}");
    let xray = |rest: &str| format!("Root=1-463ac35c-9f6413ad48485a3953bb6124{rest}");
    let traceparent = ("traceparent", TRACEPARENT.to_owned());
    let with = |name, value: String| vec![traceparent.clone(), (name, value)];
    let agreeing = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1".to_owned();
    type Headers = Vec<(&'static str, String)>;
    // the headers, and the beginnings of the notes
    let cases: Vec<(Headers, &[&str])> = vec![
        (
            vec![traceparent.clone()],
            &["Brave finds nothing in traceparent: it comes without tracestate."],
        ),
        (
            vec![("traceparent", TRACEPARENT.replace("-01", "-03"))],
            &[
                "Brave finds nothing in traceparent: it comes without tracestate. Spring Boot on Brave finds nothing in \
                 traceparent: its flags are neither 00 nor 01, in version 00. Datadog for Rust finds nothing in traceparent: \
                 its flags are above 02 in version 00.",
            ],
        ),
        (
            vec![
                traceparent.clone(),
                (
                    "tracestate",
                    (0..33)
                        .map(|n| format!("k{n}=1"))
                        .collect::<Vec<_>>()
                        .join(","),
                ),
            ],
            &["tracestate has 33 members, but W3C allows 32: Brave, Datadog for Go keep all; "],
        ),
        (with("b3", agreeing.clone()), &[]),
        (
            with("b3", format!("{agreeing}-")),
            &[
                "The fourth field of b3 is ignored: B3 needs",
                "OpenTelemetry for Go, Spring Boot on Brave find nothing in b3: its parent span id is malformed. Datadog",
            ],
        ),
        (
            vec![
                ("x-b3-traceid", other.to_owned()),
                ("x-b3-spanid", "a2fb4a1d1a96d312".to_owned()),
                ("x-b3-sampled", "1".to_owned()),
                ("x-b3-parentspanid", String::new()),
            ],
            &[
                "x-b3-parentspanid is ignored: B3 needs",
                "Brave, Spring Boot on Brave find nothing in x-b3-traceid: X-B3-ParentSpanId is malformed.",
            ],
        ),
        (
            with("b3", single("-1")),
            &["The headers were written by different spans"],
        ),
        (
            with("b3", single("-0")),
            &[
                "The headers were written",
                "A service that continues b3 records nothing, although traceparent",
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
                "Datadog for Java finds nothing in x-amzn-trace-id: its trace id has more than 64 bits.",
                "A service that continues x-amzn-trace-id records nothing, although traceparent says sampled.",
            ],
        ),
        (
            with("x-amzn-trace-id", xray("")),
            &[
                "x-amzn-trace-id has a Root but no Parent: it names a trace and no span to continue. Load balancers",
            ],
        ),
        (
            vec![
                ("x-amzn-trace-id", xray("")),
                ("x-amzn-trace-id", xray(";Sampled=0")),
            ],
            &[
                "x-amzn-trace-id has a Root but no Parent",
                "x-amzn-trace-id arrived several times with different values",
            ],
        ),
        (
            vec![(
                "x-amzn-trace-id",
                xray(";Parent=a2fb4a1d1a96d312;Sampled=?"),
            )],
            &[
                "OpenTelemetry for JavaScript finds nothing in x-amzn-trace-id: Sampled is missing or neither 0 nor 1. OpenTelemetry \
                 (Python, Java) find nothing in x-amzn-trace-id: Sampled is neither 0 nor 1. Datadog for Java",
                "x-amzn-trace-id leaves the sampling decision to the receiver, and libraries",
            ],
        ),
        (
            vec![("x-amzn-trace-id", xray(";Parent=a2fb4a1d1a96d312"))],
            &[
                "OpenTelemetry for JavaScript finds nothing in x-amzn-trace-id: Sampled is missing or neither 0 nor 1. Datadog for Java",
                "x-amzn-trace-id leaves the sampling decision to the receiver, and libraries",
            ],
        ),
        (
            vec![(
                "uber-trace-id",
                format!("{other}%3Aa2fb4a1d1a96d312%3A0%3A1"),
            )],
            &["OpenTelemetry (Python, Go) find nothing in uber-trace-id: it is percent-encoded."],
        ),
        (
            // X-Ray's header is not the first of the two, and its context is the one that differs
            vec![
                (
                    "x-amzn-trace-id",
                    xray(";Parent=a2fb4a1d1a96d312;Sampled=1"),
                ),
                ("x-datadog-trace-id", "1".to_owned()),
                ("x-datadog-parent-id", "1".to_owned()),
                ("x-datadog-sampling-priority", "1".to_owned()),
            ],
            &[
                "AWS's services write",
                "Datadog for Java finds nothing in x-amzn-trace-id: its trace id has more than 64 bits.",
            ],
        ),
        (
            vec![
                traceparent.clone(),
                ("ot-tracer-traceid", "8448eb211c80319c".to_owned()),
                ("ot-tracer-spanid", "b7ad6b7169203331".to_owned()),
                ("ot-tracer-sampled", "true".to_owned()),
            ],
            &[
                "ot-tracer-traceid's trace id is the low half of traceparent's: both mean one trace, but one sender wrote 64 \
                 bits. To a receiver they are two traces, so a service that continues ot-tracer-traceid cuts the trace in \
                 two. List tracecontext last.",
            ],
        ),
        (
            vec![("ot-baggage-user", "alice".to_owned())],
            &[
                "ot-baggage-* is read only beside a valid ot-tracer-traceid, so that baggage is lost.",
            ],
        ),
        (
            vec![("b3", "1-2".to_owned()), ("b3", single("-1"))],
            &["b3 arrived several times with different values"],
        ),
        (
            vec![("b3", "1".to_owned())],
            &["b3 is a sampling decision without ids: it is valid, but"],
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
            // the missing span id is reported first
            &[],
        ),
        (
            with(
                "b3",
                "00000000000000000000000000000000-a2fb4a1d1a96d312-1".to_owned(),
            ),
            &["An id of all zeros means that the sender of b3 had no active span."],
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
            &[
                "OpenTelemetry for JavaScript finds nothing in x-b3-traceid: an id",
                "x-b3-traceid arrived several times",
            ],
        ),
        (
            vec![("b3", single(""))],
            &["b3 leaves the sampling decision to the receiver, and"],
        ),
        (vec![("b3", single("-d"))], &["b3 asks for debugging"]),
        (
            vec![
                traceparent.clone(),
                ("tracestate", "a=1".to_owned()),
                ("b3", agreeing.clone()),
            ],
            &["tracestate belongs to traceparent: a service that continues b3 loses it (3 bytes)."],
        ),
        (
            vec![
                traceparent.clone(),
                ("tracestate", "a=1,b=2,a=3".to_owned()),
            ],
            &["tracestate has the key a twice"],
        ),
        (
            vec![("tracestate", "a=1".to_owned())],
            &["tracestate is read only beside a valid traceparent"],
        ),
        (
            with("baggage", "a=1".to_owned()),
            &[
                "Brave finds nothing in traceparent: it comes without tracestate.",
                "Baggage arrives too. Only services whose list has baggage pass it on.",
            ],
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

#[test]
fn a_b3_decision_is_mentioned_whether_or_not_it_hides_the_other_encoding() {
    let ids = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312";
    for (b3, beginning, upstream) in [
        (
            "0".to_owned(),
            "The x-b3-* headers name trace 0af7651916cd43dd8448eb211c80319c, but the decision in b3 hides them",
            "0af7651916cd43dd8448eb211c80319c",
        ),
        (
            format!("{ids}-1"),
            "The x-b3-* headers name another trace, 0af7651916cd43dd8448eb211c80319c. OpenTelemetry does not read them when \
             b3 is there; Datadog's",
            "463ac35c9f6413ad48485a3953bb6124",
        ),
        (
            format!("{ids}-d"),
            "The x-b3-* headers name another trace, 0af7651916cd43dd8448eb211c80319c. OpenTelemetry does not read them when \
             b3 is there, except OpenTelemetry for Rust with b3multi; Datadog's",
            "0af7651916cd43dd8448eb211c80319c",
        ),
    ] {
        let headers = HeaderList::from([
            ("b3", b3.as_str()),
            ("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c"),
            ("x-b3-spanid", "b7ad6b7169203331"),
            ("x-b3-sampled", "1"),
        ]);
        let notes = explain(&headers).notes;
        assert!(notes[0].starts_with(beginning), "{b3}: {notes:#?}");
        // the statement about opentelemetry-rust is what its crate does
        let propagation = Propagation {
            engine: Engine::Otel,
            ..Propagation::from("b3multi".parse::<Mode>().expect("a mode"))
        };
        let extraction = propagation.extract(&headers);
        let found = extraction.context().expect("a context");
        assert_eq!(found.trace_id.to_string(), upstream, "{b3}");
    }
}
