//! The other resources of a scan, in memory: only the types, and of them only the attributes,
//! that controls reach from elsewhere. Judging itself is in `judge.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde_json::{Map, Value};
use yagura_analyze::{Surroundings, facts_of};
use yagura_content::expression::{Facts, Listing};
use yagura_model::{
    Arn, Coverage, CoverageState, GLOBAL_REGION, OTHER_ACCOUNTS, Path, Relation, Resource, Step,
    Unread, UnreadReason,
};

use super::needs::Needs;

/// Nobody has listed this.
static NOT_LISTED: Unread = Unread::of(Path(Vec::new()), UnreadReason::NotRequested);

/// The resources that controls reach from others, indexed, with how much of them was listed.
#[derive(Debug, Default)]
pub struct Snapshot {
    needs: Needs,
    entries: Vec<Entry>,
    types: HashMap<String, TypeIndex>,
}

#[derive(Debug)]
struct Entry {
    resource: Resource,
    facts: OnceLock<yagura_analyze::Facts>,
    /// Facts that a case states instead of having them worked out.
    given: Option<Map<String, Value>>,
}

/// The resources of one type, by the ways they are looked up. Numbers count entries.
#[derive(Debug, Default)]
struct TypeIndex {
    all: Vec<usize>,
    accounts: HashMap<String, AccountIndex>,
    by_arn: HashMap<String, Vec<usize>>,
    /// Relation name → target → those that point at it.
    pointing: HashMap<String, HashMap<String, Vec<usize>>>,
    /// Those of whose relations something is unread.
    pointing_unread: Vec<usize>,
    /// Account → region → outcome.
    coverage: BTreeMap<String, BTreeMap<String, CoverageState>>,
}

#[derive(Debug, Default)]
struct AccountIndex {
    all: Vec<usize>,
    by_id: HashMap<String, Vec<usize>>,
    regions: HashMap<String, Vec<usize>>,
}

impl Snapshot {
    /// An empty snapshot that keeps what a judge needs ([`Judge::needs`](crate::Judge::needs)).
    pub fn new(needs: &Needs) -> Self {
        Self { needs: needs.clone(), ..Self::default() }
    }

    /// Whether a resource of this type would be kept.
    pub fn keeps(&self, type_name: &str) -> bool {
        self.needs.keeps(type_name)
    }

    /// Keeps a resource, without the attributes nobody looks at; one of a type that nobody
    /// reaches is dropped.
    pub fn add(&mut self, resource: Resource) {
        self.add_given(resource, None);
    }

    /// Keeps a resource of which a case states some facts.
    pub(crate) fn add_given(&mut self, resource: Resource, given: Option<Map<String, Value>>) {
        if !self.needs.keeps(&resource.type_name) {
            return;
        }
        let resource = self.needs.prune(resource);
        let at = self.entries.len();
        let index = self.types.entry(resource.type_name.clone()).or_default();
        index.all.push(at);
        let account = index.accounts.entry(resource.account.clone()).or_default();
        account.all.push(at);
        account.by_id.entry(resource.id.clone()).or_default().push(at);
        account.regions.entry(resource.region.clone()).or_default().push(at);
        if let Some(arn) = &resource.arn {
            index.by_arn.entry(arn.clone()).or_default().push(at);
        }
        for Relation { name, target, .. } in &resource.relations {
            let targets = index.pointing.entry(name.clone()).or_default();
            targets.entry(target.clone()).or_default().push(at);
        }
        if unread_relations(&resource, None).next().is_some() {
            index.pointing_unread.push(at);
        }
        self.entries.push(Entry { resource, facts: OnceLock::new(), given });
    }

    /// Notes how much of a type was listed in an account and region. What is never noted counts
    /// as not listed, so that nothing is taken for absent because nobody looked.
    pub fn cover(&mut self, coverage: &Coverage) {
        if self.needs.keeps(&coverage.type_name) {
            let index = self.types.entry(coverage.type_name.clone()).or_default();
            let regions = index.coverage.entry(coverage.account.clone()).or_default();
            regions.insert(coverage.region.clone(), coverage.state.clone());
        }
    }

    fn resources<'s>(&'s self, at: &'s [usize]) -> impl Iterator<Item = &'s Resource> {
        at.iter().filter_map(|at| self.entries.get(*at)).map(|entry| &entry.resource)
    }

