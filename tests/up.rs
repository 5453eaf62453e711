//! `baton up`, and the commands that use a running lab.

use std::sync::Arc;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::command::{Sandbox, ended};
use crate::support::lab::{FREE_PORTS, Setup};
use crate::support::run::{self, kind};
use crate::support::{processes, wait_until};

const KATE: &str = r#"{ "name": "Kate", "superpower": "Distributed Tracing" }"#;

#[tokio::test]
async fn a_request_is_answered_and_its_record_delivered() {
    let mut lab = Setup::new().start().await;
    assert_eq!(lab.addresses.stream, "baton");
    assert!(
        lab.addresses.endpoint.starts_with("http://127.0.0.1:"),
        "{:?}",
        lab.addresses
    );
    assert!(
        lab.addresses.endpoint.ends_with("/dev/producer"),
        "{:?}",
        lab.addresses
    );
    assert!(
        lab.addresses.otlp.ends_with("/v1/traces"),
        "{:?}",
        lab.addresses
    );
    assert!(
        lab.addresses.zipkin.ends_with("/api/v2/spans"),
        "{:?}",
        lab.addresses
    );

    let answer = lab.post(KATE).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        r#"{"message":"Message placed in the Event Stream: baton"}"#
    );
    assert_eq!(answer.content_type, "application/json");
    lab.wait_for_delivered(1).await;

    let printed = lab
        .sandbox
        .run(["logs", "consumer", "--format", "json"])
        .await;
    let received: Vec<Value> = printed
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON lines"))
        .collect();
    assert_eq!(received.len(), 1, "{printed:?}");
    assert_eq!(received[0]["event"], "record.received");
    assert_eq!(
        received[0]["record"],
        serde_json::from_str::<Value>(KATE).expect("JSON")
    );
    let readable = lab.sandbox.run(["logs", "producer"]).await;
    assert!(
        readable
            .stdout
            .contains("INFO producer-lambda Message placed in the Event Stream: baton"),
        "{readable:?}"
    );

    let page = lab
        .client
        .get(&lab.addresses.page)
        .send()
        .await
        .expect("a page");
    let page = page.text().await.expect("text");
    for words in [
        &*lab.addresses.endpoint,
        "producer   tracecontext,baggage; 1 instance, 1 invocation, 0 errors, 0 waiting",
    ] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
    lab.stop_well().await;
    let sent = &run::log(&lab.saved, "producer", "record.sent")[0];
    assert_eq!(sent["request_id"], answer.request_id);
    assert_eq!(sent["sequence_number"], received[0]["sequence_number"]);
}

