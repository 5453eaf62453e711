//! The event source mapping with a foreign consumer: order, batches, and records that fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::lab::{Lab, Setup};
use crate::support::run::json_lines;
use crate::support::{example, kinesis};

/// A lab with a consumer that fails as its records say.
struct Fragile {
    lab: Lab,
    output: PathBuf,
}

/// A line of the consumer about a record that it handled.
#[derive(Debug)]
struct Handled {
    invocation: String,
    shard: String,
    sequence_number: String,
    text: String,
}

impl Fragile {
    async fn start(flags: &[&str]) -> Self {
        Self::start_as(Setup::new(), flags).await
    }

    async fn start_as(setup: Setup, flags: &[&str]) -> Self {
        let output = setup.path("handled.jsonl");
        let consumer = format!("consumer={}", example("fragile_consumer").display());
        let lab = setup
            .flags(flags.iter().copied())
            .flags(["--function", &consumer])
            .variable("BATON_TEST_OUTPUT", output.display().to_string())
            .start()
            .await;
        Fragile { lab, output }
    }

    /// All records handled so far, including repetitions.
    fn handled(&self) -> Vec<Handled> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        json_lines(&self.output)
            .iter()
            .map(|line| Handled {
                invocation: text(&line["invocation"]),
                shard: text(&line["event_id"])
                    .split_once(':')
                    .expect("shard and number")
                    .0
                    .to_owned(),
                sequence_number: text(&line["sequence_number"]),
                text: text(&line["text"]),
            })
            .collect()
    }

    /// The records that were set aside: their texts, each with its number of attempts.
    fn undeliverable(&self) -> Vec<(String, u64)> {
        Self::undeliverable_in(&self.lab.saved.join("undeliverable.jsonl"))
    }

    fn undeliverable_in(file: &Path) -> Vec<(String, u64)> {
        json_lines(file)
            .iter()
            .map(|line| {
                assert_eq!(line["condition"], "RetryAttemptsExhausted");
                assert_eq!(line["stream"], "baton");
                let data = STANDARD
                    .decode(line["data"].as_str().expect("text"))
                    .expect("base64");
                (
                    String::from_utf8(data).expect("text"),
                    line["attempts"].as_u64().expect("a number"),
                )
            })
            .collect()
    }

    /// Waits until these numbers of records are delivered and set aside.
    async fn wait_for(&self, delivered: u64, undeliverable: u64) {
        self.lab
            .wait_for(
                &format!("{delivered} records are delivered and {undeliverable} given up on"),
                |status| {
                    status["records_delivered"] == delivered
                        && status["records_undeliverable"] == undeliverable
                },
            )
            .await;
    }
}

/// Texts in the order in which they were first handled.
fn first_times<'a>(handled: impl IntoIterator<Item = &'a Handled>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    handled
        .into_iter()
        .map(|record| record.text.as_str())
        .filter(|text| seen.insert(*text))
        .collect()
}

#[tokio::test]
async fn batches_keep_the_order_of_their_shard_and_their_size() {
    const SHARDS: u32 = 3;
    let mut fragile =
        Fragile::start(&["--shards", "3", "--batch-size", "7", "--instances", "4"]).await;
    let mut put: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for round in 0..4 {
        for shard in 0..SHARDS {
            let texts: Vec<_> = (0..25)
                .map(|number| format!("{round}/{shard}/{number}"))
                .collect();
            let numbers = kinesis::put(&fragile.lab, (shard, SHARDS), &texts).await;
            put.entry(format!("shardId-{shard:012}"))
                .or_default()
                .extend(numbers);
        }
    }
    fragile.wait_for(300, 0).await;
    fragile.lab.stop_well().await;

    let mut handled: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut batches: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in fragile.handled() {
        handled
            .entry(record.shard.clone())
            .or_default()
            .push(record.sequence_number);
        batches
            .entry(record.invocation)
            .or_default()
            .push(record.shard);
    }
    assert_eq!(handled, put, "each record once, in its shard's order");
    for shards in batches.values() {
        assert!(shards.len() <= 7, "{batches:?}");
        assert!(
            shards.iter().all(|shard| shard == &shards[0]),
            "{batches:?}"
        );
    }
    assert!(
        batches.values().any(|shards| shards.len() == 7),
        "{batches:?}"
    );
}

