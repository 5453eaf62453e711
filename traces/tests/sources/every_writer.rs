//! Output of the programs in common use that baton reads: one short file each, in
//! `tests/data/forms`.

use baton_traces::readers::{self, Form};
use baton_traces::span::{Span, Want};

use super::{data, source};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A server's span and its child, a client's span, in [`TRACE`]. Most files contain them.
const TWO: &[&str] = &[
    "shop Server GET / b7ad6b7169203331",
    "shop Client GET /stock 00f067aa0ba902b7 below b7ad6b7169203331",
];

/// A file, its form, its trace, and its spans: service, kind, name, id, and the parent's id.
type File = (&'static str, Form, &'static str, &'static [&'static str]);

const READ: &[File] = &[
    ("cloudwatch-spans.jsonl", Form::OtlpLogLines, TRACE, TWO),
    ("cloudwatch-spans-list.json", Form::OtlpLogLines, TRACE, TWO),
    (
        "cloudwatch-spans-pretty.json",
        Form::OtlpLogLines,
        TRACE,
        TWO,
    ),
    ("cloudwatch-s3.txt", Form::OtlpLogLines, TRACE, TWO),
    (
        "cloudwatch-filter-log-events.json",
        Form::CloudWatch,
        TRACE,
        TWO,
    ),
    (
        "cloudwatch-query-results.json",
        Form::CloudWatch,
        TRACE,
        TWO,
    ),
    ("clickhouse-answer.json", Form::ClickHouse, TRACE, TWO),
    ("clickhouse-rows.jsonl", Form::ClickHouse, TRACE, TWO),
    ("collector-debug.log", Form::DebugLog, TRACE, TWO),
    ("collector-logging.txt", Form::DebugLog, TRACE, TWO),
    ("console-go.txt", Form::Console, TRACE, TWO),
    ("console-go-lines.jsonl", Form::Console, TRACE, TWO),
    ("console-node.txt", Form::Console, TRACE, TWO),
    (
        "console-node-json.txt",
        Form::Console,
        TRACE,
        &[
            " Server GET / b7ad6b7169203331",
            " Client GET /stock 00f067aa0ba902b7 below b7ad6b7169203331",
        ],
    ),
    ("console-php.txt", Form::Console, TRACE, TWO),
    ("console-python.txt", Form::Console, TRACE, TWO),
    ("console-python-compose.txt", Form::Console, TRACE, TWO),
    ("console-python-docker.jsonl", Form::Console, TRACE, TWO),
    ("console-python-utf16.txt", Form::Console, TRACE, TWO),
    (
        "console-exporter.json",
        Form::Console,
        "01944b70b37abc48df7d103455bc404f",
        &[
            "svc Server root 89f0d05cbed0be00",
            "svc Internal child f875ae17bca0f574 below 89f0d05cbed0be00",
        ],
    ),
    ("datadog.json", Form::Datadog, TRACE, TWO),
    ("dotnet-console.txt", Form::DotnetConsole, TRACE, TWO),
    ("jaeger-elasticsearch.json", Form::Jaeger, TRACE, TWO),
    ("jaeger-elasticdump.jsonl", Form::Jaeger, TRACE, TWO),
    ("jaeger-spans.jsonl", Form::Jaeger, TRACE, TWO),
    (
        "jaeger-stripped-zeros.json",
        Form::Jaeger,
        "00000000000000000123456789abcdef",
        &[
            "shop Server GET / 00000000000000a1",
            "shop Unspecified query 00000000000000b2 below 00000000000000a1",
        ],
    ),
    ("java-logging-otlp.log", Form::OtlpLogLines, TRACE, TWO),
    (
        "otlp-base64-ids.json",
        Form::OtlpJson,
        "5b8efff798038103d269b633813fc60c",
        &["old Server a eee19b7ec3c1b174"],
    ),
    (
        "otlp-half-old.jsonl",
        Form::OtlpJson,
        "5b8efff798038103d269b633813fc60c",
        &[
            "old Server a eee19b7ec3c1b174",
            "old Server a eee19b7ec3c1b174",
        ],
    ),
    (
        "otlp-instrumentation-library.json",
        Form::OtlpJson,
        "5b8efff798038103d269b633813fc60c",
        &["old Server a eee19b7ec3c1b174"],
    ),
    (
        "otlp-instrumentation-library.pb",
        Form::OtlpProtobuf,
        TRACE,
        TWO,
    ),
    ("otlp-snake-case.json", Form::OtlpJson, TRACE, TWO),
    ("otlp-snake-case-pretty.json", Form::OtlpJson, TRACE, TWO),
    ("ruby-console.txt", Form::RubyConsole, TRACE, TWO),
    ("rust-stdout.txt", Form::DebugLog, TRACE, TWO),
    (
        "tempo-batches.json",
        Form::OtlpJson,
        "00000000000000000123456789abcdef",
        &[
            "shell script Consumer span from bash! 0000000000001234",
            "shell script Client child 0000000000001235 below 0000000000001234",
        ],
    ),
    ("tempo-v1.pb", Form::OtlpProtobuf, TRACE, TWO),
    ("tempo-v2.json", Form::OtlpJson, TRACE, TWO),
    ("tempo-v2.pb", Form::OtlpProtobuf, TRACE, TWO),
    (
        "xray-retrieved.json",
        Form::XRay,
        "5759e988bd862e3fe1be46a994272793",
        &["shop Server shop 53995c3f42cd8ad8"],
    ),
    (
        "xray-console-raw.json",
        Form::XRay,
        "66e11092767bc32c5717c925604e37e3",
        &[
            "otel-node-fn Server otel-node-fn 6cf1f3c5a3c0b6aa",
            "otel-node-fn Unspecified otel-node-fn ca73bcb9d61476de below 6cf1f3c5a3c0b6aa",
            "otel-node-fn Internal Invocation 1111222233334444 below ca73bcb9d61476de",
            "otel-node-fn Internal Overhead 4153b4f45ff3b1e8 below ca73bcb9d61476de",
            "otel-node-fn Server otel-node-fn ae60d7baedc1cfb5 below ca73bcb9d61476de",
        ],
    ),
    (
        "xray-daemon.txt",
        Form::XRay,
        "581cf771a006649127e371903a2de979",
        &[" Client api.example.com 53995c3f42cd8ad8 below defdfd9912dc5a56"],
    ),
    (
        "xray-subsegment.json",
        Form::XRay,
        "581cf771a006649127e371903a2de979",
        &[" Client api.example.com 53995c3f42cd8ad8 below defdfd9912dc5a56"],
    ),
    (
        "xray-put-segments.json",
        Form::XRay,
        "61dc455f6ea9978529a7aed4065a86cf",
        &[
            "api Server api aaaaaaaaaaaaaaaa",
            "api Client Lambda bbbbbbbbbbbbbbbb below aaaaaaaaaaaaaaaa",
            "fn Unspecified fn cccccccccccccccc below bbbbbbbbbbbbbbbb",
        ],
    ),
    (
        "xray-segment.json",
        Form::XRay,
        "61dc455f6ea9978529a7aed4065a86cf",
        &[
            "api Server api aaaaaaaaaaaaaaaa",
            "api Client stock bbbbbbbbbbbbbbbb below aaaaaaaaaaaaaaaa",
        ],
    ),
    // the user chooses the names in metadata and annotations
    (
        "xray-metadata-first.json",
        Form::XRay,
        "61dc455f6ea9978529a7aed4065a86cf",
        &["api Unspecified api aaaaaaaaaaaaaaaa"],
    ),
    (
        "xray-in-progress.json",
        Form::XRay,
        "61dc455f6ea9978529a7aed4065a86cf",
        &["api Unspecified api aaaaaaaaaaaaaaaa"],
    ),
    (
        "xray-in-progress-and-ended.jsonl",
        Form::XRay,
        "61dc455f6ea9978529a7aed4065a86cf",
        &[
            "api Server api aaaaaaaaaaaaaaaa",
            "api Client stock bbbbbbbbbbbbbbbb below aaaaaaaaaaaaaaaa",
        ],
    ),
    (
        "zipkin-shared.json",
        Form::Zipkin,
        "0000000000000000ef86c83c0a05a6d6",
        &[
            "gateway Server get ef86c83c0a05a6d6",
            "gateway Client get 52b1ab4956917c39 below ef86c83c0a05a6d6",
            "auth Server post 52b1ab4956917c39 below ef86c83c0a05a6d6",
            "auth Unspecified local work 80c0d1d62f437a1b below 52b1ab4956917c39",
        ],
    ),
    (
        "zipkin-shared-no-client.json",
        Form::Zipkin,
        "0000000000000000ef86c83c0a05a6d6",
        &[
            "gateway Server get ef86c83c0a05a6d6",
            "auth Server post 52b1ab4956917c39 below ef86c83c0a05a6d6",
            "auth Unspecified local work 80c0d1d62f437a1b below 52b1ab4956917c39",
        ],
    ),
    (
        "zipkin-v1.json",
        Form::Zipkin,
        "0000000000000000bd7a977555f6b982",
        &[
            "front Client get ebf33e1a81dc6f71 below bd7a977555f6b982",
            "back Server get ebf33e1a81dc6f71 below bd7a977555f6b982",
            "front Server root bd7a977555f6b982",
        ],
    ),
    (
        "zipkin-v1-server-only.json",
        Form::Zipkin,
        "0000000000000000bd7a977555f6b982",
        &[
            "back Server root c0ffee0000000001 below ebf33e1a81dc6f71",
            "back Unspecified local c0ffee0000000002 below c0ffee0000000001",
        ],
    ),
];

