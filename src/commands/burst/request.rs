//! The headers of a burst's requests, from the command line.

use std::fs;
use std::path::Path;

use baton_loadgen::{Header, Malformed, Scenario, Side};
use baton_propagators::Mode;

use super::inherited::Inherited;
use crate::arguments::{BurstArguments, ConflictName};
use crate::failure::Failure;

/// The formats that the client sends by default, without and with `--conflict`.
const DEFAULT_CLIENT: &str = "tracecontext";
pub(crate) const DEFAULT_CONFLICT: &str = "tracecontext,b3";

/// The client's scenario.
pub(super) fn scenario(
    arguments: &BurstArguments,
    inherited: &Inherited,
) -> Result<Scenario, Failure> {
    let default = match arguments.conflict {
        Some(_) => DEFAULT_CONFLICT,
        None => DEFAULT_CLIENT,
    };
    let mut client = match &arguments.client {
        Some(client) => client.clone(),
        None => default.parse()?,
    };
    let has_baggage =
        arguments.baggage.is_some() || arguments.client.is_none() && inherited.has_baggage();
    if has_baggage && !client.carries_baggage() {
        client = with_baggage(&client)?;
    }
    let mut scenario = Scenario {
        conflict: arguments.conflict.map(ConflictName::conflict),
        malformed: arguments.malformed.map(|percent| Malformed {
            percent,
            side: Side::Last,
            defect: None,
        }),
        baggage: arguments.baggage.clone(),
        tracestate: arguments.tracestate.clone(),
        ..Scenario::from(client)
    };
    inherited.give(&mut scenario);
    Ok(scenario)
}

fn with_baggage(client: &Mode) -> Result<Mode, baton_propagators::ModeError> {
    let names: Vec<_> = client.names().chain(["baggage"]).collect();
    names.join(",").parse()
}

/// Reads the headers of `--header`. No message repeats a header: it may hold a secret. In a file,
/// empty lines and lines that begin with `#` are skipped.
pub(super) fn headers(given: &[String]) -> Result<Vec<Header>, Failure> {
    let mut headers = Vec::new();
    for text in given {
        match text.strip_prefix('@') {
            Some(path) => headers.extend(of_file(Path::new(path))?),
            None => {
                let header = Header::parse(text);
                headers.push(header.map_err(|fault| Failure::usage(fault).of("--header"))?);
            }
        }
    }
    Ok(headers)
}

/// The headers in the lines of a file.
fn of_file(path: &Path) -> Result<Vec<Header>, Failure> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| Failure::reading(path)(error).of("--header"))?;
    let lines = (1..).zip(text.lines());
    let is_header = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let headers = lines.filter(|(_, line)| is_header(line));
    let headers = headers.map(|(number, line): (u32, &str)| {
        Header::parse(line).map_err(|fault| {
            let place = format!("line {number} of {}", path.display());
            Failure::usage(format!("{place}: {fault}")).of("--header")
        })
    });
    headers.collect()
}
