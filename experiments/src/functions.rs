//! The two functions of an experiment: which program each is, and which variables it gets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use baton_lab::FunctionOptions;
use baton_propagators::Mode;
use baton_traces::run::Function;

use crate::error::ExperimentError;

/// Variables of this process that the functions also get. They get no others, and no credentials.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "RUST_BACKTRACE"];
const PASSED_ON_PREFIXES: [&str; 2] = ["BATON_", "OTEL_"];
/// Variables that name a backend: OpenTelemetry's and Splunk's.
const EXPORTERS: &str = "OTEL_EXPORTER_";
const SPLUNK: &str = "SPLUNK_";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// Variables that name a backend or an identity. A lab sets its own.
const KEPT_OUT_PREFIXES: [&str; 3] = [EXPORTERS, SERVICE_NAME, "BATON_RUNTIME_DIR"];

/// The program that acts as the functions and as the load generator.
///
/// It has three commands: `function NAME` is one of the two functions, `sandbox -- COMMAND` runs a
/// command that ends together with its parent, and `attack` carries out a plan that it reads from
/// standard input.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// The program of this process.
    ///
    /// # Errors
    /// If the system does not give its path.
    pub fn this() -> Result<Program, ExperimentError> {
        let path = std::env::current_exe().map_err(|error| {
            ExperimentError::Internal(format!("the path of this program is not known: {error}"))
        })?;
        Ok(Program(path))
    }

    /// The words that run one of its commands.
    pub(crate) fn command(&self, words: &[&str]) -> Vec<OsString> {
        let words = words.iter().map(OsString::from);
        [self.0.clone().into_os_string()]
            .into_iter()
            .chain(words)
            .collect()
    }
}

/// A program that takes the place of one of baton's own functions.
#[derive(Clone, Debug)]
pub struct ForeignFunction {
    /// The function whose place it takes.
    pub function: Function,
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// The functions of an experiment: baton's own, unless another program replaces one.
#[derive(Clone, Debug)]
pub struct Functions {
    program: Program,
    foreign: Vec<ForeignFunction>,
}

impl Functions {
    /// The functions of `program`, except those that `foreign` names.
    ///
    /// # Errors
    /// If `foreign` names a function twice.
    pub fn new(
        program: Program,
        foreign: Vec<ForeignFunction>,
    ) -> Result<Functions, ExperimentError> {
        for (place, one) in foreign.iter().enumerate() {
            if foreign[..place]
                .iter()
                .any(|other| other.function == one.function)
            {
                return Err(ExperimentError::Setting(format!(
                    "--function names the {} twice; name it once",
                    one.function.name()
                )));
            }
        }
        Ok(Functions { program, foreign })
    }

    /// The program that acts as the load generator.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The functions that are not baton's own.
    pub fn foreign(&self) -> Vec<Function> {
        let is_foreign = |name: &Function| self.foreign.iter().any(|one| one.function == *name);
        [Function::Producer, Function::Consumer]
            .into_iter()
            .filter(is_foreign)
            .collect()
    }

    /// The options of one function in `mode`, or in the mode of the environment. Its process ends
    /// when the lab ends.
    pub fn options(&self, function: Function, mode: Option<&Mode>) -> FunctionOptions {
        let foreign = self.foreign.iter().find(|one| one.function == function);
        let command = match foreign {
            None => self.program.command(&["function", function.name()]),
            Some(foreign) => {
                let mut words = vec!["sandbox", "--"];
                words.extend(foreign.command.iter().map(String::as_str));
                self.program.command(&words)
            }
        };
        let options = FunctionOptions {
            command,
            environment: environment(),
        };
        match mode {
            Some(mode) => options.with_mode(mode),
            None => options,
        }
    }
}

/// The names of this process's variables that would send the functions' spans elsewhere. The lab
/// does not pass them on.
pub fn kept_out() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<_> = names
        .filter(|name| {
            name.starts_with(EXPORTERS) || name.starts_with(SPLUNK) || name == SERVICE_NAME
        })
        .collect();
    names.sort_unstable();
    names
}

/// The variables that this process passes on to the functions.
fn environment() -> BTreeMap<String, String> {
    let has_prefix =
        |name: &str, prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let is_passed_on = |name: &str| {
        PASSED_ON.contains(&name)
            || has_prefix(name, &PASSED_ON_PREFIXES) && !has_prefix(name, &KEPT_OUT_PREFIXES)
    };
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| is_passed_on(name))
        .collect()
}