fn shown(span: &Span<'_>) -> String {
    let parent = span.parent_span_id.map(|id| format!(" below {id}"));
    let (service, kind, name) = (span.service, span.kind, &span.name);
    let id = span.reference.span_id;
    format!(
        "{service} {kind:?} {name} {id}{}",
        parent.unwrap_or_default()
    )
}

fn sorted(mut spans: Vec<String>) -> Vec<String> {
    spans.sort();
    spans
}

#[test]
fn every_file_is_read_with_all_its_spans() {
    for (file, form, trace, spans) in READ {
        let content = std::fs::read(data(&format!("forms/{file}"))).expect(file);
        for want in [Want::Judging, Want::Everything] {
            let mut found = Vec::new();
            let each = &mut |span: &Span<'_>| {
                assert_eq!(span.reference.trace_id.to_string(), *trace, "{file}");
                assert!(span.start.is_some(), "{file}: {}", shown(span));
                found.push(shown(span));
            };
            let reading = readers::read(content.as_slice(), "input", want, each);
            let reading = reading.unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!((reading.form, reading.skipped), (*form, None), "{file}");
            assert_eq!(reading.truncated, None, "{file}");
            let expected = spans.iter().map(|span| (*span).to_owned()).collect();
            assert_eq!(sorted(found), sorted(expected), "{file}");
        }
    }
}