    pub(crate) fn account_listing(&self, account: &str, type_name: &str) -> Listing<'_> {
        let Some(index) = self.types.get(type_name) else { return not_listed() };
        let found = index.accounts.get(account);
        Listing {
            resources: found.map_or_else(Vec::new, |found| self.resources(&found.all).collect()),
            unread: index.unread_in_account(account),
        }
    }

    pub(crate) fn region_listing(
        &self,
        account: &str,
        region: &str,
        type_name: &str,
    ) -> Listing<'_> {
        let Some(index) = self.types.get(type_name) else { return not_listed() };
        let found = index.accounts.get(account).and_then(|found| found.regions.get(region));
        Listing {
            resources: found.map_or_else(Vec::new, |found| self.resources(found).collect()),
            unread: index.unread_in_region(account, region),
        }
    }

    pub(crate) fn organization_listing(&self, type_name: &str) -> Listing<'_> {
        let Some(index) = self.types.get(type_name) else { return not_listed() };
        let unread = if index.coverage.is_empty() {
            vec![&NOT_LISTED]
        } else {
            index.coverage.keys().flat_map(|account| index.unread_in_account(account)).collect()
        };
        Listing { resources: self.resources(&index.all).collect(), unread }
    }

    /// The targets of a relation. A target that is in no listing is nowhere, if its place was
    /// listed whole; else it may be there.
    pub(crate) fn related(&self, resource: &Resource, relation: &str) -> Listing<'_> {
        let mut listing = Listing::default();
        for edge in resource.relations.iter().filter(|edge| edge.name == relation) {
            let found = self.target(
                &resource.account,
                Some(&resource.region),
                &edge.type_name,
                &edge.target,
            );
            if found.resources.is_empty() {
                listing.unread.extend(found.unread);
            }
            listing.resources.extend(found.resources);
        }
        listing
    }

    /// The resource of a type with this ARN, or with this id in the account (and, for what lives
    /// in regions, the region).
    fn target(
        &self,
        account: &str,
        region: Option<&str>,
        type_name: &str,
        target: &str,
    ) -> Listing<'_> {
        let Some(index) = self.types.get(type_name) else { return not_listed() };
        if let Some(found) = index.by_arn.get(target) {
            // A trail of the organization is listed by every member under the same ARN.
            let own = self.resources(found).find(|resource| resource.account == account);
            let resources = own.or_else(|| self.resources(found).next()).into_iter().collect();
            return Listing { resources, unread: Vec::new() };
        }
        if let Ok(arn) = target.parse::<Arn>() {
            return Listing { resources: Vec::new(), unread: index.unread_at(&arn, account) };
        }
        let ids = index.accounts.get(account).and_then(|found| found.by_id.get(target));
        let resources: Vec<_> = ids
            .map(Vec::as_slice)
            .map_or_else(Vec::new, |ids| self.resources(ids).collect::<Vec<_>>())
            .into_iter()
            .filter(|found| region.is_none_or(|region| reaches(region, &found.region)))
            .collect();
        let unread = match region {
            Some(region) if region != GLOBAL_REGION => index.unread_in_region(account, region),
            _ => index.unread_in_account(account),
        };
        Listing { resources, unread }
    }

    /// The resources of a type whose relation points at a resource. Looked for in the resource's
    /// own region, or in its whole account where it belongs to no region.
    pub(crate) fn referring(
        &self,
        resource: &Resource,
        type_name: &str,
        relation: &str,
    ) -> Listing<'_> {
        let Some(index) = self.types.get(type_name) else { return not_listed() };
        let mut listing = Listing::default();
        let near = |other: &&Resource| {
            other.account == resource.account && reaches(&other.region, &resource.region)
        };
        if let Some(targets) = index.pointing.get(relation) {
            let by = |target: &str| self.resources(targets.get(target).map_or(&[], Vec::as_slice));
            listing.resources.extend(by(&resource.id).filter(near));
            for arn in resource.arn.iter().filter(|arn| **arn != resource.id) {
                listing.resources.extend(by(arn));
            }
        }
        listing.unread = if resource.region == GLOBAL_REGION {
            index.unread_in_account(&resource.account)
        } else {
            index.unread_in_region(&resource.account, &resource.region)
        };
        let undecided = self.resources(&index.pointing_unread).filter(near);
        listing.unread.extend(undecided.flat_map(|r| unread_relations(r, Some(relation))));
        listing
    }

    /// Facts of a kept resource. `None` for one that is not kept here.
    pub(crate) fn facts(&self, resource: &Resource) -> Option<Facts<'_>> {
        let wanted = self.needs.facts(&resource.type_name)?;
        let index = self.types.get(&resource.type_name)?;
        let account = index.accounts.get(&resource.account)?;
        let entry = account
            .by_id
            .get(&resource.id)?
            .iter()
            .filter_map(|at| self.entries.get(*at))
            .find(|entry| entry.resource.region == resource.region)?;
        let facts = entry.facts.get_or_init(|| {
            let facts = facts_of(&entry.resource, self, &|name| wanted.wants(name));
            match &entry.given {
                Some(given) => facts.with(given),
                None => facts,
            }
        });
        Some(Facts { value: &facts.values, unread: &facts.unread })
    }
}

