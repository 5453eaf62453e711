//! `baton compare`: its output for people, programs, pull requests and CI.

mod limits;

use std::fs::{self, OpenOptions};

use serde_json::Value;

use crate::support::command::{Finished, Sandbox};
use crate::support::generated::Generated;

/// Compares, and returns the printed JSON.
async fn compare(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let finished = command(sandbox, &[arguments, &["--format", "json"]].concat()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

async fn command(sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    sandbox.run([&["compare"], arguments].concat()).await
}

/// A sandbox with two runs: one is whole; in the other 10 % broke, and it is 50 % slower.
fn whole_and_broken() -> Sandbox {
    let sandbox = Sandbox::new();
    Generated::default().write(&sandbox.path("whole"));
    let broken = Generated {
        broken: 40,
        slowness: 1.5,
        seed: 2,
        ..Generated::default()
    };
    broken.write(&sandbox.path("broken"));
    sandbox
}

/// The metrics that baton reports as different.
fn significant(comparison: &Value) -> Vec<&str> {
    let differences = comparison["differences"].as_array().expect("differences");
    differences
        .iter()
        .filter(|difference| difference["significant"] == true)
        .map(|difference| difference["metric"].as_str().expect("a name"))
        .collect()
}

fn difference<'a>(comparison: &'a Value, metric: &str) -> &'a Value {
    let differences = comparison["differences"].as_array().expect("differences");
    let found = differences
        .iter()
        .find(|difference| difference["metric"] == metric);
    found.unwrap_or_else(|| panic!("{metric} is missing"))
}

#[tokio::test]
async fn a_repeated_run_is_noise_and_a_worse_one_is_not() {
    let sandbox = whole_and_broken();
    let again = Generated {
        seed: 3,
        ..Generated::default()
    };
    again.write(&sandbox.path("again"));
    let same = compare(&sandbox, &["whole", "again"]).await;
    assert_eq!(significant(&same), [""; 0], "{same}");
    assert_eq!(same["baseline"], "whole");
    assert_eq!(same["runs"][1]["name"], "again");

    let worse = compare(&sandbox, &["whole", "broken"]).await;
    assert_eq!(
        significant(&worse),
        ["record.connected", "record.new_trace",],
        "{worse}"
    );
    let connected = difference(&worse, "record.connected");
    assert_eq!(
        [
            &connected["run"],
            &connected["baseline"],
            &connected["value"],
            &connected["change"]
        ],
        [
            &Value::from("broken"),
            &400.into(),
            &360.into(),
            &(-0.1).into()
        ]
    );
    assert_eq!(
        connected["words"],
        "In broken, 360 of 400 records stay connected (whole: 400 of 400)."
    );
    assert_eq!(connected["test"], "chi-square test");
    let median = difference(&worse, "request.p50");
    assert!(median["change"].as_f64() > Some(0.4), "{median}");
    for unknown in ["significant", "p", "interval", "test"] {
        assert_eq!(
            median[unknown],
            Value::Null,
            "the runs took no turns: {median}"
        );
    }
    assert_eq!(
        worse["untested"],
        "Latencies of broken are not tested: they were not measured in the same rounds as whole."
    );
}

#[tokio::test]
async fn the_baseline_is_the_first_unless_it_is_named() {
    let sandbox = whole_and_broken();
    for baseline in ["broken", "./broken"] {
        let comparison = compare(&sandbox, &["whole", "./broken", "--baseline", baseline]).await;
        assert_eq!(comparison["baseline"], "broken");
        assert_eq!(difference(&comparison, "record.connected")["run"], "whole");
    }
    let finished = command(&sandbox, &["whole", "broken", "--baseline", "other"]).await;
    assert_eq!(finished.code, Some(2));
    assert_eq!(
        finished.stderr,
        "baton: --baseline other: there is no such source; the sources are whole, broken\n"
    );
}

