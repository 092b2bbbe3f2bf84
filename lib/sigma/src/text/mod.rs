//! Texts as Sigma compares them: folded case, wildcard patterns, encodings, regular expressions.
//! Which field a text is compared with is not known here.

pub(crate) mod cidr;
pub(crate) mod encode;
pub(crate) mod fold;
mod fold_table;
pub(crate) mod glob;
pub(crate) mod pattern;
pub(crate) mod regexp;
pub(crate) mod time;