#[tokio::test]
async fn a_poison_record_is_set_aside_and_the_shard_moves_on() {
    for (word, flags) in [
        ("crash", &["--retries", "1"][..]),
        ("fail", &["--retries", "2"]),
        ("partial", &["--retries", "2"]),
        ("unreadable", &["--retries", "1"]),
        ("hang", &["--retries", "0", "--timeout", "1s"]),
    ] {
        let retries: u64 = flags[1].parse().expect("a number");
        let mut fragile = Fragile::start(flags).await;
        let texts = ["a", "b", "c", "d", word, "e", "f", "g"];
        kinesis::put(&fragile.lab, (0, 2), &texts).await;
        fragile.wait_for(7, 1).await;
        // the shard still works
        kinesis::put(&fragile.lab, (0, 2), &["h"]).await;
        fragile.wait_for(8, 1).await;
        let finished = fragile.lab.stop().await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(
            finished.stderr.contains("1 record could not be delivered"),
            "{finished:?}"
        );

        assert_eq!(
            fragile.undeliverable(),
            [(word.to_owned(), retries + 1)],
            "{word}"
        );
        let handled = fragile.handled();
        assert_eq!(
            first_times(&handled),
            ["a", "b", "c", "d", "e", "f", "g", "h"],
            "{word}"
        );
        if word == "partial" {
            assert_eq!(
                handled.len(),
                8,
                "what was not reported as failed does not come again: {handled:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_failure_that_passes_costs_nothing() {
    for word in ["crash once", "fail once", "partial once", "hang once"] {
        let mut fragile = Fragile::start(&["--timeout", "1s", "--retries", "1"]).await;
        kinesis::put(&fragile.lab, (1, 2), &["a", "b", word, "c"]).await;
        fragile.wait_for(4, 0).await;
        fragile.lab.stop_well().await;
        assert_eq!(first_times(&fragile.handled()), ["a", "b", word, "c"]);
        assert_eq!(fragile.undeliverable(), []);
    }
}

#[tokio::test]
async fn without_bisecting_all_that_is_left_of_a_batch_fails_together() {
    for (word, handled, given_up) in [
        (
            "fail",
            &["a", "b", "a", "b", "a", "b", "next batch"][..],
            &["a", "b", "fail", "c", "d"][..],
        ),
        ("partial", &["a", "b", "next batch"], &["partial", "c", "d"]),
    ] {
        let mut fragile =
            Fragile::start(&["--no-bisect", "--retries", "2", "--batch-size", "5"]).await;
        kinesis::put(
            &fragile.lab,
            (0, 2),
            &["a", "b", word, "c", "d", "next batch"],
        )
        .await;
        fragile
            .wait_for(6 - given_up.len() as u64, given_up.len() as u64)
            .await;
        fragile.lab.stop().await;
        let texts: Vec<_> = fragile
            .handled()
            .into_iter()
            .map(|record| record.text)
            .collect();
        assert_eq!(texts, handled, "{word}");
        let given_up: Vec<_> = given_up
            .iter()
            .map(|text| ((*text).to_owned(), 3))
            .collect();
        assert_eq!(fragile.undeliverable(), given_up, "{word}");
    }
}

#[tokio::test]
async fn a_shard_that_hangs_holds_up_no_other() {
    let mut fragile = Fragile::start(&["--retries", "0"]).await;
    kinesis::put(&fragile.lab, (0, 2), &["hang"]).await;
    fragile
        .lab
        .wait_for("the consumer hangs", |status| {
            status["consumer"]["invocations"] == 1
        })
        .await;
    kinesis::put(&fragile.lab, (1, 2), &["a"]).await;
    kinesis::put(&fragile.lab, (1, 2), &["b"]).await;
    fragile.wait_for(2, 0).await;
    // a second Ctrl-C does not wait for the record, and sets it aside
    let processes = fragile.lab.processes();
    fragile.lab.signal(rustix::process::Signal::INT);
    fragile.lab.signal(rustix::process::Signal::TERM);
    let finished = fragile.lab.ended().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(fragile.undeliverable(), [("hang".to_owned(), 0)]);
    crate::support::processes::wait_until_gone(&processes).await;
    assert_eq!(first_times(&fragile.handled()), ["a", "b"]);
}

#[tokio::test]
async fn the_batch_window_gathers_records_until_the_batch_is_full_or_it_ends() {
    let mut fragile = Fragile::start(&["--batch-window", "10m", "--batch-size", "3"]).await;
    for text in ["a", "b", "c"] {
        kinesis::put(&fragile.lab, (0, 2), &[text]).await;
    }
    fragile.wait_for(3, 0).await;
    let handled = fragile.handled();
    assert!(
        handled
            .iter()
            .all(|record| record.invocation == handled[0].invocation),
        "one batch: {handled:?}"
    );
    fragile.lab.stop_well().await;

    let window = Duration::from_millis(400);
    let mut fragile = Fragile::start(&["--batch-window", "400ms"]).await;
    let start = Instant::now();
    kinesis::put(&fragile.lab, (0, 2), &["a"]).await;
    fragile.wait_for(1, 0).await;
    assert!(start.elapsed() >= window, "{:?}", start.elapsed());
    fragile.lab.stop_well().await;
}

#[tokio::test]
async fn a_consumer_that_always_crashes_does_not_touch_the_producer() {
    let mut fragile = Fragile::start(&["--retries", "0"]).await;
    let mut accepted = BTreeSet::new();
    for number in 0..10 {
        accepted.insert(fragile.lab.accepted(format!("\"crash {number}\"")).await);
    }
    fragile.wait_for(0, 10).await;
    fragile.lab.stop().await;
    assert_eq!(accepted.len(), 10);
    assert_eq!(fragile.undeliverable().len(), 10);
}

#[tokio::test]
async fn undeliverable_records_are_kept_by_a_lab_that_saves_nothing_else() {
    let mut fragile = Fragile::start_as(Setup::new().unsaved(), &["--retries", "1"]).await;
    kinesis::put(&fragile.lab, (0, 2), &["a", "crash", "b"]).await;
    fragile.wait_for(2, 1).await;
    let finished = fragile.lab.stop().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let file = finished
        .stderr
        .lines()
        .find_map(|line| line.split_once("; kept in "))
        .map(|(_, file)| PathBuf::from(file))
        .unwrap_or_else(|| panic!("where are they? {finished:?}"));
    assert!(file.is_absolute(), "{finished:?}");
    assert_eq!(
        Fragile::undeliverable_in(&file),
        [("crash".to_owned(), 2)],
        "{finished:?}"
    );
    assert!(!fragile.lab.saved.exists());
    std::fs::remove_dir_all(file.parent().expect("a folder")).expect("it is the test's to remove");
}
