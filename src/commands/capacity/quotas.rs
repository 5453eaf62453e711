//! What an account may use, and which of it runs out first.

use serde::Serialize;

use super::arithmetic::{self, Plan, Setup};
use super::record::RecordSize;
use crate::arguments::QuotaArguments;

/// The most bytes of a record that baton's producer sends, data and partition key: Kinesis' default. A stream can be raised
/// to ten times that since October 2025 (<https://docs.aws.amazon.com/streams/latest/dev/large-records.html>).
const RECORD_BYTES: u64 = 1_048_576;
/// The name of its limit, the only one that no account and no rate changes.
pub(super) const RECORD: &str = "Kinesis: bytes of a record";
/// The requests per second that Lambda takes for each function that may run at once, so that concurrency alone does not
/// tell what functions of less than 100 ms need
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html>).
const REQUESTS_PER_CONCURRENCY: u64 = 10;

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

impl Quota {
    /// Whether what is planned does not work.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used > 1.0
    }

    /// The rate above which it does not work: none at all where a record is too large.
    fn bites_at(&self) -> f64 {
        let at_any_rate = if self.is_exceeded() {
            0.0
        } else {
            f64::INFINITY
        };
        self.reached_at_rate.unwrap_or(at_any_rate)
    }
}

/// All limits, the one that bites first at the head.
pub(super) fn quotas(
    record: &RecordSize,
    plan: &Plan,
    setup: &Setup,
    quotas: &QuotaArguments,
) -> Vec<Quota> {
    let quota = |name, needed: &dyn Fn(f64, &Plan) -> f64, limit: u64| {
        let now = needed(setup.rate, plan);
        let limit = limit as f64;
        Quota {
            name,
            needed: now,
            limit,
            used: now / limit,
            reached_at_rate: Some(reached(record, setup, needed, limit)),
        }
    };
    let bytes = record.total() as f64;
    let mut all = vec![
        quota(
            "Lambda: functions at once",
            &|_, plan| plan.producer.concurrency + plan.consumer.concurrency,
            quotas.quota_concurrency,
        ),
        // the consumer's invocations count as requests too
        quota(
            "Lambda: requests per second, 10 × functions at once",
            &|rate, plan| rate + plan.consumer.invocations_per_second,
            quotas
                .quota_concurrency
                .saturating_mul(REQUESTS_PER_CONCURRENCY),
        ),
        quota(
            "API Gateway: requests per second",
            &|rate, _| rate,
            quotas.quota_api_requests,
        ),
        Quota {
            needed: plan.shards as f64,
            ..quota(
                "Kinesis: provisioned shards",
                &|_, plan| plan.shards_used,
                quotas.quota_shards,
            )
        },
        quota(
            "Kinesis: MB/s into an on-demand stream",
            &|_, plan| plan.bytes_per_second / 1e6,
            quotas.quota_on_demand,
        ),
        Quota {
            name: RECORD,
            needed: bytes,
            limit: RECORD_BYTES as f64,
            used: bytes / RECORD_BYTES as f64,
            reached_at_rate: None,
        },
    ];
    // without an API before them, the functions are called by something else
    if setup.prices.price_api_requests == 0.0 {
        all.retain(|quota| !quota.name.starts_with("API Gateway"));
    }
    all.sort_by(|left, right| left.bites_at().total_cmp(&right.bites_at()));
    all
}

/// The rate at which what is `needed` is `limit`. It grows a little less than the rate, since batches grow with it, so each
/// guess is planned for again.
fn reached(
    record: &RecordSize,
    setup: &Setup,
    needed: &dyn Fn(f64, &Plan) -> f64,
    limit: f64,
) -> f64 {
    const GUESSES: usize = 5;
    let mut rate = setup.rate;
    for _ in 0..GUESSES {
        let plan = arithmetic::plan(record, &Setup { rate, ..*setup });
        rate *= limit / needed(rate, &plan);
    }
    rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::capacity::arithmetic::tests::{SETUP, record};

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
        // 1,009 of Lambda's 1,000 requests; 1,000 of 10,000 at the API; 1 of 10 MB/s; 5 producers and a consumer of 100; one
        // shard of 20
        let names: Vec<_> = found(1000, &SETUP).iter().map(|quota| quota.0).collect();
        assert_eq!(
            names,
            [
                "Lambda: requests per second, 10 × functions at once",
                "API Gateway: requests per second",
                "Kinesis: MB/s into an on-demand stream",
                "Lambda: functions at once",
                "Kinesis: provisioned shards",
                "Kinesis: bytes of a record",
            ]
        );
        let (name, used, reached) = found(1000, &SETUP)[1];
        assert_eq!((name, used, reached), (names[1], 0.1, Some(10_000.0)));
        let slow = Setup {
            producer_ms: 500.0,
            ..SETUP
        };
        // 501 of 100
        let (name, used, reached) = found(1000, &slow)[0];
        assert_eq!(name, "Lambda: functions at once");
        assert!((used - 5.01).abs() < 1e-9);
        assert!(reached.is_some_and(|rate| (rate - 199.56).abs() < 0.01));
    }

    #[test]
    fn short_functions_run_out_of_requests_and_long_ones_of_concurrency() {
        // a second's records in a batch, and so an invocation of the consumer, per shard
        for (producer_ms, first) in [
            (2.8, "Lambda: requests per second, 10 × functions at once"),
            (200.0, "Lambda: functions at once"),
        ] {
            let setup = Setup {
                producer_ms,
                batch_ms: 1.0,
                record_ms: 0.018,
                ..SETUP
            };
            let (name, used, reached) = found(1000, &setup)[0];
            assert_eq!(name, first);
            let (needed, limit) = match producer_ms < 100.0 {
                true => (1000.0 + 10.0, 1000.0),
                false => (200.0 + 0.028, 100.0),
            };
            assert!((used - needed / limit).abs() < 1e-9, "{used}");
            assert!(reached.is_some_and(|rate| (rate - 1000.0 * limit / needed).abs() < 1e-6));
        }
    }

    #[test]
    fn where_a_limit_is_reached_does_not_depend_on_where_one_is() {
        let at = |rate| found(1000, &Setup { rate, ..SETUP });
        for ((name, _, low), (_, _, high)) in at(1.0).into_iter().zip(at(100_000.0)) {
            // a shard is whole, so that there is a little between them
            let is_near = match (low, high) {
                (Some(low), Some(high)) => (low / high - 1.0).abs() < 1e-3,
                _ => low == high,
            };
            assert!(is_near, "{name}: {low:?} and {high:?}");
        }
    }

    #[test]
    fn a_low_rate_is_not_limited_by_what_no_rate_reaches() {
        let setup = Setup { rate: 1.0, ..SETUP };
        // a record's bytes have the largest share of their limit
        let quotas = found(100_000, &setup);
        let largest = quotas
            .iter()
            .max_by(|left, right| left.1.total_cmp(&right.1));
        assert_eq!(largest.map(|quota| quota.0), Some(RECORD));
        assert_eq!(quotas[0].0, "Kinesis: MB/s into an on-demand stream");
        assert_eq!(quotas[quotas.len() - 1].0, RECORD);
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
        assert_eq!(found(1000, &setup).len(), 5);
    }
}
