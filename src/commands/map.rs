//! `baton map`: draws the service map.

use std::process::ExitCode;

use baton_propagators::explanation::list;
use baton_traces::service_map::{Selection, ServiceMap};
use baton_traces::shown::{service_name, visible};
use baton_views::drawing::Page;
use baton_views::service_map;

use crate::arguments::{Format, MapArguments};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::sources::Sources;

/// Draws which service hands over to which.
pub(crate) fn map(arguments: MapArguments, output: &Output) -> Result<ExitCode, Failure> {
    let view = Sources::of(arguments.sources, &arguments.lab)?;
    let index = view.index_of_map(output)?;
    let whole = ServiceMap::of(&index);
    let selection = Selection {
        names: names(&whole, &arguments.service)?,
        broken: arguments.broken,
    };
    let map = whole.select(&selection);
    if map.edges.len() < whole.edges.len() {
        let (shown, all) = (map.edges.len(), whole.edges.len());
        output.note(&format!("{shown} of {all} edges are shown"));
    }
    match output.format {
        Format::Json => output.print_json(&map)?,
        Format::Svg => output.print(&service_map::drawing(&map, Page::Wide).standalone())?,
        Format::Mermaid => {
            let text = service_map::mermaid(&map);
            if let Some(problem) = service_map::mermaid_problem(&map, &text) {
                output.warn(&problem);
            }
            output.print(&text)?;
        }
        Format::Dot => output.print(&service_map::dot(&map))?,
        _ if whole.nodes.is_empty() => output.print("no span was seen")?,
        _ if map.edges.is_empty() && selection.broken => {
            output.print("No edge shown here is known to be broken")?;
        }
        _ => output.print(&service_map::text(&map, output.style()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of nodes as the map shows them. Refuses a name that no node has, because the empty map
/// would look as if there were no hand-offs.
fn names(map: &ServiceMap, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let known: Vec<&str> = map.nodes.iter().map(|node| node.name.as_str()).collect();
    let name = |name: &String| {
        let shown = service_name(name);
        match known.contains(&shown.as_str()) || known.is_empty() {
            true => Ok(shown),
            false => Err(Failure::usage(format!(
                "--service {}: there is no such service or stream; there are {}",
                visible(name),
                list(known.iter().copied())
            ))),
        }
    };
    wanted.iter().map(name).collect()
}
