//! How things lie in the lake: partitions, the columns of files, their encodings.
//! Building rows is `rows/`, writing files is `write/`.

pub(crate) mod encoding;
pub(crate) mod partition;
pub(crate) mod table;
