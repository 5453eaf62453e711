//! Reads `report.html` back: it is complete and self-contained, and has every figure as text.

use std::path::Path;

use baton_traces::compare::Comparison;
use baton_traces::figures::summary::round::Round;
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::measure::Measured;
use baton_traces::percentiles::Percentiles;
use baton_traces::run::RunDirectory;
use baton_traces::shown;
use baton_traces::source::Source;
use baton_traces::summary::{Latencies, Requests};
use baton_views::report::{Check, Report, Run};
use roxmltree::{Document, Node};

use crate::case::{self, Order};

/// This many messages through the whole pipeline, with names that would run as scripts on a
/// careless page.
fn burst(messages: u32, broken: bool, service: &str) -> String {
    let mut text = "\n== a burst\n".to_owned();
    for number in 1..=messages {
        let trace = format!("{number:08x}");
        let record = if broken {
            format!("f{number:07x}")
        } else {
            trace.clone()
        };
        let (start, end) = (number * 10, number * 10 + 40 + number % 7);
        text.push_str(&format!(
            "client trace={trace} span=c request=r{number} at={start}..{end} service={service}\n\
             server trace={trace} span=a parent=c remote request=r{number} at={start}..{end}\n\
             send trace={trace} span=b parent=a message={number} at={start}..{end} carrier=70\n\
             record trace={record} span=d parent={} message={number} at={end}..{}\n",
            if broken { "e" } else { "b remote" },
            end + 5,
        ));
    }
    text + "--\n"
}

/// Writes a case as a run under `pairing` and reads it for a report.
fn run(folder: &Path, pairing: &str, case: &str) -> (Measured, Run) {
    let path = folder.join(pairing.replace(':', "_to_"));
    let mut case = case::parse(case);
    case.remove(0).write(&path, Order::AsWritten);
    let directory = RunDirectory::create(&path).expect("the same directory");
    let mut manifest = case::manifest(pairing);
    manifest
        .settings
        .insert("client".to_owned(), pairing.split(':').next().into());
    manifest.settings.insert("users".to_owned(), 8.into());
    manifest
        .versions
        .insert("baton".to_owned(), "0.1.0".to_owned());
    directory.write_manifest(&manifest).expect("room");
    let source = Source::from(path.as_path());
    let run = Run::read(&source).expect("a whole run");
    (run.measured().clone(), run)
}

/// A report of two runs, one of them broken at the record.
fn two_runs(service: &str) -> (Vec<Measured>, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (whole, first) = run(directory.path(), "tracecontext", &burst(40, false, service));
    let (broken, second) = run(
        directory.path(),
        "tracecontext:b3",
        &burst(40, true, service),
    );
    let measured = vec![whole, broken];
    let checks = [
        ("connected of every run is at least 99 %", false),
        ("lost is at most 0 %", true),
    ];
    let report = Report {
        runs: vec![first, second],
        comparison: Some(Comparison::of(&measured, 0)),
        checks: checks
            .map(|(sentence, passed)| Check {
                sentence: sentence.to_owned(),
                passed,
            })
            .into(),
    };
    (measured, report.render())
}

fn parsed(page: &str) -> Document<'_> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..Default::default()
    };
    Document::parse_with_options(page, options).expect("a well-formed page")
}

/// The text of an element, spaces and line breaks as one space.
fn text(node: Node<'_, '_>) -> String {
    let texts = node.descendants().filter(|node| node.is_text());
    let text: String = texts
        .filter_map(|node| node.text())
        .collect::<Vec<_>>()
        .join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn section<'a>(page: &'a Document<'a>, id: &str) -> Node<'a, 'a> {
    let mut found = page
        .descendants()
        .filter(|node| node.attribute("id") == Some(id));
    found.next().unwrap_or_else(|| panic!("no section {id}"))
}

#[test]
fn a_page_holds_no_script_and_nothing_from_elsewhere() {
    let (_, page) = two_runs("client");
    let page = parsed(&page);
    for element in page.descendants().filter(Node::is_element) {
        let name = element.tag_name().name();
        let harmful = [
            "script", "link", "img", "iframe", "object", "embed", "base", "use", "image", "form",
        ];
        assert!(!harmful.contains(&name), "{name}");
        for attribute in element.attributes() {
            let reference = ["src", "href", "srcset", "action", "data"].contains(&attribute.name());
            assert!(
                !reference && !attribute.name().starts_with("on"),
                "{attribute:?}"
            );
        }
    }
    let styles = page.descendants().filter(|node| node.has_tag_name("style"));
    for style in styles.filter_map(|style| style.text().map(str::to_owned)) {
        assert!(
            !style.contains("url(") && !style.contains("@import"),
            "{style}"
        );
        for condition in ["prefers-color-scheme: dark", "print", "max-width"] {
            assert!(
                style.contains(condition) || style.len() < 4000,
                "{condition}"
            );
        }
    }
}

