use serde_json::json;

use super::*;

/// A run directory with this manifest and one span of its own.
fn run(folder: &Path, name: &str, manifest: &Value, span: &str) -> Source {
    let run = RunDirectory::create(folder.join(name)).expect("a new directory");
    let manifest = serde_json::from_value(manifest.clone()).expect("a manifest");
    run.write_manifest(&manifest).expect("room");
    let mut spans = run.append_spans().expect("a new file");
    let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "1".repeat(32), "spanId": span.repeat(16), "kind": 3},
    ]}]}]});
    spans
        .write_request(request.to_string().as_bytes())
        .expect("room");
    spans.finish().expect("room");
    Source::from(run.path())
}

/// A worker's manifest.
fn worker() -> Value {
    json!({
        "engine": "native",
        "settings": {"users": 8, "client": "b3", "endpoint": "http://127.0.0.1:3000/"},
        "versions": {"baton": "0.1.0"},
        "start": "2026-11-23T05:00:03Z",
        "end": "2026-11-23T05:00:08Z",
    })
}

/// The manifest of a lab that was up at the same time.
fn lab() -> Value {
    json!({
        "pairing": "b3:tracecontext",
        "engine": "native",
        "settings": {"shards": 2},
        "versions": {"baton": "0.1.0"},
        "start": "2026-11-23T05:00:00Z",
        "end": "2026-11-23T05:00:20Z",
    })
}

fn with(mut manifest: Value, path: &str, value: Value) -> Value {
    let (parent, name) = path.rsplit_once('/').expect("a path");
    manifest.pointer_mut(parent).expect("a place")[name] = value;
    manifest
}

#[test]
fn runs_that_do_not_belong_together_are_refused_with_the_difference() {
    let cases = [
        (
            worker(),
            with(worker(), "/engine", json!("otel")),
            "the engine is native in A and otel in B",
        ),
        (
            worker(),
            with(worker(), "/settings/users", json!(16)),
            "users is 8 in A and 16 in B",
        ),
        (
            worker(),
            with(worker(), "/settings/client", json!("none")),
            "client is b3 in A and none in B",
        ),
        (
            worker(),
            with(worker(), "/settings/rate", json!(5.5)),
            "rate is not set in A and 5.5 in B",
        ),
        (
            worker(),
            with(worker(), "/versions/baton", json!("0.2.0")),
            "the version of baton is 0.1.0 in A and 0.2.0 in B",
        ),
        (
            lab(),
            with(lab(), "/pairing", json!("b3")),
            "the pairing is b3:tracecontext in A and b3:b3 in B",
        ),
        (
            lab(),
            with(lab(), "/settings/OTEL_TRACES_SAMPLER", json!("always_off")),
            "OTEL_TRACES_SAMPLER is not set in A and always_off in B",
        ),
        // settings of both the client and the functions must agree too
        (
            with(worker(), "/settings/shards", json!(4)),
            lab(),
            "shards is 4 in A and 2 in B",
        ),
        (
            worker(),
            with(lab(), "/engine", json!("otel")),
            "the engine is native in A and otel in B",
        ),
    ];
    for (left, right, difference) in cases {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let left = run(folder.path(), "a", &left, "a");
        let right = run(folder.path(), "b", &right, "b");
        let refusal = Merge::of(&[left.clone(), right.clone()])
            .expect_err(difference)
            .to_string();
        let difference = difference
            .replace(" A", &format!(" {left}"))
            .replace(" B", &format!(" {right}"));
        assert_eq!(
            refusal,
            format!("{left} and {right} are not parts of one run: {difference}")
        );
    }
}

#[test]
fn clients_and_functions_make_one_run() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let sources = [
        run(folder.path(), "0", &worker(), "a"),
        run(
            folder.path(),
            "1",
            &with(worker(), "/end", json!("2026-11-23T05:00:30Z")),
            "b",
        ),
        run(folder.path(), "lab", &lab(), "c"),
    ];
    let merge = Merge::of(&sources).expect("parts of one run");
    let written = merge.write(&folder.path().join("out"), &[]).expect("room");
    let manifest = written.manifest().expect("a manifest");
    let merged = ["0", "1", "lab"].map(|name| json!({"name": name, "problems": []}));
    let expected = with(
        lab(),
        "/settings",
        json!({
            "users": 8, "client": "b3", "endpoint": "http://127.0.0.1:3000/", "shards": 2,
            "merged": merged,
        }),
    );
    let expected = with(expected, "/end", json!("2026-11-23T05:00:30Z"));
    let expected: Manifest = serde_json::from_value(expected).expect("a manifest");
    assert_eq!(manifest, expected);
}

