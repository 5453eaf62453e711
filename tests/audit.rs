//! Tests of `baton audit`: on a recorded system, on sources of every kind, and as a check.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::command::{Finished, Sandbox, ended};
use crate::support::commands_of;
use crate::support::generated::Generated;

/// An export from the test data of `baton-traces`.
fn export(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/tests/data/systems");
    folder.join(name).display().to_string()
}

/// Splits the export `one` by lines into `parts` files. Returns their folder.
fn divided(sandbox: &Sandbox, parts: usize) -> PathBuf {
    let packed = std::fs::File::open(export("one.jsonl.gz")).expect("the export");
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(packed);
    unpacked.read_to_string(&mut text).expect("gzip");
    let folder = sandbox.path("parts");
    std::fs::create_dir(&folder).expect("room");
    for part in 0..parts {
        let lines = text.lines().skip(part).step_by(parts);
        let lines: Vec<&str> = lines.collect();
        let path = folder.join(format!("{part}.jsonl"));
        std::fs::write(path, lines.join("\n")).expect("room");
    }
    folder
}

/// A span of a service, as a line of OTLP/JSON.
fn span(service: &str, span_id: u64, kind: u8) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"{span_id:032x}","spanId":"{span_id:016x}","name":"x","kind":{kind},"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000001000000"}}]}}]}}]}}"#
    )
}

fn first_line(finished: &Finished) -> &str {
    finished.stdout.lines().next().unwrap_or_default()
}

#[tokio::test]
async fn the_first_line_says_how_many_broke_and_breaking_alone_is_not_a_failure() {
    let sandbox = Sandbox::new();
    let broken = sandbox.run(["audit", &export("one.jsonl.gz")]).await;
    assert_eq!(broken.code, Some(0), "{broken:?}");
    let first = first_line(&broken);
    assert!(first.ends_with("broke, on 6 of 16 edges."), "{first}");
    assert!(!broken.stdout.contains("lost"), "{}", broken.stdout);
    assert!(!broken.stdout.contains("inesis"), "{}", broken.stdout);
    let sound = sandbox.run(["audit", &export("fixed.jsonl.gz")]).await;
    let first = first_line(&sound);
    assert!(first.contains(" hand-offs held, on "), "{first}");
}

#[tokio::test]
async fn many_files_a_folder_and_standard_input_are_one_source() {
    let sandbox = Sandbox::new();
    let whole = sandbox
        .run(["audit", &export("one.jsonl.gz"), "--format", "json"])
        .await;
    let folder = divided(&sandbox, 3);
    let name = folder.display().to_string();
    let by_folder = sandbox.run(["audit", &name, "--format", "json"]).await;
    assert_eq!(by_folder.json(), whole.json());
    let files = (0..3).map(|part| folder.join(format!("{part}.jsonl")).display().to_string());
    let files: Vec<String> = files.collect();
    let mut command = sandbox.baton(["audit", "--format", "json", &files[1], "-", &files[0]]);
    let input = std::fs::File::open(&files[2]).expect("a part");
    command.stdin(Stdio::from(input));
    let by_input = ended(command.spawn().expect("the command starts")).await;
    assert_eq!(by_input.json(), whole.json());
}

