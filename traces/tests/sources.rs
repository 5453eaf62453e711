//! Tests of all kinds of sources, named as a user names them.

mod backend;
mod contract;
mod every_writer;
mod exports;
mod forms;
mod hostile;
mod log_lines;
mod many_files;
mod one_answer;
mod partial;
mod refused;
mod unknown;

use std::path::Path;

use baton_traces::measure::Measured;
use baton_traces::readers::{self, ReadError, Reading};
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};

/// A file of `tests/data`.
fn data(file: &str) -> String {
    format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn source(text: &str) -> Source {
    text.parse().expect(text)
}

/// Writes `content` to a file in `directory` and measures it.
fn measured(directory: &Path, content: &[u8]) -> Measured {
    let path = directory.join("export");
    std::fs::write(&path, content).expect("room");
    let source = Source::from(path.as_path());
    Measured::of(&source).unwrap_or_else(|error| panic!("{error}"))
}

fn read(content: &[u8], each: &mut (dyn FnMut(&Span<'_>) + Send)) -> Result<Reading, ReadError> {
    readers::read(content, "input", Want::Everything, each)
}

/// Every export in the test data, by name.
fn exports_in_data() -> Vec<(String, Vec<u8>)> {
    let mut exports = Vec::new();
    for folder in ["zipkin", "jaeger", "otlp", "forms"] {
        for entry in std::fs::read_dir(data(folder)).expect("exports") {
            let path = entry.expect("an export").path();
            let content = std::fs::read(&path).expect("an export");
            exports.push((path.display().to_string(), content));
        }
    }
    exports.sort();
    exports
}
