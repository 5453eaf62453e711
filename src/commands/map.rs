//! `baton map`: draws the service map.

use std::process::ExitCode;

use baton_traces::service_map::ServiceMap;
use baton_views::drawing::Page;
use baton_views::service_map;

use crate::arguments::{Format, MapArguments};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::view::View;

/// Draws which service hands over to which.
pub(crate) fn map(arguments: MapArguments, output: &Output) -> Result<ExitCode, Failure> {
    let view = View::of(arguments.sources, &arguments.lab)?;
    let index = view.index_of_map(output)?;
    let map = ServiceMap::of(&index);
    match output.format {
        Format::Json => output.print_json(&map)?,
        Format::Svg => output.print(&service_map::drawing(&map, Page::Wide).standalone())?,
        _ if map.nodes.is_empty() => output.print("no span was seen")?,
        _ => output.print(&service_map::text(&map, output.style()))?,
    }
    Ok(ExitCode::SUCCESS)
}
