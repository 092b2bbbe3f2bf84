//! Fuzz target `json_answer`; what it does is in `src/answers.rs`.
//! Seeds that found something, or lead somewhere, are in `seeds/json_answer`.
#![no_main]

#[path = "../src/answers.rs"]
#[allow(dead_code, reason = "each target uses one of the functions")]
mod answers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| answers::json_answer(data));
