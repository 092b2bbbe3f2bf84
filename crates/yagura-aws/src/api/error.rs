//! What can go wrong when the API table is opened or asked.
//! Errors of calls are elsewhere: these are about the table itself.

use thiserror::Error;

/// Why the API table could not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The bytes do not begin as a table does.
    #[error("these bytes are not a table of the AWS API")]
    NotATable,
    /// The table was written by another version of the format.
    #[error("the table has format version {found}, this program reads version {known}")]
    Version {
        /// The version in the file.
        found: u8,
        /// The version this program reads.
        known: u8,
    },
    /// The table ends early or contradicts itself.
    #[error("the table is damaged: {what}")]
    Damaged {
        /// Which part, and what was wrong with it.
        what: String,
    },
    /// No service has this name.
    #[error("there is no service `{name}`{}", hint(.similar.as_deref()))]
    UnknownService {
        /// The name asked for.
        name: String,
        /// The nearest name that exists.
        similar: Option<String>,
    },
    /// The service has no operation of this name.
    #[error("service `{service}` has no operation `{operation}`{}", hint(.similar.as_deref()))]
    UnknownOperation {
        /// The service asked.
        service: String,
        /// The operation asked for.
        operation: String,
        /// The nearest name that exists.
        similar: Option<String>,
    },
}

impl ApiError {
    pub(crate) fn damaged(what: impl Into<String>) -> ApiError {
        ApiError::Damaged { what: what.into() }
    }
}

fn hint(similar: Option<&str>) -> String {
    similar.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The candidate nearest to `name`, if one is near enough to be a likely slip of the hand.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_ascii_lowercase();
    let limit = (name.len() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (distance(&wanted, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein's distance over bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(right.bytes()) {
            let above = *cell;
            before = (diagonal + usize::from(a != b)).min(above + 1).min(before + 1);
            diagonal = above;
            *cell = before;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_its_neighbor() {
        let names = ["ListBuckets", "GetBucketAcl", "PutObject"];
        assert_eq!(nearest("ListBucket", names.into_iter()).as_deref(), Some("ListBuckets"));
        assert_eq!(nearest("listbuckets", names.into_iter()).as_deref(), Some("ListBuckets"));
        assert_eq!(nearest("Delete", names.into_iter()), None);
    }

    #[test]
    fn distance_counts_edits() {
        for (left, right, edits) in [("", "abc", 3), ("abc", "abc", 0), ("abc", "axc", 1)] {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }
}