#[test]
fn sections_are_in_reading_order() {
    let (_, page) = two_runs("client");
    let page = parsed(&page);
    let sections = page
        .descendants()
        .filter(|node| node.has_tag_name("section"));
    let ids: Vec<_> = sections
        .filter_map(|section| section.attribute("id"))
        .collect();
    let expected = "answer checks verdicts differences latency bytes maps traces setup unknown";
    assert_eq!(ids.join(" "), expected);
}

#[test]
fn every_figure_is_in_the_page_as_text() {
    let (measured, page) = two_runs("client");
    let page = parsed(&page);
    let answer = text(section(&page, "answer"));
    assert!(
        answer.contains("The trace broke at Kinesis under tracecontext:b3"),
        "{answer}"
    );
    let verdicts = text(section(&page, "verdicts"));
    assert_eq!(verdicts.matches("40 connected").count(), 3, "{verdicts}");
    assert_eq!(verdicts.matches("40 new_trace").count(), 1, "{verdicts}");
    let latency = text(section(&page, "latency"));
    let setup = text(section(&page, "setup"));
    for run in &measured {
        let summary = &run.summary;
        for percentiles in [summary.latency_ms.request, summary.latency_ms.end_to_end] {
            let p50 = percentiles.expect("latencies").p50;
            assert!(latency.contains(&format!("{p50:.1}")), "{p50} in {latency}");
        }
        assert!(
            setup.contains(&shown::count(summary.spans.expect("spans"))),
            "{setup}"
        );
        assert_eq!(
            summary.count(Hop::Record, Verdict::Connected)
                + summary.count(Hop::Record, Verdict::NewTrace),
            40
        );
    }
    let bytes = text(section(&page, "bytes"));
    assert_eq!(bytes.matches("70 bytes").count(), 2, "{bytes}");
    let maps = text(section(&page, "maps"));
    assert!(
        maps.contains("stream to consumer-lambda: 40 new_trace – broken"),
        "{maps}"
    );
    assert!(
        maps.contains("client to producer-lambda: 40 connected"),
        "{maps}"
    );
    let traces = text(section(&page, "traces"));
    assert!(
        traces.contains("A trace that broke") && traces.contains("A trace that stayed whole"),
        "{traces}"
    );
    assert!(
        traces.contains("this message's sender is in trace"),
        "{traces}"
    );
    let checks = text(section(&page, "checks"));
    assert!(
        checks.contains("✗ failed connected of every run"),
        "{checks}"
    );
    let differences = text(section(&page, "differences"));
    assert!(
        differences.contains("0 of 40 records stay connected"),
        "{differences}"
    );
    for setting in ["users 8", "version of baton 0.1.0", "client tracecontext"] {
        assert!(setup.contains(setting), "{setting} in {setup}");
    }
}

#[test]
fn every_picture_says_what_it_shows() {
    let (_, page) = two_runs("client");
    let page = parsed(&page);
    let pictures = page
        .descendants()
        .filter(|node| node.tag_name().name() == "svg");
    let mut count = 0;
    for picture in pictures.filter(|picture| picture.attribute("aria-hidden").is_none()) {
        count += 1;
        assert_eq!(picture.attribute("role"), Some("img"));
        assert!(
            picture
                .attribute("aria-label")
                .is_some_and(|label| label.len() > 3),
            "{picture:?}"
        );
    }
    // verdicts, two distributions and bytes of two runs; maps and waterfalls for two widths of page
    assert_eq!(count, 4 + 4 + 2 + 4 + 4);
}

#[test]
fn a_hostile_name_stays_text() {
    let hostile = "</style></title><script>alert('x')</script>\u{1b}[31m\u{202e}";
    let (_, page) = two_runs(hostile);
    assert!(!page.contains("<script"), "a script in the page");
    assert!(
        !page.contains(['\u{1b}', '\u{202e}']),
        "a character that controls the terminal"
    );
    let page = parsed(&page);
    let maps = text(section(&page, "maps"));
    assert!(
        maps.contains("</title><script>alert('x')</script>\\u{1b}[31m\\u{202e}"),
        "{maps}"
    );
}

