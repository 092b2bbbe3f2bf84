//! Fuzz target `iam_policy`; what it does is in `src/policies.rs`.
//! Seeds that found something, or lead somewhere, are in `seeds/iam_policy`.
#![no_main]

#[path = "../src/policies.rs"]
mod policies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| policies::iam_policy(data));
