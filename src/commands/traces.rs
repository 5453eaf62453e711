//! `baton traces`: lists and searches traces, and shows one over time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use baton_propagators::TraceId;
use baton_traces::audit::Edge;
use baton_traces::hand_off::{Hop, Verdict};
use baton_traces::shown;
use baton_traces::source::Source;
use baton_traces::span::UnixTime;
use baton_traces::trace::index::{Filter, Journey, Passage, TraceIndex, TraceLine, Wanted};
use baton_traces::trace::{Gathering, Trace, TraceJson};
use baton_traces::version::Version;
use baton_views::drawing::Page;
use baton_views::waterfall::Waterfall;
use jiff::Timestamp;
use serde::Serialize;

use crate::arguments::{Format, TracesArguments};
use crate::failure::Failure;
use crate::print::output::Output;
use crate::print::table::traces::trace_table;
use crate::sources::{Sources, no_such_service};

const DEFAULT_TRACES: usize = 20;
const DEFAULT_SPANS: usize = 100;
/// How many traces are shown together, if hand-offs between them broke.
const MAX_JOURNEY_TRACES: usize = 6;
/// The fewest digits that may abbreviate a trace id.
const MIN_DIGITS: usize = 8;

/// What `baton traces --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ListJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    traces: Vec<LineJson<'a>>,
    /// How many traces were found. `traces` has the newest of them.
    found: usize,
    /// With `--verdict`: the edges that have one of these verdicts.
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Edge>"))]
    edges: Vec<&'a Edge>,
}

/// A trace in the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LineJson<'a> {
    #[cfg_attr(test, schemars(with = "String"))]
    trace_id: TraceId,
    /// The name of its root, or of its earliest span if the root was not seen.
    name: &'a str,
    /// The service of that span.
    service: &'a str,
    services: &'a [String],
    spans: u64,
    /// When its first span starts.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    start: Option<Timestamp>,
    duration_ms: Option<f64>,
    #[cfg_attr(test, schemars(with = "baton_schemas::VerdictsByHop"))]
    hops: &'a BTreeMap<Hop, BTreeMap<Verdict, u64>>,
}

impl LineJson<'_> {
    fn of(line: &TraceLine) -> LineJson<'_> {
        LineJson {
            trace_id: line.trace_id,
            name: &line.name,
            service: &line.service,
            services: &line.services,
            spans: line.spans,
            start: line.start.map(UnixTime::timestamp),
            duration_ms: line.duration.map(shown::milliseconds),
            hops: &line.verdicts,
        }
    }
}

/// What `baton traces TRACE-ID --format json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ShownJson<'a> {
    #[cfg_attr(test, schemars(with = "baton_schemas::Version"))]
    version: Version,
    #[cfg_attr(test, schemars(with = "String"))]
    trace_id: TraceId,
    /// The trace, and those that are joined to it by broken hand-offs.
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Trace>"))]
    traces: Vec<TraceJson<'a>>,
    /// The hand-offs that begin or end in them.
    #[cfg_attr(test, schemars(with = "Vec<baton_schemas::Passage>"))]
    hand_offs: &'a [Passage],
    /// How many more traces are joined to it.
    left_out: u64,
}

/// Lists the traces, or shows the named one.
pub(crate) fn traces(arguments: TracesArguments, output: &Output) -> Result<ExitCode, Failure> {
    let (trace_id, words) = told_apart(&arguments.words)?;
    let mut sources = arguments.from;
    for word in words {
        sources.push(Source::from_str(word)?);
    }
    let filter = Filter {
        services: arguments.service,
        attributes: arguments.attribute,
        verdicts: arguments.verdict,
    };
    let limit = |default| arguments.limit.map_or(default, std::num::NonZeroUsize::get);
    match trace_id {
        Some(trace_id) if filter == Filter::default() => {
            let view = Sources::of(sources, &arguments.lab)?;
            show(&view, trace_id, limit(DEFAULT_SPANS), output)
        }
        Some(trace_id) => Err(Failure::usage(format!(
            "{trace_id} is one trace, but --service, --attribute and --verdict search all traces; leave one of them out"
        ))),
        None if output.format == Format::Svg => Err(Failure::usage(
            "--format svg draws one trace; name it by its id",
        )),
        None => {
            let view = Sources::of(sources, &arguments.lab)?;
            list(&view, filter, limit(DEFAULT_TRACES), output)
        }
    }
}

/// Splits the words into the trace id, if there is one, and the sources. The name of an existing
/// file is a source.
fn told_apart(words: &[String]) -> Result<(Option<&str>, Vec<&str>), Failure> {
    let is_short = |word: &&String| {
        let id = Wanted::parse(word).filter(|id| !id.is_plain(MIN_DIGITS) && id.is_plain(1));
        id.is_some() && !Path::new(word).exists()
    };
    if let Some(word) = words.iter().find(is_short) {
        return Err(Failure::usage(format!(
            "{word} is neither a file nor {MIN_DIGITS} or more digits of a trace id"
        )));
    }
    let is_id = |word: &str| {
        let id = Wanted::parse(word).filter(|id| id.is_plain(MIN_DIGITS));
        id.is_some() && !Path::new(word).exists()
    };
    let words = words.iter().map(String::as_str);
    let (ids, sources): (Vec<_>, Vec<_>) = words.partition(|word| is_id(word));
    match ids.as_slice() {
        [] => Ok((None, sources)),
        [id] => Ok((Some(id), sources)),
        [first, second, ..] => Err(Failure::usage(format!(
            "{first} and {second} are two trace ids; name one"
        ))),
    }
}