#[tokio::test]
async fn up_prints_all_addresses() {
    let sandbox = Sandbox::new();
    let arguments = ["up", "--producer", "mixed"].into_iter().chain(FREE_PORTS);
    let mut lab = sandbox
        .baton(arguments)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://hush")
        .env("SPLUNK_ACCESS_TOKEN", "hush")
        .spawn()
        .expect("the command starts");
    let pid = lab.id().expect("it runs");
    let mut stdout = tokio::io::BufReader::new(lab.stdout.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("Ctrl-C") {
        let read = tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut said)
            .await
            .expect("text");
        assert_ne!(read, 0, "{said}");
    }
    for words in [
        "endpoint   http://127.0.0.1:",
        "page       http://127.0.0.1:",
        "Kinesis    http://127.0.0.1:",
        "stream baton",
        "collector  http://127.0.0.1:",
        "Zipkin     http://127.0.0.1:",
        "producer   tracecontext,b3",
        "consumer   tracecontext,baggage",
        "curl -w",
        "baton switch producer=b3",
    ] {
        assert!(said.contains(words), "{words} is missing in {said}");
    }
    processes::send(pid, Signal::TERM);
    let finished = ended(lab).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let kept_out =
        "do not get OTEL_EXPORTER_OTLP_ENDPOINT, SPLUNK_ACCESS_TOKEN; see docs/backends.md";
    assert!(finished.stderr.contains(kept_out), "{finished:?}");
    assert!(!finished.stderr.contains("hush"), "{finished:?}");
    // without --save, only the empty folder of notes remains
    let left: Vec<_> = walk(&sandbox.path(""))
        .into_iter()
        .filter(|path| path.is_file())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[tokio::test]
async fn a_switch_loses_no_request() {
    const SENDERS: usize = 6;
    const SWITCHES: [[&str; 2]; 4] = [
        ["producer=b3", "consumer=b3"],
        ["consumer=mixed", "producer=none"],
        ["producer=b3multi,b3", "consumer=b3multi"],
        ["producer=tracecontext", "consumer=tracecontext"],
    ];
    let mut lab = Setup::new().start().await;
    let (done, sending) = tokio::sync::watch::channel(false);
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (client, endpoint, sending) = (
                lab.client.clone(),
                lab.addresses.endpoint.clone(),
                sending.clone(),
            );
            tokio::spawn(async move {
                let mut accepted = Vec::new();
                while !*sending.borrow() {
                    let answer =
                        crate::support::lab::answer(client.post(&endpoint).body(KATE)).await;
                    assert_eq!(answer.status, 200, "{answer:?}");
                    accepted.push(answer.request_id);
                }
                accepted
            })
        })
        .collect();
    for [first, second] in SWITCHES {
        let before = lab.status().await["producer"]["invocations"]
            .as_u64()
            .expect("a number");
        lab.wait_for("requests come in", |status| {
            status["producer"]["invocations"].as_u64() > Some(before + 20)
        })
        .await;
        let finished = lab.sandbox.run(["switch", first, second]).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    // the last switch applies as soon as it is answered
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let last =
        crate::support::lab::answer(lab.request(KATE).header("traceparent", traceparent)).await;
    done.send_replace(true);
    let mut accepted = vec![last.request_id.clone()];
    for sender in senders {
        accepted.extend(sender.await.expect("a sender"));
    }
    let summary = lab.stop_and_sum_up().await;

    let spans = run::spans(&lab.saved);
    let servers = run::by_attribute(
        run::of(&spans, "producer-lambda", kind::SERVER),
        "aws.request_id",
    );
    let records = run::by_attribute(run::records(&spans), "messaging.message.id");
    let mut sent: Vec<_> = run::log(&lab.saved, "producer", "record.sent");
    assert_eq!(sent.len(), accepted.len());
    sent.retain(|line| {
        accepted
            .iter()
            .any(|request| line["request_id"] == request.as_str())
    });
    assert_eq!(
        [sent.len(), servers.len(), records.len()],
        [accepted.len(); 3]
    );
    for line in &sent {
        let number = line["sequence_number"].as_str().expect("text");
        assert!(records.contains_key(number), "{line} was not delivered");
    }
    assert_eq!(servers[&last.request_id].parent_span_id, "b7ad6b7169203331");
    let verdicts = summary["hops"]["record"].as_object().expect("verdicts");
    assert!(
        verdicts["connected"].as_u64() > Some(0) && verdicts["new_trace"].as_u64() > Some(0),
        "{verdicts:?}"
    );
}

