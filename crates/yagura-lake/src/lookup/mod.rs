//! Lookups that people do all day: which row groups may hold a value, told by single blocks of
//! their bloom filters. Reading what those row groups hold is the query's.

mod conditions;
mod filter;

pub(crate) use conditions::{Condition, conditions};
pub(crate) use filter::{Checked, Target, check};
