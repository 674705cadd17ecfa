//! `cargo +nightly fuzz run retry_after`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| userhaul_cli::fuzzing::retry_after(data));
