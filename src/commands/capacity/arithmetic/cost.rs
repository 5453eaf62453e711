//! What a plan costs in a month, each sum with what it is made of.

use serde::Serialize;

use super::{Consumer, Setup, Step};
use crate::commands::capacity::number::{count, dollars, figure};
use crate::commands::capacity::record::RecordSize;

/// What a record is billed in: units of 25 KB where shards are provisioned, of 1 KB on demand
/// (<https://aws.amazon.com/kinesis/data-streams/pricing/>).
pub(super) const PUT_UNIT_BYTES: u64 = 25 * 1024;
const ON_DEMAND_UNIT_BYTES: u64 = 1024;
const GB: f64 = 1_073_741_824.0;
const MONTH_HOURS: f64 = 730.0;
const MONTH_SECONDS: f64 = MONTH_HOURS * 3600.0;
const MILLION: f64 = 1e6;

/// US dollars per month.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(in crate::commands::capacity) struct Cost {
    pub(in crate::commands::capacity) kinesis_provisioned: f64,
    pub(in crate::commands::capacity) kinesis_on_demand: f64,
    pub(in crate::commands::capacity) producer: f64,
    pub(in crate::commands::capacity) consumer: f64,
    pub(in crate::commands::capacity) api: f64,
    /// With provisioned shards.
    pub(in crate::commands::capacity) total: f64,
    /// With an on-demand stream.
    pub(in crate::commands::capacity) total_on_demand: f64,
}

/// Adds up what all of it costs, with these prices.
pub(super) fn cost(
    record: &RecordSize,
    setup: &Setup,
    shards: u64,
    consumer: &Consumer,
    steps: &mut Vec<Step>,
) -> Cost {
    let prices = &setup.prices;
    let messages = setup.rate * MONTH_SECONDS;
    steps.push(Step {
        what: "messages a month",
        sum: format!("{} /s × {MONTH_HOURS} h × 3,600 s", figure(setup.rate)),
        result: figure(messages),
    });
    let mut costs = Costs { steps };
    let units = record.total().div_ceil(PUT_UNIT_BYTES);
    let kinesis_provisioned = costs.add(
        "shards",
        format!(
            "{} × {MONTH_HOURS} h × ${}",
            count(shards, "shard"),
            prices.price_shard_hour
        ),
        shards as f64 * MONTH_HOURS * prices.price_shard_hour,
    ) + costs.add(
        "PUT payload units",
        format!(
            "{} million × {units} of 25 KB × ${}",
            figure(messages / MILLION),
            prices.price_put_units
        ),
        messages / MILLION * units as f64 * prices.price_put_units,
    );
    let kilobytes = record.total().div_ceil(ON_DEMAND_UNIT_BYTES);
    let gb_in = messages * (kilobytes * ON_DEMAND_UNIT_BYTES) as f64 / GB;
    let gb_out = messages * record.total() as f64 * f64::from(setup.consumers) / GB;
    let kinesis_on_demand = costs.add(
        "or on demand",
        format!(
            "{MONTH_HOURS} h × ${} + {} GB in ({kilobytes} KB each) × ${} + {} GB out × ${}",
            prices.price_stream_hour,
            figure(gb_in),
            prices.price_gb_in,
            figure(gb_out),
            prices.price_gb_out
        ),
        MONTH_HOURS * prices.price_stream_hour
            + gb_in * prices.price_gb_in
            + gb_out * prices.price_gb_out,
    );
    let producer = costs.function("producer", messages, setup.producer_ms, setup);
    let invocations = consumer.invocations_per_second * MONTH_SECONDS;
    let consumer = costs.function("consumer", invocations, consumer.batch_duration_ms, setup);
    let api = costs.add(
        "API Gateway",
        format!(
            "{} million × ${}",
            figure(messages / MILLION),
            prices.price_api_requests
        ),
        messages / MILLION * prices.price_api_requests,
    );
    let others = producer + consumer + api;
    Cost {
        kinesis_provisioned,
        kinesis_on_demand,
        producer,
        consumer,
        api,
        total: kinesis_provisioned + others,
        total_on_demand: kinesis_on_demand + others,
    }
}

/// Writes down what is added up.
struct Costs<'a> {
    steps: &'a mut Vec<Step>,
}

impl Costs<'_> {
    fn add(&mut self, what: &'static str, sum: String, cost: f64) -> f64 {
        self.steps.push(Step {
            what,
            sum,
            result: dollars(cost),
        });
        cost
    }

    /// Lambda bills invocations, and memory for time in whole milliseconds.
    fn function(
        &mut self,
        what: &'static str,
        invocations: f64,
        took_ms: f64,
        setup: &Setup,
    ) -> f64 {
        let prices = &setup.prices;
        let billed_ms = (took_ms - 1e-9).ceil().max(1.0);
        let gb = f64::from(setup.memory_mb) / 1024.0;
        let gb_seconds = invocations * billed_ms / 1000.0 * gb;
        self.add(
            what,
            format!(
                "{} million × ${} + {} million × {} ms × {} GB × ${}",
                figure(invocations / MILLION),
                prices.price_invocations,
                figure(invocations / MILLION),
                figure(billed_ms),
                figure(gb),
                prices.price_gb_second
            ),
            invocations / MILLION * prices.price_invocations + gb_seconds * prices.price_gb_second,
        )
    }
}
