//! The integration tests of the content crate, in one binary.
//! Tests of private parts stand beside the code.

mod builtin;
mod expression_laws;
mod expression_reads;
mod expression_results;
mod hostile;
mod lint_messages;
mod site_folder;
