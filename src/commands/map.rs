//! `baton map`: draws the service map.

use std::process::ExitCode;

use baton_traces::drawing::Page;
use baton_traces::service_map::ServiceMap;
use baton_traces::trace_index::Filter;

use crate::arguments::{Format, MapArguments};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::view::View;

/// Draws who hands over to whom.
pub(crate) fn map(arguments: MapArguments, output: &Output) -> Result<ExitCode, Failure> {
    let view = View::of(arguments.sources, &arguments.lab)?;
    let index = view.index(Filter::default(), output)?;
    let map = ServiceMap::of(&index);
    match output.format {
        Format::Json => output.print_json(&map)?,
        Format::Svg => output.print(&map.drawing(Page::Wide).standalone())?,
        _ if map.nodes.is_empty() => output.print("no span was seen")?,
        _ => output.print(&map.text(output.style()))?,
    }
    Ok(ExitCode::SUCCESS)
}
