//! `baton matrix`: what it measures, prints and saves.

use serde_json::{Value, json};

use crate::support::command::Sandbox;

/// Runs a matrix, and returns the printed JSON.
async fn matrix(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let all = ["matrix", "--format", "json", "--requests", "2"];
    let finished = sandbox.run(all.iter().chain(arguments)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

/// The only cell of a grid with these values.
fn cell<'a>(matrix: &'a Value, grid: &str, values: &[(&str, Value)]) -> &'a Value {
    let cells = matrix[grid].as_array().expect("a grid");
    let mut found = cells
        .iter()
        .filter(|cell| values.iter().all(|(name, value)| cell[name] == *value));
    let (cell, further) = (found.next(), found.next());
    assert!(further.is_none(), "{values:?}");
    cell.unwrap_or_else(|| panic!("no cell of {grid} has {values:?}"))
}

fn ingress<'a>(matrix: &'a Value, client: &str, producer: Value) -> &'a Value {
    let values = [("client", json!(client)), ("producer", producer)];
    cell(matrix, "ingress", &values)
}

#[tokio::test]
async fn every_cell_has_its_verdicts_and_a_reason() {
    let modes = ["none", "tracecontext", "b3", "tracecontext,b3"];
    let sandbox = Sandbox::new();
    let matrix = matrix(&sandbox, &[&["--modes"], &modes[..]].concat()).await;
    assert_eq!(
        (&matrix["defects"], &matrix["problems"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(matrix["record"].as_array().map(Vec::len), Some(16));
    let expected = [
        (json!([]), json!(["b3"]), "new_trace", json!({})),
        (
            json!(["tracecontext"]),
            json!(["tracecontext"]),
            "connected",
            json!({}),
        ),
        (
            json!(["tracecontext"]),
            json!(["b3"]),
            "new_trace",
            json!({"tracestate_lost": 2}),
        ),
        (json!(["b3"]), json!([]), "new_trace", json!({})),
        (
            json!(["tracecontext", "b3"]),
            json!(["b3"]),
            "connected",
            json!({"tracestate_lost": 2}),
        ),
    ];
    for (producer, consumer, verdict, flags) in expected {
        let cell = cell(
            &matrix,
            "record",
            &[("producer", producer), ("consumer", consumer)],
        );
        assert_eq!(
            (&cell["sent"], &cell["delivered"]),
            (&json!(2), &json!(2)),
            "{cell}"
        );
        assert_eq!(cell["verdicts"], json!({verdict: 2}), "{cell}");
        assert_eq!(cell["flags"], flags, "{cell}");
        assert_eq!(cell["engine"], "native");
        assert_eq!(cell["agrees"], true, "{cell}");
        assert_ne!(cell["why"], "", "{cell}");
    }
    for cell in matrix["record"].as_array().expect("cells") {
        let bytes = match cell["producer"].as_array().is_some_and(Vec::is_empty) {
            true => 0,
            false => cell["carrier"].to_string().len(),
        };
        assert_eq!(cell["carrier_bytes"], bytes, "{cell}");
    }

    let both = json!(["tracecontext", "b3"]);
    let conflicting = ingress(&matrix, "conflicting", both.clone());
    assert_eq!(conflicting["verdicts"], json!({"wrong_trace": 2}));
    assert_eq!(conflicting["followed"], "b3");
    let headers = &conflicting["headers"];
    let trace_id = |header: &str, part: usize| {
        let value = headers[header].as_str().expect("a header");
        value.split('-').nth(part).expect("a trace id").to_owned()
    };
    assert_ne!(trace_id("traceparent", 1), trace_id("b3", 0), "{headers}");
    for (client, producer, verdict, followed) in [
        ("none", json!(["b3"]), "new_trace", Value::Null),
        ("jaeger", json!(["b3"]), "new_trace", Value::Null),
        ("agreeing", both.clone(), "connected", json!("b3")),
        ("conflicting_own_b3", both.clone(), "connected", json!("b3")),
        (
            "conflicting_span",
            json!(["b3"]),
            "wrong_parent",
            json!("b3"),
        ),
        (
            "conflicting_sampled",
            both.clone(),
            "unsampled",
            json!("b3"),
        ),
        (
            "malformed_b3_beside_tracecontext",
            both.clone(),
            "connected",
            json!("tracecontext"),
        ),
        (
            "b3_64_bit_beside_tracecontext",
            both.clone(),
            "id_truncated",
            json!("b3"),
        ),
    ] {
        let cell = ingress(&matrix, client, producer);
        assert_eq!(cell["verdicts"], json!({verdict: 2}), "{cell}");
        assert_eq!(cell["followed"], followed, "{cell}");
        assert_eq!(cell["agrees"], true, "{cell}");
    }
    let answer = matrix["answer"].as_str().expect("text");
    assert!(
        answer.contains("the last one in the reader's list wins")
            && answer.contains("tracecontext,b3 continues b3"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_first_may_win_and_lambdas_environment_may_turn_sampling_off() {
    let sandbox = Sandbox::new();
    let matrix = matrix(
        &sandbox,
        &[
            "--select",
            "first",
            "--modes",
            "tracecontext,b3;xray,tracecontext",
        ],
    )
    .await;
    let first = ingress(&matrix, "conflicting", json!(["tracecontext", "b3"]));
    assert_eq!(
        (&first["verdicts"], &first["followed"]),
        (&json!({"connected": 2}), &json!("tracecontext"))
    );
    let trapped = ingress(
        &matrix,
        "lambda_environment",
        json!(["xray", "tracecontext"]),
    );
    assert_eq!(
        (&trapped["verdicts"], &trapped["followed"]),
        (&json!({"unsampled": 2}), &json!("xray"))
    );
    let answer = matrix["answer"].as_str().expect("text");
    assert!(
        answer.contains("the first one in the reader's list wins"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_engine_leaves_out_what_upstream_has_no_code_for_and_says_so() {
    let sandbox = Sandbox::new();
    let matrix = matrix(
        &sandbox,
        &["--engine", "native,otel", "--modes", "b3", "xray"],
    )
    .await;
    let left_out = matrix["left_out"].as_array().expect("sentences");
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert!(
        left_out[0]
            .as_str()
            .expect("text")
            .contains("otel leaves out xray"),
        "{left_out:?}"
    );
    let of = |engine: &str| {
        let cells = matrix["record"].as_array().expect("cells").iter();
        cells.filter(|cell| cell["engine"] == engine).count()
    };
    assert_eq!((of("native"), of("otel")), (4, 1));
    let b3 = |engine: &str| {
        let values = [
            ("engine", json!(engine)),
            ("producer", json!(["b3"])),
            ("consumer", json!(["b3"])),
        ];
        cell(&matrix, "record", &values)["carrier"]
            .as_object()
            .expect("headers")
            .len()
    };
    assert_eq!(
        (b3("native"), b3("otel")),
        (1, 4),
        "upstream writes X-B3-* too"
    );

    let refused = sandbox
        .run(["matrix", "--engine", "otel", "--modes", "xray"])
        .await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("otel leaves out xray"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_saved_matrix_prints_the_same_again_and_a_defect_in_it_fails() {
    let sandbox = Sandbox::new();
    let measured = sandbox
        .run([
            "matrix",
            "--modes",
            "b3",
            "--requests",
            "1",
            "--save",
            "matrix.json",
        ])
        .await;
    assert_eq!(measured.code, Some(0), "{measured:?}");
    assert!(
        measured.stderr.contains("native, clients to b3"),
        "{measured:?}"
    );
    let again = sandbox.run(["matrix", "--from", "matrix.json"]).await;
    assert_eq!((again.code, again.stdout), (Some(0), measured.stdout));

    let path = sandbox.path("matrix.json");
    let text = std::fs::read_to_string(&path).expect("the matrix");
    let mut saved: Value = serde_json::from_str(&text).expect("JSON");
    let printed = sandbox
        .run(["matrix", "--from", "matrix.json", "--format", "json"])
        .await;
    assert_eq!(printed.json(), saved);
    let cells = saved["record"].as_array().map_or(0, Vec::len)
        + saved["ingress"].as_array().map_or(0, Vec::len);
    assert!(text.lines().count() > cells, "a line for every cell");

    saved["defects"] = json!([{
        "engine": "native", "hop": "record", "cell": "b3:b3", "hand_offs": 1,
        "observed": {"verdicts": {"new_trace": 1}, "flags": {}},
        "predicted": {"verdicts": {"connected": 1}, "flags": {}},
    }]);
    std::fs::write(&path, saved.to_string()).expect("the matrix");
    for format in ["text", "markdown", "json"] {
        let failed = sandbox
            .run(["matrix", "--from", "matrix.json", "--format", format])
            .await;
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(failed.stdout.contains("b3:b3"), "{failed:?}");
        assert!(failed.stderr.contains("a defect of baton"), "{failed:?}");
    }
}

/// Runs a matrix of one pairing with this script as the producer. Returns the exit code too.
async fn with_producer(script: &str) -> (Option<i32>, Value) {
    let sandbox = Sandbox::new();
    let path = sandbox.path("producer.sh");
    let baton = crate::support::command::baton();
    std::fs::write(&path, script.replace("baton", &format!("'{baton}'"))).expect("a script");
    let producer = format!("producer=sh '{}'", path.display());
    let arguments = ["matrix", "--modes", "tracecontext", "--requests", "1"];
    let flags = ["--format", "json", "--function", &producer];
    let finished = sandbox.run(arguments.into_iter().chain(flags)).await;
    (finished.code, finished.json())
}

#[tokio::test]
async fn unmeasured_cells_are_not_called_whole() {
    let (code, matrix) = with_producer("exec baton function producer > /dev/null").await;
    assert_eq!(code, Some(1), "{matrix}");
    let record = &matrix["record"][0];
    assert_eq!(
        (&record["sent"], &record["verdicts"]),
        (&json!(0), &json!({}))
    );
    let problems = matrix["problems"].as_array().expect("problems");
    assert!(
        problems.iter().any(|problem| problem
            == "native, tracecontext:tracecontext: accepted requests without a record in the producer's log, whose hand-offs are not judged: 1"),
        "{problems:?}"
    );
    let answer = matrix["answer"].as_str().expect("an answer");
    assert!(!answer.contains("holds in"), "{answer}");
}

#[tokio::test]
async fn whatever_else_a_function_writes_into_its_log_is_passed_over() {
    let (code, matrix) = with_producer("printf '\\377\\n'; exec baton function producer").await;
    assert_eq!(code, Some(0), "{matrix}");
    assert_eq!(matrix["record"][0]["verdicts"], json!({"connected": 1}));
}

#[tokio::test]
async fn invalid_modes_are_refused_in_a_sentence() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("no-matrix.json"), "{}").expect("a file");
    for (arguments, sentence) in [
        (&["--modes", "b4"][..], "unknown format \"b4\""),
        (&["--modes", ""], "--modes names no mode"),
        (
            &["--requests", "0"],
            "--requests: 0 is out of range; use 1 to 10000",
        ),
        (&["--from", "nowhere.json"], "cannot read nowhere.json"),
        (
            &["--from", "no-matrix.json"],
            "expected a matrix that baton has saved",
        ),
        (
            &["--from", "no-matrix.json", "--requests", "3"],
            "cannot be used with",
        ),
    ] {
        let refused = sandbox.run([&["matrix"], arguments].concat()).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(sentence), "{refused:?}");
    }
    let run = sandbox.run(["run", "none", "--format", "markdown"]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(
        run.stderr.contains("markdown is for other commands"),
        "{run:?}"
    );
}

#[tokio::test]
async fn nothing_in_a_saved_matrix_controls_a_terminal() {
    let sandbox = Sandbox::new();
    let saved = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mixed-headers.json");
    let saved = std::fs::read_to_string(saved).expect("the matrix");
    // a bidirectional control reorders the text around it, an escape controls the terminal
    let hostile = "x\u{202e}\u{1b}[31m";
    let mut matrix: serde_json::Value = serde_json::from_str(&saved).expect("JSON");
    matrix["ingress"][0]["client"] = hostile.into();
    matrix["ingress"][0]["headers"] = serde_json::json!({ "traceparent": hostile });
    matrix["ingress"][0]["kind"] = hostile.into();
    matrix["left_out"] = serde_json::json!([hostile]);
    matrix["answer"] = hostile.into();
    std::fs::write(sandbox.path("hostile.json"), matrix.to_string()).expect("room");
    for format in ["text", "markdown"] {
        let printed = sandbox
            .run(["matrix", "--from", "hostile.json", "--format", format])
            .await;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        assert!(!printed.stdout.contains(['\u{202e}', '\u{1b}']), "{format}");
        assert!(printed.stdout.contains("u{202e}"), "{format}: {printed:?}");
    }
}
