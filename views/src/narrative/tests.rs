use baton_propagators::Engine;

use super::*;
use baton_traces::percentiles::Sizes;
use baton_traces::summary::{Records, Requests};

/// A run under `pairing` with these verdicts.
fn run(pairing: &str, counts: &[(Hop, Verdict, u64)]) -> Summary {
    let pairing: baton_propagators::Pairing = pairing.parse().expect("a pairing");
    let mut summary = Summary {
        name: pairing.name(),
        pairing: Some(pairing),
        ..Summary::default()
    };
    for (hop, verdict, count) in counts {
        summary
            .hops
            .entry(*hop)
            .or_default()
            .insert(*verdict, *count);
    }
    summary
}

use Hop::{Ingress, Record};
use Verdict::{Connected, IdTruncated, Linked, Lost, NewTrace, Unsampled, WrongParent, WrongTrace};

/// Summaries, and the sentences that they should give.
struct Case {
    runs: Vec<Summary>,
    says: &'static [&'static str],
}

#[test]
fn incomplete_runs_are_described_as_incomplete() {
    let in_part: [fn(&mut Summary); 4] = [
        |run| run.unknown = ["record.connected".to_owned()].into(),
        |run| run.unjudged = 1,
        |run| run.requests_without_id = 1,
        |run| run.problems = vec!["spans.jsonl.zst is cut short".to_owned()],
    ];
    for hide in in_part {
        let mut seen = run("b3", &[(Record, Connected, 3)]);
        hide(&mut seen);
        let says = ["The trace stayed whole under b3 (as far as it can be seen)."];
        assert_eq!(narrate(&[seen]), says);
    }
    let mut half = run("b3", &[(Ingress, Connected, 3)]);
    half.unknown = ["record.connected".to_owned()].into();
    let says = [
        "The trace stayed whole under b3 (as far as it can be seen: nothing was judged at Kinesis).",
    ];
    assert_eq!(narrate(&[half]), says);
}

#[test]
fn sentences_follow_the_verdicts() {
    let cases = [
        Case {
            runs: vec![],
            says: &[],
        },
        Case {
            runs: vec![run(
                "b3",
                &[(Ingress, Connected, 9), (Record, Connected, 9)],
            )],
            says: &["The trace stayed whole under b3."],
        },
        Case {
            runs: vec![
                run("none", &[(Record, NewTrace, 20)]),
                run("tracecontext", &[(Record, Connected, 20)]),
                run("tracecontext:b3", &[(Record, NewTrace, 20)]),
                run("mixed:b3", &[(Record, Connected, 20)]),
            ],
            says: &[
                "The trace broke at Kinesis under none (no context in the record) and under tracecontext:b3 \
                 (the producer wrote traceparent, the consumer reads only b3).",
                "It stayed whole under tracecontext and tracecontext,b3:b3.",
            ],
        },
        // only a part broke, so the modes are not the cause
        Case {
            runs: vec![run("b3", &[(Record, Connected, 97), (Record, NewTrace, 3)])],
            says: &[
                "The trace broke at Kinesis under b3 for 3 of 100 records (the consumer started a new trace).",
            ],
        },
        // the modes match, but the trace broke
        Case {
            runs: vec![run("b3multi:b3", &[(Record, NewTrace, 5)])],
            says: &[
                "The trace broke at Kinesis under b3multi:b3 (the consumer started a new trace although it reads \
                 b3, as the producer wrote).",
            ],
        },
        // the modes do not match, but the trace held
        Case {
            runs: vec![run("tracecontext:b3", &[(Record, Connected, 5)])],
            says: &["The trace stayed whole under tracecontext:b3."],
        },
        Case {
            runs: vec![run("tracecontext:none", &[(Record, NewTrace, 5)])],
            says: &[
                "The trace broke at Kinesis under tracecontext:none (the consumer reads no context).",
            ],
        },
        Case {
            runs: vec![run(
                "tracecontext,baggage:baggage",
                &[(Record, NewTrace, 5)],
            )],
            says: &[
                "The trace broke at Kinesis under tracecontext,baggage:baggage (the consumer reads no context).",
            ],
        },
        Case {
            runs: vec![run(
                "b3",
                &[
                    (Record, WrongParent, 1),
                    (Record, WrongTrace, 2),
                    (Record, IdTruncated, 3),
                    (Record, Unsampled, 4),
                ],
            )],
            says: &[
                "The trace broke at Kinesis under b3 (1 of 10 records: the consumer kept the trace, but its \
                 parent is another span; 2 of 10 records: the consumer continued a context that is not its \
                 sender's; 3 of 10 records: only the low 64 bits of the trace id are left at the consumer; 4 of \
                 10 records: context arrived, but the consumer did not sample what its sender had sampled).",
            ],
        },
        Case {
            runs: vec![
                run("tracecontext", &[(Record, Linked, 5)]),
                run("b3", &[(Record, Connected, 5)]),
            ],
            says: &["The trace stayed whole under tracecontext (by links) and under b3."],
        },
        Case {
            runs: vec![run(
                "mixed",
                &[(Ingress, WrongTrace, 7), (Record, Connected, 7)],
            )],
            says: &[
                "The trace broke on the way into the producer under tracecontext,b3 (the producer continued \
                 a context that is not its sender's).",
            ],
        },
        // lost records say nothing about the trace
        Case {
            runs: vec![
                run("b3", &[(Ingress, Connected, 5), (Record, Lost, 5)]),
                run("b3multi", &[(Record, Connected, 4), (Record, Lost, 1)]),
            ],
            says: &[
                "The trace stayed whole under b3multi.",
                "In addition, all 5 records never arrived under b3; 1 of 5 records never arrived under b3multi.",
            ],
        },
        Case {
            runs: vec![run("b3", &[])],
            says: &["No hand-off was seen under b3."],
        },
    ];
    for case in cases {
        assert_eq!(narrate(&case.runs), case.says);
    }
}

