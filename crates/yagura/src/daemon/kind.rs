//! The kinds of jobs, by their words.
//! What each does is in `work/`.

/// What a job does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum JobKind {
    /// Inventories the accounts, judges the controls, folds the result into findings.
    Scan,
    /// Fetches the threat lists that are due.
    Intelligence,
    /// Merges the lake's small files.
    Compact,
    /// Deletes what is kept no longer.
    Retention,
    /// Reads findings of other products through the AWS API.
    Import,
    /// Tells Security Hub of findings.
    Push,
    /// Reads the bill, judges it, keeps it by day.
    Spend,
    /// Writes the whole state but the lake to one file.
    Backup,
    /// Reads a group of watched places, for as long as it is held.
    Ingest,
    /// Folds new alerts into findings.
    Fold,
    /// Decides who is told of what happened to findings.
    Route,
    /// Hands what waits in the outbox to its channels.
    Deliver,
}

impl JobKind {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Scan,
        Self::Intelligence,
        Self::Compact,
        Self::Retention,
        Self::Import,
        Self::Push,
        Self::Spend,
        Self::Backup,
        Self::Ingest,
        Self::Fold,
        Self::Route,
        Self::Deliver,
    ];

    /// The word in the store, in settings and in outputs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Intelligence => "intelligence",
            Self::Compact => "compact",
            Self::Retention => "retention",
            Self::Import => "import",
            Self::Push => "push",
            Self::Spend => "spend",
            Self::Backup => "backup",
            Self::Ingest => "ingest",
            Self::Fold => "fold",
            Self::Route => "route",
            Self::Deliver => "deliver",
        }
    }

    /// The kind of this word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether a schedule may start it; the others follow from what happens.
    pub(crate) fn is_scheduled(self) -> bool {
        !matches!(self, Self::Ingest | Self::Fold | Self::Route | Self::Deliver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_word() {
        for kind in JobKind::ALL {
            assert_eq!(JobKind::of(kind.as_str()), Some(kind));
        }
        assert_eq!(JobKind::of("Scan"), None);
    }
}
