//! How labs and runs end: nothing that was accepted is lost, no process is left.

mod support;

use rustix::process::Signal;
use serde_json::json;

use support::command::{Sandbox, ended};
use support::lab::Setup;
use support::{example, processes, run, wait_until};

const BODY: &str = r#"{ "name": "Kate", "superpower": "Distributed Tracing" }"#;

#[tokio::test]
async fn ctrl_c_delivers_what_was_accepted_and_leaves_no_process() {
    // the window keeps every record back until the lab is told to end
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
        json!({"sent": 30, "delivered": 30, "duplicates": 0, "lost": 0})
    );
    assert_eq!(summary["hops"]["record"], json!({"connected": 30}));
    let manifest = run::json(&lab.saved.join("run.json"));
    assert_eq!(
        [&manifest["pairing"], &manifest["engine"]],
        ["b3:b3", "native"]
    );
    assert!(manifest["end"].is_string(), "{manifest}");
    let refused = lab.client.get(&lab.addresses.page).send().await;
    assert!(refused.is_err(), "somebody still answers: {refused:?}");
}

#[tokio::test]
async fn nothing_outlives_a_lab_that_is_killed() {
    let fragile = format!("consumer={}", example("fragile_consumer").display());
    // what is idle or frozen would end by itself; what hangs would not
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
        // its note is still there, but nobody is behind it
        let finished = lab.sandbox.run(["switch", "producer=b3"]).await;
        assert!(finished.stderr.contains("no lab is up"), "{finished:?}");
    }
}

#[tokio::test]
async fn an_interrupted_run_keeps_what_it_measured_and_leaves_no_process() {
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
    let directory = sandbox.path("out/tracecontext");
    wait_until("requests are logged", async || {
        (run::log(&directory, "producer", "request").len() > 10).then_some(())
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
    let summary = run::json(&directory.join("summary.json"));
    let requests = summary["requests"]["sent"].as_u64().expect("a number");
    assert!(requests > 10, "{summary}");
    assert_eq!(summary["hops"]["record"], json!({ "connected": requests }));
    assert!(
        !sandbox.path("out/b3").exists(),
        "the next pairing is not begun"
    );
}
