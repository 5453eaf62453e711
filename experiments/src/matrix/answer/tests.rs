use std::collections::BTreeMap;

use super::*;

fn measured() -> Matrix {
    let saved = include_str!("../../../../docs/mixed-headers.json");
    serde_json::from_str(saved).expect("the matrix of the docs")
}

fn set(counts: &mut Counts, verdict: Verdict) {
    counts.verdicts = BTreeMap::from([(verdict, 20)]);
}

#[test]
fn the_answer_follows_the_cells() {
    let answer = answer(&measured());
    for sentence in [
        "The trace stays whole in 24 of 81 pairings: those in which the consumer reads a format that the producer writes.",
        "A producer that writes both W3C and B3 reaches every consumer that reads either.",
        "the last one in the reader's list wins, for every client: tracecontext,b3 continues b3 and b3,tracecontext continues tracecontext.",
        "where B3 wins, tracestate is lost even if both headers agree (tracecontext,b3).",
        "From B3 to W3C, no step breaks the trace",
        "Engine otel gives other verdicts than native in ",
    ] {
        assert!(answer.contains(sentence), "{sentence}\n{answer}");
    }
}

#[test]
fn other_cells_make_another_answer() {
    let mut matrix = measured();
    for cell in &mut matrix.record {
        if pairing(cell) == "b3,tracecontext:tracecontext" {
            set(&mut cell.outcome.counts, Verdict::NewTrace);
        }
    }
    for cell in &mut matrix.ingress {
        if cell.client.starts_with("conflicting") && has_w3c_and_b3(&cell.producer) {
            cell.followed = Some("tracecontext".to_owned());
        }
        if cell.client == "agreeing" && cell.producer.to_string() == "b3multi" {
            set(&mut cell.outcome.counts, Verdict::WrongParent);
        }
    }
    let answer = answer(&matrix);
    for sentence in [
        "The trace stays whole in 23 of 81 pairings",
        "except for b3,tracecontext:tracecontext.",
        "does not reach every consumer that reads either: not under b3,tracecontext:tracecontext.",
        "If they disagree, no single rule holds",
        "Even if both headers carry the same context, the trace breaks: agreeing to b3multi.",
        "From B3 to W3C through both, the trace breaks under b3,tracecontext:tracecontext.",
    ] {
        assert!(answer.contains(sentence), "{sentence}\n{answer}");
    }
}

#[test]
fn unmeasured_cells_are_not_mentioned() {
    let mut matrix = measured();
    matrix.record.retain(|cell| !has_w3c_and_b3(&cell.producer));
    matrix.ingress.clear();
    let answer = answer(&matrix);
    assert!(answer.starts_with("The trace stays whole in "), "{answer}");
    for words in [
        "writes both",
        "disagree",
        "From B3",
        "tracestate",
        "malformed",
    ] {
        assert!(!answer.contains(words), "{words}\n{answer}");
    }
    matrix.record.clear();
    assert_eq!(super::answer(&matrix), "Nothing was measured.");
}
