//! `baton explain`: what it finds in every measured case, how it shows faults, and whatever input it is given.

mod support;

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt;

use support::command::{Finished, Sandbox, ended};

const TRACEPARENT: &str = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const B3: &str = "b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0";

/// Runs `baton explain` with this on its standard input.
async fn piped(sandbox: &Sandbox, arguments: &[&str], input: impl AsRef<[u8]>) -> Finished {
    let mut command = sandbox.baton(["explain"].iter().chain(arguments));
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(input.as_ref()).await.expect("it reads");
    drop(stdin);
    ended(child).await
}

async fn explain(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    sandbox.run(["explain"].iter().chain(arguments)).await
}

/// The cases of the propagators' truth: headers, what each format holds, what each list continues.
fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("propagators/tests/data");
    let mut cases = Vec::new();
    for file in std::fs::read_dir(folder).expect("the data's folder") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        let lines = text.lines().filter(|line| line.starts_with('{'));
        let of_file = lines.map(|line| serde_json::from_str::<Value>(line).expect("a case"));
        cases.extend(of_file.filter(|case| case["candidates"].is_object()));
    }
    assert!(cases.len() > 330, "only {} cases were read", cases.len());
    cases
}

/// Headers as lines, a header that arrives several times as several.
fn lines(headers: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        let values = value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()]);
        lines.extend(
            values
                .iter()
                .map(|value| format!("{name}: {}", value.as_str().expect("text"))),
        );
    }
    lines
}

/// A candidate as the answer has it, from how the data files have it.
fn candidate(format: &str, expected: &Value) -> Value {
    let sampling = expected["sampling"].as_str();
    json!({
        "format": format,
        "status": expected["status"],
        "header": expected["header"],
        "trace_id": expected["trace_id"],
        "span_id": expected["span_id"],
        "sampled": match sampling {
            Some("keep" | "debug") => Some(true),
            Some("drop") => Some(false),
            _ => None,
        },
        "debug": sampling == Some("debug"),
        "tracestate": expected["tracestate"],
        "spec": expected["spec"],
        "position": expected["at"],
    })
}

