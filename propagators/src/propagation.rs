//! How one service propagates: what it reads, what it writes, and how it decides.

use std::fmt;

use crate::carrier::{Getter, Setter};
use crate::context::Outgoing;
use crate::extraction::Extraction;
use crate::formats::xray;
use crate::mode::Mode;
use crate::otel_engine;
use crate::policy::{Engine, OnConflict, Select, XraySource};
use crate::xray_from_lambda;

/// The variable that lists formats for both directions.
pub const OTEL_PROPAGATORS: &str = "OTEL_PROPAGATORS";
/// The variable that overrides the list of formats to write.
pub const BATON_INJECT: &str = "BATON_INJECT";
/// The variable that overrides the list of formats to read.
pub const BATON_EXTRACT: &str = "BATON_EXTRACT";
/// The variable that says which valid context is continued.
pub const BATON_EXTRACT_SELECT: &str = "BATON_EXTRACT_SELECT";
/// The variable that says what happens when valid contexts disagree.
pub const BATON_ON_CONFLICT: &str = "BATON_ON_CONFLICT";
/// The variable that says whose code reads and writes the headers.
pub const BATON_ENGINE: &str = "BATON_ENGINE";
/// The variable that says where X-Ray's header is read from.
pub const BATON_XRAY_SOURCE: &str = "BATON_XRAY_SOURCE";

/// What `OTEL_PROPAGATORS` means when it is unset, by OpenTelemetry's specification.
const DEFAULT_PROPAGATORS: &str = "tracecontext,baggage";

/// How a service propagates context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// The formats it writes.
    pub inject: Mode,
    /// The formats it reads, in this order.
    pub extract: Mode,
    /// Which of several valid contexts it continues.
    pub select: Select,
    /// What it does when they disagree.
    pub on_conflict: OnConflict,
    /// Whose code does the work.
    pub engine: Engine,
    /// Where X-Ray's header is read from, by [`Propagation::extract_with_environment`].
    pub xray_source: XraySource,
}

impl Default for Propagation {
    /// What a service does without any configuration: `tracecontext,baggage` both ways.
    fn default() -> Self {
        Mode::from_otel_propagators(DEFAULT_PROPAGATORS)
            .unwrap_or_default()
            .into()
    }
}

impl From<Mode> for Propagation {
    /// Reads and writes the same formats; all else is as by default.
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
    /// Reads the configuration from environment variables, through `lookup`. A variable that is empty counts as
    /// unset, as OpenTelemetry's specification asks.
    ///
    /// # Errors
    ///
    /// Every problem there is, in the order of the variables above.
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

    /// Whether the engine can do what the lists ask for. [`Propagation::from_environment`] has checked it.
    ///
    /// # Errors
    ///
    /// When the engine is [`Engine::Otel`] and upstream has no propagator for a listed format on this version of
    /// OpenTelemetry. What arrives in such a format is refused, and nothing is written in it.
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

    /// As [`Propagation::extract`], with the tracing header that Lambda gave to the invocation, the value of
    /// [`X_AMZN_TRACE_ID`](xray_from_lambda::X_AMZN_TRACE_ID), as a second source: where [`Propagation::xray_source`] asks for it,
    /// the list has `xray` and the carrier has no such header. The candidate then names the variable as its header, and
    /// objects where it turns sampling off.
    pub fn extract_with_environment(
        &self,
        carrier: &dyn Getter,
        trace_header: Option<&str>,
    ) -> Extraction {
        let asked =
            self.xray_source == XraySource::Environment && self.extract.contains(xray::NAME);
        let layered = trace_header
            .filter(|_| asked)
            .and_then(|value| xray_from_lambda::Layered::new(carrier, value));
        match layered {
            None => self.extract(carrier),
            Some(layered) => {
                let mut extraction = self.extract(&layered);
                xray_from_lambda::mark(&mut extraction);
                extraction
            }
        }
    }

    /// Reads every format of the list and judges what they hold. It neither fails nor panics, whatever
    /// arrived, and costs time linear in the size of the headers.
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

    /// Writes `outgoing` in every format of the list.
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

/// Formats that engine `otel` was asked for and has no propagator for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "upstream has no propagator for {} on OpenTelemetry 0.33; engine native reads and writes it",
    formats.join(", ")
)]
pub struct NoUpstream {
    /// Their standard names.
    pub formats: Vec<&'static str>,
}

/// Variables, and what is wrong with them.
struct Environment<'a, L> {
    lookup: L,
    problems: &'a mut Vec<Problem>,
}

impl<L: Fn(&str) -> Option<String>> Environment<'_, L> {
    /// A variable's value; `None` if it is unset or wrong, and then the problem is noted.
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

/// A variable that cannot be understood. Its sentence names the variable, the value and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value:?} cannot be used: {reason}")]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// All that cannot be understood in an environment; a line each.
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
