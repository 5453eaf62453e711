//! Several runs at once, and a pairing that takes turns with itself.

use serde_json::{Value, json};

use super::run;
use crate::support::command::{Sandbox, ended};

#[tokio::test]
async fn runs_that_start_together_are_saved_apart() {
    const RUNS: usize = 4;
    let sandbox = Sandbox::new();
    let running: Vec<_> = (0..RUNS)
        .map(|_| {
            let mut baton = sandbox.baton(["run", "b3", "--requests", "3"]);
            baton.spawn().expect("the command starts")
        })
        .collect();
    let mut said = Vec::new();
    for run in running {
        let finished = ended(run).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let (_, place) = finished.stdout.rsplit_once("Saved in ").expect("a place");
        let (place, _) = place.split_once(';').expect("and a report");
        said.push(sandbox.path(place));
    }
    for directory in &said {
        let summary = run::json(&directory.join("b3/summary.json"));
        assert_eq!(summary["hops"]["record"], json!({"connected": 3}));
    }
    said.sort();
    said.dedup();
    assert_eq!(
        said.len(),
        RUNS,
        "each has a directory of its own: {said:?}"
    );
}

#[tokio::test]
async fn the_same_pairing_twice_takes_turns_with_itself() {
    let sandbox = Sandbox::new();
    let flags = [
        "b3",
        "b3",
        "--requests",
        "72",
        "--rounds",
        "6",
        "--users",
        "2",
    ];
    let limit = ["--fail-under", "record.connected=100%"];
    let result = run(&sandbox, &[&flags[..], &limit].concat()).await;
    let runs = result["runs"].as_array().expect("runs");
    let names: Vec<_> = runs.iter().map(|run| &run["name"]).collect();
    assert_eq!(names, ["b3", "b3#2"]);
    assert_eq!(runs[0]["interleaved"], runs[1]["interleaved"]);
    for (summary, directory) in runs.iter().zip(["out/b3", "out/b3_2"]) {
        let directory = sandbox.path(directory);
        assert_eq!(&run::json(&directory.join("summary.json")), summary);
        let rounds = summary["rounds"].as_array().expect("rounds");
        assert_eq!(rounds.len(), 6);
        let sent: u64 = rounds
            .iter()
            .filter_map(|round| round["requests"]["sent"].as_u64())
            .sum();
        let records: u64 = rounds
            .iter()
            .filter_map(|round| round["records"].as_u64())
            .sum();
        assert_eq!((sent, records), (72, 72), "{rounds:?}");
        let load = run::json(&directory.join("load.json"));
        assert_eq!(load["rounds"].as_array().map(Vec::len), Some(6));
        assert_eq!(
            run::json(&directory.join("run.json"))["settings"]["rounds"],
            6
        );
    }
    let differences = result["differences"].as_array().expect("differences");
    for metric in ["request.p50", "end_to_end.p50"] {
        let mut all = differences.iter();
        let found = all
            .find(|difference| difference["metric"] == metric)
            .expect("it");
        assert_eq!(found["rounds"], 6, "{found}");
        assert_eq!(
            found["significant"], false,
            "six rounds cannot be beyond chance: {found}"
        );
        let interval = [0, 1].map(|end| found["interval"][end].as_f64());
        let change = found["change"].as_f64();
        assert!(interval[0] <= change && change <= interval[1], "{found}");
        assert!(found["p"].as_f64() > Some(0.01), "{found}");
    }
    assert_eq!(result["untested"], Value::Null);
    assert_eq!(result["checks"].as_array().map(Vec::len), Some(2));

    // a comparison of the directories knows the rounds too
    let again = sandbox
        .run(["compare", "out/b3", "out/b3_2", "--format", "json"])
        .await;
    assert_eq!(again.json()["differences"], result["differences"]);
}
