//! What answering a question would read, in words.

use crate::query::{Planned, QueryError};

/// x
#[derive(Clone, Debug)]
pub struct Explained;

pub(crate) async fn explain(_planned: &Planned) -> Result<Explained, QueryError> {
    Ok(Explained)
}
