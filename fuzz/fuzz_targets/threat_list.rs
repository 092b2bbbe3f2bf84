//! Fuzz target `threat_list`; what it does is in `src/lists.rs`.
//! Seeds that found something, or lead somewhere, are in `seeds/threat_list`.
#![no_main]

#[path = "../src/lists.rs"]
mod lists;

libfuzzer_sys::fuzz_target!(|data: &[u8]| lists::threat_list(data));
