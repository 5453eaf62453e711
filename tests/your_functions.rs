//! docs/your-functions.md: its consumer in Python is judged, and its commands succeed.

use std::path::Path;

use serde_json::json;

use crate::support::command::Sandbox;
use crate::support::run;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/your-functions.md");
    std::fs::read_to_string(path).expect("the document")
}

/// The code in the document.
fn python(document: &str) -> &str {
    let (_, after) = document.split_once("```python\n").expect("code");
    after.split_once("```").expect("the end of the code").0
}

#[test]
fn the_consumer_is_as_short_as_the_document_says() {
    assert!(python(&document()).lines().count() <= 40);
}

#[tokio::test]
async fn the_commands_of_the_document_succeed_and_every_record_is_judged() {
    let document = document();
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("consumer.py"), python(&document)).expect("a file");
    let commands = document
        .lines()
        .filter_map(|line| line.strip_prefix("$ baton "));
    let commands: Vec<&str> = commands.collect();
    assert!(commands.len() > 3, "{commands:?}");
    for line in commands {
        let arguments = shlex::split(line).expect("words");
        let finished = sandbox.run(arguments).await;
        assert_eq!(finished.code, Some(0), "{line}: {finished:?}");
        assert!(!finished.stdout.is_empty(), "{line}");
    }
    for (folder, verdict) in [
        ("mine/tracecontext", "connected"),
        ("mine/b3_to_tracecontext", "new_trace"),
    ] {
        let summary = run::json(&sandbox.path(&format!("{folder}/summary.json")));
        assert_eq!(
            summary["hops"]["record"],
            json!({ verdict: 20 }),
            "{folder}"
        );
        assert_eq!(summary["log_problems"], 0, "{folder}");
    }
}
