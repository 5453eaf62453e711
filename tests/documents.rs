//! The documents are true: every command in them is run, against a lab where they start one, and what it prints has the
//! shape that the document shows; every picture that a command makes has the words of the document's; every excerpt of
//! the code is in the file that it names.
//!
//! A block ```` ```console ```` is a terminal: `$ ` begins a command, below which stands what it prints. `…` on a line of
//! its own stands for any lines; a command with nothing below it may print anything. All have to succeed. `baton up` stays
//! up, as in a terminal of its own, until `^C`. It gets free ports, which stand for the documented ones.
//! What is another in every run may differ (`shape.rs`).
//!
//! `BATON_UPDATE_DOCS=1 just documents` puts what the commands print into the documents, and the pictures that
//! they make.

mod excerpts;
mod fit;
mod markdown;
mod names;
mod pictures;
mod shape;
mod terminal;
mod walk;

use std::path::{Path, PathBuf};

use walk::{check, without_comment};

/// The documents.
const DOCUMENTS: [&str; 4] = [
    "README.md",
    "docs/workshop.md",
    "docs/mixed-headers.md",
    "docs/migration.md",
];
/// Commands in them that are not run here, and why.
const NOT_RUN: [(&str, &str); 7] = [
    (
        "baton matrix --engine native,otel --save docs/mixed-headers.json",
        "it would measure anew what docs/mixed-headers.json keeps; tests/mixed_headers.rs holds the document to that",
    ),
    (
        "BATON_UPDATE_DOCS=1 cargo test --test whole mixed_headers",
        "it would write the document",
    ),
    ("cargo test --workspace", "it is what runs this test"),
    (
        "cargo install --locked --path .",
        "it compiles everything once more; the program is the one that is tested",
    ),
    (
        "baton burst --endpoint $ENDPOINT --requests 20 --out client",
        "the endpoint is the reader's own on AWS",
    ),
    (
        "baton map client jaeger+http://jaeger.example:16686",
        "there is no Jaeger; traces/tests/sources reads its API",
    ),
    (
        "baton traces client zipkin+http://zipkin.example:9411",
        "there is no Zipkin; traces/tests/sources reads its API",
    ),
];

/// A document's path and text.
fn read(name: &str) -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    (path, text)
}

/// Whether a command is one of those that are not run.
fn is_listed(command: &str) -> bool {
    let command = without_comment(command);
    NOT_RUN.iter().any(|(listed, _)| *listed == command)
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
async fn mixed_headers_are_true() {
    check("docs/mixed-headers.md").await;
}

#[tokio::test]
async fn the_migration_is_true() {
    check("docs/migration.md").await;
}
