//! What an account may use, and which of it runs out first.

use serde::Serialize;

use super::arithmetic::{Plan, Setup};
use super::record::RecordSize;
use crate::arguments::QuotaArguments;

/// The most bytes of a record that baton's producer sends, data and partition key: Kinesis' default. A stream can be raised
/// to ten times that since October 2025 (<https://docs.aws.amazon.com/streams/latest/dev/large-records.html>).
const RECORD_BYTES: u64 = 1_048_576;

/// A limit, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Quota {
    pub(super) name: &'static str,
    pub(super) needed: f64,
    pub(super) limit: f64,
    /// Needed as a share of the limit; above 1 it does not work.
    pub(super) used: f64,
    /// The rate at which the limit is reached; `None` where it does not depend on the rate.
    pub(super) reached_at_rate: Option<f64>,
}

/// All limits, the one that bites first at the head.
pub(super) fn quotas(
    record: &RecordSize,
    plan: &Plan,
    setup: &Setup,
    quotas: &QuotaArguments,
) -> Vec<Quota> {
    let quota = |name, needed: f64, limit: u64| Quota {
        name,
        needed,
        limit: limit as f64,
        used: needed / limit as f64,
        reached_at_rate: Some(setup.rate * limit as f64 / needed),
    };
    let at_once = plan.producer.concurrency + plan.consumer.concurrency;
    let megabytes = plan.bytes_per_second / 1e6;
    let mut all = vec![
        quota(
            "Lambda: functions at once",
            at_once,
            quotas.quota_concurrency,
        ),
        quota(
            "API Gateway: requests per second",
            setup.rate,
            quotas.quota_api_requests,
        ),
        Quota {
            needed: plan.shards as f64,
            ..quota(
                "Kinesis: provisioned shards",
                plan.shards_used,
                quotas.quota_shards,
            )
        },
        quota(
            "Kinesis: MB/s into an on-demand stream",
            megabytes,
            quotas.quota_on_demand,
        ),
        Quota {
            reached_at_rate: None,
            ..quota(
                "Kinesis: bytes of a record",
                record.total() as f64,
                RECORD_BYTES,
            )
        },
    ];
    // without an API before them, the functions are called by something else
    if setup.prices.price_api_requests == 0.0 {
        all.retain(|quota| !quota.name.starts_with("API Gateway"));
    }
    all.sort_by(|left, right| right.used.total_cmp(&left.used));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::arithmetic;
    use crate::capacity::arithmetic::tests::{SETUP, record};

    const QUOTAS: QuotaArguments = QuotaArguments {
        quota_concurrency: 100,
        quota_api_requests: 10_000,
        quota_shards: 20,
        quota_on_demand: 10,
    };

    fn found(bytes: u64, setup: &Setup) -> Vec<(&'static str, f64, Option<f64>)> {
        let record = record(bytes);
        let plan = arithmetic::plan(&record, setup);
        let quotas = quotas(&record, &plan, setup, &QUOTAS);
        let shown = |quota: &Quota| (quota.name, quota.used, quota.reached_at_rate);
        quotas.iter().map(shown).collect()
    }

    #[test]
    fn the_limit_that_bites_first_is_at_the_head() {
        // 5 producers and 1.1 consumers of 100; 1,000 of 10,000 requests; one shard of 20; 1 of 10 MB/s
        let names: Vec<_> = found(1000, &SETUP).iter().map(|quota| quota.0).collect();
        assert_eq!(
            names,
            [
                "API Gateway: requests per second",
                "Kinesis: MB/s into an on-demand stream",
                "Lambda: functions at once",
                "Kinesis: provisioned shards",
                "Kinesis: bytes of a record",
            ]
        );
        let (name, used, reached) = found(1000, &SETUP)[0];
        assert_eq!((name, used, reached), (names[0], 0.1, Some(10_000.0)));
        let slow = Setup {
            producer_ms: 500.0,
            ..SETUP
        };
        // 501.1 of 100
        let (name, used, reached) = found(1000, &slow)[0];
        assert_eq!(name, "Lambda: functions at once");
        assert!((used - 5.011).abs() < 1e-9);
        assert!(reached.is_some_and(|rate| (rate - 199.56).abs() < 0.01));
    }

    #[test]
    fn a_record_beyond_the_limit_is_so_at_any_rate() {
        let setup = Setup { rate: 1.0, ..SETUP };
        let (name, used, reached) = found(1_048_577, &setup)[0];
        assert_eq!((name, reached), ("Kinesis: bytes of a record", None));
        assert!(used > 1.0);
    }

    #[test]
    fn without_an_api_there_is_no_limit_of_it() {
        let mut setup = SETUP;
        setup.prices.price_api_requests = 0.0;
        assert_eq!(found(1000, &setup).len(), 4);
    }
}
