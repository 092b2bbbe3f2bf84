//! Fuzz target `event_json`; what it does is in `src/events.rs`.
//! Seeds that found something, or lead somewhere, are in `seeds/event_json`.
#![no_main]

#[path = "../src/events.rs"]
#[allow(dead_code, reason = "each target uses one of the functions")]
mod events;

libfuzzer_sys::fuzz_target!(|data: &[u8]| events::event_json(data));
