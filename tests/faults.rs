//! What breaks while a lab runs, one file per fault. Each test counts by itself: every request has
//! an id of its own in its body, and every accepted id is looked for afterwards.

mod disk;
mod ending;
mod exporters;
mod foreign_directory;
mod foreign_page;
mod functions;
mod hanging;
mod hostile_bodies;
mod ipv6;
mod killed;
mod nothing_delivered;
mod other_user;
mod secrets;

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::lab::Lab;
use crate::support::run;

/// A body with an id, and a word that tells the fragile consumer what to do.
fn body(id: u64, word: &str) -> String {
    json!({ "id": id, "word": word }).to_string()
}

/// Sends these bodies at once. Returns the ids that were accepted.
async fn accepted(lab: &Lab, bodies: impl IntoIterator<Item = (u64, String)>) -> BTreeSet<u64> {
    let requests = bodies.into_iter().map(|(id, body)| {
        let request = lab.request(body);
        tokio::spawn(async move {
            let answer = request.send().await.expect("an answer");
            answer.status().is_success().then_some(id)
        })
    });
    let requests: Vec<_> = requests.collect();
    let mut ids = BTreeSet::new();
    for request in requests {
        ids.extend(request.await.expect("no panic"));
    }
    ids
}

/// The ids that the fragile consumer has handled, in its order, with repetitions.
fn handled(output: &Path) -> Vec<u64> {
    let lines = run::json_lines(output).into_iter();
    lines
        .map(|line| id(line["text"].as_str().expect("text")))
        .collect()
}

/// The ids in the log of the consumer, if it is baton's own or the one in Node.js. In its order,
/// with repetitions. Other lines, such as those of Node.js itself, are passed over.
fn received(saved: &Path) -> Vec<u64> {
    let log = std::fs::read_to_string(saved.join("logs/consumer.log")).unwrap_or_default();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["event"] == "record.received")
        .map(|line| id_in(&line))
        .collect()
}

/// The ids of records that a lab set aside, as lines of JSON. Other lines are passed over.
fn set_aside(lines: &str) -> Vec<u64> {
    let records = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let data = records.filter_map(|record| Some(record["data"].as_str()?.to_owned()));
    let texts = data.map(|data| {
        let bytes = STANDARD.decode(data).expect("base64");
        String::from_utf8(bytes).expect("text")
    });
    texts.map(|text| id(&text)).collect()
}

/// The id in a record.
fn id(record: &str) -> u64 {
    id_in(&serde_json::from_str(record).expect("JSON"))
}

fn id_in(envelope: &Value) -> u64 {
    envelope["record"]["id"].as_u64().expect("an id")
}

/// The ids of records in the lab's file of undelivered records.
fn undeliverable(saved: &Path) -> Vec<u64> {
    let path = saved.join("undeliverable.jsonl");
    set_aside(&std::fs::read_to_string(path).unwrap_or_default())
}