#[test]
fn the_same_run_is_merged_once() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| folder.path().join(name);
    let first = run(folder.path(), "first", &worker(), "a");
    let second = run(folder.path(), "second", &worker(), "b");
    let copy = run(folder.path(), "copy", &worker(), "a");
    let merge = |sources: &[&Source]| {
        let sources: Vec<_> = sources.iter().map(|source| (*source).clone()).collect();
        Merge::of(&sources).map_err(|error| error.to_string())
    };
    let again = Source::from(path("second/../first").as_path());
    let refusal = merge(&[&first, &second, &again]).expect_err("the same directory");
    assert_eq!(
        refusal,
        format!("{again} is {first} again; name each run once")
    );
    let refusal = merge(&[&first, &second, &copy]).expect_err("the same spans");
    assert!(
        refusal.starts_with(&format!(
            "{first} and {copy} both hold span aaaaaaaaaaaaaaaa"
        )),
        "{refusal}"
    );
    let both = merge(&[&first, &second]).expect("two runs");
    let refusal = both
        .write(&path("first"), &[])
        .expect_err("a source")
        .to_string();
    assert!(
        refusal.contains("first is one of the runs to merge"),
        "{refusal}"
    );
    both.write(&path("both"), &[]).expect("room");
    let both = Source::from(path("both").as_path());
    assert!(
        merge(&[&both, &second])
            .expect_err("a part of it")
            .contains("both hold span b")
    );
    assert!(
        merge(&[&first])
            .expect_err("one")
            .starts_with("there is nothing to merge")
    );
    let export = Source::from(path("first/spans.jsonl.zst").as_path());
    let other = Source::from(path("second/spans.jsonl.zst").as_path());
    assert!(
        merge(&[&export, &other])
            .expect_err("no run")
            .starts_with("none of the sources is a run directory")
    );
}

#[test]
fn a_result_never_replaces_a_source() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| folder.path().join(name);
    let worker = run(folder.path(), "worker", &worker(), "a");
    run(folder.path(), "other", &self::worker(), "b");
    let spans = path("other/spans.jsonl.zst");
    let before = fs::read(&spans).expect("spans");
    fs::copy(&spans, path("other/logs/producer.log")).expect("room");
    let mut names = vec!["other/spans.jsonl.zst", "other/logs/producer.log"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&spans, path("elsewhere")).expect("room");
        names.push("elsewhere");
    }
    for name in names {
        let sources = [worker.clone(), Source::from(path(name).as_path())];
        let merge = Merge::of(&sources).expect("a run and an export");
        let refusal = merge.write(&path("other"), &[]).expect_err(name);
        assert!(
            matches!(refusal, MergeError::IntoItself { .. }),
            "{refusal}"
        );
        assert_eq!(fs::read(&spans).expect("spans"), before, "{name}");
        assert!(path("other/run.json").is_file(), "{name}");
    }
}

#[test]
fn other_files_are_concatenated() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let sources = ["a", "b", "c"].map(|name| run(folder.path(), name, &worker(), name));
    fs::write(folder.path().join("a/undeliverable.jsonl"), "{\"a\":1}\n").expect("room");
    fs::write(folder.path().join("c/undeliverable.jsonl"), "{\"c\":1}").expect("room");
    let merge = Merge::of(&sources).expect("parts of one run");
    let out = folder.path().join("out");
    fs::create_dir_all(&out).expect("room");
    fs::write(out.join("other.jsonl"), "of an earlier run").expect("room");
    merge
        .write(&out, &["undeliverable.jsonl", "other.jsonl"])
        .expect("room");
    let text = fs::read_to_string(out.join("undeliverable.jsonl")).expect("a file");
    assert_eq!(text, "{\"a\":1}\n{\"c\":1}\n");
    assert!(!out.join("other.jsonl").exists());
    assert!(!out.join("logs/producer.log").exists());
}
