//! Why a text is not a JSON value, and where.
//! What is done about it (waiting for more, quarantine) is the decoder's business.

/// Where a text stops being JSON, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct JsonFault {
    /// Offset of the offending byte from the start of the text that was given.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonFaultKind,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFaultKind {
    /// The text ends inside the value: it may go on in the next chunk.
    #[error("the text ends inside a value")]
    Incomplete,
    /// A byte that no JSON text has there.
    #[error("unexpected character")]
    Unexpected,
    /// More text after the value.
    #[error("text after the value")]
    TrailingText,
    /// A control character inside a string, which JSON wants escaped.
    #[error("control character in a string")]
    ControlCharacter,
    /// A `\` sequence that does not exist, or half of a surrogate pair.
    #[error("invalid escape in a string")]
    InvalidEscape,
    /// Not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// More than [`DEPTH_MAX`](super::DEPTH_MAX) levels of arrays and objects.
    #[error("nested too deeply")]
    TooDeep,
    /// More than [`VALUES_MAX`](super::VALUES_MAX) names and values in one record.
    #[error("too many values")]
    TooManyValues,
    /// The batch cannot hold more than 4 GiB.
    #[error("the batch is full")]
    BatchFull,
}
