//! `--freeze`: functions stop between invocations, as on Lambda, and no span remains in them.

use serde_json::json;

use crate::support::command::Sandbox;
use crate::support::lab::Setup;
use crate::support::{run, wait_until};

#[tokio::test]
async fn frozen_functions_lose_no_span() {
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "tracecontext",
        "b3",
        "--freeze",
        "--requests",
        "150",
        "--format",
        "json",
        "--out",
        "out",
    ];
    let finished = sandbox.run(arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for summary in finished.json()["runs"].as_array().expect("runs") {
        assert_eq!(
            summary["hops"],
            json!({"ingress": {"connected": 150}, "record": {"connected": 150}})
        );
        assert_eq!(summary["troubles"]["spans_dropped"], 0, "{summary}");
    }
}

#[tokio::test]
async fn functions_are_frozen_between_invocations_after_their_spans_have_left() {
    let mut lab = Setup::new().flags(["--freeze"]).start().await;
    for request in 1..=3 {
        lab.accepted("{}").await;
        lab.wait_for_delivered(request).await;
        // two spans of the request, two of the record: exported before the processes stop
        lab.wait_for("all spans have arrived", |status| {
            status["spans"] == 4 * request
        })
        .await;
        wait_until("the functions are stopped", async || {
            let functions = lab.processes();
            let stopped = functions
                .iter()
                .filter(|pid| crate::support::processes::state(**pid) == Some('T'));
            (stopped.count() == 2 && functions.len() == 2).then_some(())
        })
        .await;
    }
    let functions = lab.processes();
    // a switch replaces frozen processes too
    let finished = lab
        .sandbox
        .run(["switch", "producer=b3", "consumer=b3"])
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    lab.accepted("{}").await;
    lab.wait_for_delivered(4).await;
    crate::support::processes::wait_until_gone(&functions).await;
    lab.stop_well().await;
    assert_eq!(run::records(&run::spans(&lab.saved)).len(), 4);
}

#[tokio::test]
async fn without_freezing_functions_merely_wait() {
    let mut lab = Setup::new().start().await;
    lab.accepted("{}").await;
    lab.wait_for_delivered(1).await;
    wait_until("the functions sleep", async || {
        let states: Vec<_> = lab
            .processes()
            .into_iter()
            .map(crate::support::processes::state)
            .collect();
        (states == [Some('S'), Some('S')]).then_some(())
    })
    .await;
    lab.stop_well().await;
}
