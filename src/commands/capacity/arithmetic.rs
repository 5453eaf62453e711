//! The arithmetic of Kinesis and Lambda. Pure: from a record's size and a rate to shards, concurrency and cost, each with the
//! sum it comes from.

mod cost;

use serde::Serialize;

use self::cost::{Cost, PUT_UNIT_BYTES, cost};
use super::number::{count, figure};
use super::record::RecordSize;
use crate::arguments::PriceArguments;

/// What a shard takes in and gives out per second
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>).
const SHARD_RECORDS: f64 = 1000.0;
const SHARD_BYTES_IN: f64 = 1_048_576.0;
const SHARD_BYTES_OUT: f64 = 2.0 * SHARD_BYTES_IN;
/// Without a window, Lambda asks a shard for records once a second
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>).
const POLL_SECONDS: f64 = 1.0;
/// What an invocation takes, and what a record has around its data in the event; the data is in base64.
const EVENT_BYTES: u64 = 6 * 1_048_576;
const EVENT_RECORD_BYTES: u64 = 600;
/// The most batches of a shard that Lambda handles at once.
const MOST_PARALLEL: f64 = 10.0;

/// All that does not depend on the mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) rate: f64,
    pub(super) skew: f64,
    pub(super) consumers: u32,
    pub(super) batch_size: u32,
    pub(super) batch_window_s: f64,
    pub(super) parallelization: u32,
    pub(super) producer_ms: f64,
    pub(super) batch_ms: f64,
    pub(super) record_ms: f64,
    pub(super) memory_mb: u32,
    pub(super) prices: PriceArguments,
}

/// One line of arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Step {
    /// What is computed.
    pub(super) what: &'static str,
    /// How.
    pub(super) sum: String,
    /// What comes out.
    pub(super) result: String,
}

/// What a mode takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Plan {
    /// Bytes per second into the stream, partition keys included.
    pub(super) bytes_per_second: f64,
    /// The shards that are needed.
    pub(super) shards: u64,
    /// The shards before they are rounded up, by which a quota is reached.
    #[serde(skip)]
    pub(super) shards_used: f64,
    /// What decides their number: records, bytes in or bytes out.
    pub(super) shards_by: &'static str,
    pub(super) put_units_per_record: u64,
    pub(super) producer: Producer,
    pub(super) consumer: Consumer,
    /// In US dollars per month of 730 hours.
    pub(super) cost: Cost,
    /// The arithmetic, line by line.
    pub(super) steps: Vec<Step>,
}

/// The producer's share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Producer {
    /// Instances that are busy at once, on average.
    pub(super) concurrency: f64,
}

/// The consumer's share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Consumer {
    /// Records in a batch, on average.
    pub(super) records_per_batch: f64,
    pub(super) batch_duration_ms: f64,
    pub(super) invocations_per_second: f64,
    /// Instances that are busy at once, on average.
    pub(super) concurrency: f64,
    /// The most at once: shards by parallelization.
    pub(super) concurrency_limit: u64,
    /// The busiest shard's records as a share of what its consumers could handle.
    pub(super) load: f64,
    pub(super) keeps_up: bool,
    /// The parallelization with which it would; `None` where none is enough.
    pub(super) parallelization_needed: Option<u64>,
}

/// Does the arithmetic for records of this size.
pub(super) fn plan(record: &RecordSize, setup: &Setup) -> Plan {
    let mut steps = vec![Step {
        what: "record",
        sum: format!(
            "{} body + {} context + {} envelope + {} partition key",
            figure(record.payload_bytes as f64),
            record.carrier_bytes,
            record.envelope_bytes,
            record.partition_key_bytes
        ),
        result: format!("{} bytes", figure(record.total() as f64)),
    }];
    let bytes_per_second = setup.rate * record.total() as f64;
    steps.push(Step {
        what: "into the stream",
        sum: format!(
            "{} /s × {} bytes",
            figure(setup.rate),
            figure(record.total() as f64)
        ),
        result: format!("{} MB/s", figure(bytes_per_second / 1e6)),
    });
    let (shards_used, shards_by) = shards(record, setup, &mut steps);
    let shards = whole(shards_used);
    let producer = producer(setup, &mut steps);
    let consumer = consumer(record, setup, shards, &mut steps);
    let cost = cost(record, setup, shards, &consumer, &mut steps);
    Plan {
        bytes_per_second,
        shards,
        shards_used,
        shards_by,
        put_units_per_record: record.total().div_ceil(PUT_UNIT_BYTES),
        producer,
        consumer,
        cost,
        steps,
    }
}

