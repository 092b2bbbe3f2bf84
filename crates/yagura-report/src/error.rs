//! What can go wrong while a report is written.
//! What could not be read from AWS is data of the report, not an error here.

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file or the pipe did not take it.
    #[error("cannot write the report")]
    Write(#[from] std::io::Error),
    /// A record could not be serialized.
    #[error("cannot serialize a record of the report")]
    Serialize(#[from] serde_json::Error),
    /// The page could not be made from its template.
    #[error("cannot make the HTML report")]
    Page(#[from] minijinja::Error),
    /// No such format.
    #[error("`{0}` is not a format (table, plain, json, ocsf, asff, csv, html, sarif, junit)")]
    UnknownFormat(String),
    /// The format is not one record after another.
    #[error("`{0}` cannot be written record by record")]
    NotRows(&'static str),
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        Self::Write(std::io::Error::other(error))
    }
}
