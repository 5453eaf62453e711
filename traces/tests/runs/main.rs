//! Whole runs, written as files and summed up: what a user reads of them.

mod case;
mod drawings;
mod report;
mod story;

use std::fs;
use std::path::Path;

use case::{Case, Order};

/// Every case gives what it says, and so does the same case with everything in reverse or logs before spans: no
/// verdict depends on what is seen first.
#[test]
fn every_case_gives_what_it_says_in_any_order() {
    let cases = cases();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        for order in [Order::AsWritten, Order::Reversed, Order::LogsFirst] {
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

fn cases() -> Vec<Case> {
    cases_in("cases")
}

/// The cases of all files in a folder beside this file.
fn cases_in(folder: &str) -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/runs")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("the cases")
        .map(|entry| entry.expect("a file of cases").path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| case::parse(&fs::read_to_string(file).expect("a file of cases")))
        .collect()
}
