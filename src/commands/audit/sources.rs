//! The sources of an audit, read as one.

use std::path::{Path, PathBuf};

use baton_traces::audit::Audit;
use baton_traces::readers;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};

use crate::failure::Failure;
use crate::lab_client;
use crate::print::output::Output;

/// Hands every span of `sources` to `audit`, and says what could not be read.
pub(super) fn read(
    sources: &[String],
    want: Want,
    audit: &mut Audit,
    output: &Output,
) -> Result<(), Failure> {
    for text in sources {
        if text == "-" {
            let input = std::io::BufReader::new(std::io::stdin());
            let each = &mut |span: &Span<'_>| audit.add(span);
            let reading =
                readers::read(input, "standard input", want, each).map_err(Failure::usage)?;
            warn(baton_traces::source::Reading::from(reading), output);
            continue;
        }
        let source: Source = text.parse()?;
        for source in parts(source)? {
            lab_client::flush_named(std::slice::from_ref(&source))?;
            output.detail(&format!("reading {source}"));
            let each = &mut |span: &Span<'_>| audit.add(span);
            let reading = source.read(want, each)?;
            warn(reading, output);
        }
    }
    Ok(())
}

fn warn(reading: baton_traces::source::Reading, output: &Output) {
    for problem in reading.problems {
        output.warn(&problem);
    }
}

/// The files of a directory that is not a run, by name; any other source as it is.
fn parts(source: Source) -> Result<Vec<Source>, Failure> {
    let directory = match source.path() {
        Some(path) if path.is_dir() && !path.join("run.json").is_file() => path.to_owned(),
        _ => return Ok(vec![source]),
    };
    let unreadable = Failure::reading(&directory);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&directory).map_err(&unreadable)? {
        let path = entry.map_err(&unreadable)?.path();
        if path.is_file() && !is_hidden(&path) || path.join("run.json").is_file() {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Failure::usage(format!(
            "{} is a directory without a file; name files of spans, or a directory that holds some",
            directory.display()
        ))),
        false => Ok(files
            .iter()
            .map(|path| Source::from(path.as_path()))
            .collect()),
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with('.'))
}
