//! What each request of a burst carries, from the command line.

use std::fs;
use std::path::Path;

use baton_loadgen::{Conflict, Header, Malformed, Scenario, Side};
use baton_propagators::mode::Mode;

use super::unusable;
use crate::arguments::{BurstArguments, ConflictName};
use crate::failure::Failure;

/// What the client sends unless it is told otherwise, alone and where formats are to disagree.
const DEFAULT_CLIENT: &str = "tracecontext";
const DEFAULT_CONFLICT: &str = "tracecontext,b3";
/// The formats that carry baggage.
const CARRY_BAGGAGE: [&str; 3] = ["baggage", "jaeger", "ottrace"];

/// The client and its headers.
pub(super) fn scenario(arguments: &BurstArguments) -> Result<Scenario, Failure> {
    let default = match arguments.conflict {
        Some(_) => DEFAULT_CONFLICT,
        None => DEFAULT_CLIENT,
    };
    let mut client = match &arguments.client {
        Some(client) => client.clone(),
        None => default.parse().map_err(Failure::usage)?,
    };
    let carries_baggage = CARRY_BAGGAGE.iter().any(|name| client.contains(name));
    if arguments.baggage.is_some() && !carries_baggage {
        client = with_baggage(&client).map_err(Failure::usage)?;
    }
    Ok(Scenario {
        conflict: arguments.conflict.map(|conflict| match conflict {
            ConflictName::Agree => Conflict::Agree,
            ConflictName::Trace => Conflict::Trace,
            ConflictName::Span => Conflict::Span,
            ConflictName::Sampled => Conflict::Sampled,
        }),
        malformed: arguments.malformed.map(|percent| Malformed {
            percent,
            side: Side::Last,
            defect: None,
        }),
        baggage: arguments.baggage.clone(),
        tracestate: arguments.tracestate.clone(),
        ..Scenario::from(client)
    })
}

fn with_baggage(client: &Mode) -> Result<Mode, baton_propagators::mode::ModeError> {
    let names: Vec<_> = client.names().chain(["baggage"]).collect();
    names.join(",").parse()
}

/// Reads headers as they were given; what is wrong with one is said without repeating it.
pub(super) fn headers(given: &[String]) -> Result<Vec<Header>, Failure> {
    let mut headers = Vec::new();
    for text in given {
        let lines = match text.strip_prefix('@') {
            Some(path) => {
                let path = Path::new(path);
                fs::read_to_string(path).map_err(|error| unusable(path, &error))?
            }
            None => text.clone(),
        };
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            headers.push(Header::parse(line).map_err(Failure::usage)?);
        }
    }
    Ok(headers)
}
