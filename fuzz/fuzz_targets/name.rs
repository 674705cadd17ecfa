//! `cargo +nightly fuzz run name`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| userhaul_cli::fuzzing::name(data));