#[tokio::test]
async fn a_switch_says_what_is_wrong() {
    let mut lab = Setup::new().start().await;
    for (arguments, code, explanation) in [
        (&["producer=zipkin"][..], 2, "zipkin"),
        (&["producer"], 2, "producer=MODE"),
        (&["lambda=b3"], 2, "neither producer nor consumer"),
        (
            &["producer=b3", "producer=none"],
            2,
            "producer is given twice",
        ),
        (
            &["producer=b3", "--lab", "1"],
            2,
            lab.addresses.endpoint.as_str(),
        ),
    ] {
        let finished = lab.sandbox.run(["switch"].iter().chain(arguments)).await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert!(
            finished.stderr.contains(explanation),
            "{explanation} is missing in {}",
            finished.stderr
        );
    }
    for body in [r#"{"producer":"zipkin"}"#, "{", r#"{"producers":"b3"}"#] {
        let request = lab
            .change("/switch")
            .header("content-type", "application/json")
            .body(body);
        let answer = crate::support::lab::answer(request).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    // a page of another site cannot reach the lab through a name that resolves to this machine
    let request = lab
        .change("/switch")
        .header("host", "baton.example")
        .json(&json!({"producer": "b3"}));
    assert_eq!(crate::support::lab::answer(request).await.status, 403);
    assert_eq!(
        lab.status().await["producer"]["propagation"],
        json!({}),
        "nothing was switched"
    );
    lab.stop_well().await;
}

#[tokio::test]
async fn the_engine_is_a_flag_of_the_lab_too() {
    let flags = ["--producer", "b3", "--consumer", "b3", "--engine", "otel"];
    let mut lab = Setup::new().flags(flags).start().await;
    lab.accepted("{}").await;
    lab.wait_for_delivered(1).await;
    assert_eq!(lab.stop_and_sum_up().await["engine"], "otel");
    let sent = &run::log(&lab.saved, "producer", "record.sent")[0];
    let headers = sent["record"]["tracecontext"].as_object();
    let headers = headers.expect("an envelope");
    assert!(
        headers.contains_key("x-b3-traceid"),
        "upstream's: {headers:?}"
    );
}

#[tokio::test]
async fn a_function_that_does_not_start_is_quoted_where_it_says_why() {
    let sandbox = Sandbox::new();
    let script = sandbox.path("node.sh");
    let log = "  throw err;\\n\\nError: Cannot find module consumer.js\\n    at load\\n\\nNode.js v20.20.2\\n";
    std::fs::write(&script, format!("printf '{log}' >&2; exit 1")).expect("a script");
    let consumer = format!("consumer=sh '{}'", script.display());
    let arguments = ["up", "--function", &consumer];
    let finished = sandbox.run(arguments.into_iter().chain(FREE_PORTS)).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let words = "its log says: Error: Cannot find module consumer.js";
    assert!(finished.stderr.contains(words), "{finished:?}");
}

#[tokio::test]
async fn without_a_lab_commands_say_so() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["switch", "producer=b3"][..],
        &["logs", "consumer"],
        &["logs", "producer", "--lab", "3000"],
    ] {
        let finished = sandbox.run(arguments).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert_eq!(
            finished.stderr,
            "baton: no lab is up; start one with `baton up`\n"
        );
        assert_eq!(finished.stdout, "");
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_flag_that_changes_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let flags = [
        "--port",
        "--page-port",
        "--kinesis-port",
        "--otlp-port",
        "--zipkin-port",
    ];
    for flag in flags {
        let sandbox = Sandbox::new();
        let ports = flags
            .iter()
            .flat_map(|other| [*other, if *other == flag { &port } else { "0" }]);
        let finished = sandbox.run(["up"].into_iter().chain(ports)).await;
        assert_eq!(finished.code, Some(3), "{finished:?}");
        assert_eq!(finished.stdout, "");
        for words in [
            format!("port {port} "),
            "in use".to_owned(),
            format!("with {flag} (0"),
        ] {
            assert!(
                finished.stderr.contains(&words),
                "{words} is missing in {}",
                finished.stderr
            );
        }
    }
}

#[tokio::test]
async fn several_labs_are_distinguished_by_their_ports() {
    let sandbox = Arc::new(Sandbox::new());
    let mut first = Setup::within(&sandbox, "first").start().await;
    let mut second = Setup::within(&sandbox, "second").start().await;
    let ambiguous = sandbox.run(["switch", "producer=b3"]).await;
    assert_eq!(ambiguous.code, Some(2), "{ambiguous:?}");
    for lab in [&first, &second] {
        assert!(
            ambiguous.stderr.contains(&lab.addresses.endpoint),
            "{ambiguous:?}"
        );
    }
    let port = second.port().to_string();
    let switched = sandbox
        .run(["switch", "consumer=b3", "--lab", &port, "--format", "json"])
        .await;
    assert_eq!(switched.code, Some(0), "{switched:?}");
    assert_eq!(
        switched.json()["addresses"]["endpoint"],
        second.addresses.endpoint.as_str()
    );
    assert_eq!(
        second.status().await["consumer"]["propagation"],
        json!({"OTEL_PROPAGATORS": "b3"})
    );
    assert_eq!(first.status().await["consumer"]["propagation"], json!({}));
    second.stop_well().await;
    // with one lab left, no choice is needed
    let switched = sandbox.run(["switch", "producer=none"]).await;
    assert_eq!(switched.code, Some(0), "{switched:?}");
    assert_eq!(
        switched.stdout,
        "producer  none\nconsumer  tracecontext,baggage\n"
    );
    first.stop_well().await;
}

#[tokio::test]
async fn followed_logs_end_with_the_lab() {
    let mut lab = Setup::new().start().await;
    let followed = lab
        .sandbox
        .baton(["logs", "-f", "consumer"])
        .spawn()
        .expect("the command starts");
    let follower = followed.id().expect("it runs");
    wait_until("the log is open", async || {
        let log = lab.saved.join("logs/consumer.log");
        let files = std::fs::read_dir(format!("/proc/{follower}/fd")).ok()?;
        files
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|path| path == log))
            .then_some(())
    })
    .await;
    for _ in 0..5 {
        lab.accepted(KATE).await;
    }
    lab.stop_well().await;
    let finished = ended(followed).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(
        finished.stdout.matches("record received").count(),
        5,
        "{}",
        finished.stdout
    );
}
