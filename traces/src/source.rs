//! Where spans are read from: a run directory, exports in files and directories, standard input, or
//! another backend over HTTP.
//!
//! [`Source`] is one of these, as a user names it. [`load::load`] reads all of it, and gives an
//! [`extent::Extent`]: how completely it shows what happened.

mod backend;
pub mod extent;
mod files;
pub mod load;
pub(crate) mod seen;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use self::backend::Backend;
use self::files::StandardInput;
use self::seen::{Seen, Sight};
use crate::readers::collect::Collect;
use crate::readers::sink::{Each, InParts, Sink};
use crate::readers::{self, Form, ReadError};
use crate::run::{Manifest, RunDirectory, RunError};
use crate::span::{Span, Want};

/// One source of spans, as a command line names it: a path, `-` for standard input, or the address
/// of a backend's query API.
///
/// [`fmt::Display`] gives that text back, without user and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(Place);

#[derive(Clone, Debug)]
enum Place {
    /// A run directory, a file in any form that baton reads, or a directory of such files.
    Path(PathBuf),
    /// Standard input.
    Input(Arc<StandardInput>),
    /// A backend's query API.
    Backend(Backend),
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Path(path), Place::Path(other)) => path == other,
            (Place::Backend(backend), Place::Backend(other)) => backend == other,
            (Place::Input(_), Place::Input(_)) => true,
            _ => false,
        }
    }
}

impl Eq for Place {}

/// What was read from a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The form that the spans were in.
    pub form: Form,
    /// How many spans were passed on. A span that occurs twice counts once.
    pub spans: u64,
    /// For OTLP/JSON in lines: whether the last line is complete. See
    /// [`readers::Reading::whole_lines`].
    pub whole_lines: Option<bool>,
    /// One sentence for each part that could not be read (a file that is cut short, say), or that
    /// was not read although it may hold spans.
    pub problems: Vec<String>,
}

impl From<readers::Reading> for Reading {
    fn from(reading: readers::Reading) -> Reading {
        Reading {
            form: reading.form,
            spans: reading.spans,
            whole_lines: reading.whole_lines,
            problems: {
                let truncated = reading.truncated.iter().map(ToString::to_string);
                truncated.chain(reading.skipped).collect()
            },
        }
    }
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The name is not a path, `-` or an address that baton can query.
    #[error("{0}")]
    Name(String),
    /// A run directory cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// An input cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The backend cannot be reached: the host is unknown, it refuses connections, TLS fails, or it
    /// does not answer in time.
    #[error("cannot reach {backend}: {problem}")]
    Unreachable {
        /// Its address, without user and password.
        backend: String,
        /// The reason.
        problem: String,
    },
    /// A directory or standard input cannot be read.
    #[error("cannot read {name}: {problem}")]
    Files {
        /// The source's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The backend's answer is not what its API promises.
    #[error("cannot read {backend}: {problem}")]
    Backend {
        /// Its address, without user and password.
        backend: String,
        /// What is wrong.
        problem: String,
    },
}

impl FromStr for Source {
    type Err = SourceError;

    /// Takes a path, `-` or an address (`jaeger+http://HOST…`, `zipkin+http://HOST…`, or with
    /// `https`). Neither the path nor the backend is opened yet. An address may end with
    /// `?service=NAME&lookback=2h&limit=1000`.
    fn from_str(text: &str) -> Result<Source, SourceError> {
        if text == "-" {
            return Ok(Source(Place::Input(Arc::default())));
        }
        match text.split_once("://") {
            Some((scheme, _)) if scheme.contains('+') => {
                let backend = Backend::parse(text).map_err(SourceError::Name)?;
                Ok(Source(Place::Backend(backend)))
            }
            Some((api @ ("jaeger" | "zipkin"), _)) => Err(SourceError::Name(format!(
                "an address of spans also says how to reach it: {api}+http://… or {api}+https://…"
            ))),
            Some((scheme @ ("http" | "https"), _)) => Err(SourceError::Name(format!(
                "an address of spans must name its query API: jaeger+{scheme}://… or zipkin+{scheme}://…"
            ))),
            _ => Ok(Source::from(Path::new(text))),
        }
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Source {
        Source(Place::Path(path.to_owned()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Path(path) => write!(formatter, "{}", path.display()),
            Place::Input(_) => formatter.write_str(STANDARD_INPUT),
            Place::Backend(backend) => write!(formatter, "{backend}"),
        }
    }
}

impl Source {
    /// The path of the file or directory; `None` for other sources.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::Path(path) => Some(path),
            Place::Input(_) | Place::Backend(_) => None,
        }
    }

