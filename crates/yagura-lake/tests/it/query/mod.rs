//! Questions to a small lake that the tests themselves fill.
//! What is written and how is tested elsewhere.

mod answers; // what is answered, and how it is written
mod bed; // a lake of two sources, a counting store, an inventory of two buckets
mod definitions; // tables and views for other engines
mod explaining; // what is told before a question runs
mod faults; // what is told when something is wrong
mod joins; // inventory, its past, and joins with logs
mod ocsf; // views in the terms of OCSF, and their export
mod pruning; // what is not read
