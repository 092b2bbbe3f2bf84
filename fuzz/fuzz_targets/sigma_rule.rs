//! Fuzz target `sigma_rule`; what it does is in `src/rules.rs`.
//! Seeds that found something, or lead somewhere, are in `seeds/sigma_rule`.
#![no_main]

#[path = "../src/rules.rs"]
mod rules;

libfuzzer_sys::fuzz_target!(|data: &[u8]| rules::sigma_rule(data));
