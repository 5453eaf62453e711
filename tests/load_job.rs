//! deploy/load-job.yaml: Kubernetes would accept it, and the command of its workers works.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::run;

/// The documents of the file by their kind.
fn documents() -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/load-job.yaml");
    let text = std::fs::read_to_string(path).expect("the file");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    let kind = |document: &Value| document["kind"].as_str().unwrap_or_default().to_owned();
    documents
        .into_iter()
        .map(|document| (kind(&document), document))
        .collect()
}

fn job() -> Value {
    documents().remove("Job").expect("a job")
}

/// Reads a document as the API's type `T`, and writes it again. That drops unknown fields, adds
/// required ones, and fails on a value of another type. So only a valid document stays the same.
fn validate<T: DeserializeOwned + Serialize>(document: &Value) -> Result<(), String> {
    let read: T = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(read).map_err(|error| error.to_string())?;
    if written == *document {
        Ok(())
    } else {
        Err(format!("the schema makes {written} of it"))
    }
}

#[test]
fn every_document_is_valid_under_the_api_s_schema() {
    let documents = documents();
    assert_eq!(
        documents.keys().collect::<Vec<_>>(),
        ["Job", "PersistentVolumeClaim"]
    );
    assert_eq!(validate::<Job>(&documents["Job"]), Ok(()));
    let claim = &documents["PersistentVolumeClaim"];
    assert_eq!(validate::<PersistentVolumeClaim>(claim), Ok(()));
}

#[test]
fn fields_outside_the_schema_are_refused() {
    let container = "/spec/template/spec/containers/0";
    for (parent, name, value) in [
        // unknown
        ("/spec", "completion", json!(4)),
        ("/spec/template/spec", "tolerance", json!([])),
        (container, "resource", json!({})),
        (
            &format!("{container}/env/0/valueFrom/fieldRef"),
            "path",
            json!("x"),
        ),
        // of another type
        ("/spec", "completions", json!("four")),
        (
            "/spec/template/spec",
            "automountServiceAccountToken",
            json!("false"),
        ),
        (container, "command", json!("baton burst")),
        (&format!("{container}/env/3"), "value", json!(32)),
        // required
        (container, "name", Value::Null),
        (
            "/spec/template/spec/volumes/0/persistentVolumeClaim",
            "claimName",
            Value::Null,
        ),
        ("", "kind", json!("Jobs")),
    ] {
        let mut job = job();
        let place = job
            .pointer_mut(parent)
            .and_then(Value::as_object_mut)
            .expect(parent);
        match value {
            Value::Null => place.remove(name),
            value => place.insert(name.to_owned(), value),
        };
        assert!(validate::<Job>(&job).is_err(), "{parent}/{name}");
    }
}

#[test]
fn workers_write_to_separate_folders_within_limits_and_get_no_secret() {
    let job = job();
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!(spec["completions"], spec["parallelism"]);
    assert_eq!(
        spec["backoffLimitPerIndex"], 0,
        "a restarted worker would send again"
    );
    assert_eq!(
        spec["backoffLimit"],
        Value::Null,
        "a worker that fails would end all others"
    );
    assert_eq!(spec["maxFailedIndexes"], spec["completions"]);
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let container = &pod["containers"][0];
    for limit in ["cpu", "memory"] {
        assert!(
            container["resources"]["limits"][limit].is_string(),
            "{limit}"
        );
    }
    let claimed = documents()["PersistentVolumeClaim"]["metadata"]["name"].clone();
    assert_eq!(
        pod["volumes"][0]["persistentVolumeClaim"]["claimName"],
        claimed
    );
    assert_eq!(
        container["volumeMounts"][0]["name"],
        pod["volumes"][0]["name"]
    );
    let text = job.to_string().to_lowercase();
    for word in ["authorization", "x-api-key", "password", "secretkeyref"] {
        assert!(!text.contains(word), "{word}");
    }
}

/// The worker's command with its variables, `$(NAME)`, replaced as the kubelet does.
fn command(variables: &BTreeMap<&str, String>) -> Vec<String> {
    let job = job();
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let words = container["command"].as_array().expect("a command");
    let expanded = words.iter().map(|word| {
        let mut word = word.as_str().expect("text").to_owned();
        for variable in container["env"].as_array().expect("variables") {
            let name = variable["name"].as_str().expect("a name");
            let value = match variables.get(name) {
                Some(value) => value.clone(),
                None => variable["value"]
                    .as_str()
                    .expect("a value of its own")
                    .to_owned(),
            };
            word = word.replace(&format!("$({name})"), &value);
        }
        assert!(
            !word.contains("$("),
            "{word} has a variable that nobody sets"
        );
        word
    });
    expanded.collect()
}

#[tokio::test]
async fn two_workers_and_a_merge_are_the_sum() {
    let sandbox = Arc::new(Sandbox::new());
    let mut lab = Setup::within(&sandbox, "lab").start().await;
    let worker = async |index: u32| {
        let variables = BTreeMap::from([
            ("ENDPOINT", lab.addresses.endpoint.clone()),
            ("JOB_COMPLETION_INDEX", index.to_string()),
            ("RUNS", sandbox.path("runs").display().to_string()),
            // less load than in the file, for one machine
            ("RATE", "50".to_owned()),
            ("DURATION", "1s".to_owned()),
        ]);
        let command = command(&variables);
        assert_eq!(command[0], "baton");
        let finished = sandbox.run(&command[1..]).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.json()["requests"]["ok"]
            .as_u64()
            .expect("a number")
    };
    let (first, second) = tokio::join!(worker(0), worker(1));
    lab.stop_well().await;
    assert!(first > 0 && second > 0, "{first}, {second}");

    let merged = sandbox
        .run([
            "merge",
            "runs/worker-0",
            "runs/worker-1",
            "lab",
            "--out",
            "runs/merged",
            "--format",
            "json",
        ])
        .await;
    assert_eq!(merged.code, Some(0), "{merged:?}");
    let all = &merged.json()["runs"][0];
    let sum = first + second;
    assert_eq!(
        all["requests"],
        json!({"sent": sum, "ok": sum, "failed": 0})
    );
    assert_eq!(
        all["hops"],
        json!({"ingress": {"connected": sum}, "record": {"connected": sum}})
    );
    let load = run::json(&sandbox.path("runs/merged/load.json"));
    assert_eq!(load["requests"]["ok"], sum);
    let counted = |name: &str| -> u64 {
        let buckets = load[name].as_array().expect("a histogram").iter();
        buckets.filter_map(|bucket| bucket[1].as_u64()).sum()
    };
    assert_eq!(counted("latency_histogram_us"), sum);
    // with a rate, latencies from when requests were due are merged too
    assert_eq!(counted("latency_corrected_histogram_us"), sum);
    assert!(load["latency_corrected_ms"]["p99"].is_number(), "{load}");
}