/// Twenty services speak B3 and twenty speak W3C. What they have in common says more than hundreds of
/// sentences.
#[tokio::test]
async fn a_half_migrated_system_gets_one_explanation_and_a_few_sentences() {
    let sandbox = Sandbox::new();
    let forty = export("forty.json.gz");
    let text = sandbox.run(["audit", &forty]).await.stdout;
    let second = text.lines().nth(1).expect("a second line");
    assert_eq!(
        second,
        "Two groups of services do not understand each other: svc-00, svc-01, svc-02, svc-03, svc-04, svc-05 and 14 \
         more, and svc-20, svc-21, svc-22, svc-23, svc-24, svc-25 and 14 more. Between them, all 596 hand-offs broke; \
         within them, all 604 held. It looks as if each group reads only a format that the other does not send."
    );
    let sentences = |text: &str| text.matches(" starts a trace of its own").count();
    assert_eq!(sentences(&text), 10);
    assert!(text.contains("\n319 more edges broke. "), "{text}");
    let all = sandbox.run(["audit", &forty, "--verbose"]).await.stdout;
    assert_eq!(sentences(&all), 329);

    let json = sandbox.run(["audit", &forty, "--format", "json"]).await;
    let json = json.json();
    let patterns = json["patterns"].as_array().expect("patterns");
    assert_eq!(patterns.len(), 1, "{patterns:?}");
    let groups = patterns[0]["groups"].as_array().expect("groups");
    for (group, first) in groups.iter().zip([0, 20]) {
        let names: Vec<String> = (first..first + 20)
            .map(|number| format!("svc-{number:02}"))
            .collect();
        assert_eq!(*group, serde_json::json!(names));
    }
    let answer = json["answer"].as_str().expect("an answer");
    assert_eq!(sentences(answer), 10, "the answer is a few sentences");
    assert_eq!(json["edges"].as_array().map(Vec::len), Some(655));
}

#[tokio::test]
async fn a_limit_fails_where_too_few_held_and_where_it_is_not_known() {
    let sandbox = Sandbox::new();
    for (limit, code, says) in [
        ("99%", 1, "under the limit of 99%"),
        ("gateway->cart=100%", 0, "at or above the limit"),
        ("cart->pricing=0.5", 1, "under the limit of 0.5"),
        ("web->booking=95%", 1, "the source shows no hand-off there"),
    ] {
        let audit = ["audit", &export("one.jsonl.gz"), "--fail-under", limit];
        let finished = sandbox.run(audit).await;
        assert_eq!(finished.code, Some(code), "{limit}: {finished:?}");
        assert!(finished.stdout.contains(says), "{limit}: {finished:?}");
    }
    for wrong in ["connected=99%", "120%", "a->b", "99ms"] {
        let audit = ["audit", &export("one.jsonl.gz"), "--fail-under", wrong];
        let finished = sandbox.run(audit).await;
        assert_eq!(finished.code, Some(2), "{wrong}: {finished:?}");
    }
}

#[tokio::test]
async fn a_source_in_which_nothing_can_be_judged_fails_and_says_so() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("spans.jsonl");
    let name = path.display().to_string();
    std::fs::write(&path, span("web", 1, 2)).expect("room");
    let one = sandbox.run(["audit", &name]).await;
    assert_eq!(one.code, Some(0), "{one:?}");
    assert!(first_line(&one).contains("of one service"), "{one:?}");
    let two = format!("{}\n{}\n", span("web", 1, 2), span("booking", 2, 2));
    std::fs::write(&path, two).expect("room");
    let two = sandbox.run(["audit", &name]).await;
    assert_eq!(two.code, Some(1), "{two:?}");
    assert!(
        first_line(&two).starts_with("Nothing could be judged"),
        "{two:?}"
    );
    assert!(!two.stdout.contains("held."), "{two:?}");
}

#[tokio::test]
async fn a_limit_fails_if_calls_that_were_not_judged_could_break_it() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("spans.jsonl");
    let name = path.display().to_string();
    let call = span("web", 1, 3);
    let answer = span("booking", 2, 2)
        .replace(&format!("{:032x}", 2), &format!("{:032x}", 1))
        .replace("\"name\"", "\"parentSpanId\":\"0000000000000001\",\"name\"");
    std::fs::write(&path, format!("{call}\n{answer}\n")).expect("room");
    let all = ["audit", &name, "--fail-under", "99%"];
    let finished = sandbox.run(all).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let unanswered = span("web", 3, 3);
    let lines = format!("{call}\n{answer}\n{unanswered}\n");
    std::fs::write(&path, lines).expect("room");
    for limit in ["99%", "web->booking=99%"] {
        let finished = sandbox.run(["audit", &name, "--fail-under", limit]).await;
        assert_eq!(finished.code, Some(1), "{limit}: {finished:?}");
        let says = "is between 50.0% and 100.0%";
        assert!(finished.stdout.contains(says), "{limit}: {finished:?}");
        assert!(finished.stdout.contains("that could be judged held"));
    }
    let half = sandbox.run(["audit", &name, "--fail-under", "50%"]).await;
    assert_eq!(half.code, Some(0), "{half:?}");
}

