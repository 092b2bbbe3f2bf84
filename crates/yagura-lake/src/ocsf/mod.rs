//! Views in the terms of the Open Cybersecurity Schema Framework.

/// A view over sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcsfView {
    /// The view's name in SQL.
    pub name: String,
    /// The tables that it reads.
    pub sources: Vec<String>,
    /// The SQL behind it.
    pub sql: String,
}
