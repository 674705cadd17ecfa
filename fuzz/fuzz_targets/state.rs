//! `cargo +nightly fuzz run state`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| userhaul_cli::fuzzing::state(data));
