//! Fuzz target `log_object`; what it does is in `src/events.rs`.
//! Seeds that found something, or lead somewhere, are in `seeds/log_object`.
#![no_main]

#[path = "../src/events.rs"]
#[allow(dead_code, reason = "each target uses one of the functions")]
mod events;

libfuzzer_sys::fuzz_target!(|data: &[u8]| events::log_object(data));
