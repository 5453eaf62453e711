#![no_main]

use baton_propagators::formats::tracecontext::{TRACEPARENT_BYTES, format_traceparent, parse_traceparent};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(context) = parse_traceparent(bytes) {
        let mut buffer = [0; TRACEPARENT_BYTES];
        let header = format_traceparent(&context, &mut buffer);
        assert_eq!(parse_traceparent(header.as_bytes()), Ok(context));
        assert_eq!(&header.as_bytes()[3..53], &bytes[3..53]);
    }
});
