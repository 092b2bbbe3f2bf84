//! Test support: AWS played back, AWS misbehaving, and an independent peer, all on loopback.
//! Nothing of this ships; crates use it as a development dependency only.

pub mod answers;
pub mod cloudtrail_generator;
pub mod demo;
pub mod duckdb;
pub mod faults;
pub mod moto;
pub mod recorded;
pub mod spark;
pub mod trail;
pub mod wire;
pub mod writer;
