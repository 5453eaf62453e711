//! Functions that are not baton's own.

use clap::Args;

use baton_experiments::{ForeignFunction, Functions, Program};
use baton_traces::run::Function;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::failure::Failure;

/// Programs that replace baton's own functions.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FunctionArguments {
    /// Run another Lambda binary as one of the functions, as in consumer='node consumer.js'
    #[arg(long = "function", value_name = "NAME=COMMAND", value_parser = foreign_function)]
    pub(crate) functions: Vec<ForeignFunction>,
}

impl FunctionArguments {
    /// The functions of the experiment.
    pub(crate) fn functions(&self) -> Result<Functions, Failure> {
        Ok(Functions::new(Program::this()?, self.functions.clone())?)
    }
}

/// The parser for `producer` or `consumer`.
pub(super) fn function_parser() -> impl TypedValueParser<Value = Function> {
    let names = [Function::Producer, Function::Consumer].map(Function::name);
    PossibleValuesParser::new(names).try_map(|name| function_name(&name))
}

/// Reads the name of a function.
pub(super) fn function_name(text: &str) -> Result<Function, String> {
    let functions = [Function::Producer, Function::Consumer];
    let mut named = functions
        .into_iter()
        .filter(|function| function.name() == text);
    named
        .next()
        .ok_or_else(|| format!("{text:?} is neither producer nor consumer"))
}

fn foreign_function(text: &str) -> Result<ForeignFunction, String> {
    let (name, command) = text
        .split_once('=')
        .ok_or("expected producer=COMMAND or consumer=COMMAND")?;
    let words = shlex::split(command).ok_or("the command's quotes do not match")?;
    if words.is_empty() {
        return Err("the command is empty".to_owned());
    }
    Ok(ForeignFunction {
        function: function_name(name)?,
        command: words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_functions_are_split_as_a_shell_does() {
        let function = foreign_function("consumer=node 'my consumer.js' --x").expect("valid");
        assert_eq!(function.function, Function::Consumer);
        assert_eq!(function.command, ["node", "my consumer.js", "--x"]);
        for wrong in ["node x.js", "other=node x.js", "consumer=", "consumer='x"] {
            assert!(foreign_function(wrong).is_err(), "{wrong:?}");
        }
    }
}
