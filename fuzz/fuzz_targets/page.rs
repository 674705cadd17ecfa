//! `cargo +nightly fuzz run page`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| userhaul_cli::fuzzing::page(data));
