//! `cargo +nightly fuzz run link`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| userhaul_cli::fuzzing::link(data));
