//! Where is asked: the regions that each account has enabled, cut down to the ones asked for.
//! Which accounts there are is in `organization`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use serde_json::{Value, json};
use yagura_model::{Path, Unread, UnreadReason};

use crate::caller::{CallName, Caller, Failure, Place};
use crate::error::CollectError;
use crate::notice::{Notice, NoticeKind};
use crate::organization::Organization;

/// How many accounts are asked for their regions at the same time.
const ACCOUNTS_AT_ONCE: usize = 16;

/// The regions to scan, by account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// Region names in order, by account.
    pub by_account: BTreeMap<String, Vec<String>>,
    /// Why there are, or may be, enabled regions that are not scanned, by account; accounts that
    /// are scanned in all their regions are not here.
    pub left_out: BTreeMap<String, Unread>,
    /// What a person should know: regions left out, lists that could not be read.
    pub notices: Vec<Notice>,
}

/// Reads the enabled regions of every account.
///
/// `wanted` cuts them down (`--regions`; empty: all of them). Where an account does not say, the
/// wanted regions are tried, else `fallback`.
pub(crate) async fn read(
    caller: &Arc<dyn Caller>,
    organization: &Organization,
    wanted: &[String],
    fallback: &str,
) -> Result<Regions, CollectError> {
    let home = organization.home_region();
    let answers: Vec<(String, Result<Vec<String>, Failure>)> =
        futures::stream::iter(&organization.accounts)
            .map(|account| async move {
                let place = Place { account: account.id.clone(), region: home.to_owned() };
                (account.id.clone(), enabled(caller, &place).await)
            })
            .buffered(ACCOUNTS_AT_ONCE)
            .collect()
            .await;
    let everywhere: BTreeSet<&String> =
        answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).flatten().collect();
    let nobody_failed = answers.iter().all(|(_, answer)| answer.is_ok());
    if let Some(unknown) = wanted.iter().find(|region| !everywhere.contains(region))
        && nobody_failed
    {
        return Err(CollectError::NoSuchRegion {
            wanted: unknown.clone(),
            enabled: everywhere.into_iter().cloned().collect(),
        });
    }
    let mut regions = Regions::default();
    for (account, answer) in answers {
        let chosen = match answer {
            Ok(enabled) => choose(&account, enabled, wanted, &mut regions),
            Err(failure) => {
                let mut tried =
                    if wanted.is_empty() { vec![fallback.to_owned()] } else { wanted.to_vec() };
                tried.sort();
                tried.dedup();
                // An account that cannot be entered is said by the inventory, and once is enough.
                if !is_closed(&failure) {
                    let left_out = match wanted {
                        [] => failure.at(Path::default(), &failure.unread.call),
                        _ => cut_down(),
                    };
                    regions.left_out.insert(account.clone(), left_out);
                    regions.notices.push(Notice {
                        account: account.clone(),
                        region: String::new(),
                        kind: NoticeKind::RegionsUnreadable { tried: tried.clone() },
                        unread: *failure.unread,
                    });
                }
                tried
            }
        };
        regions.by_account.insert(account, chosen);
    }
    Ok(regions)
}

/// Why regions are left out that the person did not want.
fn cut_down() -> Unread {
    *Failure::local(UnreadReason::NotRequested, "account:ListRegions", "").unread
}

/// The enabled regions that are wanted; those wanted and not enabled are said.
fn choose(
    account: &str,
    enabled: Vec<String>,
    wanted: &[String],
    regions: &mut Regions,
) -> Vec<String> {
    for region in wanted.iter().filter(|region| !enabled.contains(region)) {
        regions.notices.push(Notice {
            account: account.to_owned(),
            region: region.clone(),
            kind: NoticeKind::RegionNotEnabled,
            unread: cut_down(),
        });
    }
    let known = enabled.len();
    let chosen: Vec<String> =
        enabled.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name)).collect();
    if chosen.len() < known {
        regions.left_out.insert(account.to_owned(), cut_down());
    }
    chosen
}

/// The regions an account has enabled, in order: from Account Management, else from EC2 (whose
/// answer leaves out regions that are not opted in, unless asked for all).
async fn enabled(caller: &Arc<dyn Caller>, place: &Place) -> Result<Vec<String>, Failure> {
    let input = json!({"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]});
    let listed = caller.call(place, &CallName::new("account", "ListRegions"), &input).await;
    let regions = match listed {
        Err(failure) if is_closed(&failure) => return Err(failure),
        Err(_) => Vec::new(),
        Ok(ref output) => names(output),
    };
    if !regions.is_empty() {
        return Ok(regions);
    }
    let described = caller.call(place, &CallName::new("ec2", "DescribeRegions"), &json!({})).await;
    match described {
        Ok(output) if !names(&output).is_empty() => Ok(names(&output)),
        Ok(_) => Err(Failure::local(
            UnreadReason::Failed,
            "ec2:DescribeRegions",
            "the answer names no region",
        )),
        // The first refusal says more about what to grant than the second.
        Err(failure) => Err(listed.err().unwrap_or(failure)),
    }
}

/// Whether the role of the account could not be taken on at all.
fn is_closed(failure: &Failure) -> bool {
    failure.unread.call == "sts:AssumeRole"
}

fn names(output: &Value) -> Vec<String> {
    let mut names: Vec<String> = output
        .get("Regions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|region| region.get("RegionName")?.as_str())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
#[path = "regions_tests.rs"]
mod tests;
