//! Explains headers that are read in all formats.

use baton_propagators::{Explanation, HeaderList, Mode, Propagation, formats};

/// Reads headers in all formats.
pub(crate) fn all() -> Propagation {
    let list = formats().collect::<Vec<_>>().join(",");
    list.parse::<Mode>().expect("all formats").into()
}

/// The explanation of a request's headers.
pub(crate) fn explain(headers: &HeaderList) -> Explanation {
    Explanation::new(&all().extract(headers).candidates, headers)
}
