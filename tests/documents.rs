//! The documents are true. Every command in them runs, with a lab if they start one, and its output
//! has the shape that the document shows. Every picture that a command makes has the words of the
//! document's picture. Every excerpt of code is in the file that it names. Every link leads
//! somewhere.
//!
//! A ```` ```console ```` block is a terminal. `$ ` begins a command, and the lines below are its
//! output. A line with only `…` stands for any lines. A command without output below it may print
//! anything. All commands must succeed. `baton up` stays up until `^C`, as in a terminal of its
//! own, on free ports that stand for the documented ones. Ids, times and other measures may differ
//! (`shape.rs`).
//!
//! `BATON_UPDATE_DOCS=1 just documents` writes the output of the commands into the documents, and
//! the pictures that they make.

mod excerpts;
mod fit;
mod links;
mod markdown;
mod names;
mod pictures;
mod shape;
mod terminal;
mod walk;

use std::path::{Path, PathBuf};

use walk::{check, without_comment};

/// The documents.
const DOCUMENTS: [&str; 5] = [
    "README.md",
    "docs/audit.md",
    "docs/workshop.md",
    "docs/mixed-headers.md",
    "docs/migration.md",
];
/// Commands in them that this test does not run, and why.
const NOT_RUN: [(&str, &str); 7] = [
    (
        "baton matrix --engine native,otel --save docs/mixed-headers.json",
        "it would replace docs/mixed-headers.json, with which tests/mixed_headers.rs compares the document",
    ),
    (
        "BATON_UPDATE_DOCS=1 cargo test --test whole mixed_headers",
        "it would write the document",
    ),
    ("cargo test --workspace", "it is what runs this test"),
    (
        "cargo install --locked --path .",
        "it compiles everything once more; the tests have the program already",
    ),
    (
        "baton burst --endpoint $ENDPOINT --requests 20 --out client",
        "the endpoint is that of the reader on AWS",
    ),
    (
        "baton map client jaeger+http://jaeger.example:16686",
        "it needs Jaeger; traces/tests/sources tests the reader of its API",
    ),
    (
        "baton traces client zipkin+http://zipkin.example:9411",
        "it needs Zipkin; traces/tests/sources tests the reader of its API",
    ),
];

/// A document's path and text.
fn read(name: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    (path, text)
}

/// Whether a command is in [`NOT_RUN`].
fn is_listed(command: &str) -> bool {
    let command = without_comment(command);
    NOT_RUN.iter().any(|(listed, _)| *listed == command)
}

#[test]
fn the_readme_has_fewer_than_1000_words() {
    let (_, text) = read("README.md");
    assert!(text.split_whitespace().count() < 1000);
}

#[test]
fn what_is_not_run_is_in_a_document() {
    let documents = DOCUMENTS.map(|name| read(name).1);
    for (command, reason) in NOT_RUN {
        assert!(
            documents.iter().any(|document| document.contains(command)),
            "no document has `{command}` ({reason}) any more"
        );
    }
}

#[tokio::test]
async fn the_workshop_is_true() {
    check("docs/workshop.md").await;
}

#[tokio::test]
#[ignore = "its bursts need the release build that it tells people to use: just documents"]
async fn the_readme_is_true() {
    check("README.md").await;
}

#[tokio::test]
async fn the_audit_is_true() {
    check("docs/audit.md").await;
}

#[tokio::test]
async fn mixed_headers_are_true() {
    check("docs/mixed-headers.md").await;
}

#[tokio::test]
async fn the_migration_is_true() {
    check("docs/migration.md").await;
}
