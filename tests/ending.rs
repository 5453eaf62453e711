//! How labs and runs end: nothing accepted is lost, and no process remains.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::command::{Sandbox, ended};
use crate::support::lab::{Lab, Setup};
use crate::support::{example, processes, run, wait_until};

const BODY: &str = r#"{ "name": "Kate", "superpower": "Distributed Tracing" }"#;

#[tokio::test]
async fn ctrl_c_delivers_what_was_accepted_and_leaves_no_process() {
    // the window holds every record back until the lab ends
    let mut lab = Setup::new()
        .flags([
            "--batch-window",
            "10m",
            "--producer",
            "b3",
            "--consumer",
            "b3",
        ])
        .start()
        .await;
    for _ in 0..30 {
        lab.accepted(BODY).await;
    }
    assert_eq!(lab.status().await["records_delivered"], 0);
    let children = lab.processes();
    assert!(children.len() >= 2, "{children:?}");
    let summary = lab.stop_and_sum_up().await;
    processes::wait_until_gone(&children).await;

    assert_eq!(
        summary["records"],
        json!({"sent": 30, "delivered": 30, "duplicates": 0, "lost": 0, "undelivered": 0})
    );
    assert_eq!(summary["hops"]["record"], json!({"connected": 30}));
    let manifest = run::json(&lab.saved.join("run.json"));
    assert_eq!(
        [&manifest["pairing"], &manifest["engine"]],
        ["b3:b3", "native"]
    );
    assert!(manifest["end"].is_string(), "{manifest}");
    let refused = lab.client.get(&lab.addresses.page).send().await;
    assert!(refused.is_err(), "something still answers: {refused:?}");
}

#[tokio::test]
async fn nothing_outlives_a_lab_that_is_killed() {
    let fragile = format!("consumer={}", example("fragile_consumer").display());
    // idle and frozen processes would end by themselves, a hanging one would not
    for (flags, body) in [
        (&[][..], "{}"),
        (&["--freeze"], "{}"),
        (&["--function", &fragile], "\"hang\""),
    ] {
        let setup = Setup::new().flags(flags.iter().copied());
        let output = setup.path("output").display().to_string();
        let mut lab = setup.variable("BATON_TEST_OUTPUT", output).start().await;
        lab.accepted(body).await;
        lab.wait_for("the consumer is invoked", |status| {
            status["consumer"]["invocations"] == 1
        })
        .await;
        let children = lab.processes();
        assert!(children.len() >= 2, "{flags:?}: {children:?}");
        lab.signal(Signal::KILL);
        lab.ended().await;
        processes::wait_until_gone(&children).await;
        // its note is still there, but its process is not
        let finished = lab.sandbox.run(["switch", "producer=b3"]).await;
        assert!(finished.stderr.contains("no lab is up"), "{finished:?}");
    }
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_measurements_and_leaves_no_process() {
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "tracecontext",
        "b3",
        "--duration",
        "1h",
        "--out",
        "out",
    ];
    let running = sandbox
        .baton(arguments)
        .spawn()
        .expect("the command starts");
    let pid = running.id().expect("it runs");
    // the pairings take turns, in an order that is drawn: the one that began has requests
    let pairings = ["tracecontext", "b3"];
    let directory = |pairing: &str| sandbox.path(&format!("out/{pairing}"));
    let began = wait_until("requests are logged", async || {
        pairings
            .into_iter()
            .find(|pairing| run::log(&directory(pairing), "producer", "request").len() > 10)
    })
    .await;
    let children = processes::descendants(pid);
    assert!(
        children.len() >= 3,
        "a producer, a consumer and a load generator: {children:?}"
    );
    processes::send(pid, Signal::INT);
    let finished = ended(running).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    processes::wait_until_gone(&children).await;
    for words in [began, "connected", "Saved in out"] {
        assert!(
            finished.stdout.contains(words),
            "what was measured is printed, {words} with it: {finished:?}"
        );
    }
    for pairing in pairings {
        let summary = run::json(&directory(pairing).join("summary.json"));
        let requests = summary["requests"]["sent"].as_u64().expect("a number");
        if pairing == began {
            assert!(requests > 10, "{summary}");
            assert_eq!(summary["hops"]["record"], json!({ "connected": requests }));
        } else {
            assert_eq!(requests, 0, "{pairing} had no turn: {summary}");
        }
    }
}

/// Sends these bytes to the server at `url` and leaves the connection open.
async fn raw(url: &str, bytes: &str) -> TcpStream {
    let url = reqwest::Url::parse(url).expect("a URL");
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().expect("a port")))
        .await
        .expect("a connection");
    stream.write_all(bytes.as_bytes()).await.expect("sent");
    stream
}

#[tokio::test]
async fn records_of_clients_that_have_gone_are_delivered() {
    const CLIENTS: u64 = 200;
    let request = format!(
        "POST /dev/producer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    // how many requests an instance has taken, finished or not, when their clients disconnect
    for taken in [1, 20, 60] {
        let mut lab = Setup::new().flags(["--instances", "4"]).start().await;
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(raw(&lab.addresses.endpoint, &request).await);
        }
        lab.wait_for("instances have taken requests", |status| {
            let [all, waiting] = ["invocations", "waiting"]
                .map(|name| status["producer"][name].as_u64().expect("a number"));
            all - waiting >= taken
        })
        .await;
        drop(clients);
        let summary = lab.stop_and_sum_up().await;
        let records = &summary["records"];
        assert!(records["sent"].as_u64() >= Some(taken), "{records}");
        assert_eq!(records["sent"], records["delivered"], "{records}");
        assert_eq!(
            [&records["lost"], &records["duplicates"]],
            [0, 0],
            "{records}"
        );
    }
}

#[tokio::test]
async fn a_half_sent_request_does_not_delay_the_end() {
    /// Far below the ten minutes for an invocation and the 30 s for a request's head.
    const MAX_WAIT: Duration = Duration::from_secs(10);
    let head = "POST /dev/producer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-le";
    let body = "POST /dev/producer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{";
    type Server = fn(&Lab) -> &str;
    let endpoint: Server = |lab| &lab.addresses.endpoint;
    let page: Server = |lab| &lab.addresses.page;
    let kinesis: Server = |lab| &lab.addresses.kinesis;
    let otlp: Server = |lab| &lab.addresses.otlp;
    let zipkin: Server = |lab| &lab.addresses.zipkin;
    let mut endings = JoinSet::new();
    for (name, server, half) in [
        ("a head", endpoint, head),
        ("a body", endpoint, body),
        ("the page's", page, body),
        ("Kinesis'", kinesis, body),
        ("the collector's", otlp, body),
        ("Zipkin's", zipkin, body),
    ] {
        endings.spawn(async move {
            let mut lab = Setup::new().flags(["--timeout", "10m"]).start().await;
            let half_sent = raw(server(&lab), half).await;
            // connections are accepted in order, so this answer shows that the half request was
            // seen
            lab.accepted(BODY).await;
            let start = Instant::now();
            let summary = lab.stop_and_sum_up().await;
            let took = start.elapsed();
            assert!(took < MAX_WAIT, "{name}: {took:?}");
            assert_eq!(summary["records"]["delivered"], 1, "{name}");
            drop(half_sent);
        });
    }
    while let Some(ending) = endings.join_next().await {
        ending.expect("an ending in time");
    }
}
