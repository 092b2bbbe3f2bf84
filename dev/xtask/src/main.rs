//! All chores of the repository, in Rust.
fn main() {}
