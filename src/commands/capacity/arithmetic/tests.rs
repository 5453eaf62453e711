use super::*;
use crate::arguments::PriceArguments;

/// Round figures, so that a hand can check them.
pub(crate) const SETUP: Setup = Setup {
    rate: 1000.0,
    skew: 1.0,
    consumers: 1,
    batch_size: 100,
    batch_window_s: 0.0,
    parallelization: 1,
    producer_ms: 5.0,
    batch_ms: 10.0,
    record_ms: 1.0,
    memory_mb: 1024,
    prices: PriceArguments {
        price_shard_hour: 0.01,
        price_put_units: 0.01,
        price_stream_hour: 0.1,
        price_gb_in: 0.1,
        price_gb_out: 0.05,
        price_invocations: 0.2,
        price_gb_second: 0.00001,
        price_api_requests: 1.0,
    },
};

/// A record of so many bytes, partition key included.
pub(crate) fn record(bytes: u64) -> RecordSize {
    RecordSize {
        payload_bytes: bytes - 36,
        carrier_bytes: 0,
        envelope_bytes: 0,
        partition_key_bytes: 36,
    }
}

#[test]
fn shards_are_by_what_takes_most() {
    let cases = [
        // 1,000 records/s are one shard's, however small
        (1000.0, 1.0, 1, 100, (1, "records")),
        (1001.0, 1.0, 1, 100, (2, "records")),
        (1000.0, 1.25, 1, 100, (2, "records")),
        (100_000.0, 1.0, 1, 100, (100, "records")),
        // 1,000 × 2,048 bytes are 1.95 MiB
        (1000.0, 1.0, 1, 2048, (2, "bytes in")),
        (512.0, 1.0, 1, 2048, (1, "bytes in")),
        (100.0, 1.0, 1, 1_048_576, (100, "bytes in")),
        // three consumers share 2 MiB: 1,000 × 1,024 × 3 are 1.46 of them; five 2.44
        (1000.0, 1.0, 3, 1024, (2, "bytes out")),
        (1000.0, 1.0, 5, 1024, (3, "bytes out")),
        (0.5, 1.0, 1, 100, (1, "records")),
    ];
    for (rate, skew, consumers, bytes, expected) in cases {
        let setup = Setup {
            rate,
            skew,
            consumers,
            ..SETUP
        };
        let plan = plan(&record(bytes), &setup);
        assert_eq!(
            (plan.shards, plan.shards_by),
            expected,
            "{rate} × {skew} × {bytes}"
        );
    }
}

#[test]
fn concurrency_is_rate_times_duration() {
    let setup = Setup {
        parallelization: 2,
        ..SETUP
    };
    let plan = plan(&record(100), &setup);
    // 1,000 /s × 5 ms
    assert_eq!(plan.producer.concurrency, 5.0);
    let consumer = plan.consumer;
    // 500 in a second for each of two batches, but 100 at most
    assert_eq!(consumer.records_per_batch, 100.0);
    // 10 ms + 100 × 1 ms, ten times a second
    assert_eq!(
        (consumer.batch_duration_ms, consumer.invocations_per_second),
        (110.0, 10.0)
    );
    assert!((consumer.concurrency - 1.1).abs() < 1e-9);
    assert_eq!(consumer.concurrency_limit, 2);
}

#[test]
fn consumers_keep_up_or_it_is_said_with_what_they_would() {
    let cases = [
        // a shard's 1,000 /s against 100 records in 110 ms, 909 /s
        (SETUP, false, Some(2)),
        (
            Setup {
                parallelization: 2,
                ..SETUP
            },
            true,
            Some(2),
        ),
        // 500 records in 510 ms, 980 /s; 1,000 in 1,010 ms, 990 /s
        (
            Setup {
                batch_size: 1000,
                ..SETUP
            },
            false,
            Some(2),
        ),
        (
            Setup {
                batch_ms: 0.0,
                ..SETUP
            },
            true,
            Some(1),
        ),
        (
            Setup {
                record_ms: 11.0,
                batch_ms: 0.0,
                ..SETUP
            },
            false,
            None,
        ),
        // half the records in the shard
        (
            Setup {
                rate: 500.0,
                ..SETUP
            },
            true,
            Some(1),
        ),
    ];
    for (setup, keeps_up, needed) in cases {
        let consumer = plan(&record(100), &setup).consumer;
        assert_eq!(
            (consumer.keeps_up, consumer.parallelization_needed),
            (keeps_up, needed),
            "{setup:?}"
        );
    }
}

#[test]
fn a_batch_is_what_comes_in_its_time_and_fits_into_an_invocation() {
    let cases = [
        // what comes in a second to each of two shards, in five seconds, for each of four batches at once
        (
            Setup {
                rate: 20.0,
                ..SETUP
            },
            100,
            20.0,
        ),
        (
            Setup {
                rate: 20.0,
                batch_window_s: 5.0,
                ..SETUP
            },
            100,
            100.0,
        ),
        (
            Setup {
                rate: 20.0,
                parallelization: 4,
                ..SETUP
            },
            100,
            5.0,
        ),
        (Setup { rate: 0.1, ..SETUP }, 100, 1.0),
        // 49,116 bytes are 65,488 in base64, and 600 around them: 95 fit into 6 MiB
        (
            Setup {
                rate: 20.0,
                batch_window_s: 300.0,
                batch_size: 10_000,
                ..SETUP
            },
            49_152,
            95.0,
        ),
    ];
    for (setup, bytes, expected) in cases {
        let consumer = plan(&record(bytes), &setup).consumer;
        assert_eq!(consumer.records_per_batch, expected, "{setup:?}");
    }
}