#[tokio::test]
async fn a_file_of_services_shows_what_the_spans_contradict() {
    let sandbox = Sandbox::new();
    let services = export("one-services.toml");
    let one = export("one.jsonl.gz");
    let finished = sandbox
        .run(["audit", &one, "--services", &services, "--format", "json"])
        .await;
    let json = finished.json();
    let edges = json["edges"].as_array().expect("edges");
    let contradicted: Vec<String> = edges
        .iter()
        .filter(|edge| edge["prediction"]["contradicted"].as_u64() > Some(0))
        .map(|edge| format!("{} -> {}", edge["from"], edge["to"]))
        .collect();
    assert_eq!(contradicted, ["\"stock\" -> \"alerts\""]);
    let wrong = sandbox.path("services.toml");
    std::fs::write(&wrong, "[services.web]\ninject = \"b4\"\n").expect("room");
    let wrong = wrong.display().to_string();
    let refused = sandbox.run(["audit", &one, "--services", &wrong]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("--services"), "{refused:?}");
}

#[tokio::test]
async fn the_baseline_shows_which_edges_were_mended() {
    let sandbox = Sandbox::new();
    let (one, fixed) = (export("one.jsonl.gz"), export("fixed.jsonl.gz"));
    let finished = sandbox
        .run(["audit", &fixed, "--baseline", &one, "--format", "json"])
        .await;
    let json = finished.json();
    let differences = json["differences"].as_array().expect("differences");
    let mended: Vec<String> = differences
        .iter()
        .filter(|difference| difference["what"] == "held" && difference["significant"] == true)
        .map(|difference| format!("{} -> {}", difference["from"], difference["to"]))
        .collect();
    for edge in [
        "\"cart\" -> \"pricing\"",
        "\"gateway\" -> \"shipping\"",
        "\"stock\" -> \"alerts\"",
    ] {
        assert!(
            mended.iter().any(|mended| mended == edge),
            "{edge}: {mended:?}"
        );
    }
    assert!(
        !mended.iter().any(|edge| edge == "\"gateway\" -> \"cart\""),
        "{mended:?}"
    );
}

#[tokio::test]
async fn each_judged_hand_off_is_a_line_of_a_file() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("hand-offs.jsonl").display().to_string();
    let audit = [
        "audit",
        &export("one.jsonl.gz"),
        "--from",
        "stock",
        "--hand-offs",
        &file,
    ];
    let audit = audit.into_iter().chain(["--format", "json"]);
    let finished = sandbox.run(audit).await;
    let edges = finished.json()["edges"].as_array().expect("edges").clone();
    let judged: u64 = edges
        .iter()
        .filter_map(|edge| edge["handoffs"].as_u64())
        .sum();
    let text = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(text.lines().count() as u64, judged);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["from"], "stock");
        assert_eq!(line["sender"]["trace_id"].as_str().map(str::len), Some(32));
        assert_eq!(line["receiver"]["span_id"].as_str().map(str::len), Some(16));
    }
}

#[tokio::test]
async fn a_filter_hides_no_call_that_may_belong_to_its_edges() {
    let sandbox = Sandbox::new();
    let fixed = export("fixed.jsonl.gz");
    let one = export("one.jsonl.gz");
    let filtered = ["audit", &one, "--from", "orders", "--to", "fraud"];
    let finished = sandbox.run(filtered).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let first = first_line(&finished);
    assert!(first.contains(" that could be judged held"), "{first}");
    assert!(finished.stdout.contains("calls of orders"), "{finished:?}");
    let misspelt = sandbox.run(["audit", &fixed, "--service", "notfy"]).await;
    assert_eq!(misspelt.code, Some(2), "{misspelt:?}");
    assert!(misspelt.stderr.contains("--service notfy"), "{misspelt:?}");
    let apart = ["audit", &fixed, "--from", "mail", "--to", "cart"];
    let apart = sandbox.run(apart).await;
    assert!(
        first_line(&apart).starts_with("No hand-off between the services"),
        "{apart:?}"
    );
}

