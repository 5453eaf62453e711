//! A foreign consumer with bugs, for tests. A word in the record decides how it fails:
//!
//! - `crash` ends the process;
//! - `fail` fails the invocation;
//! - `partial` is reported as a batch item failure;
//! - `unreadable` is reported as a batch item failure whose identifier is not text;
//! - `hang` never returns;
//! - `bulky` is answered with 8 MB, more than Lambda takes.
//!
//! With the word `once`, it fails the first time only. The consumer writes every other record, as a
//! line of JSON, to the file that the variable `BATON_TEST_OUTPUT` names.
//!
//! `baton up --function consumer=target/debug/examples/fragile_consumer`

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let output: PathBuf = std::env::var_os("BATON_TEST_OUTPUT")
        .ok_or("BATON_TEST_OUTPUT has to name a file")?
        .into();
    let output = &output;
    lambda_runtime::run(service_fn(|event| handle(output, event))).await
}

async fn handle(output: &Path, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let invocation = &event.context.request_id;
    let records = event.payload["Records"]
        .as_array()
        .ok_or("the event has no records")?;
    for record in records {
        let sequence_number = record["kinesis"]["sequenceNumber"]
            .as_str()
            .unwrap_or_default();
        let data = STANDARD.decode(record["kinesis"]["data"].as_str().unwrap_or_default())?;
        let text = String::from_utf8_lossy(&data);
        match mishap(output, &text)? {
            Some(Mishap::Crash) => std::process::abort(),
            Some(Mishap::Fail) => return Err(format!("cannot handle {text:?}").into()),
            Some(Mishap::Hang) => std::future::pending::<()>().await,
            Some(Mishap::Bulky) => return Ok(json!("x".repeat(8_000_000))),
            Some(Mishap::Partial) => {
                return Ok(json!({"batchItemFailures": [{"itemIdentifier": sequence_number}]}));
            }
            Some(Mishap::Unreadable) => {
                return Ok(json!({"batchItemFailures": [{"itemIdentifier": 7}]}));
            }
            None => {}
        }
        let line = json!({
            "invocation": invocation,
            "event_id": record["eventID"],
            "sequence_number": sequence_number,
            "text": text,
        });
        // one write, because several processes share the file
        let mut file = OpenOptions::new().create(true).append(true).open(output)?;
        file.write_all(format!("{line}\n").as_bytes())?;
    }
    Ok(json!({ "batchItemFailures": [] }))
}

/// How a record fails.
enum Mishap {
    Bulky,
    Crash,
    Fail,
    Hang,
    Partial,
    Unreadable,
}

fn mishap(output: &Path, text: &str) -> io::Result<Option<Mishap>> {
    let mishap = [
        ("bulky", Mishap::Bulky),
        ("crash", Mishap::Crash),
        ("fail", Mishap::Fail),
        ("hang", Mishap::Hang),
        ("partial", Mishap::Partial),
        ("unreadable", Mishap::Unreadable),
    ]
    .into_iter()
    .find_map(|(word, mishap)| text.contains(word).then_some(mishap));
    if mishap.is_some() && text.contains("once") {
        // a file, because it survives the crash of the process
        let first = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(output.with_extension("once"));
        return match first {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            first => first.map(|_| mishap),
        };
    }
    Ok(mishap)
}
