//! What breaks while a lab runs, one file per fault. Each test counts by itself: every request has
//! an id of its own in its body, and every accepted id is looked for afterwards.

mod disk;
mod ending;
mod foreign_directory;
mod hostile_bodies;
mod killed;
mod nothing_delivered;
mod secrets;

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::lab::Lab;

/// A body with an id, and a word that tells the fragile consumer what to do.
fn body(id: u64, word: &str) -> String {
    json!({ "id": id, "word": word }).to_string()
}

/// Sends these bodies at once. Gives the ids that were accepted.
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
    let lines = std::fs::read_to_string(output).unwrap_or_default();
    let texts = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["text"].as_str().expect("text").to_owned()
    });
    texts.map(|text| id(&text)).collect()
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
    let record: Value = serde_json::from_str(record).expect("JSON");
    record["record"]["id"].as_u64().expect("an id")
}

/// The ids of records in the lab's file of undelivered records.
fn undeliverable(saved: &Path) -> Vec<u64> {
    let path = saved.join("undeliverable.jsonl");
    set_aside(&std::fs::read_to_string(path).unwrap_or_default())
}