#[test]
fn records_gather_while_the_batch_before_is_handled() {
    let setup = Setup {
        rate: 100.0,
        batch_size: 1000,
        batch_ms: 5000.0,
        record_ms: 0.0,
        ..SETUP
    };
    let consumer = plan(&record(100), &setup).consumer;
    assert!(consumer.keeps_up);
    assert_eq!(consumer.records_per_batch, 500.0);
    assert_eq!(consumer.invocations_per_second, 0.2);
    assert_eq!(consumer.concurrency, 1.0);
}

#[test]
fn there_are_never_more_consumers_at_once_than_there_can_be() {
    for rate in [0.1, 20.0, 900.0, 5000.0] {
        for batch_ms in [0.0, 10.0, 900.0, 5000.0] {
            for record_ms in [0.0, 0.018, 1.0, 20.0, 3000.0] {
                for (parallelization, batch_window_s) in [(1, 0.0), (10, 0.0), (2, 5.0)] {
                    let setup = Setup {
                        rate,
                        batch_ms,
                        record_ms,
                        parallelization,
                        batch_window_s,
                        ..SETUP
                    };
                    let consumer = plan(&record(100), &setup).consumer;
                    let limit = consumer.concurrency_limit as f64;
                    assert!(consumer.concurrency <= limit, "{setup:?}: {consumer:?}");
                    let busy =
                        consumer.invocations_per_second * consumer.batch_duration_ms / 1000.0;
                    assert!(
                        (busy - consumer.concurrency).abs() < 1e-6,
                        "{setup:?}: {consumer:?}"
                    );
                    // who keeps up takes all that comes
                    let taken = consumer.invocations_per_second * consumer.records_per_batch;
                    assert!(
                        !consumer.keeps_up || taken >= rate * (1.0 - 1e-9),
                        "{setup:?}: {consumer:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn costs_are_per_month_of_730_hours() {
    let close = |cost: f64, expected: f64| {
        assert!(
            (cost - expected).abs() < expected * 1e-6,
            "{cost} instead of {expected}"
        );
    };
    // 1,000 /s are 2,628 million messages a month
    let cost = plan(&record(1024), &SETUP).cost;
    // one shard × 730 h × $0.01 + 2,628 × $0.01
    close(cost.kinesis_provisioned, 7.3 + 26.28);
    // 730 h × $0.1 + 2,628 million KB, 2,506.256 GB, in at $0.1 and out at $0.05
    close(cost.kinesis_on_demand, 73.0 + 250.625_610 + 125.312_805);
    // 2,628 × $0.2 + 2,628 million × 5 ms × 1 GB × $0.00001
    close(cost.producer, 525.6 + 131.4);
    // one at once, for all of the month in batches of 110 ms: 23.89 million
    close(cost.consumer, 4.778_182 + 26.28);
    close(cost.api, 2628.0);
    close(cost.total, 33.58 + 657.0 + 31.058_182 + 2628.0);
    close(
        cost.total_on_demand,
        cost.total - cost.kinesis_provisioned + cost.kinesis_on_demand,
    );
}

#[test]
fn a_record_is_billed_in_whole_units() {
    for (bytes, units, kilobytes) in [
        (100, 1, 1),
        (1024, 1, 1),
        (1025, 1, 2),
        (25_600, 1, 25),
        (25_601, 2, 26),
    ] {
        let plan = plan(&record(bytes), &SETUP);
        assert_eq!(plan.put_units_per_record, units, "{bytes}");
        let step = plan
            .steps
            .iter()
            .find(|step| step.what == "or on demand")
            .expect("a step");
        assert!(
            step.sum.contains(&format!("({kilobytes} KB each)")),
            "{}",
            step.sum
        );
    }
}

#[test]
fn every_result_stands_behind_its_sum() {
    let plan = plan(&record(1024), &SETUP);
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| format!("{}: {} = {}", step.what, step.sum, step.result))
        .collect();
    assert_eq!(
        steps,
        [
            "record: 988 body + 0 context + 0 envelope + 36 partition key = 1,024 bytes",
            "into the stream: 1,000 /s × 1,024 bytes = 1.02 MB/s",
            "shards for records: 1,000 /s × 1 skew ÷ 1,000/s = 1 shard",
            "shards for bytes in: 1,000 /s × 1,024 × 1 skew ÷ 1,048,576 bytes/s = 1 shard",
            "shards for bytes out: 1,000 /s × 1,024 × 1 consumer × 1 skew ÷ 2,097,152 bytes/s = 1 shard",
            "producers at once: 1,000 /s × 5 ms = 5",
            "records in a batch: 1,000 /s ÷ 1 shard × 1 s ÷ 1 at once, at most 100 = 100",
            "time for a batch: 10 ms + 100 × 1 ms = 110 ms",
            "consumers at once: 1,000 /s ÷ 100 × 110 ms, at most 1 = 1",
            "consumers' load: 1,000 /s of the busiest shard ÷ (1 at once × 100 records ÷ 110 ms) = 110 %",
            "messages a month: 1,000 /s × 730 h × 3,600 s = 2,628,000,000",
            "shards: 1 shard × 730 h × $0.01 = $7.30",
            "PUT payload units: 2,628 million × 1 of 25 KB × $0.01 = $26.28",
            "or on demand: 730 h × $0.1 + 2,506 GB in (1 KB each) × $0.1 + 2,506 GB out × $0.05 = $449",
            "producer: 2,628 million × $0.2 + 2,628 million × 5 ms × 1 GB × $0.00001 = $657",
            "consumer: 23.9 million × $0.2 + 23.9 million × 110 ms × 1 GB × $0.00001 = $31.06",
            "API Gateway: 2,628 million × $1 = $2,628",
        ]
    );
}