/// Whether a native id seen from one region can mean something in another: only the same region,
/// or what belongs to none.
fn reaches(from: &str, to: &str) -> bool {
    from == to || from == GLOBAL_REGION || to == GLOBAL_REGION
}

/// Unread parts at or above a relation (any, where none is named).
fn unread_relations<'r, 'n>(
    resource: &'r Resource,
    relation: Option<&'n str>,
) -> impl Iterator<Item = &'r Unread> + use<'r, 'n> {
    resource.unread.iter().filter(move |unread| match unread.path.0.as_slice() {
        [] => true,
        [Step::Key(root), rest @ ..] => {
            root == "relations"
                && match (rest.first(), relation) {
                    (Some(Step::Key(name)), Some(relation)) => name == relation,
                    _ => true,
                }
        }
        _ => false,
    })
}

fn not_listed() -> Listing<'static> {
    Listing { resources: Vec::new(), unread: vec![&NOT_LISTED] }
}

impl TypeIndex {
    /// What was said of an account, else of those that the scan left out.
    fn covered(&self, account: &str) -> Option<&BTreeMap<String, CoverageState>> {
        self.coverage.get(account).or_else(|| self.coverage.get(OTHER_ACCOUNTS))
    }

    /// Why the listing of an account may not be whole. Where AWS does not offer a type there is
    /// none of it, so that this does not count against the rest of the account.
    fn unread_in_account(&self, account: &str) -> Vec<&Unread> {
        let Some(regions) = self.covered(account) else { return vec![&NOT_LISTED] };
        regions
            .values()
            .filter_map(CoverageState::unread)
            .filter(|unread| unread.reason != UnreadReason::Unsupported)
            .collect()
    }

    /// Why the listing of a region may not be whole; here *not offered* is said.
    fn unread_in_region(&self, account: &str, region: &str) -> Vec<&Unread> {
        let Some(regions) = self.covered(account) else { return vec![&NOT_LISTED] };
        match regions.get(region).or_else(|| regions.get(GLOBAL_REGION)) {
            None => vec![&NOT_LISTED],
            Some(state) => state.unread().into_iter().collect(),
        }
    }

    /// Why what an ARN names may be there although it was not found.
    fn unread_at(&self, arn: &Arn, own_account: &str) -> Vec<&Unread> {
        // `aws` is AWS's own account: its managed policies are listed nowhere as one's own.
        let account = match arn.account.as_str() {
            "" | "aws" => own_account,
            account => account,
        };
        if arn.region.is_empty() {
            self.unread_in_account(account)
        } else {
            self.unread_in_region(account, &arn.region)
        }
    }
}

impl Surroundings for Snapshot {
    fn in_account(&self, account: &str, type_name: &str) -> yagura_analyze::Listing<'_> {
        in_its_terms(self.account_listing(account, type_name))
    }

    fn in_region(
        &self,
        account: &str,
        region: &str,
        type_name: &str,
    ) -> yagura_analyze::Listing<'_> {
        in_its_terms(self.region_listing(account, region, type_name))
    }

    fn in_organization(&self, type_name: &str) -> yagura_analyze::Listing<'_> {
        in_its_terms(self.organization_listing(type_name))
    }

    fn find(&self, account: &str, type_name: &str, target: &str) -> yagura_analyze::Listing<'_> {
        in_its_terms(self.target(account, None, type_name, target))
    }
}

fn in_its_terms(listing: Listing<'_>) -> yagura_analyze::Listing<'_> {
    yagura_analyze::Listing {
        resources: listing.resources,
        unread: listing.unread.into_iter().cloned().collect(),
    }
}