#[test]
fn every_file_there_is_expected_here() {
    let others = [
        "otlp-same-trace.json",
        "xray-chain.json",
        "zipkin-otlp-links.json",
    ];
    for entry in std::fs::read_dir(data("forms")).expect("forms") {
        let name = entry
            .expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let is_expected = READ.iter().any(|(file, ..)| *file == name);
        assert!(is_expected || others.contains(&&*name), "{name}");
    }
}

/// The files whose form has fields for events, links and statuses contain some of each.
#[test]
fn events_links_and_statuses_are_read_too() {
    for file in [
        "console-python.txt",
        "console-node.txt",
        "collector-debug.log",
        "clickhouse-rows.jsonl",
        "dotnet-console.txt",
        "ruby-console.txt",
    ] {
        let (mut events, mut links, mut states, mut errors, mut ended) = (0, 0, 0, 0, 0);
        let each = &mut |span: &Span<'_>| {
            let retries = span
                .events
                .iter()
                // .NET writes an event's time in the format of the program's culture
                .filter(|event| event.name == "retry")
                .filter(|event| event.time.is_some() || file == "dotnet-console.txt");
            events += retries
                .filter(|event| event.attributes[0].0 == "left")
                .count();
            let linked = "5b8efff798038103d269b633813fc60c";
            links += span
                .links
                .iter()
                .filter(|link| link.to.trace_id.to_string() == linked)
                .count();
            states += usize::from(span.trace_state == "a=1");
            errors += usize::from(span.status.message == "no stock");
            ended += usize::from(span.duration().is_some_and(|took| took.as_millis() >= 300));
        };
        source(&data(&format!("forms/{file}")))
            .read(Want::Everything, each)
            .expect(file);
        assert!(
            events > 0 && links > 0 && states > 0 && errors > 0,
            "{file}"
        );
        assert_eq!(ended, 2, "{file}");
    }
}

