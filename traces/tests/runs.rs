//! Whole runs, written as files and summed up, as a user reads them.

#[allow(
    dead_code,
    reason = "the tests of two crates use it, and neither uses all of it"
)]
mod case;
mod search;
mod story;

use std::path::Path;

use baton_traces::measure::Measured;
use baton_traces::source::Source;
use case::{Case, Order};

/// Every case gives the expected summary, even in reverse order and with logs before spans. No
/// verdict depends on the order.
#[test]
fn every_case_gives_its_expected_summary_in_any_order() {
    let cases = cases();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        for order in [Order::AsWritten, Order::Reversed, Order::SpansFirst] {
            let got = case::shown(&case.summary(order));
            if got != case.expected {
                failures.push(format!(
                    "{} ({order:?})\nexpected:\n{}\ngot:\n{got}",
                    case.title, case.expected
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn the_four_commands_say_the_same_of_every_run() {
    for case in &cases() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        case.write(directory.path(), Order::AsWritten);
        let source = Source::from(directory.path());
        let measured = Measured::of(&source).expect("a whole run");
        let judged = crate::one_answer::check(&source, &measured);
        let hops = measured.summary.hops.values();
        let counted: u64 = hops.flat_map(|verdicts| verdicts.values()).sum();
        assert!(judged >= counted, "{}: {judged}, {counted}", case.title);
    }
}

/// The spans of a run without its logs and manifest are an export.
#[test]
fn the_spans_above_and_below_a_sender_are_the_same_in_a_run_and_in_an_export() {
    let cases = cases();
    let is_around =
        |title: &str| title.contains("above the sender") || title.contains("below the sender");
    let around = cases.iter().filter(|case| is_around(&case.title));
    let around: Vec<&Case> = around.collect();
    assert_eq!(around.len(), 7);
    for case in around {
        let directory = tempfile::tempdir().expect("a temporary directory");
        case.write(directory.path(), Order::AsWritten);
        let run = Measured::of(&Source::from(directory.path())).expect("a whole run");
        let elsewhere = tempfile::tempdir().expect("a temporary directory");
        let export = elsewhere.path().join("export.jsonl.zst");
        std::fs::copy(directory.path().join("spans.jsonl.zst"), &export).expect("room");
        let source = Source::from(export.as_path());
        let measured = Measured::of(&source).expect("an export");
        assert_eq!(measured.summary.hops, run.summary.hops, "{}", case.title);
        assert_eq!(
            crate::one_answer::check(&source, &measured),
            2,
            "{}",
            case.title
        );
        let (audit, _) = crate::one_answer::audited(&source);
        let broken: u64 = audit
            .edges
            .iter()
            .map(|edge| edge.handoffs - edge.held())
            .sum();
        let is_wrong = case.expected.contains("wrong_parent");
        assert_eq!(broken, u64::from(is_wrong), "{}", case.title);
    }
}

/// The cases of all files in `cases/`.
fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runs/cases");
    case::parse_folder(Path::new(folder))
}