#[tokio::test]
async fn every_case_is_answered_as_the_specifications_say() {
    let sandbox = Sandbox::new();
    for case in cases() {
        let id = &case["id"];
        let headers = case["headers"].as_object().expect("headers");
        let lists: Vec<&str> = case["lists"]
            .as_object()
            .expect("lists")
            .keys()
            .map(String::as_str)
            .collect();
        let mut options = vec!["--format", "json"];
        options.extend(lists.iter().flat_map(|list| ["--mode", *list]));

        let object = piped(&sandbox, &options, case["headers"].to_string()).await;
        assert_eq!(object.code, Some(0), "{id}: {object:?}");
        let answer = object.json();
        // A name that HTTP does not allow can come in JSON alone.
        if headers.keys().all(|name| !name.contains(' ')) {
            let lines = lines(headers);
            let text = piped(&sandbox, &options, lines.join("\r\n")).await;
            assert_eq!(text.json()["candidates"], answer["candidates"], "{id}");
            let arguments: Vec<&str> = options
                .iter()
                .copied()
                .chain(lines.iter().map(String::as_str))
                .collect();
            assert_eq!(
                explain(&sandbox, &arguments).await.stdout,
                text.stdout,
                "{id}"
            );
        }

        let found = |format: &str| {
            let mut all = answer["candidates"].as_array().expect("a list").iter();
            all.find(|candidate| candidate["format"] == format)
                .expect("each format has one")
                .clone()
        };
        for (format, expected) in case["candidates"].as_object().expect("candidates") {
            let mut found = found(format);
            let found = found.as_object_mut().expect("an object");
            let malformed = expected["status"] == "malformed";
            assert_eq!(
                found.remove("reason").expect("there").is_string(),
                malformed,
                "{id}, {format}"
            );
            let objection = found.remove("objection").expect("there");
            assert_eq!(
                objection.is_null(),
                expected["objection"].is_null(),
                "{id}, {format}"
            );
            assert_eq!(
                Value::from(found.clone()),
                candidate(format, expected),
                "{id}, {format}"
            );
        }
        for (mode, list) in answer["modes"]
            .as_array()
            .expect("a list")
            .iter()
            .zip(&lists)
        {
            let expected = &case["lists"][list];
            assert_eq!(
                mode["extract"],
                json!(list.split(',').collect::<Vec<_>>()),
                "{id}"
            );
            assert_eq!(
                [&mode["select"], &mode["engine"]],
                ["last", "native"],
                "{id}, {list}"
            );
            assert_eq!(mode["conflict"], expected["conflict"], "{id}, {list}");
            assert_eq!(
                mode["chosen"]["format"], expected["continued"],
                "{id}, {list}"
            );
            for field in ["trace_id", "span_id", "sampled", "debug", "tracestate"] {
                if let Some(format) = expected["continued"].as_str() {
                    assert_eq!(
                        mode["chosen"][field],
                        found(format)[field],
                        "{id}, {list}, {field}"
                    );
                }
            }
        }
        assert!(
            answer["summary"]
                .as_str()
                .is_some_and(|summary| summary.ends_with('.')),
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_answer_has_the_headers_all_formats_and_the_usual_modes() {
    let sandbox = Sandbox::new();
    let arguments = [
        "--format",
        "json",
        "TraceParent: a",
        "B3: 0",
        "b3: 1",
        "b3: 1",
        "Authorization: Bearer secret",
    ];
    let answer = explain(&sandbox, &arguments).await.json();
    assert_eq!(
        answer["headers"],
        json!({"TraceParent": "a", "B3": "0", "b3": ["1", "1"]})
    );
    assert_eq!(answer["other_headers"], json!(["Authorization"]));
    assert!(!answer.to_string().contains("secret"));
    let formats: Vec<_> = answer["candidates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| found["format"].clone())
        .collect();
    assert_eq!(
        formats,
        [
            "tracecontext",
            "baggage",
            "b3",
            "b3multi",
            "jaeger",
            "xray",
            "datadog",
            "ottrace"
        ]
    );
    let usual = [
        "tracecontext",
        "b3",
        "b3multi",
        "tracecontext,b3",
        "b3,tracecontext",
        "tracecontext,b3multi",
        "b3multi,tracecontext",
    ];
    assert_eq!(modes(&answer), usual);
    assert_eq!(answer["modes"][3]["chosen"], Value::Null);

    // what else arrives is judged too
    let answer = explain(&sandbox, &["--format", "json", "uber-trace-id: a"])
        .await
        .json();
    assert_eq!(
        modes(&answer)[7..],
        ["jaeger", "tracecontext,jaeger", "jaeger,tracecontext"]
    );
    let otel = explain(
        &sandbox,
        &["--format", "json", "--engine", "otel", "uber-trace-id: a"],
    )
    .await
    .json();
    assert_eq!(modes(&otel), usual, "upstream has no jaeger");
}

fn modes(answer: &Value) -> Vec<String> {
    let names = |mode: &Value| {
        let names: Vec<_> = mode["extract"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        names.join(",")
    };
    answer["modes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(names)
        .collect()
}

#[tokio::test]
async fn modes_choose_the_last_or_the_first() {
    let sandbox = Sandbox::new();
    let arguments = [
        "--format",
        "json",
        "--mode",
        "mixed",
        "--mode",
        "tracecontext,b3/first",
        "--mode",
        "none",
        TRACEPARENT,
        B3,
    ];
    let answer = explain(&sandbox, &arguments).await.json();
    let conflict =
        json!({"kinds": ["trace_id", "span_id", "sampled"], "formats": ["tracecontext", "b3"]});
    assert_eq!(
        answer["modes"],
        json!([
            {"extract": ["tracecontext", "b3"], "select": "last", "engine": "native", "conflict": conflict,
             "chosen": {"format": "b3", "trace_id": "463ac35c9f6413ad48485a3953bb6124", "span_id": "a2fb4a1d1a96d312",
                        "sampled": false, "debug": false, "tracestate": null}},
            {"extract": ["tracecontext", "b3"], "select": "first", "engine": "native", "conflict": conflict,
             "chosen": {"format": "tracecontext", "trace_id": "0af7651916cd43dd8448eb211c80319c",
                        "span_id": "b7ad6b7169203331", "sampled": true, "debug": false, "tracestate": null}},
            {"extract": [], "select": "last", "engine": "native", "conflict": null, "chosen": null},
        ])
    );
}

#[tokio::test]
async fn engine_otel_answers_as_the_upstream_crates_do() {
    let sandbox = Sandbox::new();
    let options = [
        "--format",
        "json",
        "--engine",
        "otel",
        "--mode",
        "tracecontext",
        "--mode",
        "b3multi",
    ];
    let headers = [
        "traceparent: 00-1-1-1",
        "b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-d",
    ];
    let answer = explain(&sandbox, &[&options[..], &headers[..]].concat())
        .await
        .json();
    assert_eq!(
        answer["modes"][0]["chosen"]["trace_id"],
        "00000000000000000000000000000001"
    );
    assert_eq!(answer["modes"][0]["engine"], "otel");
    assert_eq!(answer["modes"][1]["chosen"], Value::Null);
    assert!(
        answer["candidates"][0]["objection"]["reason"].is_string(),
        "{answer}"
    );

    let refused = explain(
        &sandbox,
        &[
            "--engine",
            "otel",
            "--mode",
            "b3",
            "--mode",
            "tracecontext,xray",
            TRACEPARENT,
        ],
    )
    .await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_eq!(
        refused.stderr,
        "baton: --mode tracecontext,xray has no engine otel: upstream has no propagator for xray on OpenTelemetry 0.33; \
         engine native reads and writes it\n"
    );
}

#[tokio::test]
async fn faults_are_shown_with_a_caret_and_their_rule() {
    let sandbox = Sandbox::new();
    for (headers, expected) in [
        (
            &["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01"][..],
            "\
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01
                                                 ^
  tracecontext: refused, traceparent has a parent-id of 15 characters where 16 belong, at byte 36
  rule: W3C Trace Context Level 2, section 3.2.2.4 (parent-id)
",
        ),
        (
            &["B3: 463ac35c9f6413ad48485a3953bb6124"],
            "\
B3: 463ac35c9f6413ad48485a3953bb6124
                                    ^
  b3, b3multi: refused, b3 has no '-' after its TraceId, at byte 32
  rule: B3 Propagation, Single Header
",
        ),
        (
            // escapes take more columns than bytes, and nothing of them reaches the terminal
            &["traceparent: \u{1b}[31m00-\u{e9}\u{9b}"],
            "\
traceparent: \\x1b[31m00-\\u{e9}\\u{9b}
             ^
  tracecontext: refused, traceparent has a version that is not made of the digits 0-9 and a-f
    alone, at byte 0
",
        ),
        (
            &["b3: 463ac35c9f6413ad48485a3953bb612\u{e9}-a2fb4a1d1a96d312-1"],
            "\
b3: 463ac35c9f6413ad48485a3953bb612\\u{e9}-a2fb4a1d1a96d312-1
    ^
  b3, b3multi: refused, b3 has a TraceId of 33 characters where 32 or 16 belong, at byte 0
",
        ),
        (
            // of several headers that make one list, under the one at fault
            &[TRACEPARENT, "tracestate: a=1,b=2", "tracestate: c=3,D=4"],
            "\
tracestate: a=1,b=2
tracestate: c=3,D=4
                ^
  tracecontext: trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, sampled
  but tracestate has a list member whose key is not",
        ),
        (
            &["traceparent: a", "traceparent: b"],
            "\
traceparent: a
traceparent: b
  tracecontext: refused, traceparent arrived several times, where one is right
  rule: W3C Trace Context Level 2, section 3.2.2 (traceparent header field values)
",
        ),
        (
            &["x-b3-spanid: a2fb4a1d1a96d312"],
            "\
x-b3-spanid: a2fb4a1d1a96d312
  b3, b3multi: refused, x-b3-traceid is missing, and the other headers mean nothing without it
  rule: B3 Propagation, Multiple Headers
",
        ),
    ] {
        let finished = explain(&sandbox, headers).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(
            finished.stdout.contains(expected),
            "{}\n{expected}",
            finished.stdout
        );
        let widest = finished
            .stdout
            .lines()
            .map(|line| line.chars().count())
            .max();
        assert!(widest <= Some(100), "{}", finished.stdout);
    }
    // bytes that are not UTF-8, which a service takes for no text at all
    let finished = piped(&sandbox, &[], b"traceparent: 00-\xff\n").await;
    let expected = "traceparent: 00-\\xff\n                ^\n  tracecontext: refused, traceparent is not UTF-8 text\n";
    assert!(finished.stdout.starts_with(expected), "{}", finished.stdout);
}

#[tokio::test]
async fn people_see_headers_modes_and_what_to_make_of_them() {
    let sandbox = Sandbox::new();
    let finished = explain(&sandbox, &[TRACEPARENT, B3, "cookie: secret"]).await;
    let expected = "\
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
  tracecontext: trace 0af7651916cd43dd8448eb211c80319c, span b7ad6b7169203331, sampled

b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0
  b3, b3multi: trace 463ac35c9f6413ad48485a3953bb6124, span a2fb4a1d1a96d312, not sampled

Other headers, which no format reads: cookie

mode                  continues     trace id   span id           sampled  conflict
tracecontext          tracecontext  0af76519…  b7ad6b7169203331  yes      none
b3                    b3            463ac35c…  a2fb4a1d1a96d312  no       none
b3multi               b3multi       463ac35c…  a2fb4a1d1a96d312  no       none
tracecontext,b3       b3            463ac35c…  a2fb4a1d1a96d312  no       trace, span, sampled
b3,tracecontext       tracecontext  0af76519…  b7ad6b7169203331  yes      trace, span, sampled
tracecontext,b3multi  b3multi       463ac35c…  a2fb4a1d1a96d312  no       trace, span, sampled
b3multi,tracecontext  tracecontext  0af76519…  b7ad6b7169203331  yes      trace, span, sampled

Two different traces arrive: traceparent says 0af7651916cd43dd8448eb211c80319c, b3 says
463ac35c9f6413ad48485a3953bb6124; an OpenTelemetry service with tracecontext,b3 continues b3's,
";
    assert!(finished.stdout.starts_with(expected), "{}", finished.stdout);
    assert!(!finished.stdout.contains('\u{1b}'), "no colour in a pipe");
}

#[tokio::test]
async fn lambdas_trace_header_is_explained_where_it_turns_sampling_off() {
    let sandbox = Sandbox::new();
    let header = "_X_AMZN_TRACE_ID=Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=0";
    let answer = explain(&sandbox, &["--format", "json", TRACEPARENT, header])
        .await
        .json();
    let last = modes(&answer)
        .iter()
        .position(|mode| mode == "tracecontext,xray")
        .expect("it is judged");
    assert_eq!(answer["modes"][last]["chosen"]["sampled"], false);
    assert_eq!(answer["candidates"][5]["header"], "_X_AMZN_TRACE_ID");
    let notes = answer["notes"].to_string();
    assert!(
        notes.contains("says Sampled=0, as Lambda sets it where X-Ray tracing is off"),
        "{notes}"
    );
    let piped = piped(
        &sandbox,
        &["--format", "json"],
        format!("{TRACEPARENT}\n{header}\n"),
    )
    .await;
    assert_eq!(piped.json(), answer);

    let request = "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=a2fb4a1d1a96d312;Sampled=1";
    let finished = explain(&sandbox, &["--format", "json", header, header, request]).await;
    let notes = finished.json()["notes"].to_string();
    for sentence in [
        "_X_AMZN_TRACE_ID is not read where a request has an X-Amzn-Trace-Id header.",
        "_X_AMZN_TRACE_ID is given 2 times, and an environment has it once: the first counts here.",
    ] {
        assert!(notes.contains(sentence), "{notes}");
    }
    assert!(
        !notes.contains("as Lambda sets it"),
        "the request's header is not Lambda's: {notes}"
    );
}

#[tokio::test]
async fn large_inputs_are_answered_and_endless_ones_refused() {
    let sandbox = Sandbox::new();
    // Each name of its own: whoever looks for each among all of them is not done today.
    let many: String = (0..200_000)
        .map(|number| format!("x-h-{number:07}: 1\n"))
        .collect();
    let answer = piped(&sandbox, &["--format", "json"], many).await.json();
    assert_eq!(
        answer["other_headers"].as_array().map(Vec::len),
        Some(200_000)
    );

    let long = format!("b3: {}\n", "a".repeat(20 << 20));
    let finished = piped(&sandbox, &[], long).await;
    assert!(
        finished.stdout.starts_with("b3: aaaa"),
        "{}",
        finished.code.unwrap_or(-1)
    );
    assert!(finished.stdout.len() < 10_000, "{}", finished.stdout.len());

    let endless = vec![0; (64 << 20) + 1];
    let finished = piped(&sandbox, &[], endless).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(
        finished.stderr,
        "baton: standard input has more than 64 MiB; give no more than the requests to explain\n"
    );
}

#[tokio::test]
async fn no_error_quotes_what_may_be_a_secret() {
    let sandbox = Sandbox::new();
    for input in [
        r#"{"log":{"entries":[{"request":{"headers":["Authorization: Bearer SECRET"]}}]}}"#,
        r#"{"log":{"entries":[{"request":{"headers":"Authorization: Bearer SECRET"}}]}}"#,
        r#"{"log":{"entries":["SECRET"]}}"#,
        r#"{"log":"SECRET"}"#,
        r#"{"b3":{"SECRET":1}}"#,
        "Bearer SECRET",
        "GET //user:SECRET@h/x HTTP/1.1\na: 1\n\nCONNECT user:SECRET@h:443 HTTP/1.1\na: 1\n",
        "CONNECT user:SECRET@h:443 HTTP/1.1\na: 1\n\nGET / HTTP/1.1\na: 1\n",
    ] {
        let finished = piped(&sandbox, &[], input).await;
        assert!(!finished.stderr.contains("SECRET"), "{finished:?}");
        assert!(!finished.stdout.contains("SECRET"), "{finished:?}");
    }
    let har = "{\"log\":\n {\"entries\":[\"SECRET\"]}}";
    let finished = piped(&sandbox, &[], har).await;
    assert_eq!(
        finished.stderr,
        "baton: the HAR file cannot be read, line 2 column 21 is not as a HAR has it: \
         {\"log\":{\"entries\":[{\"request\":{\"headers\":[{\"name\":…,\"value\":…}]}}]}}\n"
    );
}

#[tokio::test]
async fn of_several_requests_the_first_with_trace_headers_is_taken() {
    let sandbox = Sandbox::new();
    let curl = format!(
        "* Connected to example.com\n> GET /login?token=secret HTTP/1.1\n> Host: example.com\n>\n< HTTP/1.1 302 Found\n\
         < traceparent: garbage\n<\n{{ [5 bytes data]\n> GET /orders HTTP/1.1\n> Host: example.com\n> {TRACEPARENT}\n>\n\
         < HTTP/1.1 200 OK\n<\nbody\n"
    );
    let (name, value) = TRACEPARENT.split_once(": ").expect("a header");
    let entry = |url: &str, headers: Value| json!({"request": {"method": "GET", "url": url, "headers": headers}});
    let har = json!({"log": {"entries": [
        entry("https://user:secret@example.com/login?token=secret", json!([])),
        entry("https://example.com/orders", json!([{"name": ":path", "value": "/"}, {"name": name, "value": value}])),
    ]}});
    for input in [curl, har.to_string()] {
        let finished = piped(&sandbox, &["--format", "json"], &input).await;
        assert_eq!(
            finished.json()["headers"],
            json!({ name: value }),
            "{input}"
        );
        let choice =
            "request 2 of 2 (GET /orders) is explained: the first with a header of any format";
        assert_eq!(finished.stderr, format!("{choice}\n"));
        assert_eq!(finished.json()["choice"], choice);
    }
    let only = explain(&sandbox, &["--format", "json", TRACEPARENT]).await;
    assert_eq!(only.json()["choice"], Value::Null);
    let marked = piped(
        &sandbox,
        &["-q", "--format", "json", "-"],
        format!("\u{feff}{har}"),
    )
    .await;
    assert_eq!(marked.json()["headers"], json!({ name: value }));
    assert_eq!(marked.stderr, "", "quiet");
    let none = piped(
        &sandbox,
        &[],
        "GET /a HTTP/1.1\na: 1\n\nGET /b HTTP/1.1\nb: 1\n",
    )
    .await;
    assert_eq!(
        none.stderr,
        "request 1 of 2 (GET /a) is explained: none has a header of any format\n"
    );
}

#[tokio::test]
async fn records_are_read_as_a_consumer_gets_them() {
    let sandbox = Sandbox::new();
    let envelope =
        json!({"tracecontext": {"b3": "0", "other": 7}, "record": {"name": "Kate"}}).to_string();
    let data = BASE64_STANDARD.encode(&envelope);
    let plain = BASE64_STANDARD.encode("plain text");
    for record in [
        envelope.clone(),
        data.clone(),
        json!({"Records": [{"kinesis": {"data": data}}]}).to_string(),
        json!({"Records": [{"Data": plain}, {"Data": data}], "NextShardIterator": "a"}).to_string(),
    ] {
        let finished = explain(&sandbox, &["--format", "json", "--record", &record]).await;
        assert_eq!(finished.json()["headers"], json!({"b3": "0"}), "{record}");
        let piped = piped(&sandbox, &["--format", "json", "--record", "-"], &record).await;
        assert_eq!(piped.stdout, finished.stdout);
    }
    // recognised without the option too, and with a byte order mark
    let event = json!({"Records": [{"kinesis": {"data": data}}]}).to_string();
    for record in [&envelope, &event] {
        let recognised = piped(&sandbox, &["--format", "json"], record).await;
        assert_eq!(recognised.json()["headers"], json!({"b3": "0"}));
        let marked = format!("\u{feff}{record}");
        let marked = piped(&sandbox, &["--format", "json", "--record", "-"], marked).await;
        assert_eq!(marked.stdout, recognised.stdout);
    }
    // nothing of it vanishes
    let several =
        json!({"Records": [{"Data": plain}, {"Data": data}, {"Data": plain}]}).to_string();
    let answer = explain(&sandbox, &["--format", "json", "--record", &several]).await;
    assert_eq!(
        answer.json()["choice"],
        "record 2 of 3 is explained: the first with a header of any format"
    );
    let notes = answer.json()["notes"].to_string();
    for sentence in [
        "\\\"other\\\" in the envelope of record 2 is no text, so a consumer does not read it.",
        "Of the others, 2 of 2 cannot be read whole: record 1 is not JSON, so a consumer starts a new trace",
    ] {
        assert!(notes.contains(sentence), "{notes}\n{sentence}");
    }
    for (record, sentence) in [
        ("hello", "the record is neither JSON nor Base64 of it"),
        (
            "{\"name\":\"Kate\"}",
            "the record is JSON without an envelope: it holds no headers",
        ),
        (
            plain.as_str(),
            "the record is not JSON, so a consumer starts a new trace",
        ),
        ("{\"Records\":[]}", "there are no records in it"),
        ("", "the record is neither JSON nor Base64 of it"),
    ] {
        let finished = explain(&sandbox, &["--record", record]).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(
            finished.stderr.starts_with(&format!("baton: {sentence}")),
            "{finished:?}"
        );
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    for (arguments, sentence) in [
        (
            &["traceparent=00"][..],
            "argument 1 is no header: it has no colon",
        ),
        (
            &[TRACEPARENT, "secret"],
            "argument 2 is no header: it has no colon",
        ),
        (
            &["trace parent: 00"],
            "argument 1 is no header: what stands before its colon",
        ),
        (
            &[TRACEPARENT, "-"],
            "argument 2 is no header: it has no colon",
        ),
        (&[], "standard input is empty"),
        (&["-"], "standard input is empty"),
        (&["--mode", "b4", TRACEPARENT], "unknown format \"b4\""),
        (
            &["--mode", "b3/middle", TRACEPARENT],
            "unknown value \"middle\"; accepted are last, first",
        ),
        (
            &["--engine", "python", TRACEPARENT],
            "unknown value \"python\"; accepted are native, otel",
        ),
        (&["--record", "{}", TRACEPARENT], "cannot be used with"),
    ] {
        let finished = explain(&sandbox, arguments).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(
            finished.stderr.contains(sentence),
            "{arguments:?}: {finished:?}"
        );
        assert!(
            finished.stdout.is_empty() && !finished.stderr.contains("secret"),
            "{finished:?}"
        );
    }
    for (input, sentence) in [
        (&b" \r\n\n"[..], "standard input is empty"),
        (b"b3: 0\nnonsense", "line 2 is no header: it has no colon"),
        (b"< HTTP/1.1 200 OK\n< b3: 0\n", "and none of a request"),
        (
            b"HTTP/1.1 200 OK\nb3: 0\n",
            "standard input holds no request",
        ),
        (
            b"*   Trying 127.0.0.1:1...\n* Closing connection\ncurl: (7) Failed to connect\n",
            "curl did not get as far as to send one",
        ),
        (
            b"{\"b3\": 0}",
            "\"b3\" in the JSON object is neither text nor a list of texts",
        ),
        (
            b"{\"\x1b[31m\": 0}",
            "standard input looks like JSON and is not",
        ),
        (
            b"{\"\\u001b[31m\": 0}",
            "\"\\u{1b}[31m\" in the JSON object",
        ),
        (
            b"{\"b3\": \"0\"",
            "standard input looks like JSON and is not",
        ),
        (
            b"[\"b3\"]",
            "standard input is JSON and no object of headers",
        ),
        (
            b"{\"log\": {\"entries\": {}}}",
            "the HAR file cannot be read",
        ),
        (
            b"{\"log\": {\"entries\": []}}",
            "standard input holds no request",
        ),
    ] {
        let finished = piped(&sandbox, &[], input).await;
        assert_eq!(finished.code, Some(2), "{input:?}: {finished:?}");
        assert!(
            finished.stderr.contains(sentence),
            "{input:?}: {finished:?}"
        );
        assert!(!finished.stderr.contains('\u{1b}'), "{finished:?}");
    }
}