#[test]
fn eight_runs_stay_far_below_a_megabyte() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pairings = [
        "none",
        "tracecontext",
        "b3",
        "b3multi",
        "tracecontext:b3",
        "b3:tracecontext",
        "jaeger",
        "xray",
    ];
    let case = burst(300, true, "client");
    let runs = pairings.map(|pairing| run(directory.path(), pairing, &case));
    let (measured, runs): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
    let report = Report {
        runs,
        comparison: Some(Comparison::of(&measured, 0)),
        checks: Vec::new(),
    };
    let page = report.render();
    assert!(page.len() < 500_000, "{} bytes", page.len());
    parsed(&page);
}

#[test]
fn figures_that_a_source_cannot_show_are_named() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("nothing");
    let empty = RunDirectory::create(&path).expect("a run");
    empty.write_manifest(&case::manifest("b3")).expect("room");
    std::fs::write(empty.spans_path(), "").expect("room");
    let source = Source::from(path.as_path());
    let run = Run::read(&source).expect("a run");
    let report = Report {
        runs: vec![run],
        ..Report::default()
    };
    let page = report.render();
    let page = parsed(&page);
    assert!(text(section(&page, "answer")).contains("No hand-off was seen"));
    assert!(text(section(&page, "verdicts")).contains("not judged"));
    assert!(text(section(&page, "unknown")).contains("producer.log is missing"));
    let ids: Vec<_> = page
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    assert!(
        !ids.contains(&"latency") && !ids.contains(&"maps"),
        "{ids:?}"
    );
}

#[test]
fn unjudged_hand_offs_are_not_called_whole() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../traces/tests/data/zipkin/yelp.json"
    );
    let source = Source::from(std::path::Path::new(path));
    let export = Run::read(&source).expect("an export");
    let (measured, run_of_it) = run(directory.path(), "b3", &burst(20, false, "client"));
    let sources = [measured, export.measured().clone()];
    let report = Report {
        runs: vec![run_of_it, export],
        comparison: Some(Comparison::of(&sources, 0)),
        checks: Vec::new(),
    };
    let page = report.render();
    let page = parsed(&page);
    let maps = text(section(&page, "maps"));
    assert!(maps.contains("Whole where it was judged"), "{maps}");
    let changes = text(section(&page, "differences"));
    assert!(
        changes.contains("nothing that is more than noise"),
        "{changes}"
    );
    let answer = text(section(&page, "answer"));
    assert!(
        answer.contains("yelp: All 4 hand-offs that could be judged held, on 4 edges."),
        "{answer}"
    );
}

#[test]
fn changes_over_rounds_have_their_interval() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pairings = ["tracecontext", "b3"];
    let runs = pairings.map(|pairing| run(directory.path(), pairing, &burst(40, false, "a")));
    let (mut measured, runs): (Vec<Measured>, Vec<Run>) = runs.into_iter().unzip();
    for (place, one) in measured.iter_mut().enumerate() {
        one.summary.interleaved = Some("an id".to_owned());
        one.summary.rounds = (1..=16).map(|number| round(number, place)).collect();
    }
    let report = Report {
        runs,
        comparison: Some(Comparison::of(&measured, 0)),
        checks: Vec::new(),
    };
    let page = report.render();
    let page = parsed(&page);
    let text = text(section(&page, "differences"));
    let expected = "Over rounds, with 95 % intervals: request.p50 +10 % (+9.5 % to +10.5 %): worse";
    assert!(text.contains(expected), "{text}");
}

/// A round of the first run, or of the second one, whose requests take about a tenth longer.
fn round(number: u32, place: usize) -> Round {
    let slow = if number.is_multiple_of(2) {
        1.095
    } else {
        1.105
    };
    let p50 = if place == 0 { 10.0 } else { 10.0 * slow };
    Round {
        number,
        started: "2026-11-23T05:00:00Z".parse().expect("a time"),
        duration_s: 1.0,
        requests: Requests {
            sent: 100,
            ok: 100,
            failed: 0,
        },
        throughput_rps: 100.0,
        latency_ms: Latencies {
            request: Some(Percentiles {
                p50,
                p90: 20.0,
                p99: 30.0,
                p999: 40.0,
                max: 50.0,
            }),
            end_to_end: None,
        },
        records: 100,
    }
}
