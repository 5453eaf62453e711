//! The mode of a function in a lab.

use baton_lab::FunctionStatus;

/// The mode, or the variables if one mode cannot express them.
pub(crate) fn modes(function: &FunctionStatus) -> String {
    let variables: Vec<_> = function.propagation.iter().collect();
    match variables.as_slice() {
        [] => "tracecontext,baggage".to_owned(),
        [(name, mode)] if *name == "OTEL_PROPAGATORS" => (*mode).clone(),
        variables => {
            let settings: Vec<_> = variables
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            settings.join(" ")
        }
    }
}
