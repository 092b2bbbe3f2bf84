//! Content: what the product knows about AWS and security, loaded, checked and compiled.
//! Judging with it, collecting with it and showing it are the business of other crates.

pub mod expression;
