//! What a scan reads: for each type, the blocks that give the attributes somebody needs; calls
//! that several types live from, made once; and the IAM actions that all of this takes.
//! What the wanted controls need is worked out in `needs`; the calls are made in `part`.

use std::collections::{BTreeMap, BTreeSet};

use yagura_content::Content;
use yagura_content::format::{Control, ListScope, ResourceType};
use yagura_model::Path;

use crate::inventory::call::Ask;
use crate::inventory::needs::{Need, Needs, close};
use crate::inventory::type_plan::{ListPlan, TypePlan};

/// The resource files by type name.
pub(crate) type Types<'c> = BTreeMap<&'c str, &'c ResourceType>;

/// What is wanted of a scan.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'w> {
    /// Every attribute of every type (`--full`).
    Everything,
    /// What these controls look at.
    Controls(&'w [&'w Control]),
    /// Every attribute of these types, by name.
    Types(&'w [&'w str]),
}

/// The calls of a scan, without the accounts and regions they go to.
#[derive(Debug)]
pub struct Plan<'c> {
    types: Vec<TypePlan<'c>>,
    /// Organization, account, region.
    feeds: [Vec<Feed>; 3],
    children: Vec<Vec<Feed>>,
    covered: [Vec<TypeIndex>; 3],
    unknown_types: BTreeSet<String>,
}

/// Which type of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TypeIndex(pub(crate) usize);

/// A listing and the blocks that live from it.
#[derive(Debug)]
pub(crate) struct Feed {
    /// What is asked.
    key: String,
    subscribers: Vec<(TypeIndex, usize)>,
}

/// How many calls a scan makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallsEstimate {
    /// Calls made once for each account, at least.
    pub per_account: u64,
    /// Calls made once for each account and region, at least.
    pub per_region: u64,
    /// Calls made once for the organization, at least.
    pub per_organization: u64,
    /// Further calls for each resource found, by type.
    pub per_resource: BTreeMap<String, u64>,
}

impl<'c> Plan<'c> {
    /// Works out what to read.
    pub fn new(content: &'c Content, wanted: &Wanted<'_>) -> Self {
        let mut needs = needs_of(wanted, &types_of(content));
        // Whether an exception holds may depend on the tags of what it excepts.
        if content.site.exceptions.iter().any(|rule| !rule.tags.is_empty())
            && let Wanted::Controls(controls) = wanted
        {
            let tags = Path::of_keys(["tags"]);
            controls.iter().for_each(|control| needs.add(&control.type_name, &tags));
        }
        Self::of_needs(&types_of(content), needs)
    }

    /// Works out what to read of the given types.
    pub(crate) fn of_types(resources: &Types<'c>, wanted: &Wanted<'_>) -> Self {
        Self::of_needs(resources, needs_of(wanted, resources))
    }

    fn of_needs(resources: &Types<'c>, needs: Needs) -> Self {
        let needs = close(needs, resources);
        let needed: Vec<(&'c ResourceType, &Need)> = needs
            .by_type
            .iter()
            .filter_map(|(name, need)| Some((*resources.get(name.as_str())?, need)))
            .collect();
        let index_of: BTreeMap<&str, TypeIndex> = needed
            .iter()
            .enumerate()
            .map(|(at, (definition, _))| (definition.type_name.as_str(), TypeIndex(at)))
            .collect();
        let types: Vec<TypePlan<'c>> = needed
            .iter()
            .map(|(definition, need)| TypePlan::new(definition, need, &index_of))
            .collect();
        let is_unknown = |name: &&String| !resources.contains_key(name.as_str());
        let unknown_types = needs.by_type.keys().filter(is_unknown).cloned().collect();
        let mut plan = Self {
            children: types.iter().map(|_| Vec::new()).collect(),
            types,
            feeds: [Vec::new(), Vec::new(), Vec::new()],
            covered: [Vec::new(), Vec::new(), Vec::new()],
            unknown_types,
        };
        plan.weave(&index_of);
        plan.order();
        plan
    }

    /// Whether any type is read region by region.
    pub fn needs_regions(&self) -> bool {
        self.has(ListScope::Region)
    }

    /// Whether any type is read once for the organization.
    pub fn needs_organization(&self) -> bool {
        self.has(ListScope::Organization)
    }

    /// The names of the types that are read.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(TypePlan::name)
    }

    /// Types that controls name and no resource file describes.
    pub fn unknown_types(&self) -> impl Iterator<Item = &str> {
        self.unknown_types.iter().map(String::as_str)
    }

    /// The IAM actions that the plan's calls take, without those that read the organization.
    pub fn actions(&self) -> BTreeSet<String> {
        self.asks().map(|ask| ask.action.clone()).collect()
    }

    /// The calls of the plan as `service:Operation`: what a read client must be allowed to send.
    pub fn calls(&self) -> BTreeSet<String> {
        self.asks().map(|ask| ask.text.clone()).collect()
    }

    /// The IAM action that one of the plan's calls takes; often not the operation's name.
    pub fn action_of(&self, call: &str) -> Option<&str> {
        self.asks().find(|ask| ask.text == call).map(|ask| ask.action.as_str())
    }

    /// How many calls the plan makes. Pages beyond the first are not known beforehand.
    pub fn calls_estimate(&self) -> CallsEstimate {
        let count = |scope| {
            let feeds = self.feeds(scope).iter().filter(|feed| self.ask_of(feed).is_some());
            let tables: BTreeSet<String> = self
                .types_in(scope)
                .iter()
                .flat_map(|index| &self.at(*index).lookups)
                .filter(|plan| plan.lookup.batch.is_none())
                .map(|plan| plan.ask.key())
                .collect();
            as_u64(feeds.count() + tables.len())
        };
        let per_resource = self.types.iter().map(|plan| {
            let locate = usize::from(plan.locate.is_some());
            (plan.name().to_owned(), as_u64(plan.details.len() + locate))
        });
        CallsEstimate {
            per_account: count(ListScope::Account),
            per_region: count(ListScope::Region),
            per_organization: count(ListScope::Organization),
            per_resource: per_resource.filter(|(_, count)| *count > 0).collect(),
        }
    }