#[test]
fn on_the_way_in_only_a_known_client_is_blamed() {
    let broke = |client: Option<&str>, pairing| {
        let mut summary = run(pairing, &[(Ingress, NewTrace, 5)]);
        summary.client = client.map(|mode| mode.parse().expect("a mode"));
        narrate(&[summary]).remove(0)
    };
    let place = "The trace broke on the way into the producer under";
    assert_eq!(
        broke(None, "b3"),
        format!("{place} b3 (the producer reads b3 and continued nothing).")
    );
    assert_eq!(
        broke(Some("tracecontext"), "b3"),
        format!("{place} b3 (the client wrote traceparent, the producer reads only b3).")
    );
    assert_eq!(
        broke(Some("none"), "b3"),
        format!("{place} b3 (the client sent no context).")
    );
    assert_eq!(
        broke(None, "none"),
        format!("{place} none (the producer reads no context).")
    );
}

#[test]
fn an_empty_carrier_is_evidence_against_the_mode() {
    let mut summary = run("b3", &[(Record, NewTrace, 5)]);
    summary.carrier_bytes = Some(Sizes { mean: 0.0, max: 0 });
    assert_eq!(
        narrate(&[summary]),
        ["The trace broke at Kinesis under b3 (no context in the record)."]
    );
}

#[test]
fn other_problems_are_named_once_for_all_runs_that_had_them() {
    let mut b3 = run("b3", &[(Record, Connected, 10)]);
    b3.requests = Some(Requests {
        sent: 12,
        ok: 10,
        failed: 2,
    });
    b3.records = Some(Records {
        sent: 10,
        delivered: Some(10),
        duplicates: 1,
        lost: Some(0),
        undelivered: None,
    });
    b3.flags.entry(Record).or_default().tracestate_lost = Some(10);
    let mut multi = run("b3multi", &[(Record, Connected, 10)]);
    multi.flags.entry(Record).or_default().tracestate_lost = Some(10);
    // where the trace broke, a lost tracestate is not mentioned
    let mut none = run("none", &[(Record, NewTrace, 10)]);
    none.flags.entry(Record).or_default().tracestate_lost = Some(10);
    assert_eq!(
        narrate(&[b3, multi, none]).last().map(String::as_str),
        Some(
            "In addition, 2 of 12 requests failed under b3; 1 delivery was a duplicate under b3; \
             tracestate was lost in all 10 records under b3 and b3multi."
        )
    );
}

#[test]
fn runs_of_one_pairing_are_distinguished_by_engine_or_name() {
    let mut native = run("b3", &[(Record, Connected, 1)]);
    native.engine = Some(Engine::Native);
    let mut otel = run("b3", &[(Record, NewTrace, 1)]);
    otel.engine = Some(Engine::Otel);
    assert_eq!(
        narrate(&[native.clone(), otel])[1],
        "It stayed whole under b3 with the native engine."
    );
    let mut again = native.clone();
    again.name = "second".to_owned();
    assert_eq!(
        narrate(&[native, again]),
        ["The trace stayed whole under b3 (b3) and b3 (second)."]
    );
}
