//! Finds a trace in sources by its id or by the digits that begin it.

use baton_propagators::id::TraceId;
use baton_traces::shown::visible;
use baton_traces::source::Source;
use baton_traces::span::{Span, Want};
use baton_traces::trace::{Gathering, Trace};
use baton_traces::trace_index::{Filter, FindError, TraceIndex};

use crate::failure::Failure;

/// Fewer digits name too many traces.
const FEWEST_DIGITS: usize = 8;

/// A trace, and the place of its source.
pub(super) struct Found {
    pub(super) trace: Trace,
    pub(super) source: usize,
}

/// Looks for a trace in each of the sources until one has it. `places` are the sources' places in the order to look.
pub(super) fn find(
    wanted: &str,
    sources: &[Source],
    places: impl IntoIterator<Item = usize>,
) -> Result<Found, Failure> {
    let digits = wanted.to_ascii_lowercase();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || !(FEWEST_DIGITS..=TraceId::DIGITS).contains(&digits.len()) {
        return Err(Failure::usage(format!(
            "{wanted:?} is no trace id; write its 32 hex digits, or the {FEWEST_DIGITS} or more that begin it"
        )));
    }
    for place in places {
        let source = &sources[place];
        let Some(trace_id) = trace_id(&digits, source)? else {
            continue;
        };
        let mut gathering = Gathering::new([trace_id]);
        let each = &mut |span: &Span<'_>| gathering.add_span(span);
        source
            .read(Want::Everything, each)
            .map_err(Failure::usage)?;
        if let Some(trace) = gathering.get(trace_id) {
            return Ok(Found {
                trace,
                source: place,
            });
        }
    }
    let names: Vec<_> = sources.iter().map(ToString::to_string).collect();
    let names = visible(&names.join(" or "));
    Err(Failure::usage(format!("no trace {wanted} is in {names}")))
}

/// The one id in `source` that starts with `prefix`.
fn trace_id(prefix: &str, source: &Source) -> Result<Option<TraceId>, Failure> {
    if prefix.len() == TraceId::DIGITS {
        return Ok(TraceId::from_hex(prefix));
    }
    let mut index = TraceIndex::new(Filter::default());
    let each = &mut |span: &Span<'_>| index.add_span(span);
    source.read(Want::Judging, each).map_err(Failure::usage)?;
    match index.find(prefix) {
        Ok(trace_id) => Ok(Some(trace_id)),
        Err(FindError::None(_)) => Ok(None),
        Err(several) => Err(Failure::usage(format!("{source}: {several}"))),
    }
}
