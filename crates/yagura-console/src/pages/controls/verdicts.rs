//! The verdicts of one control, page by page over the scans that count: what fails, what is
//! unknown, what somebody has accepted.
//! How verdicts are kept is the store's.

use std::collections::BTreeSet;

use yagura_model::{Verdict, VerdictStatus};
use yagura_store::{ScanId, Store, StoreError, VerdictPlace};

/// Verdicts on a page.
pub(super) const ROWS: usize = 50;
/// Verdicts that are looked through for one page; where more would be needed, the page ends early
/// and leads on.
const LOOKED_THROUGH: usize = 2_000;

/// Which verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// Failures that nobody has accepted.
    Fail,
    Unknown,
    /// Failures that somebody has accepted until a date.
    Accepted,
}

impl Show {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "unknown" => Self::Unknown,
            "accepted" => Self::Accepted,
            _ => Self::Fail,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
        }
    }

    fn status(self) -> VerdictStatus {
        match self {
            Self::Fail | Self::Accepted => VerdictStatus::Fail,
            Self::Unknown => VerdictStatus::Unknown,
        }
    }

    fn wants(self, verdict: &Verdict) -> bool {
        match self {
            Self::Fail => verdict.exception.is_none(),
            Self::Unknown => true,
            Self::Accepted => verdict.exception.is_some(),
        }
    }
}

/// Where a page goes on: in which scan, after which resource.
fn place_of(cursor: &str) -> Option<(i64, i64)> {
    let (scan, resource) = cursor.split_once('.')?;
    Some((scan.parse().ok()?, resource.parse().ok()?))
}

/// A page of verdicts of one kind, and where the next one goes on.
///
/// # Errors
/// Where the database cannot be read.
pub(super) async fn verdicts(
    store: &Store,
    scans: &[(ScanId, Vec<String>)],
    control: &str,
    show: Show,
    cursor: &str,
) -> Result<(Vec<Verdict>, Option<String>), StoreError> {
    let start = place_of(cursor);
    let mut rows: Vec<Verdict> = Vec::new();
    let mut looked = 0;
    // A cursor of a scan that no longer counts begins anew.
    let known = |scan: i64| scans.iter().position(|(id, _)| id.0 == scan);
    let skipped = start.and_then(|(scan, _)| known(scan)).unwrap_or(0);
    for (scan, accounts) in scans.iter().skip(skipped) {
        let accounts: BTreeSet<String> = accounts.iter().cloned().collect();
        let own = start.filter(|(id, _)| *id == scan.0);
        let mut after = own.map(|(_, resource)| VerdictPlace(resource));
        loop {
            let wanted = ROWS - rows.len();
            let found =
                store.verdict_page(*scan, control, show.status(), &accounts, after, wanted).await?;
            looked += found.verdicts.len();
            rows.extend(found.verdicts.into_iter().filter(|one| show.wants(one)));
            let Some(next) = found.next else { break };
            if rows.len() >= ROWS || looked >= LOOKED_THROUGH {
                return Ok((rows, Some(format!("{}.{}", scan.0, next.0))));
            }
            after = Some(next);
        }
        if rows.len() >= ROWS {
            // The next scan, if there is one, begins at its first resource.
            let next = scans.iter().skip_while(|(id, _)| id != scan).nth(1);
            return Ok((rows, next.map(|(id, _)| format!("{}.0", id.0))));
        }
    }
    Ok((rows, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_scan_and_a_resource_or_nothing() {
        assert_eq!(place_of("3.77"), Some((3, 77)));
        for bad in ["", "3", "3.", ".7", "a.b", "3.7.1"] {
            assert_eq!(place_of(bad), None, "{bad}");
        }
    }
}
