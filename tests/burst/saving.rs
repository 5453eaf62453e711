//! Saved runs, and plan files.

use serde_json::{Value, json};

use super::measured;
use crate::support::command::Sandbox;
use crate::support::run::{self, kind};
use crate::support::server::Server;

#[tokio::test]
async fn a_burst_is_saved_as_a_run_without_pairing() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let flags = [
        "--requests",
        "25",
        "--bursts",
        "2",
        "--gap",
        "0s",
        "--client",
        "b3",
        "--out",
        "out",
        "--goose-report",
        "goose.html",
    ];
    measured(&sandbox, &server.endpoint(), &flags).await;
    let directory = sandbox.path("out");
    let manifest = run::json(&directory.join("run.json"));
    assert_eq!(manifest["pairing"], Value::Null);
    assert_eq!(manifest["settings"]["client"], "b3");
    assert_eq!(manifest["settings"]["endpoint"], server.endpoint());
    assert!(manifest["end"].is_string(), "{manifest}");
    let load = run::json(&directory.join("load.json"));
    assert_eq!(load["requests"], json!({"sent": 50, "ok": 50, "failed": 0}));
    assert_eq!(load["bursts"].as_array().map(Vec::len), Some(2));
    assert!(load["bursts"][0]["goose"].is_object(), "{load}");
    let spans = run::spans(&directory);
    assert_eq!(run::of(&spans, "client", kind::CLIENT).len(), 50);
    for report in ["goose-1.html", "goose-2.html"] {
        let html = std::fs::read_to_string(sandbox.path(report)).expect(report);
        assert!(html.contains("POST /dev/producer"), "{report}");
    }
    // an earlier run there is replaced
    measured(
        &sandbox,
        &server.endpoint(),
        &["--requests", "5", "--out", "out"],
    )
    .await;
    assert_eq!(run::spans(&directory).len(), 5);
}

#[tokio::test]
async fn a_burst_alone_is_a_source_that_says_what_it_lacks() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let flags = ["--requests", "20", "--out", "out"];
    measured(&sandbox, &server.endpoint(), &flags).await;
    let arguments = ["compare", "out", "--fail-over", "ingress.lost=0"];
    let compared = sandbox.run(arguments).await;
    assert_eq!(compared.code, Some(1), "{compared:?}");
    let lacks = "ingress cannot be judged: the source has only the clients' half";
    assert!(compared.stdout.contains(lacks), "{}", compared.stdout);
    assert!(!compared.stdout.contains("20 lost"), "{}", compared.stdout);
    assert!(
        !compared.stdout.contains("is missing"),
        "{}",
        compared.stdout
    );
    for command in ["map", "traces"] {
        let shown = sandbox.run([command, "out"]).await;
        assert_eq!(shown.code, Some(0), "{shown:?}");
        assert!(!shown.stdout.contains("lost"), "{}", shown.stdout);
        let half = "the source has only the clients' spans";
        assert!(shown.stderr.contains(half), "{command}: {}", shown.stderr);
    }
}

#[tokio::test]
async fn a_plan_holds_settings_and_flags_win() {
    let (sandbox, server) = (Sandbox::new(), Server::well().await);
    let plan = format!(
        "endpoint = \"{}\"\nclient = \"b3\"\nrequests = 10\nusers = 2\nbaggage = true\nfail-under = [\"ok=50%\", \"rps=0.001\"]\nformat = \"json\"\n",
        server.endpoint()
    );
    std::fs::write(sandbox.path("plan.toml"), plan).expect("room");
    let finished = sandbox.run(["burst", "--plan", "plan.toml"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!(result["requests"]["sent"], 10);
    assert_eq!(
        [&result["settings"]["client"], &result["settings"]["users"]],
        [&json!("b3,baggage"), &json!(2)]
    );
    assert_eq!(result["checks"].as_array().map(Vec::len), Some(2));
    // a flag also wins over a setting that it excludes
    let flags = [
        "burst",
        "--plan",
        "plan.toml",
        "--client",
        "tracecontext",
        "--duration",
        "100ms",
    ];
    let finished = sandbox.run(flags).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let settings = finished.json()["settings"].clone();
    assert_eq!(settings["client"], "tracecontext,baggage");
    assert_eq!(settings["stop"], json!({"duration_s": 0.1}));

    for (text, sentence) in [
        (
            "endpoints = 1",
            "baton burst has no setting \"endpoints\"; its settings are baggage, bursts,",
        ),
        (
            "users = \"many\"",
            "plan.toml: --users: \"many\" is not a whole number",
        ),
        (
            "users = true",
            "plan.toml: users: expected a value, but found boolean",
        ),
        (
            "no-color = 1",
            "plan.toml: no-color: expected true or false, but found integer",
        ),
        ("users = ", "--plan: plan.toml, line 1: "),
        ("users = 3", "the plan has no endpoint"),
    ] {
        std::fs::write(sandbox.path("plan.toml"), text).expect("room");
        let finished = sandbox.run(["burst", "--plan", "plan.toml"]).await;
        assert_eq!(finished.code, Some(2), "{text}: {finished:?}");
        assert!(finished.stderr.contains(sentence), "{text}: {finished:?}");
    }
    let finished = sandbox.run(["burst", "--plan", "nowhere.toml"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
}

#[tokio::test]
async fn a_run_takes_bursts_and_a_plan_too() {
    let sandbox = Sandbox::new();
    let plan = "pairings = [\"b3\", \"b3:tracecontext\"]\nrequests = 15\nbursts = 2\ngap = \"10ms\"\ninstances = 1\n";
    std::fs::write(sandbox.path("plan.toml"), plan).expect("room");
    let finished = sandbox
        .run([
            "run",
            "--plan",
            "plan.toml",
            "--out",
            "out",
            "--format",
            "json",
        ])
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let runs = finished.json()["runs"].clone();
    for (run, record) in runs
        .as_array()
        .expect("runs")
        .iter()
        .zip(["connected", "new_trace"])
    {
        assert_eq!(run["hops"]["record"], json!({ record: 30 }));
        assert_eq!(run["requests"], json!({"sent": 30, "ok": 30, "failed": 0}));
    }
    let load = run::json(&sandbox.path("out/b3_to_tracecontext/load.json"));
    assert_eq!(load["bursts"].as_array().map(Vec::len), Some(2));
    let finished = sandbox
        .run(["run", "none", "--plan", "plan.toml", "--out", "other"])
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("burst"),
        "a table of bursts: {finished:?}"
    );
    assert!(sandbox.path("other/none").exists() && !sandbox.path("other/b3").exists());
}
