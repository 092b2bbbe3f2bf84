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
    /// No such format: what was asked for, and what there is.
    #[error("`{0}` is not a format ({1})")]
    UnknownFormat(String, String),
    /// The format is not one record after another.
    #[error("`{0}` cannot be written record by record")]
    NotRows(&'static str),
}

impl ReportError {
    /// No format has the name; those that there are, have these.
    pub(crate) fn unknown_format<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Self {
        Self::UnknownFormat(name.to_owned(), known.collect::<Vec<_>>().join(", "))
    }
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        Self::Write(std::io::Error::other(error))
    }
}
