//! The source of the text: arguments, standard input, or a record.

use std::io::{IsTerminal, Read};

use baton_pastes::Paste;

use crate::arguments::ExplainArguments;
use crate::context_variables;
use crate::failure::Failure;

const STANDARD_INPUT: &str = "-";
/// How many bytes are read. A HAR file of a browser session has about ten million.
const MAX_INPUT: u64 = 64 << 20;

/// The carriers in the arguments or in standard input.
pub(super) fn read(arguments: &ExplainArguments) -> Result<Paste, Failure> {
    if let Some(given) = &arguments.record {
        if given == STANDARD_INPUT {
            return from_text(&standard_input()?, "standard input");
        }
        return from_text(given.as_encoded_bytes(), "the record");
    }
    match arguments.headers.as_slice() {
        [] if std::io::stdin().is_terminal() => match environment() {
            Some(text) => from_text(&text, "the environment"),
            None => Err(nothing()),
        },
        [] => {
            let text = standard_input()?;
            match environment().filter(|_| text.trim_ascii().is_empty()) {
                Some(text) => from_text(&text, "the environment"),
                None => from_text(&text, "standard input"),
            }
        }
        [only] if only == STANDARD_INPUT => from_text(&standard_input()?, "standard input"),
        arguments => {
            let arguments: Vec<_> = arguments
                .iter()
                .map(|argument| argument.as_encoded_bytes())
                .collect();
            let mut paste = from_text(&arguments.join(&b'\n'), "the arguments")?;
            // Each argument is a line of the text.
            for carrier in &mut paste.carriers {
                let headers = carrier.headers.iter_mut().map(|header| &mut header.place);
                for place in
                    headers.chain(carrier.unread.iter_mut().map(|unread| &mut unread.place))
                {
                    *place = place.replace("line ", "argument ");
                }
            }
            Ok(paste)
        }
    }
}

fn nothing() -> Failure {
    Failure::usage(
        "there is nothing to explain; give headers as arguments, or any text with headers on standard input, as in\n  \
         baton explain 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'\n  \
         curl -v https://example.com 2>&1 | baton explain",
    )
}

/// The variables that carry a context, one line each; `None` without any.
fn environment() -> Option<Vec<u8>> {
    let carrier = context_variables::carrier();
    let lines: Vec<String> = carrier
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n").into_bytes())
}

fn from_text(text: &[u8], source: &str) -> Result<Paste, Failure> {
    if text.trim_ascii().is_empty() {
        return Err(Failure::usage(format!(
            "there is nothing in {source}; give headers, or any text with headers"
        )));
    }
    let paste = baton_pastes::read(text);
    if paste.carriers.is_empty() {
        return Err(Failure::usage(format!(
            "there is no tracing header in {source}, and no value that looks like one; give a header with its name, as in 'b3: 0', or any text with headers"
        )));
    }
    Ok(paste)
}

/// All of standard input.
fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_INPUT + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    if text.len() as u64 > MAX_INPUT {
        return Err(Failure::usage(format!(
            "standard input has more than {} MiB; give only the requests to explain",
            MAX_INPUT >> 20
        )));
    }
    Ok(text)
}
