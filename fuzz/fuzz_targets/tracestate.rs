#![no_main]

use baton_propagators::TraceState;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(tracestate) = text.parse::<TraceState>() {
        assert_eq!(tracestate.as_str().parse(), Ok(tracestate.clone()));
        assert!(tracestate.members().count() <= 32);
    }
});
