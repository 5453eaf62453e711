#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let paste = baton_pastes::read(bytes);
    assert!(paste.carriers.len() <= baton_pastes::MAX_CARRIERS);
});
