//! An error told with its causes, in one line.
//! What an error says of itself is its own business.

use std::error::Error;

/// An error's text with the texts of its causes, each said once: some errors repeat their cause in
/// their own text.
///
/// ```
/// let inner = std::io::Error::other("the disk is full");
/// let outer = std::io::Error::other(inner);
/// assert_eq!(yagura_model::with_causes(&outer), "the disk is full");
/// ```
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not read `a`")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_follow_the_error_and_what_was_said_is_not_said_again() {
        let error = Outer(std::io::Error::other("the disk is full"));
        assert_eq!(with_causes(&error), "could not read `a`: the disk is full");
        let error = Outer(std::io::Error::other("`a`"));
        assert_eq!(with_causes(&error), "could not read `a`");
    }
}
