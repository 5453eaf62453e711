use std::collections::BTreeMap;

use baton_propagators::Engine;

use super::*;
use crate::version::Version;

fn manifest() -> Manifest {
    Manifest {
        version: Version::default(),
        pairing: Some("mixed:b3".parse().expect("a pairing")),
        engine: Engine::Otel,
        settings: serde_json::Map::from_iter([("users".to_owned(), 8.into())]),
        versions: BTreeMap::from([("baton".to_owned(), "0.1.0".to_owned())]),
        records: None,
        start: "2026-11-23T05:00:00Z".parse().expect("a time"),
        end: Some("2026-11-23T05:00:05.25Z".parse().expect("a time")),
    }
}

#[test]
fn a_manifest_is_readable_and_reads_back_as_it_was() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    run.write_manifest(&manifest()).expect("room");
    let text = fs::read_to_string(run.manifest_path()).expect("a manifest");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["pairing"], "tracecontext,b3:b3");
    assert_eq!(json["engine"], "otel");
    assert_eq!(json["start"], "2026-11-23T05:00:00Z");
    assert_eq!(json["settings"]["users"], 8);
    let run = RunDirectory::open(directory.path()).expect("a run");
    assert_eq!(run.manifest().expect("a manifest"), manifest());
}

#[test]
fn a_run_that_has_not_ended_has_a_manifest_too() {
    let text = r#"{"pairing":"b3","engine":"native","start":"2026-11-23T05:00:00Z","later":1}"#;
    let manifest: Manifest = serde_json::from_str(text).expect("a manifest");
    assert_eq!(manifest.end, None);
    assert_eq!(manifest.pairing, "b3:b3".parse().ok());
}

#[test]
fn an_invalid_manifest_is_refused_with_the_place() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    fs::write(
        run.manifest_path(),
        r#"{"pairing":"w4c","engine":"native"}"#,
    )
    .expect("room");
    let error = run.manifest().expect_err("no mode").to_string();
    assert!(
        error.contains("run.json: expected a run's manifest, but found:"),
        "{error}"
    );
    assert!(error.contains("w4c"), "{error}");
}

#[test]
fn a_new_run_replaces_an_earlier_one_and_nothing_else() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    run.write_manifest(&manifest()).expect("room");
    for path in [
        run.spans_path(),
        run.log_path(Function::Producer),
        run.report_path(),
    ] {
        fs::write(path, "earlier").expect("room");
    }
    let foreign = directory.path().join("notes.txt");
    fs::write(&foreign, "mine").expect("room");

    let taken = RunDirectory::create(directory.path()).expect_err("somebody writes there");
    assert!(
        taken
            .to_string()
            .contains("is being written by another baton"),
        "{taken}"
    );
    drop(run);
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    assert!(
        RunDirectory::open(directory.path()).is_ok(),
        "removed too early"
    );
    run.clear().expect("files that can be removed");
    assert!(RunDirectory::open(directory.path()).is_err());
    assert!(!run.spans_path().exists());
    assert!(!run.log_path(Function::Producer).exists());
    assert!(!run.report_path().exists());
    assert!(foreign.exists());
}

#[test]
fn an_earlier_run_comes_back_if_no_new_one_begins() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    run.write_manifest(&manifest()).expect("room");
    fs::write(run.spans_path(), "earlier").expect("room");
    let earlier = run.set_aside().expect("files that can be renamed");
    assert!(!run.manifest_path().exists() && !run.spans_path().exists());
    fs::write(run.spans_path(), "later").expect("room");
    fs::write(run.load_path(), "later").expect("room");
    drop(earlier);
    assert_eq!(run.manifest().expect("a manifest"), manifest());
    assert_eq!(
        fs::read_to_string(run.spans_path()).expect("spans"),
        "earlier"
    );
    assert!(!run.load_path().exists());
    let names = fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(names, 4, "run.json, the spans, logs and the lock");
}

#[test]
fn what_a_killed_writer_left_is_cleaned_up() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RunDirectory::create(directory.path()).expect("a run directory");
    let spans = |text: &str| fs::write(run.spans_path(), text).expect("room");
    let put_aside = || fs::read_to_string(earlier::aside(&run.spans_path())).ok();
    run.write_manifest(&manifest()).expect("room");
    spans("good");
    // The writer was killed before the new run had a manifest. The earlier run is moved aside
    // again.
    std::mem::forget(run.set_aside().expect("files that can be renamed"));
    spans("of nothing");
    drop(run.set_aside().expect("files that can be renamed"));
    assert_eq!(fs::read_to_string(run.spans_path()).expect("spans"), "good");
    // The writer was killed after that. The new run replaces the earlier one.
    std::mem::forget(run.set_aside().expect("files that can be renamed"));
    run.write_manifest(&manifest()).expect("room");
    spans("newer");
    let earlier = run.set_aside().expect("files that can be renamed");
    assert_eq!(put_aside().as_deref(), Some("newer"));
    earlier.remove().expect("files that can be removed");
    assert_eq!(put_aside(), None);
}

#[test]
fn a_run_is_named_after_its_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tracecontext+b3_to_b3");
    let run = RunDirectory::create(&path).expect("a run directory");
    assert_eq!(run.name(), "tracecontext+b3_to_b3");
    drop(run);
    let through_parent = RunDirectory::create(path.join("..").join("tracecontext+b3_to_b3/."));
    assert_eq!(
        through_parent.expect("a run").name(),
        "tracecontext+b3_to_b3"
    );
}
