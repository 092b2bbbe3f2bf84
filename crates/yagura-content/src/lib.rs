//! Content: what the product knows about AWS and security, loaded, checked and compiled.
//! Judging with it, collecting with it and showing it are the business of other crates.

pub mod expression;
pub mod format;
pub mod glob;
mod lint;
mod loader;
mod mapping;
mod place;
mod problem;
pub mod scaffold;
mod yaml;

pub use lint::{AccessLevel, ApiFacts};
pub use loader::Content;
pub use mapping::Requirements;
pub use place::{Place, Placed};
pub use problem::{Problem, ProblemLevel};

/// Reads YAML that belongs to no folder of content (the demo's past), within the same budget.
///
/// # Errors
/// What is not YAML, repeats a key, or does not fit the type; with its line and column.
pub fn read_yaml<T: serde::de::DeserializeOwned>(
    name: &str,
    text: &str,
) -> Result<T, Box<Problem>> {
    yaml::read(&problem::File::new(name, text), text, yaml::Form::Yaml)
}