/// A batch's links may have the ids of its messages.
#[test]
fn a_link_keeps_its_attributes() {
    for file in [
        "console-go.txt",
        "console-node.txt",
        "console-php.txt",
        "console-python.txt",
        "collector-debug.log",
        "clickhouse-rows.jsonl",
        "datadog.json",
        "dotnet-console.txt",
        "ruby-console.txt",
        "xray-segment.json",
        "zipkin-otlp-links.json",
    ] {
        let mut found = Vec::new();
        let each = &mut |span: &Span<'_>| {
            for link in &span.links {
                let attributes = link.attributes.iter();
                found.extend(attributes.map(|(name, value)| format!("{name}: {value:?}")));
            }
        };
        let read = source(&data(&format!("forms/{file}"))).read(Want::HandOffs, each);
        read.expect(file);
        found.dedup();
        assert_eq!(found, [r#"messaging.message.id: Text("m-1")"#], "{file}");
    }
}

#[test]
fn a_link_in_zipkin_s_tags_is_one() {
    let mut links = Vec::new();
    let each = &mut |span: &Span<'_>| {
        let each = span.links.iter();
        links.extend(each.map(|link| format!("{} {}", link.to.trace_id, link.trace_state)));
    };
    source(&data("forms/zipkin-otlp-links.json"))
        .read(Want::Judging, each)
        .expect("Zipkin");
    assert_eq!(links, [format!("{TRACE} a=1|2")]);
}

#[test]
fn a_skipped_part_is_reported_beside_the_spans() {
    let good = std::fs::read_to_string(data("forms/otlp-snake-case.json")).expect("a file");
    let bad = std::fs::read_to_string(data("refused/otlp-wrong-case.json")).expect("a file");
    let content = format!("{good}{}\n{}\n", bad.trim_end(), bad.trim_end());
    let reading =
        readers::read(content.as_bytes(), "input", Want::Judging, &mut |_| {}).expect("spans");
    assert_eq!(reading.spans, 2);
    assert_eq!(
        reading.skipped.as_deref(),
        Some(
            "input: not all of it was read as OTLP/JSON; skipped: 2 members `ScopeSpans` of a ResourceSpans, \
             the first on line 2 (the name is `scopeSpans`)"
        )
    );
}

/// Programs that write OTLP themselves may name the parent as Zipkin does. Without a word, its child
/// would be a root.
#[test]
fn a_member_under_the_name_of_another_form_is_reported() {
    let good = std::fs::read_to_string(data("forms/otlp-snake-case.json")).expect("a file");
    for (name, meant) in [
        ("parentId", "parentSpanId"),
        ("parent_id", "parentSpanId"),
        ("tags", "attributes"),
    ] {
        let content = good.replace("\"parent_span_id\"", &format!("\"{name}\""));
        let reading =
            readers::read(content.as_bytes(), "input", Want::Judging, &mut |_| {}).expect("spans");
        let skipped = reading.skipped.unwrap_or_default();
        let said = format!("1 member `{name}` of a Span on line 1 (the name is `{meant}`)");
        assert!(skipped.contains(&said), "{skipped}");
    }
}

/// A reader of text keeps its own state, so damage anywhere must not confuse it.
#[test]
fn a_damaged_file_gives_spans_or_a_clear_error() {
    let files = [
        "clickhouse-rows.jsonl",
        "dotnet-console.txt",
        "otlp-instrumentation-library.pb",
        "ruby-console.txt",
        "tempo-v2.pb",
    ];
    for file in files {
        let whole = std::fs::read(data(&format!("forms/{file}"))).expect(file);
        let read = |content: &[u8], what: &str| {
            let mut spans: u64 = 0;
            let each = &mut |_: &Span<'_>| spans += 1;
            let read = readers::read(content, "input", Want::Everything, each);
            match read {
                Ok(reading) => assert_eq!(reading.spans, spans, "{file}, {what}"),
                Err(error) => assert!(error.to_string().contains("input"), "{error}"),
            }
        };
        for place in (0..whole.len()).step_by(3) {
            read(&whole[..place], &format!("cut at {place}"));
            for byte in [b'"', b'>', 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = byte;
                read(&damaged, &format!("byte {byte} at {place}"));
            }
        }
    }
}
