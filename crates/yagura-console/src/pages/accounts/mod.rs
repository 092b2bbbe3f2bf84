//! The pages of accounts: the organization as a tree, and one account with its findings, scores
//! and what could not be seen of it.
//! Resources of an account are listed on the page of resources.

mod account;
mod list;
mod tree;

use std::collections::BTreeMap;

use yagura_model::CoverageState;
use yagura_model::finding::Scope;
use yagura_store::{Account, Store, StoreError};

use crate::gate::{Need, Routes};
use crate::pages::standing::Standing;
use crate::viewer::Role;

#[cfg(test)]
pub(super) use {account::account, list::list};

pub(super) fn routes(routes: Routes) -> Routes {
    let viewer = Need::Role(Role::Viewer);
    routes.get("/accounts", viewer, list::list).get("/accounts/{id}", viewer, account::account)
}

/// How much of an account was listed. What AWS does not offer and nobody asked for is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
struct Seen {
    /// Listings that were complete.
    complete: u64,
    /// Listings of which something should have answered and did not.
    blind: u64,
}

impl Seen {
    fn count(&mut self, state: &CoverageState) {
        match state.unread() {
            None => self.complete += 1,
            Some(unread) if unread.reason.is_blind() => self.blind += 1,
            Some(_) => {}
        }
    }

    fn add(&mut self, more: Self) {
        self.complete += more.complete;
        self.blind += more.blind;
    }

    /// Listings that were complete, in whole percent, rounded down.
    fn percent(self) -> Option<u64> {
        (self.complete * 100).checked_div(self.complete + self.blind)
    }
}

/// Every account that is known and within the scope, by id: as scanned, else as the organization
/// tells it.
async fn known(
    store: &Store,
    standing: &Standing,
    scope: &Scope,
) -> Result<BTreeMap<String, Account>, StoreError> {
    let mut known: BTreeMap<String, Account> = BTreeMap::new();
    let scanned = store.accounts().await?;
    for account in standing.organization.iter().cloned().chain(scanned) {
        if !scope.admits(&account.id) {
            continue;
        }
        let place = known.entry(account.id.clone()).or_default();
        place.id = account.id;
        if !account.name.is_empty() {
            place.name = account.name;
        }
        if !account.ou.is_empty() {
            place.ou = account.ou;
        }
    }
    Ok(known)
}
