//! Joins the runs of several load generators, and the exports of backends, into one run.
//!
//! Spans, logs and manifests are joined, and everything is judged again as one run. Counts add up,
//! percentiles come from all durations, and the two ends of a hand-off may be in different sources.

mod belonging;
mod overlap;
mod spans;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::overlap::Overlap;
use self::spans::SpanSource;
use crate::run::{MERGED, Manifest, RunDirectory, RunError, create_private, private_file};
use crate::source::{Source, SourceError};
use crate::span::{Kind, SpanReference, Want};

/// Why sources cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A run directory cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There are fewer than two sources.
    #[error("there is nothing to merge; name two runs or more")]
    Alone,
    /// No source is a run directory, so the pairing is unknown.
    #[error(
        "none of the sources is a run directory, so nothing says what was run; name at least one"
    )]
    NoRun,
    /// The runs differ in pairing, engine or load.
    #[error(
        "{left} and {right} are not parts of one run: {what} is {left_value} in {left} and {right_value} in {right}"
    )]
    Different {
        /// The setting in which they differ.
        what: String,
        /// The name of one run.
        left: String,
        /// Its value.
        left_value: String,
        /// The name of the other run.
        right: String,
        /// The other value.
        right_value: String,
    },
    /// A directory or file is named twice.
    #[error("{right} is {left} again; name each run once")]
    SamePlace {
        /// The source's first name.
        left: String,
        /// The source's second name.
        right: String,
    },
    /// A source changed while it was merged.
    #[error(
        "{of} changed while it was merged: it had {before} spans, and {after} when it was read again; save it to a file and merge that"
    )]
    Changed {
        /// The source.
        of: String,
        /// How many spans it had at first.
        before: u64,
        /// How many spans it has now.
        after: u64,
    },
    /// The same span is in two sources.
    #[error(
        "{left} and {right} both hold span {} of trace {}: is one a copy of the other, or did two workers use the same --seed?",
        span.span_id,
        span.trace_id
    )]
    SameSpan {
        /// The one source.
        left: String,
        /// The other source.
        right: String,
        /// The span.
        span: SpanReference,
    },
    /// The result would replace one of the sources.
    #[error("{} is one of the runs to merge, or contains a file of one; name another directory for the result", path.display())]
    IntoItself {
        /// The directory.
        path: PathBuf,
    },
    /// A file cannot be copied.
    #[error("cannot add {} to the merged run: {source}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Sources that belong together. They were read once and can be written as one run.
#[derive(Debug)]
pub struct Merge {
    parts: Vec<Part>,
    manifest: Manifest,
}

/// One source of a merge.
#[derive(Debug)]
struct Part {
    source: Source,
    run: Option<RunDirectory>,
    spans: SpanSource,
    /// What was wrong with its spans: one sentence for each problem.
    problems: Vec<String>,
}

impl Merge {
    /// Reads the spans of all `sources` and checks that they belong together: at least one is a run
    /// directory, all run directories have the same pairing, engine and settings, and no span is in
    /// two of them. Memory grows by about 50 bytes for each span.
    ///
    /// A run without a pairing holds only a client. Such a run and a run of the functions must
    /// agree in the settings that both have.
    ///
    /// # Errors
    /// If they do not belong together, or one cannot be read.
    pub fn of(sources: &[Source]) -> Result<Merge, MergeError> {
        if sources.len() < 2 {
            return Err(MergeError::Alone);
        }
        let manifest = manifest(sources)?;
        distinct(sources)?;
        let mut overlap = Overlap::default();
        let mut parts = Vec::new();
        for source in sources {
            parts.push(read(source, sources, &mut overlap)?);
        }
        let mut merge = Merge { parts, manifest };
        let merged: Vec<Value> = merge.parts.iter().flat_map(Part::listed).collect();
        merge
            .manifest
            .settings
            .insert(MERGED.to_owned(), json!(merged));
        Ok(merge)
    }

    /// The run directories among the sources, in their order.
    pub fn runs(&self) -> impl Iterator<Item = &RunDirectory> {
        self.parts.iter().filter_map(|part| part.run.as_ref())
    }

    /// Notes about the result: one sentence each.
    pub fn notes(&self) -> Vec<String> {
        let converted = self
            .parts
            .iter()
            .filter(|part| matches!(part.spans, SpanSource::Converted(..)));
        let converted = converted.map(|part| {
            format!(
                "{} was rewritten as OTLP/JSON, without instrumentation scopes and the attributes of links",
                part.source
            )
        });
        let problems = self
            .parts
            .iter()
            .flat_map(|part| part.problems.iter().cloned());
        problems.chain(converted).collect()
    }

    /// Writes spans, logs and the manifest to a run at `out`, and the files named `others` if a
    /// source has them. An earlier run at `out` is replaced.
    ///
    /// # Errors
    /// If `out` is one of the sources or contains one, or if a file cannot be read or written.
    pub fn write(&self, out: &Path, others: &[&str]) -> Result<RunDirectory, MergeError> {
        if let Ok(place) = out.canonicalize() {
            for part in &self.parts {
                if lies_in(&part.source, &place)? {
                    return Err(MergeError::IntoItself {
                        path: out.to_owned(),
                    });
                }
            }
        }
        let run = RunDirectory::create(out)?;
        match self.fill(&run, others) {
            Ok(()) => Ok(run),
            Err(error) => {
                // an incomplete run is removed
                let _ = run.discard();
                Err(error)
            }
        }
    }

