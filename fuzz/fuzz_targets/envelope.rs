#![no_main]

use baton_propagators::lambda::envelope::{self, Record};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Record::Envelope { tracecontext, record, .. } = envelope::decode(bytes) {
        let written = envelope::encode(record.get(), &tracecontext);
        let Record::Envelope { record: again, carrier_bytes, .. } = envelope::decode(written.as_bytes()) else {
            panic!("an envelope is an envelope: {written}");
        };
        assert_eq!(record.get(), again.get());
        assert_eq!(carrier_bytes, envelope::carrier_bytes(&tracecontext));
    }
});
