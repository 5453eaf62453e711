//! The variables that carry a context from the process that started this one:
//! <https://opentelemetry.io/docs/specs/otel/context/env-carriers/>.

use baton_propagators::HeaderList;

/// Their names.
const VARIABLES: [&str; 3] = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"];

/// The variables that are set, with their values. The specification treats an empty one as unset.
pub(crate) fn carrier() -> HeaderList {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let set = VARIABLES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), value(name)?.to_string_lossy().into_owned())));
    set.collect()
}