    /// The source's name in tables: of a run its directory, of a file its name without extensions,
    /// of a backend the host.
    pub fn name(&self) -> String {
        match &self.0 {
            Place::Path(path) if path.is_dir() => match RunDirectory::open(path) {
                Ok(run) => run.name(),
                Err(_) => path.display().to_string(),
            },
            Place::Path(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let name = name.to_string_lossy();
                match name.split('.').next() {
                    Some(stem) if !stem.is_empty() => stem.to_owned(),
                    _ => name.into_owned(),
                }
            }
            Place::Input(_) => STANDARD_INPUT.to_owned(),
            Place::Backend(backend) => backend.name(),
        }
    }

    /// Passes every span to `take`, one at a time and in the source's order. A span that occurs
    /// twice is passed on once, but again if OTLP says more about it than the form in which it
    /// first arrived. That costs about 18 bytes of memory for each span; nothing else is kept.
    ///
    /// # Errors
    /// If the source cannot be read or is not an export of spans. The spans before the fault were
    /// passed on. A source that is cut short is not an error, nor is a file in a directory that
    /// is not an export: see [`Reading::problems`].
    pub fn read(
        &self,
        want: Want,
        take: &mut (dyn FnMut(&Span<'_>) + Send),
    ) -> Result<Reading, SourceError> {
        let (mut seen, mut spans) = (Seen::new(), 0);
        let each = &mut |span: &Span<'_>| {
            let sight = seen.look(span);
            spans += u64::from(sight == Sight::New);
            if sight != Sight::Again {
                take(span);
            }
        };
        let mut reading = self.read_all(want, &mut Each(each))?;
        reading.spans = spans;
        Ok(reading)
    }

    /// Collects every span, with several threads if the form allows it.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn collect(&self, want: Want, into: &mut dyn Collect) -> Result<Reading, SourceError> {
        self.read_all(want, &mut InParts(into))
    }

    fn read_all(&self, want: Want, sink: &mut impl Sink) -> Result<Reading, SourceError> {
        match &self.0 {
            Place::Path(path) if path.is_dir() => match RunDirectory::open(path) {
                Ok(run) => Ok(readers::take_lines(&run.spans_path(), want, sink)?.into()),
                Err(RunError::NotARun { .. }) => self.read_inside(path, want, sink),
                Err(error) => Err(error.into()),
            },
            Place::Path(path) => Ok(readers::take_file(path, want, sink)?.into()),
            Place::Input(input) => {
                let input = input.open().map_err(|error| self.failed(&error))?;
                Ok(readers::take(input, STANDARD_INPUT, want, sink)?.into())
            }
            Place::Backend(backend) => sink.one_by_one(|each| backend.read(want, each)),
        }
    }

    /// Reads the exports in a directory that is not a run. A file that is not an export is reported
    /// and skipped.
    fn read_inside(
        &self,
        directory: &Path,
        want: Want,
        sink: &mut impl Sink,
    ) -> Result<Reading, SourceError> {
        let is_run = |path: &Path| RunDirectory::open(path).is_ok();
        let files = files::inside(directory, is_run).map_err(|error| self.failed(&error))?;
        let mut all: Option<Reading> = None;
        let mut problems = Vec::new();
        for file in files {
            match Source::from(file.as_path()).read_all(want, sink) {
                Ok(reading) => {
                    problems.extend(reading.problems);
                    all.get_or_insert(Reading {
                        form: reading.form,
                        ..Reading::default()
                    });
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        match all {
            Some(reading) => Ok(Reading {
                problems,
                ..reading
            }),
            None => Err(SourceError::Files {
                name: self.to_string(),
                problem: match problems.first() {
                    Some(problem) => format!("it holds no file of spans; {problem}"),
                    None => {
                        "it is a directory without a file; name a run, or files of spans".to_owned()
                    }
                },
            }),
        }
    }

    fn failed(&self, error: &std::io::Error) -> SourceError {
        SourceError::Files {
            name: self.to_string(),
            problem: error.to_string(),
        }
    }

    /// The manifest, if the source is a run directory; `None` for all other sources.
    ///
    /// # Errors
    /// If the directory has no valid manifest.
    pub fn manifest(&self) -> Result<Option<Manifest>, SourceError> {
        match self.run()? {
            Some(run) => Ok(Some(run.manifest()?)),
            None => Ok(None),
        }
    }

    /// The file that the spans are in; `None` for a backend.
    pub(crate) fn span_file(&self) -> Result<Option<PathBuf>, SourceError> {
        match (self.run()?, &self.0) {
            (Some(run), _) => Ok(Some(run.spans_path())),
            (None, Place::Path(path)) => Ok(Some(path.clone())),
            (None, Place::Input(_) | Place::Backend(_)) => Ok(None),
        }
    }

    /// The run directory, if the source is one.
    ///
    /// # Errors
    /// If the run directory cannot be used.
    pub fn run(&self) -> Result<Option<RunDirectory>, SourceError> {
        match &self.0 {
            Place::Path(path) if path.is_dir() => match RunDirectory::open(path) {
                Ok(run) => Ok(Some(run)),
                Err(RunError::NotARun { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            },
            _ => Ok(None),
        }
    }
}

/// The name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";

#[cfg(test)]
mod tests;
