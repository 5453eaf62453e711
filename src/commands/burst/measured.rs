//! The figures of an endpoint, as a comparison takes them.

use baton_loadgen::{AttackOutcome, Latency, Round as LoadRound};
use baton_propagators::Engine;
use baton_traces::figures::summary::round::Round;
use baton_traces::measure::Measured;
use baton_traces::percentiles::{Percentiles, rounded};
use baton_traces::summary::{Latencies, Requests, Summary};

/// The figures of all bursts at the endpoint `name`. `interleaved` is what it has in common with
/// the endpoints that it took turns with.
pub(super) fn measured(
    name: &str,
    engine: Engine,
    outcomes: &[AttackOutcome],
    interleaved: &str,
) -> Measured {
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.duration_s).sum();
    let requests = requests(baton_experiments::requests(outcomes));
    let whole = AttackOutcome::merge(outcomes).map(|(whole, _)| whole);
    let request = whole.and_then(|whole| whole.latency_corrected_ms.or(whole.latency_ms));
    Measured {
        summary: Summary {
            name: name.to_owned(),
            engine: Some(engine),
            started: outcomes.first().map(|outcome| outcome.started),
            duration_s: Some(rounded(seconds, 3)),
            requests: Some(requests),
            latency_ms: Latencies {
                request: request.map(percentiles),
                end_to_end: None,
            },
            #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
            throughput_rps: (seconds > 0.0).then(|| rounded(requests.ok as f64 / seconds, 2)),
            rounds: rounds(outcomes),
            interleaved: Some(interleaved.to_owned()),
            ..Summary::default()
        },
        ..Measured::default()
    }
}

/// The rounds of all bursts, in one numbering.
fn rounds(outcomes: &[AttackOutcome]) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    for outcome in outcomes {
        let before = rounds.last().map_or(0, |round| round.number);
        rounds.extend(outcome.rounds.iter().map(|round| of_burst(round, before)));
    }
    rounds
}

fn of_burst(round: &LoadRound, before: u32) -> Round {
    let request = round.latency_corrected_ms.or(round.latency_ms);
    Round {
        number: before + round.number,
        started: round.started,
        duration_s: round.duration_s,
        requests: requests(round.requests),
        throughput_rps: round.throughput_rps,
        latency_ms: Latencies {
            request: request.map(percentiles),
            end_to_end: None,
        },
        records: 0,
    }
}

fn requests(counted: baton_loadgen::Requests) -> Requests {
    Requests {
        sent: counted.sent,
        ok: counted.ok,
        failed: counted.failed,
    }
}

fn percentiles(latency: Latency) -> Percentiles {
    Percentiles {
        p50: latency.p50,
        p90: latency.p90,
        p99: latency.p99,
        p999: latency.p999,
        max: latency.max,
    }
}
