//! Messages to people: which kinds there are, and how the services that show them read text.
//! What a message says is the report's, how it travels the respond stage's.

use serde::{Deserialize, Serialize};

/// Which kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// About one change of one finding.
    Finding,
    /// What gathered until it was sent.
    Digest,
    /// More came in a short time than is told one by one.
    Storm,
    /// What came while single messages were held back.
    StormSummary,
    /// A try; it is never in the outbox, and its delivery is recorded.
    Sample,
}

impl MessageKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Finding, Self::Digest, Self::Storm, Self::StormSummary, Self::Sample];

    /// The word for it in the database, in templates and in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Digest => "digest",
            Self::Storm => "storm",
            Self::StormSummary => "storm_summary",
            Self::Sample => "sample",
        }
    }

    /// The kind of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How foreign text is written so that it is text and nothing else: what could be an order, a
/// mention or a link there has to be written otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextDialect {
    /// No letter means anything (a JSON member, a plain mail).
    Plain,
    /// Slack's: `<…>` is a link, a mention or an order; `&`, `<` and `>` are written as entities
    /// (Slack, "Formatting text for app surfaces", seen 2026-11).
    Mrkdwn,
    /// Markdown, as Microsoft Teams reads it in cards: a backslash before what is markup.
    Markdown,
    /// Chatwork's: `[…]` is an order (`[toall]`), and there is no escape: brackets become
    /// full-width ones.
    Chatwork,
    /// Backlog's: brackets, braces and marks at the beginning of lines mean something, and neither
    /// of its notations knows an escape: what is markup becomes full-width.
    Backlog,
    /// A page or a mail: entities.
    Html,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_word() {
        for kind in MessageKind::ALL {
            assert_eq!(MessageKind::of(kind.as_str()), Some(kind));
        }
        assert_eq!(MessageKind::of("Finding"), None);
    }
}
