use super::*;
use std::ffi::OsString;

fn function(command: &[&str]) -> Function {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log_path = folder.path().join("log");
    let settings = FunctionSettings {
        name: "producer",
        command: command.iter().map(OsString::from).collect(),
        instances: 1,
        timeout: Duration::from_secs(5),
        freeze: false,
        log: std::fs::File::create(&log_path).expect("a log"),
        log_path,
    };
    Function::new(settings, BTreeMap::new())
}

#[tokio::test]
async fn too_many_waiting_invocations_are_refused_with_the_reason() {
    // never asks for an event
    let function = function(&["/bin/sleep", "60"]);
    let waiting: Vec<_> = (0..MAX_WAITING)
        .map(|number| {
            let (reply, answer) = oneshot::channel();
            let request_id = number.to_string();
            let invocation = Invocation {
                request_id,
                event: Bytes::new(),
                reply,
            };
            function.enqueue(invocation).expect("room");
            answer
        })
        .collect();
    let refused = function.invoke(Bytes::new()).await.expect_err("no room");
    assert_eq!(
        refused.to_string(),
        "all 1 instances of the producer are busy and 1000 invocations are waiting already"
    );
    assert_eq!(waiting.len(), function.status().waiting);
    function.abort();
}

#[tokio::test]
async fn waiting_events_take_bounded_memory() {
    // never asks for an event
    let function = function(&["/bin/sleep", "60"]);
    let largest = Bytes::from(vec![0; invocation::MAX_PAYLOAD_BYTES]);
    let mut waiting = Vec::new();
    let refused = loop {
        let (reply, answer) = oneshot::channel();
        let invocation = Invocation {
            request_id: String::new(),
            // clones share the bytes, and count as if they did not
            event: largest.clone(),
            reply,
        };
        match function.enqueue(invocation) {
            Ok(()) => waiting.push(answer),
            Err(refused) => break refused,
        }
    };
    assert_eq!(waiting.len(), MAX_WAITING_BYTES / largest.len());
    assert!(
        matches!(refused, InvocationError::Throttled { .. }),
        "{refused}"
    );
    // a small one has room
    let (reply, _answer) = oneshot::channel();
    let small = Invocation {
        request_id: String::new(),
        event: Bytes::from_static(b"{}"),
        reply,
    };
    function.enqueue(small).expect("room");
    function.abort();
}

#[tokio::test]
async fn a_function_that_cannot_start_answers_instead_of_hanging() {
    let function = function(&["/bin/false"]);
    let error = function.start().await.expect_err("no function");
    assert!(error.to_string().contains("exit status: 1"), "{error}");
    let error = function
        .invoke(Bytes::new())
        .await
        .expect_err("no function");
    assert!(
        matches!(error, InvocationError::NotStarting { .. }),
        "{error}"
    );
}
