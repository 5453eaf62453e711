//! Runs that were split and merged again are unchanged.

#[path = "../examples/generate_run/generate.rs"]
mod generate;
#[path = "../examples/generate_run/lines.rs"]
mod lines;
#[path = "../../tests/support/split.rs"]
mod split;

use std::fs;
use std::path::{Path, PathBuf};

use baton_traces::measure::Measured;
use baton_traces::merge::Merge;
use baton_traces::run::RunDirectory;
use baton_traces::source::Source;
use baton_traces::span::{Attributes, Key, Want};
use baton_traces::summary::Summary;

/// Generates a run in which 5 % of the records broke.
fn generated(path: &Path, messages: u64) -> Summary {
    let plan = generate::Plan {
        messages,
        out: path.to_owned(),
        pairing: "tracecontext".parse().expect("a pairing"),
        broken_percent: 5.0,
        seed: 7,
    };
    generate::run(&plan).expect("room");
    summary(path)
}

fn summary(path: &Path) -> Summary {
    let run = RunDirectory::open(path).expect("a run");
    Measured::of_run(&run).expect("a whole run").summary
}

fn merge(parts: &[PathBuf], out: &Path) -> Vec<String> {
    let sources: Vec<_> = parts
        .iter()
        .map(|part| Source::from(part.as_path()))
        .collect();
    let merge = Merge::of(&sources).expect("parts of one run");
    merge.write(out, &[]).expect("room");
    merge.notes()
}

/// The summary as text, under a fixed name.
fn text(summary: Summary) -> String {
    let named = Summary {
        name: "run".to_owned(),
        ..summary
    };
    serde_json::to_string_pretty(&named).expect("JSON")
}

#[test]
fn the_parts_of_a_run_merge_into_that_run() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut whole = generated(&folder.path().join("whole"), 1_000);
    let record = &whole.hops[&baton_traces::hand_off::Hop::Record];
    assert_eq!(record.len(), 2, "connected and new_trace: {record:?}");
    for count in [2, 5] {
        let parts: Vec<_> = (0..count)
            .map(|part| folder.path().join(format!("{count}-{part}")))
            .collect();
        split::by_traces(&folder.path().join("whole"), &parts);
        for part in &parts {
            assert_ne!(
                summary(part).hops,
                whole.hops,
                "a part alone is not the run"
            );
        }
        let out = folder.path().join(format!("merged-{count}"));
        assert_eq!(merge(&parts, &out), [""; 0]);
        // the caller of merge writes load.json, from the counts of the parts
        let load = folder.path().join("whole/load.json");
        fs::copy(load, out.join("load.json")).expect("room");
        let merged = summary(&out);
        whole.name.clone_from(&merged.name);
        assert_eq!(text(merged), text(whole.clone()), "{count} parts");
    }
}

#[test]
fn merging_in_steps_is_merging_at_once() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    generated(&folder.path().join("whole"), 300);
    let path = |name: &str| folder.path().join(name);
    let parts: Vec<_> = ["a", "b", "c"].map(path).into();
    split::by_traces(&path("whole"), &parts);
    merge(&parts, &path("at-once"));
    merge(&parts[..2], &path("first"));
    merge(&[path("first"), path("c")], &path("in-steps"));
    assert_eq!(
        text(summary(&path("in-steps"))),
        text(summary(&path("at-once")))
    );
    let listed = |name: &str| {
        let run = RunDirectory::open(path(name)).expect("a run");
        run.manifest().expect("a manifest").settings["merged"].clone()
    };
    assert_eq!(listed("in-steps"), listed("at-once"));
    assert_eq!(
        listed("at-once"),
        serde_json::json!([
            {"name": "a", "problems": []}, {"name": "b", "problems": []}, {"name": "c", "problems": []},
        ])
    );
}

#[test]
fn a_part_that_was_cut_short_gives_its_spans_and_stays_marked_as_cut() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    generated(&folder.path().join("whole"), 300);
    let path = |name: &str| folder.path().join(name);
    let parts: Vec<_> = ["a", "b"].map(path).into();
    split::by_traces(&path("whole"), &parts);
    // as if the writer had been killed: within a frame, and within a line outside any frame
    let spans = parts[0].join("spans.jsonl.zst");
    let bytes = fs::read(&spans).expect("spans");
    let lines = zstd::bulk::decompress(&bytes, 64 << 20).expect("zstd");
    for (name, cut) in [
        ("frame", &bytes[..bytes.len() - 9]),
        ("line", &lines[..lines.len() - 9]),
    ] {
        fs::write(&spans, cut).expect("room");
        let alone =
            summary(&parts[0]).spans.expect("spans") + summary(&parts[1]).spans.expect("spans");
        let notes = merge(&parts, &path(name));
        assert!(
            notes.len() == 1 && notes[0].contains("is cut short after"),
            "{notes:?}"
        );
        let merged = summary(&path(name));
        assert_eq!(merged.spans, Some(alone), "{name}");
        assert_eq!(merged.problems, notes, "{name}");
    }
}

#[test]
fn exports_of_other_forms_are_converted_whole() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    generated(&folder.path().join("whole"), 10);
    for export in [
        "zipkin/messaging-kafka.json",
        "zipkin/envoy.json",
        "jaeger/hierarchy.json",
        "otlp/opentelemetry-proto-example.json",
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(export);
        let out = folder.path().join("merged");
        let notes = merge(&[folder.path().join("whole"), file.clone()], &out);
        assert!(notes[0].contains("was rewritten as OTLP/JSON"), "{notes:?}");
        let seen = |path: &Path| {
            let mut spans = Vec::new();
            let source = Source::from(path);
            source
                .read(Want::Everything, &mut |span| {
                    let mut resource = span.resource_attributes.to_vec();
                    resource.retain(|(name, _)| name != "service.name");
                    let attributes = span.attributes.iter();
                    let attributes: Vec<_> = attributes
                        .filter(|(key, _)| *key != Key::SpanFormat)
                        .collect();
                    spans.push(format!(
                        "{:?} {attributes:?} {resource:?}",
                        baton_traces::span::Span {
                            resource_attributes: &[],
                            attributes: Attributes::default(),
                            read_as: None,
                            ..span.clone()
                        }
                    ));
                })
                .expect("spans");
            spans
        };
        let (exported, merged) = (seen(&file), seen(&out));
        assert!(!exported.is_empty());
        // what a form does not show is still unknown after the merge
        assert_eq!(
            merged[merged.len() - exported.len()..],
            exported,
            "{export}"
        );
    }
}
