//! What the report crate promises, told through its public door.
//! Small units are tested beside their code.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that meets the unexpected must fail; clippy exempts test functions only"
)]

// Alerts: every format, both languages, hostile names, limits.
mod alerts;
// Every format, in both languages, against its golden file.
mod formats;
// Findings as people and programs read them.
mod findings_shown;
// Findings for other products: valid, harmless, and whole.
mod exports;
// Foreign formats against the part of their schema that we use.
mod schemas;
// The HTML page as a file of its own.
mod page;
// Names from outside that try to break out of a format.
mod hostile;
// Sizes, limits, order.
mod limits;
// What changed between two scans.
mod compare;
// Both languages, and no unused or missing word.
mod words;
// One small scan that all tests share.
mod fixture;
