//! What a scan could not see, gathered by why: how much it is, an example, and what to do.
//! What it means for verdicts is told with them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use yagura_model::{Coverage, Lang, UnreadReason};
use yagura_report::words;

/// Gaps, and names of one gap, that are shown.
const SHOWN: usize = 6;
const NAMES: usize = 4;

/// Listings that could not be read for one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Gap {
    reason: String,
    /// The IAM action that is missing, or the call that did not answer.
    what: String,
    /// Listings: a type in an account and region.
    listings: u64,
    accounts: Vec<String>,
    more_accounts: u64,
    types: Vec<String>,
    more_types: u64,
    remedy: String,
}

#[derive(Default)]
struct Gathered {
    listings: u64,
    accounts: BTreeSet<String>,
    types: BTreeSet<String>,
}

/// The gaps of some listings, the largest first, and how many are not shown.
pub(super) fn gaps_of<'a>(
    coverage: impl Iterator<Item = &'a Coverage>,
    lang: Lang,
) -> (Vec<Gap>, u64) {
    let mut gathered: BTreeMap<(UnreadReason, String), Gathered> = BTreeMap::new();
    for one in coverage {
        let Some(unread) = one.state.unread().filter(|unread| unread.reason.is_blind()) else {
            continue;
        };
        let what = if unread.action.is_empty() { &unread.call } else { &unread.action };
        let gap = gathered.entry((unread.reason, what.clone())).or_default();
        gap.listings += 1;
        gap.accounts.insert(one.account.clone());
        gap.types.insert(one.type_name.clone());
    }
    let mut all: Vec<_> = gathered.into_iter().collect();
    all.sort_by_key(|(_, gap)| std::cmp::Reverse(gap.listings));
    let more = all.len().saturating_sub(SHOWN) as u64;
    let words = words(lang);
    let shown = all.into_iter().take(SHOWN).map(|((reason, what), gap)| {
        let (accounts, more_accounts) = some(gap.accounts);
        let (types, more_types) = some(gap.types);
        Gap {
            reason: words.get(&format!("report.reason.{}", reason.as_str())).to_owned(),
            remedy: words.get(&format!("console_overview.remedy.{}", reason.as_str())).to_owned(),
            what,
            listings: gap.listings,
            accounts,
            more_accounts,
            types,
            more_types,
        }
    });
    (shown.collect(), more)
}

fn some(names: BTreeSet<String>) -> (Vec<String>, u64) {
    let more = names.len().saturating_sub(NAMES) as u64;
    (names.into_iter().take(NAMES).collect(), more)
}

#[cfg(test)]
mod tests {
    use yagura_model::{CoverageState, Path, Unread};

    use super::*;

    fn listing(account: &str, reason: UnreadReason) -> Coverage {
        Coverage {
            account: account.to_owned(),
            region: "us-east-1".to_owned(),
            type_name: "AWS::KMS::Key".to_owned(),
            state: CoverageState::Unread(Unread {
                action: "kms:ListKeys".to_owned(),
                ..Unread::of(Path::default(), reason)
            }),
            count: 0,
        }
    }

    #[test]
    fn one_missing_action_is_one_gap_wherever_it_is_missing() {
        let all = [
            listing("1", UnreadReason::Denied),
            listing("2", UnreadReason::Denied),
            listing("2", UnreadReason::Throttled),
            listing("3", UnreadReason::NotRequested),
        ];
        let (gaps, more) = gaps_of(all.iter(), Lang::En);
        assert_eq!((gaps.len(), more), (2, 0), "what nobody asked for is no gap");
        assert_eq!((gaps[0].listings, gaps[0].accounts.len()), (2, 2));
        assert_eq!(gaps[0].what, "kms:ListKeys");
    }
}