    fn asks(&self) -> impl Iterator<Item = &Ask<'c>> {
        self.types.iter().flat_map(|plan| {
            let lists = plan.lists.iter().filter_map(|list| list.ask.as_ref());
            let lookups = plan
                .lookups
                .iter()
                .flat_map(|lookup| std::iter::once(&lookup.ask).chain(&lookup.before));
            let details = plan.details.iter().map(|detail| &detail.ask);
            lists.chain(&plan.locate).chain(lookups).chain(details)
        })
    }

    pub(crate) fn has(&self, scope: ListScope) -> bool {
        !self.types_in(scope).is_empty()
    }

    #[expect(clippy::indexing_slicing, reason = "only this plan makes its indices")]
    pub(crate) fn at(&self, index: TypeIndex) -> &TypePlan<'c> {
        &self.types[index.0]
    }

    /// The listings of a scope that depend on no other resource.
    pub(crate) fn feeds(&self, scope: ListScope) -> &[Feed] {
        let [organization, account, region] = &self.feeds;
        match scope {
            ListScope::Organization => organization,
            ListScope::Account => account,
            ListScope::Region => region,
        }
    }

    /// The listings that run once per resource of a type.
    pub(crate) fn children(&self, index: TypeIndex) -> &[Feed] {
        self.children.get(index.0).map_or(&[], Vec::as_slice)
    }

    /// The types whose listing a part of this scope completes, parents before children.
    pub(crate) fn types_in(&self, scope: ListScope) -> &[TypeIndex] {
        let [organization, account, region] = &self.covered;
        match scope {
            ListScope::Organization => organization,
            ListScope::Account => account,
            ListScope::Region => region,
        }
    }

    /// The lists that live from a listing.
    pub(crate) fn subscribers<'a>(
        &'a self,
        feed: &'a Feed,
    ) -> impl Iterator<Item = (TypeIndex, &'a ListPlan<'c>)> + 'a {
        feed.subscribers
            .iter()
            .filter_map(|(index, list)| Some((*index, self.types.get(index.0)?.lists.get(*list)?)))
    }

    /// The call of a listing; `None` for a constant list.
    pub(crate) fn ask_of<'a>(&'a self, feed: &'a Feed) -> Option<&'a Ask<'c>> {
        self.subscribers(feed).next().and_then(|(_, list)| list.ask.as_ref())
    }

    /// Joins the lists that ask the same into one listing.
    fn weave(&mut self, index_of: &BTreeMap<&str, TypeIndex>) {
        let [organization, account, region] = &mut self.feeds;
        for (at, plan) in self.types.iter().enumerate() {
            for (position, list) in plan.lists.iter().enumerate() {
                let feeds = match (list.parent, plan.definition.scope) {
                    (Some(parent), _) => {
                        let parent = index_of.get(parent).map(|index| index.0);
                        match parent.and_then(|parent| self.children.get_mut(parent)) {
                            Some(feeds) => feeds,
                            None => continue,
                        }
                    }
                    (None, ListScope::Organization) => &mut *organization,
                    (None, ListScope::Account) => &mut *account,
                    (None, ListScope::Region) => &mut *region,
                };
                let key = list.ask.as_ref().map_or_else(|| format!("{at}/{position}"), Ask::key);
                let subscriber = (TypeIndex(at), position);
                match feeds.iter_mut().find(|feed| feed.key == key) {
                    Some(feed) => feed.subscribers.push(subscriber),
                    None => feeds.push(Feed { key, subscribers: vec![subscriber] }),
                }
            }
        }
    }

    /// Which types each scope lists, parents first. A type with `for` is listed where its parent
    /// is.
    fn order(&mut self) {
        let scopes = [ListScope::Organization, ListScope::Account, ListScope::Region];
        self.covered = scopes.map(|scope| self.listed_in(scope));
    }

    fn listed_in(&self, scope: ListScope) -> Vec<TypeIndex> {
        let of = |feeds: &[Feed]| -> BTreeSet<TypeIndex> {
            feeds.iter().flat_map(|feed| feed.subscribers.iter().map(|(index, _)| *index)).collect()
        };
        let mut listed: Vec<TypeIndex> = Vec::new();
        let mut next = of(self.feeds(scope));
        // Each round goes one generation down, so that a type ends up below its deepest parent.
        // No line of parents is longer than there are types, unless it is a loop.
        for _ in 0..=self.types.len() {
            listed.retain(|index| !next.contains(index));
            listed.extend(&next);
            let below = |parent: &TypeIndex| {
                let mut children = of(self.children(*parent));
                children.remove(parent);
                children
            };
            next = next.iter().flat_map(below).collect();
            if next.is_empty() {
                break;
            }
        }
        listed
    }
}

/// The resource files by type name.
pub(crate) fn types_of(content: &Content) -> Types<'_> {
    content
        .resources
        .values()
        .map(|definition| (definition.type_name.as_str(), &**definition))
        .collect()
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn needs_of(wanted: &Wanted<'_>, resources: &Types<'_>) -> Needs {
    let mut needs = Needs::default();
    match wanted {
        Wanted::Everything => resources.keys().for_each(|name| needs.add_attributes(name)),
        Wanted::Types(names) => names.iter().for_each(|name| needs.add_attributes(name)),
        Wanted::Controls(controls) => {
            controls.iter().for_each(|control| needs.add_control(control, resources));
        }
    }
    needs
}