#[tokio::test]
async fn sources_with_the_same_name_are_distinguished() {
    let sandbox = whole_and_broken();
    Generated::default().write(&sandbox.path("other/whole"));
    let comparison = compare(&sandbox, &["whole", "other/whole", "broken", "broken"]).await;
    let names: Vec<_> = comparison["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| &run["name"])
        .collect();
    assert_eq!(names, ["whole", "other/whole", "broken", "broken (2)"]);
}

#[tokio::test]
async fn a_pull_request_gets_the_verdict_first_and_the_rest_folded() {
    let sandbox = whole_and_broken();
    let finished = command(
        &sandbox,
        &[
            "whole",
            "broken",
            "--format",
            "markdown",
            "--fail-under",
            "connected=99.9%",
        ],
    )
    .await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let (before, folded) = finished.stdout.split_once("<details>").expect("a fold");
    let expected = "\
**2 significant differences from `whole`; 1 of 2 checks failed.**

| run | limit | | |
| --- | --- | --- | --- |
| `whole` | `--fail-under connected=99.9%` | passed | whole: connected is 100%, at or above the limit of 99.9% |
| `broken` | `--fail-under connected=99.9%` | **failed** | broken: connected is 90%, under the limit of 99.9% |

| run | metric | baseline | value | change | | by |
| --- | --- | ---: | ---: | ---: | --- | --- |
| `broken` | `record.connected` | 400 of 400 | 360 of 400 | -10 points | **worse** | p &#60; 0.001, chi-square |
| `broken` | `record.new_trace` | 0 of 400 | 40 of 400 | +10 points | **worse** | p &#60; 0.001, chi-square |
";
    assert!(before.starts_with(expected), "{before}");
    assert!(
        before.contains("- The trace broke at Kinesis under tracecontext"),
        "{before}"
    );
    assert!(folded.contains("<summary>All "), "{folded}");
    assert!(folded.contains("Holm's correction"), "{folded}");
}

#[tokio::test]
async fn nothing_in_a_name_is_markup_or_controls_a_terminal() {
    let sandbox = Sandbox::new();
    let hostile = "<img src=x>|*b*_`@you`\u{1b}[2J\u{202e}";
    Generated::default().write(&sandbox.path("whole"));
    Generated {
        broken: 100,
        ..Generated::default()
    }
    .write(&sandbox.path(hostile));
    for format in ["text", "json", "markdown", "html", "junit"] {
        let finished = command(
            &sandbox,
            &[
                "whole",
                hostile,
                "--format",
                format,
                "--fail-under",
                "connected=1%",
            ],
        )
        .await;
        assert_eq!(finished.code, Some(0), "{format}: {finished:?}");
        let stdout = &finished.stdout;
        assert!(stdout.contains("img src"), "{format}: {stdout}");
        for forbidden in ["\u{1b}", "\u{202e}"] {
            // a program must accept text that is not ASCII
            if format != "json" || forbidden.is_ascii() {
                assert!(!stdout.contains(forbidden), "{format}: {stdout:?}");
            }
        }
        if ["markdown", "html", "junit"].contains(&format) {
            assert!(!stdout.contains("<img"), "{format}: {stdout}");
        }
        if format == "markdown" {
            assert!(
                !stdout.contains("*b*") && !stdout.contains("@you"),
                "{stdout}"
            );
        }
    }
}

#[tokio::test]
async fn sources_that_cannot_be_compared_are_refused_with_one_sentence() {
    let sandbox = whole_and_broken();
    fs::create_dir(sandbox.path("empty")).expect("room");
    fs::write(sandbox.path("noise"), "this is not an export\n").expect("room");
    for (arguments, sentence) in [
        (
            vec!["whole"],
            "compare takes two sources or more; a single one can be checked with --fail-under or --fail-over",
        ),
        (vec!["missing"], "missing: "),
        (vec!["."], "compare takes two sources or more"),
        (
            vec!["whole", "empty"],
            "cannot read empty: it is a directory without a file",
        ),
        (vec!["whole", "missing"], "missing"),
        (vec!["whole", "noise"], "noise"),
        (
            vec!["whole", "broken", "--format", "junit"],
            "--format junit prints checks, and there are none",
        ),
        (
            vec!["whole", "--fail-under", "conected=1"],
            "there is no figure \"conected\"; the figures are held, connected, failed, lost",
        ),
        (
            vec!["whole", "--fail-over", "request.p99=50%"],
            "request.p99 is a time",
        ),
    ] {
        let finished = command(&sandbox, &arguments).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(
            finished.stderr.contains(sentence),
            "{arguments:?}: {}",
            finished.stderr
        );
        assert_eq!(finished.stdout, "", "{arguments:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_run_that_is_cut_short_is_compared_by_what_it_holds() {
    let sandbox = whole_and_broken();
    let spans = sandbox.path("broken/spans.jsonl.zst");
    let length = fs::metadata(&spans).expect("spans").len();
    let file = OpenOptions::new().write(true).open(&spans).expect("spans");
    file.set_len(length / 2).expect("shorter");
    let finished = command(&sandbox, &["whole", "broken"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("is cut short after"),
        "{}",
        finished.stdout
    );
}

#[tokio::test]
async fn two_traces_are_compared_span_by_span() {
    let sandbox = whole_and_broken();
    let whole = Generated::default().trace_id(7);
    let broken = Generated {
        seed: 2,
        ..Generated::default()
    }
    .trace_id(7);
    let difference = compare(&sandbox, &["whole", "broken", "--diff", &whole, &broken]).await;
    let marks: Vec<_> = difference["spans"]
        .as_array()
        .expect("spans")
        .iter()
        .map(|row| row["mark"].as_str().expect("a mark"))
        .collect();
    assert_eq!(
        marks[3], "only_left",
        "the record is in another trace: {difference}"
    );
    assert_eq!(difference["left"]["source"], "whole");
    assert_eq!(difference["right"]["trace_id"], *broken);
    assert!(
        difference["masked"]
            .to_string()
            .contains("trace and span ids")
    );

    // one source has both traces, and a trace equals itself
    let itself = compare(&sandbox, &["whole", "--diff", &whole, &whole]).await;
    assert_eq!([&itself["same"], &itself["changed"]], [4, 0]);

    let text = command(&sandbox, &["whole", "broken", "--diff", &whole, &broken]).await;
    assert!(
        text.stdout
            .contains("<        consumer-lambda Kinesis.getRecord"),
        "{}",
        text.stdout
    );
    assert!(text.stdout.contains("Not compared:"), "{}", text.stdout);

    for (trace, sentence) in [
        (
            "deadbeefdeadbeef",
            "trace deadbeefdeadbeef is not in whole or broken",
        ),
        (&whole[..8], "00000000 is the start of 400 trace ids"),
        (
            "00000",
            "is not a trace id; write it as its backend does, or its first 8 digits or more",
        ),
    ] {
        let refused = command(&sandbox, &["whole", "broken", "--diff", trace, &broken]).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(
            refused.stderr.contains(sentence),
            "{trace}: {}",
            refused.stderr
        );
    }
}