#[tokio::test]
async fn what_was_read_in_part_says_so_first() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("export");
    std::fs::create_dir(&folder).expect("room");
    let name = folder.display().to_string();
    std::fs::write(folder.join("spans.jsonl"), span("web", 1, 2)).expect("room");
    std::fs::write(folder.join("notes.txt"), "no spans").expect("room");
    let finished = sandbox.run(["audit", &name, "--format", "json"]).await;
    let json = finished.json();
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(1), "{json}");
    let answer = json["answer"].as_str().expect("an answer");
    assert!(answer.starts_with("Only a part"), "{answer}");
}

#[tokio::test]
async fn the_commands_of_the_document_succeed() {
    let sandbox = Sandbox::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/audit.md")).expect("the document");
    for (line, arguments) in commands_of(&document) {
        let mut command = sandbox.baton(arguments);
        command.current_dir(root);
        let finished = ended(command.spawn().expect("the command starts")).await;
        assert_eq!(finished.code, Some(0), "{line}: {finished:?}");
        assert!(!finished.stdout.is_empty(), "{line}");
    }
}

#[tokio::test]
async fn a_source_without_spans_fails() {
    let sandbox = Sandbox::new();
    let empty = sandbox.path("empty.jsonl");
    std::fs::write(&empty, "").expect("room");
    let empty = empty.display().to_string();
    let finished = sandbox.run(["audit", &empty]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(!finished.stdout.contains("held"), "{}", finished.stdout);
    let limited = ["audit", &empty, "--fail-under", "1%"];
    assert_eq!(sandbox.run(limited).await.code, Some(1));
}

/// A run is audited by its ids, as `compare` and `map` judge it.
#[tokio::test]
async fn an_audit_of_a_run_has_the_verdicts_of_its_comparison() {
    let sandbox = Sandbox::new();
    let broken = Generated {
        messages: 50,
        broken: 7,
        ..Generated::default()
    };
    let directory = sandbox.path("some broken");
    broken.write(&directory);
    let name = directory.display().to_string();
    let json = ["--format", "json"];
    let audit = sandbox.run(["audit", &name].into_iter().chain(json)).await;
    let edges = audit.json()["edges"].clone();
    let counts: Vec<(u64, u64)> = edges
        .as_array()
        .expect("edges")
        .iter()
        .map(|edge| {
            let verdicts = &edge["verdicts"];
            let count = |name: &str| verdicts[name].as_u64().unwrap_or(0);
            (count("connected"), count("new_trace"))
        })
        .collect();
    assert_eq!(counts, [(43, 7), (50, 0)], "{edges}");
    let limit = ["--fail-under", "connected=0%"];
    let compare = ["compare", &name].into_iter().chain(limit).chain(json);
    let compare = sandbox.run(compare).await;
    assert_eq!(compare.json()["runs"][0]["edges"], edges);
}

#[tokio::test]
async fn junit_names_the_edge_and_its_channel_and_each_name_once() {
    let (sandbox, one) = (Sandbox::new(), export("one.jsonl.gz"));
    let json = sandbox
        .run(["audit", &one, "--format", "json"])
        .await
        .json();
    let edge = &json["edges"][0];
    let [from, to] = ["from", "to"].map(|end| edge[end].as_str().expect("a service").to_owned());
    let limit = format!("{from}->{to}=95%");
    let mut flags = vec!["audit", &one, "--format", "junit"];
    for limit in ["99%", &limit, &limit, "nobody->nowhere=1%"] {
        flags.extend(["--fail-under", limit]);
    }
    let finished = sandbox.run(flags).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let document = roxmltree::Document::parse(&finished.stdout).expect("XML");
    let cases = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"));
    let names: Vec<&str> = cases.filter_map(|case| case.attribute("name")).collect();
    let over = format!("{from} -> {to} over ");
    assert_eq!(names[0], "all hand-offs: at least 99%");
    assert!(
        names[1].starts_with(&over) && names[1].ends_with(": at least 95%"),
        "{names:?}"
    );
    assert_eq!(names[2], format!("{} #2", names[1]));
    assert_eq!(names[3], "nobody -> nowhere: at least 1%");
}