fn list(
    view: &Sources,
    filter: Filter,
    limit: usize,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let searched = filter != Filter::default();
    let (services, verdicts) = (filter.services.clone(), filter.verdicts.clone());
    let index = view.index(filter, output)?;
    check_names(&services, &index)?;
    let (lines, found) = index.list(limit);
    if output.format == Format::Json {
        output.print_json(&ListJson {
            version: Version::default(),
            traces: lines.iter().map(LineJson::of).collect(),
            found,
            edges: edges_with(&index, &verdicts),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if lines.is_empty() {
        output.print(if searched {
            "no trace was found"
        } else {
            "no trace was seen"
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let edges = edges_with(&index, &verdicts);
    if !edges.is_empty() {
        let heading = "Edges with this verdict, in the whole source. The list below has the traces at both \
                       ends of each hand-off:";
        let edges = edges.iter().map(|edge| edge_line(edge, &verdicts));
        output.print(&output.lines(std::iter::once(heading.to_owned()).chain(edges)))?;
    }
    output.print(&trace_table(&lines, output))?;
    let found = found as u64;
    if found > lines.len() as u64 {
        output.note(&format!(
            "the newest {} of {} traces; --limit shows more",
            lines.len(),
            shown::count(found)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a service that no span names, because it is probably misspelt.
fn check_names(wanted: &[String], index: &TraceIndex) -> Result<(), Failure> {
    let services = index.judged().map(|judged| &judged.services);
    let Some(services) = services.filter(|services| !services.is_empty()) else {
        return Ok(());
    };
    let is_known = |wanted: &String| {
        let in_namespace = |service: &String| service.rsplit('/').next() == Some(wanted);
        services.contains(wanted) || services.iter().any(in_namespace)
    };
    match wanted.iter().find(|wanted| !is_known(wanted)) {
        None => Ok(()),
        Some(unknown) => Err(no_such_service("--service", unknown, services)),
    }
}

/// The edges with hand-offs that have one of `verdicts`; none if no verdict is asked for.
fn edges_with<'a>(index: &'a TraceIndex, verdicts: &[Verdict]) -> Vec<&'a Edge> {
    let edges = index.judged().into_iter().flat_map(|judged| &judged.edges);
    let has_one = |edge: &&Edge| {
        let mut found = edge.verdicts.keys();
        found.any(|verdict| verdicts.contains(verdict))
    };
    edges.filter(has_one).collect()
}

/// An edge, and how many of its hand-offs have each of `verdicts`.
fn edge_line(edge: &Edge, verdicts: &[Verdict]) -> String {
    let found = edge.verdicts.iter();
    let found = found.filter(|(verdict, _)| verdicts.contains(verdict));
    let counts: Vec<String> = found
        .map(|(verdict, count)| format!("{} {verdict}", shown::count(*count)))
        .collect();
    format!(
        "  {} -> {} ({}): {}",
        edge.from,
        edge.to,
        edge.channel,
        counts.join(", ")
    )
}

fn show(view: &Sources, prefix: &str, limit: usize, output: &Output) -> Result<ExitCode, Failure> {
    let index = view.index(Filter::default(), output)?;
    let trace_id = find(&index, prefix, view)?;
    let journey = index.journey(trace_id, MAX_JOURNEY_TRACES);
    let traces = gather(view, &journey)?;
    match output.format {
        Format::Json => {
            output.print_json(&ShownJson {
                version: Version::default(),
                trace_id,
                traces: traces.iter().map(Trace::as_json).collect(),
                hand_offs: &journey.passages,
                left_out: journey.left_out,
            })?;
        }
        format => {
            let waterfall = Waterfall::new(&traces, &journey.passages, limit);
            output.print(&match format {
                Format::Svg => waterfall.drawing(Page::Wide).standalone(),
                _ if output.verbose => waterfall.text_with_attributes(output.style()),
                _ => waterfall.text(output.style()),
            })?;
        }
    }
    if journey.left_out > 0 {
        output.note(&format!(
            "{} more traces are joined to it by their hand-offs",
            shown::count(journey.left_out)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn find(index: &TraceIndex, prefix: &str, view: &Sources) -> Result<TraceId, Failure> {
    index.find(prefix).map_err(|error| {
        let hint = match view.lab {
            Some(_) if index.is_empty() => "; the lab has received no span yet",
            _ => "",
        };
        Failure::usage(format!("{error}{hint}"))
    })
}

/// Reads all spans of the journey's traces.
fn gather(view: &Sources, journey: &Journey) -> Result<Vec<Trace>, Failure> {
    let mut gathering = Gathering::new(journey.traces.iter().copied());
    view.read(&mut |span| gathering.add_span(span))?;
    let traces = journey.traces.iter();
    Ok(traces
        .filter_map(|trace_id| gathering.get(*trace_id))
        .collect())
}
