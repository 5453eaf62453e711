#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| baton_fuzz::spans(baton_fuzz::DOTNET, bytes));
