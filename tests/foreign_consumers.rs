//! Runs with a consumer that is not baton's: what it took is never lost, what it did not take is
//! said first, and what its spans do not show is not judged.

use serde_json::{Value, json};

use crate::support::command::{Finished, Sandbox};
use crate::support::run;

const REQUESTS: u64 = 6;

/// Speaks the Runtime API. `handle` gives the answer to an event, or `None` to fail.
const RUNTIME: &str = r#"
import base64, json, os, secrets, time, urllib.request

api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"


def post(url, body):
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request).read()


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def send(attributes_of, events):
    spans = []
    for record in events["Records"]:
        body = json.loads(base64.b64decode(record["kinesis"]["data"]))
        _, trace_id, parent, _ = body["tracecontext"]["traceparent"].split("-")
        now = str(time.time_ns())
        attributes = attributes_of(record)
        spans.append({
            "traceId": trace_id, "spanId": secrets.token_hex(8), "parentSpanId": parent,
            "name": "handle", "kind": 5, "startTimeUnixNano": now, "endTimeUnixNano": now,
            "attributes": [attribute(key, value) for key, value in attributes.items()],
        })
    resource = {"attributes": [attribute("service.name", "theirs")]}
    url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"].rstrip("/") + "/v1/traces"
    post(url, {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})


def all_attributes(record):
    return {
        "messaging.message.id": record["kinesis"]["sequenceNumber"],
        "messaging.destination.name": record["eventSourceARN"].split("/")[-1],
        "messaging.destination.partition.id": record["eventID"].split(":")[0],
    }


def without(name):
    return lambda record: {k: v for k, v in all_attributes(record).items() if k != name}


def run(handle):
    while True:
        response = urllib.request.urlopen(api + "invocation/next")
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        if handle(json.load(response)):
            post(api + "invocation/" + request_id + "/response", {"batchItemFailures": []})
        else:
            post(api + "invocation/" + request_id + "/error", {"errorMessage": "no"})


"#;

/// Runs a consumer that handles an event by the Python expression `handle`. Returns how the command
/// ended, what it printed as JSON, and the run's `run.json`.
async fn run_with(sandbox: &Sandbox, handle: &str, flags: &[&str]) -> (Finished, Value, Value) {
    let script = sandbox.path("consumer.py");
    std::fs::write(&script, format!("{RUNTIME}run(lambda event: {handle})\n")).expect("a script");
    let consumer = format!("consumer=python3 '{}'", script.display());
    let requests = REQUESTS.to_string();
    let mut arguments = vec!["-q", "run", "tracecontext", "--requests", &requests];
    arguments.extend(["--format", "json", "--out", "out", "--function", &consumer]);
    arguments.extend(flags);
    let finished = sandbox.run(arguments).await;
    let printed = finished.json();
    let manifest = run::json(&sandbox.path("out/tracecontext/run.json"));
    (finished, printed, manifest)
}

#[tokio::test]
async fn a_record_that_was_delivered_is_never_lost() {
    for (handle, why) in [
        ("True", "no span of kind consumer"),
        (
            "send(without('messaging.message.id'), event) or True",
            "the consumer's spans lack messaging.message.id",
        ),
    ] {
        let sandbox = Sandbox::new();
        let (finished, printed, manifest) = run_with(&sandbox, handle, &[]).await;
        let summary = &printed["runs"][0];
        let told = json!({"sent": REQUESTS, "delivered": REQUESTS, "duplicates": 0, "lost": 0, "undelivered": 0});
        assert_eq!(summary["records"], told, "{handle}");
        assert_eq!(summary["hops"]["record"], json!({}), "{handle}");
        assert_eq!(summary["records_without_span"]["count"], REQUESTS);
        assert_eq!(
            manifest["records"],
            json!({"delivered": REQUESTS, "undelivered": 0})
        );
        let said = "records were delivered, but no span was found for them";
        let answer = printed["answer"].as_str().expect("a text");
        for text in [answer, &finished.stderr] {
            assert!(
                text.contains(said) && text.contains(why),
                "{handle}: {text}"
            );
        }
        assert!(!answer.contains("stayed whole"), "{answer}");
        assert_eq!(finished.code, Some(1), "nothing was judged: {finished:?}");
        let report = std::fs::read_to_string(sandbox.path("out/report.html")).expect("a report");
        assert!(
            report.contains(why) || report.contains(&why.replace('\'', "&#39;")),
            "{handle}"
        );
        assert!(!report.contains("A trace that stayed whole"), "{handle}");
    }
}

#[tokio::test]
async fn a_message_id_joins_what_names_no_stream_or_shard() {
    for lacking in [
        "messaging.destination.name",
        "messaging.destination.partition.id",
    ] {
        let sandbox = Sandbox::new();
        let handle = format!("send(without('{lacking}'), event) or True");
        let (finished, printed, _) = run_with(&sandbox, &handle, &[]).await;
        let summary = &printed["runs"][0];
        assert_eq!(
            summary["hops"]["record"],
            json!({"connected": REQUESTS}),
            "{lacking}"
        );
        assert_eq!(finished.code, Some(0), "{lacking}: {finished:?}");
    }
}

#[tokio::test]
async fn what_was_not_delivered_is_said_first_and_fails_the_run() {
    for (handle, flags) in [
        ("False", &["--retries", "0"][..]),
        // it takes the records and does not answer
        (
            "time.sleep(3600)",
            &["--timeout", "5s", "--retries", "0", "--no-bisect"],
        ),
        // its spans are there, but its answer says that it failed
        ("send(all_attributes, event)", &["--retries", "0"]),
    ] {
        let sandbox = Sandbox::new();
        let (finished, printed, manifest) = run_with(&sandbox, handle, flags).await;
        let summary = &printed["runs"][0];
        assert_eq!(
            summary["records"]["undelivered"], REQUESTS,
            "{handle}: {summary}"
        );
        assert_eq!(
            manifest["records"],
            json!({"delivered": 0, "undelivered": REQUESTS})
        );
        let answer = printed["answer"].as_str().expect("a text");
        let first =
            format!("{REQUESTS} records were accepted and not delivered under tracecontext.");
        assert!(answer.starts_with(&first), "{handle}: {answer}");
        assert!(!answer.contains("stayed whole"), "{handle}: {answer}");
        let said = format!("records accepted and never delivered: {REQUESTS}");
        assert!(
            finished.stderr.contains(&said),
            "even under -q: {finished:?}"
        );
        assert_eq!(finished.code, Some(1), "{handle}: {finished:?}");
        let kept = run::json_lines(&sandbox.path("out/tracecontext/undeliverable.jsonl"));
        assert_eq!(kept.len() as u64, REQUESTS, "{handle}");
        let report = std::fs::read_to_string(sandbox.path("out/report.html")).expect("a report");
        assert!(
            report.contains("records accepted and not delivered"),
            "{handle}"
        );
    }
}
