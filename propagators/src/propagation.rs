//! How a service propagates context: which formats it reads and writes, and its other settings.

mod extraction;
mod mode;
pub(crate) mod otel_engine;

use std::fmt;

use crate::carrier::{Getter, Setter};
use crate::context::Outgoing;
use crate::policy::{Engine, OnConflict, Select, XraySource};

pub use extraction::{Candidates, Conflict, ConflictKind, Extraction};
pub use mode::{Mode, ModeError, Pairing};

/// The variable with the formats for both directions.
pub const OTEL_PROPAGATORS: &str = "OTEL_PROPAGATORS";
/// The variable with the formats to write, instead of those for both directions.
pub const BATON_INJECT: &str = "BATON_INJECT";
/// The variable with the formats to read, instead of those for both directions.
pub const BATON_EXTRACT: &str = "BATON_EXTRACT";
/// The variable with the [`Select`].
pub const BATON_EXTRACT_SELECT: &str = "BATON_EXTRACT_SELECT";
/// The variable with the [`OnConflict`].
pub const BATON_ON_CONFLICT: &str = "BATON_ON_CONFLICT";
/// The variable with the [`Engine`].
pub const BATON_ENGINE: &str = "BATON_ENGINE";
/// The variable with the [`XraySource`].
pub const BATON_XRAY_SOURCE: &str = "BATON_XRAY_SOURCE";

/// The default of `OTEL_PROPAGATORS` in OpenTelemetry's specification.
const DEFAULT_PROPAGATORS: &str = "tracecontext,baggage";

/// How a service propagates context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// The formats it writes.
    pub inject: Mode,
    /// The formats it reads, in this order.
    pub extract: Mode,
    /// Which context it continues if several are valid.
    pub select: Select,
    /// What it does when they disagree.
    pub on_conflict: OnConflict,
    /// Whose code reads and writes the headers.
    pub engine: Engine,
    /// Where [`Propagation::extract_with_environment`] reads X-Ray's header.
    pub xray_source: XraySource,
}

impl Default for Propagation {
    /// What a service does without configuration: it reads and writes `tracecontext,baggage`.
    fn default() -> Self {
        Mode::from_otel_propagators(DEFAULT_PROPAGATORS)
            .unwrap_or_default()
            .into()
    }
}

impl From<Mode> for Propagation {
    /// It reads and writes the formats of this mode. All other settings have their defaults.
    fn from(mode: Mode) -> Self {
        Propagation {
            inject: mode.clone(),
            extract: mode,
            select: Select::default(),
            on_conflict: OnConflict::default(),
            engine: Engine::default(),
            xray_source: XraySource::default(),
        }
    }
}

impl Propagation {
    /// Reads the settings from environment variables. `lookup` gives the value of a variable. An
    /// empty variable counts as unset, as OpenTelemetry's specification says.
    ///
    /// # Errors
    ///
    /// All problems, in the order of the variables above.
    pub fn from_environment(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Propagation, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut variables = Environment {
            lookup,
            problems: &mut problems,
        };
        let both = variables
            .read(OTEL_PROPAGATORS, Mode::from_otel_propagators)
            .map_or_else(Propagation::default, Propagation::from);
        let propagation = Propagation {
            inject: variables
                .read(BATON_INJECT, str::parse)
                .unwrap_or(both.inject),
            extract: variables
                .read(BATON_EXTRACT, str::parse)
                .unwrap_or(both.extract),
            select: variables
                .read(BATON_EXTRACT_SELECT, str::parse)
                .unwrap_or_default(),
            on_conflict: variables
                .read(BATON_ON_CONFLICT, str::parse)
                .unwrap_or_default(),
            engine: variables.read(BATON_ENGINE, str::parse).unwrap_or_default(),
            xray_source: variables
                .read(BATON_XRAY_SOURCE, str::parse)
                .unwrap_or_default(),
        };
        if let Err(reason) = propagation.check() {
            problems.push(Problem {
                variable: BATON_ENGINE,
                value: propagation.engine.to_string(),
                reason: reason.to_string(),
            });
        }
        if problems.is_empty() {
            Ok(propagation)
        } else {
            Err(problems)
        }
    }

    /// Checks that the engine has all listed formats. [`Propagation::from_environment`] does so
    /// too.
    ///
    /// # Errors
    ///
    /// When the engine is [`Engine::Otel`] and upstream has no propagator for a format on this
    /// version of OpenTelemetry. Headers of such a format are refused, and none are written.
    pub fn check(&self) -> Result<(), NoUpstream> {
        if self.engine == Engine::Native {
            return Ok(());
        }
        let mut formats: Vec<&'static str> = Vec::new();
        for name in self.inject.names().chain(self.extract.names()) {
            if !otel_engine::has(name) && !formats.contains(&name) {
                formats.push(name);
            }
        }
        if formats.is_empty() {
            Ok(())
        } else {
            Err(NoUpstream { formats })
        }
    }

    /// Reads every format of the mode and compares what they hold. It never fails and never panics.
    /// Its cost grows linearly with the size of the headers.
    pub fn extract(&self, carrier: &dyn Getter) -> Extraction {
        Extraction::new(
            self.extract.formats(),
            |format| match self.engine {
                Engine::Native => format.extract(carrier),
                Engine::Otel => otel_engine::extract(*format, carrier),
            },
            self.select,
            self.on_conflict,
        )
    }

    /// Writes `outgoing` in every format of the mode.
    pub fn inject(&self, outgoing: &Outgoing, carrier: &mut dyn Setter) {
        match self.engine {
            Engine::Native => {
                for format in self.inject.formats() {
                    format.inject(outgoing, carrier);
                }
            }
            Engine::Otel => otel_engine::inject(&self.inject, outgoing, carrier),
        }
    }
}

/// Formats that engine `otel` has no propagator for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "upstream has no propagator for {} on OpenTelemetry 0.33; engine native reads and writes it",
    formats.join(", ")
)]
pub struct NoUpstream {
    /// Their standard names.
    pub formats: Vec<&'static str>,
}

/// Reads variables and collects what is wrong with them.
struct Environment<'a, L> {
    lookup: L,
    problems: &'a mut Vec<Problem>,
}

impl<L: Fn(&str) -> Option<String>> Environment<'_, L> {
    /// A variable's value; `None` if it is unset or wrong. A problem is added to the list.
    fn read<T, E: fmt::Display>(
        &mut self,
        variable: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = (self.lookup)(variable).filter(|value| !value.trim().is_empty())?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                let reason = reason.to_string();
                self.problems.push(Problem {
                    variable,
                    value,
                    reason,
                });
                None
            }
        }
    }
}

/// A variable with an invalid value. Its sentence names the variable, the value and what is valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value:?} cannot be used: {reason}")]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

/// All problems of an environment, one on each line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(formatter, "{line}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