    fn fill(&self, run: &RunDirectory, others: &[&str]) -> Result<(), MergeError> {
        run.clear()?;
        for part in &self.parts {
            part.spans.append(&part.source, run)?;
        }
        let logs = ["logs/producer.log", "logs/consumer.log"];
        for name in logs.iter().chain(others) {
            self.concatenate(name, &run.path().join(name))?;
        }
        Ok(run.write_manifest(&self.manifest)?)
    }

    /// Joins the files called `name` of all sources. Does nothing if no source has one.
    fn concatenate(&self, name: &str, out: &Path) -> Result<(), MergeError> {
        let paths: Vec<_> = self
            .runs()
            .map(|run| run.path().join(name))
            .filter(|path| path.is_file())
            .collect();
        let copy = |path: &Path, source| MergeError::Copy {
            path: path.to_owned(),
            source,
        };
        if paths.is_empty() {
            return match fs::remove_file(out) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(copy(out, error)),
                _ => Ok(()),
            };
        }
        let mut joined = create_private(out).map_err(|error| copy(out, error))?;
        for path in paths {
            append_lines(&path, &mut joined).map_err(|error| copy(&path, error))?;
        }
        Ok(())
    }
}

impl Part {
    /// The entries of this source in the merged manifest. A source that is itself a merge lists its
    /// parts.
    fn listed(&self) -> Vec<Value> {
        let manifest = self.run.as_ref().and_then(|run| run.manifest().ok());
        let own = json!({ "name": self.source.name(), "problems": self.problems });
        match manifest.and_then(|mut manifest| manifest.settings.remove(MERGED)) {
            Some(Value::Array(mut parts)) => {
                // a merged run may have been cut short later
                parts.extend((!self.problems.is_empty()).then_some(own));
                parts
            }
            _ => vec![own],
        }
    }
}

fn manifest(sources: &[Source]) -> Result<Manifest, MergeError> {
    let mut manifests = Vec::new();
    for source in sources {
        if let Some(manifest) = source.manifest()? {
            manifests.push((source.to_string(), manifest));
        }
    }
    belonging::joined(&manifests)
}

/// Checks that no source is named twice.
fn distinct(sources: &[Source]) -> Result<(), MergeError> {
    let mut places: Vec<(PathBuf, &Source)> = Vec::new();
    for source in sources {
        let place = source
            .span_file()?
            .and_then(|path| path.canonicalize().ok());
        let place = place.unwrap_or_else(|| PathBuf::from(source.to_string()));
        if let Some((_, left)) = places.iter().find(|(known, _)| *known == place) {
            return Err(MergeError::SamePlace {
                left: left.to_string(),
                right: source.to_string(),
            });
        }
        places.push((place, source));
    }
    Ok(())
}

/// Whether the source's spans are inside the run at `place`.
fn lies_in(source: &Source, place: &Path) -> Result<bool, MergeError> {
    let Some(file) = source.span_file()? else {
        return Ok(false);
    };
    let target = file.canonicalize().ok();
    let target = target.as_deref().and_then(Path::parent);
    // a run without spans has no span file, but is still a source
    let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
    let mut folders = target.into_iter().chain(folder.as_deref());
    Ok(folders.any(|folder| folder == place || folder == place.join("logs")))
}

/// Reads the spans of one source, and fails if an earlier source has one of them.
fn read(source: &Source, sources: &[Source], overlap: &mut Overlap) -> Result<Part, MergeError> {
    let run = source.run()?;
    let has_spans = source.span_file()?.is_none_or(|path| path.is_file());
    if run.is_some() && !has_spans {
        let problems = vec![format!("{source} has no spans")];
        return Ok(Part {
            source: source.clone(),
            run,
            spans: SpanSource::None,
            problems,
        });
    }
    let mut twice: Option<(usize, SpanReference)> = None;
    overlap.next_part();
    let reading = source.read(Want::Judging, &mut |span| {
        if twice.is_none() {
            let kind: Kind = span.kind;
            let before = overlap.add(span.reference, kind);
            twice = before.map(|part| (part, span.reference));
        }
    })?;
    if let Some((part, span)) = twice {
        let left = sources
            .get(part)
            .map(ToString::to_string)
            .unwrap_or_default();
        return Err(MergeError::SameSpan {
            left,
            right: source.to_string(),
            span,
        });
    }
    let spans = SpanSource::of(source, &reading)?;
    let mut problems = reading.problems;
    if run.is_some() && reading.spans == 0 {
        problems.push(format!("{source} has no spans"));
    }
    Ok(Part {
        source: source.clone(),
        run,
        spans,
        problems,
    })
}

/// Appends a text file to another, and adds a line feed at the end if it lacks one.
fn append_lines(path: &Path, out: &mut File) -> io::Result<()> {
    let mut file = File::open(path)?;
    if io::copy(&mut file, out)? == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Opens a file for appending.
fn append(path: &Path) -> io::Result<File> {
    private_file().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests;
