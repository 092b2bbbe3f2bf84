//! Facts of one resource, worked out when its page is looked at: from the resource and from the
//! few types around it that its facts rest on, as the store knows them now.
//! What the facts are is analyze's; judging reads them over a whole scan, this over one account.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::Serialize;
use yagura_analyze::{Listing, Surroundings, fact_sources, facts_of};
use yagura_model::{
    Coverage, CoverageState, GLOBAL_REGION, OTHER_ACCOUNTS, Path, Resource, Unread, UnreadReason,
};
use yagura_report::Words;
use yagura_store::{ResourceFilter, Store, StoreError};

use super::tree::{self, Node};

/// Resources around one that are read at most. With more, facts are left to the scan.
const AROUND_MAX: usize = 2_000;
/// What is known of the organization is in its management account, whoever asks.
const ORGANIZATION: &str = "AWS::Organizations::";

/// The facts of a resource.
#[derive(Debug, Default, Serialize)]
pub(super) struct FactsView {
    pub(super) facts: Vec<FactView>,
    /// Whether there was too much around it to work them out here.
    pub(super) too_many: bool,
}

/// One fact.
#[derive(Debug, Serialize)]
pub(super) struct FactView {
    name: String,
    value: Vec<Node>,
    unread: Vec<String>,
}

/// What is around a resource, in memory.
struct Around {
    resources: Vec<Resource>,
    coverage: Vec<Coverage>,
}

/// Works out the facts of a resource.
pub(super) async fn facts(
    store: &Store,
    resource: &Resource,
    coverage: &[Coverage],
    words: &Words,
) -> Result<FactsView, StoreError> {
    let mut types: BTreeSet<&str> = BTreeSet::new();
    let mut any = false;
    for source in fact_sources(&resource.type_name) {
        any = true;
        types.extend(source.neighbors.iter().map(|(name, _)| *name));
    }
    if !any {
        return Ok(FactsView::default());
    }
    let mut around = Around {
        resources: Vec::new(),
        coverage: coverage.iter().filter(|one| types.contains(&*one.type_name)).cloned().collect(),
    };
    for name in types {
        let everywhere = name.starts_with(ORGANIZATION);
        let filter = ResourceFilter {
            types: vec![name.to_owned()],
            accounts: if everywhere { Vec::new() } else { vec![resource.account.clone()] },
            regions: Vec::new(),
        };
        let mut found = store.resources_at(Timestamp::MAX, &filter);
        while let Some(one) = found.try_next().await? {
            around.resources.push(one);
            if around.resources.len() > AROUND_MAX {
                return Ok(FactsView { facts: Vec::new(), too_many: true });
            }
        }
    }
    let worked_out = facts_of(resource, &around, &|_| true);
    let members = worked_out.values.as_object().cloned().unwrap_or_default();
    let mut facts = Vec::new();
    for (name, value) in members {
        let value = match value {
            serde_json::Value::Object(map) => map,
            other => [(name.clone(), other)].into_iter().collect(),
        };
        let of = Path::of_keys(["facts", &name]);
        let mut unread: Vec<String> = Vec::new();
        for part in worked_out.unread.iter().filter(|part| of.covers(&part.path)) {
            let phrase = yagura_report::unread(words, part);
            if !unread.contains(&phrase) {
                unread.push(phrase);
            }
        }
        facts.push(FactView { name, value: tree::tree(&value), unread });
    }
    Ok(FactsView { facts, too_many: false })
}

/// Nobody has listed this.
const NOT_LISTED: Unread = Unread::of(Path(Vec::new()), UnreadReason::NotRequested);

impl Around {
    fn listed(&self, keep: impl Fn(&Resource) -> bool) -> Vec<&Resource> {
        self.resources.iter().filter(|one| keep(one)).collect()
    }

    /// Why a listing may not be whole: in one region, or in any where none is named.
    fn gaps(&self, account: &str, region: Option<&str>, type_name: &str) -> Vec<Unread> {
        let of_type = || self.coverage.iter().filter(|one| one.type_name == type_name);
        let known = of_type().any(|one| one.account == account);
        let account = if known { account } else { OTHER_ACCOUNTS };
        let own: Vec<&Coverage> = of_type().filter(|one| one.account == account).collect();
        if own.is_empty() {
            return vec![NOT_LISTED];
        }
        let Some(region) = region else {
            let unread = own.iter().filter_map(|one| CoverageState::unread(&one.state));
            let counts = |unread: &&Unread| unread.reason != UnreadReason::Unsupported;
            return unread.filter(counts).cloned().collect();
        };
        let word = |region: &str| own.iter().find(|one| one.region == region);
        match word(region).or_else(|| word(GLOBAL_REGION)) {
            None => vec![NOT_LISTED],
            Some(word) => word.state.unread().cloned().into_iter().collect(),
        }
    }
}

impl Surroundings for Around {
    fn in_account(&self, account: &str, type_name: &str) -> Listing<'_> {
        let own = |one: &Resource| one.type_name == type_name && one.account == account;
        Listing { resources: self.listed(own), unread: self.gaps(account, None, type_name) }
    }

    fn in_region(&self, account: &str, region: &str, type_name: &str) -> Listing<'_> {
        let own = |one: &Resource| {
            one.type_name == type_name && one.account == account && one.region == region
        };
        Listing { resources: self.listed(own), unread: self.gaps(account, Some(region), type_name) }
    }

    fn in_organization(&self, type_name: &str) -> Listing<'_> {
        let of_type = self.coverage.iter().filter(|one| one.type_name == type_name);
        let accounts: BTreeSet<&str> = of_type.map(|one| one.account.as_str()).collect();
        let unread = if accounts.is_empty() {
            vec![NOT_LISTED]
        } else {
            accounts.iter().flat_map(|account| self.gaps(account, None, type_name)).collect()
        };
        Listing { resources: self.listed(|one| one.type_name == type_name), unread }
    }

    fn find(&self, account: &str, type_name: &str, target: &str) -> Listing<'_> {
        let found = self.listed(|one| {
            one.type_name == type_name
                && (one.arn.as_deref() == Some(target)
                    || one.account == account && one.id == target)
        });
        let unread = match found.is_empty() {
            true => self.gaps(account, None, type_name),
            false => Vec::new(),
        };
        Listing { resources: found, unread }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(coverage: Vec<Coverage>) -> Around {
        Around { resources: Vec::new(), coverage }
    }

    fn listed(account: &str, region: &str, state: CoverageState) -> Coverage {
        let type_name = "AWS::EC2::RouteTable".to_owned();
        Coverage { account: account.into(), region: region.into(), type_name, state, count: 0 }
    }

    #[test]
    fn what_nobody_listed_is_not_absent() {
        let unread = around(vec![]).gaps("111122223333", Some("eu-west-1"), "AWS::EC2::RouteTable");
        assert_eq!(unread, [NOT_LISTED]);
    }

    #[test]
    fn the_word_on_a_region_is_its_own_else_the_global_one() {
        let denied = Unread::of(Path(Vec::new()), UnreadReason::Denied);
        let around = around(vec![
            listed("1", GLOBAL_REGION, CoverageState::Unread(denied.clone())),
            listed("1", "eu-west-1", CoverageState::Complete),
        ]);
        let gaps = |region| around.gaps("1", Some(region), "AWS::EC2::RouteTable");
        assert_eq!(gaps("eu-west-1"), []);
        assert_eq!(gaps("eu-west-2"), [denied]);
    }
}
