//! Adds the spans of one source to the merged run's file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{MergeError, append};
use crate::otlp;
use crate::readers::input::lines::{LineError, Lines};
use crate::readers::input::{self, ZSTD_MAGIC};
use crate::readers::{Form, MAX_LINE_BYTES, otlp_json};
use crate::run::RunDirectory;
use crate::source::{Reading, Source};
use crate::span::Want;

/// How the spans of a source get into the merged run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SpanSource {
    /// The source has no spans.
    None,
    /// Complete zstd frames of complete lines, as in a run. They are copied unchanged, because a
    /// file of several frames reads as one.
    Frames(PathBuf),
    /// OTLP/JSON lines, which are written again. A last line that is cut short is left out.
    Lines(PathBuf),
    /// Another form, which is converted to OTLP/JSON, and the number of its spans at the first
    /// reading.
    Converted(Form, u64),
}

impl SpanSource {
    /// How to add the spans of `source`, given the `reading` of it.
    pub(super) fn of(source: &Source, reading: &Reading) -> Result<SpanSource, MergeError> {
        let Some(path) = source.span_file()? else {
            return Ok(SpanSource::Converted(reading.form, reading.spans));
        };
        Ok(match reading.whole_lines {
            None => SpanSource::Converted(reading.form, reading.spans),
            Some(true) if is_zstd(&path).map_err(|error| copy(&path, error))? => {
                SpanSource::Frames(path)
            }
            Some(_) => SpanSource::Lines(path),
        })
    }

    /// Adds the spans of `source` to the spans of `run`.
    pub(super) fn append(&self, source: &Source, run: &RunDirectory) -> Result<(), MergeError> {
        match self {
            SpanSource::None => Ok(()),
            SpanSource::Frames(path) => {
                append_frames(path, &run.spans_path()).map_err(|error| copy(path, error))
            }
            SpanSource::Lines(path) => append_lines(path, run),
            SpanSource::Converted(form, spans) => convert(source, *form, *spans, run),
        }
    }
}

fn append_frames(path: &Path, out: &Path) -> io::Result<()> {
    io::copy(&mut File::open(path)?, &mut append(out)?).map(drop)
}

fn append_lines(path: &Path, run: &RunDirectory) -> Result<(), MergeError> {
    let failed = |error| copy(path, error);
    let mut spans = run.append_spans()?;
    let mut lines = Lines::new(input::open(path).map_err(failed)?, MAX_LINE_BYTES);
    loop {
        let line = match lines.next_line() {
            Ok(None) => break,
            Ok(Some(line)) => line,
            // the cut was reported when the spans were first read
            Err(LineError::Input(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(LineError::Input(error)) => return Err(failed(error)),
            Err(LineError::TooLong) => return Err(failed(io::ErrorKind::InvalidData.into())),
        };
        // every line was readable, except a last line that is cut short
        let is_request = otlp_json::read_request(line, Want::Judging, &mut |_| {}).is_ok();
        if is_request && !line.trim_ascii().is_empty() {
            spans.write_request(line).map_err(failed)?;
        }
    }
    spans.finish().map_err(failed)
}

/// Reads `source` again and converts it. It must still have `expected` spans.
fn convert(
    source: &Source,
    form: Form,
    expected: u64,
    run: &RunDirectory,
) -> Result<(), MergeError> {
    let failed = |error| copy(&run.spans_path(), error);
    let mut spans = run.append_spans()?;
    let mut written = Ok(());
    let reading = source.read(Want::Everything, &mut |span| {
        if written.is_ok() {
            written = spans.write_request(otlp::request(span, form.mark()).to_string().as_bytes());
        }
    })?;
    written.and_then(|()| spans.finish()).map_err(failed)?;
    if reading.spans != expected {
        return Err(MergeError::Changed {
            of: source.to_string(),
            before: expected,
            after: reading.spans,
        });
    }
    Ok(())
}

fn is_zstd(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut beginning)?;
    Ok(beginning == ZSTD_MAGIC || beginning.is_empty())
}

fn copy(path: &Path, source: io::Error) -> MergeError {
    MergeError::Copy {
        path: path.to_owned(),
        source,
    }
}
