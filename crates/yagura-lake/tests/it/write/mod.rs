//! Rows come in: round trips, repeats, several writers, faults, compaction, retention, status.
//! SQL over the result is tested beside the query.

mod commits;
mod faults;
mod keeping;
mod objects;
mod repeats;
mod rows;
mod support;
