//! Findings told to services that gather findings. What is told is written by `yagura-report`; what
//! was told is remembered by the store, so that only what changed is told again.

pub mod security_hub;
