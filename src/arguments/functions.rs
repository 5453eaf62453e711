//! Functions that are not baton's own.

use clap::Args;

use super::{FunctionName, function_name};

/// What to run in the place of baton's own functions.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FunctionArguments {
    /// Run another Lambda binary as one of the functions, as in consumer='node consumer.js'
    #[arg(long = "function", value_name = "NAME=COMMAND", value_parser = foreign_function)]
    pub(crate) functions: Vec<ForeignFunction>,
}

/// A function that is not baton's own.
#[derive(Clone, Debug)]
pub(crate) struct ForeignFunction {
    pub(crate) function: FunctionName,
    pub(crate) command: Vec<String>,
}

impl FunctionArguments {
    /// The command to run as `name`; `None` for baton's own.
    ///
    /// # Errors
    /// A sentence, if there are two.
    pub(crate) fn command(&self, name: FunctionName) -> Result<Option<&[String]>, &'static str> {
        let mut commands = self
            .functions
            .iter()
            .filter(|foreign| foreign.function == name);
        match (commands.next(), commands.next()) {
            (Some(_), Some(_)) => Err("--function names the same function twice; name it once"),
            (only, _) => Ok(only.map(|foreign| foreign.command.as_slice())),
        }
    }

    /// The names of those that are not baton's own.
    pub(crate) fn foreign(&self) -> Vec<FunctionName> {
        [FunctionName::Producer, FunctionName::Consumer]
            .into_iter()
            .filter(|name| {
                self.functions
                    .iter()
                    .any(|foreign| foreign.function == *name)
            })
            .collect()
    }
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
        assert_eq!(function.function, FunctionName::Consumer);
        assert_eq!(function.command, ["node", "my consumer.js", "--x"]);
        for wrong in ["node x.js", "other=node x.js", "consumer=", "consumer='x"] {
            assert!(foreign_function(wrong).is_err(), "{wrong:?}");
        }
    }
}
