//! Finds a trace in sources by its id, or by the first digits of the id.

use baton_propagators::TraceId;
use baton_traces::readers::collect::Collect as _;
use baton_traces::shown::visible;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};
use baton_traces::trace::index::{Filter, FindError, TraceIndex, Wanted};
use baton_traces::trace::{Gathering, Trace};

use crate::failure::Failure;

/// Fewer digits would name too many traces.
const MIN_DIGITS: usize = 8;

/// A trace, and the index of its source.
pub(super) struct Found {
    pub(super) trace: Trace,
    pub(super) source: usize,
}

/// Looks for a trace in the sources until one has it. `places` holds the sources' indices in the
/// order of the search.
pub(super) fn find(
    wanted: &str,
    sources: &[Source],
    places: impl IntoIterator<Item = usize>,
) -> Result<Found, Failure> {
    if !Wanted::parse(wanted).is_some_and(|wanted| wanted.is_plain(MIN_DIGITS)) {
        return Err(Failure::usage(format!(
            "{wanted:?} is not a trace id; write it as its backend does, or its first {MIN_DIGITS} digits or more"
        )));
    }
    for place in places {
        let source = &sources[place];
        let Some(trace_id) = trace_id(wanted, source)? else {
            continue;
        };
        let mut gathering = Gathering::new([trace_id]);
        let each = &mut |span: &Span<'_>| gathering.add_span(span);
        source.read(Want::Everything, each)?;
        if let Some(trace) = gathering.get(trace_id) {
            return Ok(Found {
                trace,
                source: place,
            });
        }
    }
    let names: Vec<_> = sources.iter().map(ToString::to_string).collect();
    let names = visible(&names.join(" or "));
    Err(Failure::usage(format!("trace {wanted} is not in {names}")))
}

/// The id in `source` that starts with `prefix`.
fn trace_id(prefix: &str, source: &Source) -> Result<Option<TraceId>, Failure> {
    if let Some(whole) = TraceId::from_hex(prefix) {
        return Ok(Some(whole));
    }
    let mut index = TraceIndex::new(Filter::default()).of_exports();
    // ids need no audit
    source.read(Want::Judging, &mut |span| index.add_span(span))?;
    match index.find(prefix) {
        Ok(trace_id) => Ok(Some(trace_id)),
        Err(FindError::None(_)) => Ok(None),
        Err(several) => Err(Failure::usage(format!("{source}: {several}"))),
    }
}