/// How many shards there have to be, not yet rounded up, and why.
fn shards(record: &RecordSize, setup: &Setup, steps: &mut Vec<Step>) -> (f64, &'static str) {
    let Setup {
        rate,
        skew,
        consumers,
        ..
    } = *setup;
    let bytes = record.total() as f64;
    let mut needed = (0.0, "records");
    for (by, what, each, unit, capacity) in [
        ("records", "shards for records", 1.0, "", SHARD_RECORDS),
        (
            "bytes in",
            "shards for bytes in",
            bytes,
            " bytes",
            SHARD_BYTES_IN,
        ),
        (
            "bytes out",
            "shards for bytes out",
            bytes * f64::from(consumers),
            " bytes",
            SHARD_BYTES_OUT,
        ),
    ] {
        let shards = rate * each * skew / capacity;
        let times = match by {
            "records" => String::new(),
            "bytes in" => format!(" × {}", figure(bytes)),
            _ => format!(
                " × {} × {}",
                figure(bytes),
                count(consumers.into(), "consumer")
            ),
        };
        steps.push(Step {
            what,
            sum: format!(
                "{} /s{times} × {} skew ÷ {}{unit}/s",
                figure(rate),
                figure(skew),
                figure(capacity)
            ),
            result: count(whole(shards), "shard"),
        });
        if shards > needed.0 {
            needed = (shards, by);
        }
    }
    needed
}

fn producer(setup: &Setup, steps: &mut Vec<Step>) -> Producer {
    let concurrency = setup.rate * setup.producer_ms / 1000.0;
    steps.push(Step {
        what: "producers at once",
        sum: format!(
            "{} /s × {} ms",
            figure(setup.rate),
            figure(setup.producer_ms)
        ),
        result: figure(concurrency),
    });
    Producer { concurrency }
}

fn consumer(record: &RecordSize, setup: &Setup, shards: u64, steps: &mut Vec<Step>) -> Consumer {
    let parallel = f64::from(setup.parallelization);
    let in_event = record.data().div_ceil(3) * 4 + EVENT_RECORD_BYTES;
    let fit = (EVENT_BYTES / in_event).max(1);
    let most = (fit as f64).min(f64::from(setup.batch_size));
    let duration = |records: f64| setup.batch_ms + records * setup.record_ms;

    let per_shard = setup.rate / shards as f64;
    let window = setup.batch_window_s.max(POLL_SECONDS);
    // where fewer than one record comes in that time, an invocation still has one
    let records_per_batch = records_in(window, per_shard / parallel, setup).clamp(1.0, most);
    let batch_duration_ms = duration(records_per_batch);
    let gathered = window.max(batch_duration_ms / 1000.0);
    let concurrency_limit = shards * u64::from(setup.parallelization);
    let concurrency =
        (setup.rate / records_per_batch * batch_duration_ms / 1000.0).min(concurrency_limit as f64);
    // consumers that do not keep up are invoked one after the other, and no oftener
    let most_invocations = concurrency_limit as f64 / batch_duration_ms * 1000.0;
    let invocations_per_second = (setup.rate / records_per_batch).min(most_invocations);
    let busiest = per_shard * setup.skew;
    let each = most / duration(most).max(f64::MIN_POSITIVE) * 1000.0;
    let load = busiest / (each * parallel);
    let needed = (busiest / each - 1e-9).ceil().max(1.0);
    steps.extend([
        Step {
            what: "records in a batch",
            sum: format!(
                "{} /s ÷ {} × {} s ÷ {} at once, at most {}",
                figure(setup.rate),
                count(shards, "shard"),
                figure(gathered),
                setup.parallelization,
                figure(most)
            ),
            result: figure(records_per_batch),
        },
        Step {
            what: "time for a batch",
            sum: format!(
                "{} ms + {} × {} ms",
                figure(setup.batch_ms),
                figure(records_per_batch),
                figure(setup.record_ms)
            ),
            result: format!("{} ms", figure(batch_duration_ms)),
        },
        Step {
            what: "consumers at once",
            sum: format!(
                "{} /s ÷ {} × {} ms, at most {}",
                figure(setup.rate),
                figure(records_per_batch),
                figure(batch_duration_ms),
                figure(concurrency_limit as f64)
            ),
            result: figure(concurrency),
        },
        Step {
            what: "consumers' load",
            sum: format!(
                "{} /s of the busiest shard ÷ ({} at once × {} records ÷ {} ms)",
                figure(busiest),
                setup.parallelization,
                figure(most),
                figure(duration(most))
            ),
            result: format!("{} %", figure(load * 100.0)),
        },
    ]);
    Consumer {
        records_per_batch,
        batch_duration_ms,
        invocations_per_second,
        concurrency,
        concurrency_limit,
        load,
        keeps_up: load <= 1.0,
        parallelization_needed: (needed <= MOST_PARALLEL).then_some(needed as u64),
    }
}

/// The records that gather for a batch, at `rate` per second, in the window, or, if that takes longer, while the batch
/// before is handled.
fn records_in(window_s: f64, rate: f64, setup: &Setup) -> f64 {
    let records = rate * window_s;
    let (batch_s, record_s) = (setup.batch_ms / 1000.0, setup.record_ms / 1000.0);
    if batch_s + records * record_s <= window_s {
        return records;
    }
    // records = rate × (batch_s + records × record_s), of which there is no end where each takes as long as the next
    match 1.0 - rate * record_s {
        rest if rest > 0.0 => rate * batch_s / rest,
        _ => f64::INFINITY,
    }
}

/// The next whole number, at least 1. What floating point adds to a whole number is not a shard.
fn whole(value: f64) -> u64 {
    (value - 1e-9).ceil().max(1.0) as u64
}

#[cfg(test)]
pub(super) mod tests;
