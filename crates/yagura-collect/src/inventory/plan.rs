//! What a scan reads: for each type, the blocks that give the attributes somebody needs; calls
//! that several types live from, made once; and the IAM actions that all of this takes.
//! What the wanted controls need is worked out in `needs`; the calls are made in `part`.

use std::collections::{BTreeMap, BTreeSet};

use yagura_content::Content;
use yagura_content::expression::{Root, Source};
use yagura_content::format::{Control, Detail, Expression, ListScope, Lookup, ResourceType};
use yagura_model::{Path, Unread, UnreadReason};

use crate::inventory::call::{Ask, expressions_of};
use crate::inventory::mapping::Block;
use crate::inventory::needs::{Need, Needs};

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
pub(crate) struct TypeIndex(usize);

/// What a scan reads of one type.
#[derive(Debug)]
pub(crate) struct TypePlan<'c> {
    pub(crate) definition: &'c ResourceType,
    pub(crate) lists: Vec<ListPlan<'c>>,
    pub(crate) locate: Option<Ask<'c>>,
    /// The lookups that are needed, in the order of the file.
    pub(crate) lookups: Vec<LookupPlan<'c>>,
    /// The details that are needed, in the order of the file.
    pub(crate) details: Vec<DetailPlan<'c>>,
    /// The attributes of blocks that are not needed.
    pub(crate) not_requested: Vec<Unread>,
    /// The types it is listed for, itself left out.
    pub(crate) parents: Vec<TypeIndex>,
}

/// One way to list a type.
#[derive(Debug)]
pub(crate) struct ListPlan<'c> {
    /// `None` for a constant list.
    pub(crate) ask: Option<Ask<'c>>,
    pub(crate) each: &'c Expression,
    pub(crate) parent: Option<&'c str>,
    pub(crate) block: Block<'c>,
}

/// A table to join.
#[derive(Debug)]
pub(crate) struct LookupPlan<'c> {
    pub(crate) lookup: &'c Lookup,
    /// Where it stands in the file.
    pub(crate) position: usize,
    pub(crate) ask: Ask<'c>,
    pub(crate) before: Option<Ask<'c>>,
    pub(crate) block: Block<'c>,
}

/// A detail call and the blocks that live from it.
#[derive(Debug)]
pub(crate) struct DetailPlan<'c> {
    pub(crate) blocks: Vec<(&'c Detail, Block<'c>)>,
    pub(crate) ask: Ask<'c>,
    pub(crate) when: Option<&'c Expression>,
    /// It looks at what the details above it said.
    pub(crate) waits: bool,
    /// Its input is the same for every resource of an account and region.
    pub(crate) shared: bool,
}

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

impl<'c> TypePlan<'c> {
    fn new(
        definition: &'c ResourceType,
        need: &Need,
        index_of: &BTreeMap<&str, TypeIndex>,
    ) -> Self {
        let mut not_requested = Vec::new();
        let mut is_needed = |ask: &Ask<'_>, block: &Block<'_>| {
            let needed = need.touches_block(block);
            if !needed {
                not_requested.extend(block.paths().map(|path| not_asked(path, ask)));
            }
            needed
        };
        let lookups = lookups_of(definition)
            .into_iter()
            .filter(|plan| is_needed(&plan.ask, &plan.block))
            .collect();
        let details = details_of(definition)
            .into_iter()
            .filter(|(ask, _, block)| is_needed(ask, block))
            .collect();
        let lists = lists_of(definition);
        let mut parents: Vec<TypeIndex> = lists
            .iter()
            .filter_map(|list| list.parent)
            .filter(|name| *name != definition.type_name.as_str())
            .filter_map(|name| index_of.get(name).copied())
            .collect();
        parents.sort_unstable();
        parents.dedup();
        Self {
            definition,
            lists,
            locate: locate_of(definition),
            lookups,
            details: joined(details),
            not_requested,
            parents,
        }
    }

    /// The type's name.
    pub(crate) fn name(&self) -> &str {
        &self.definition.type_name
    }

    /// The call that lists it; empty for a constant list.
    pub(crate) fn list_call(&self) -> &str {
        self.lists.iter().find_map(|list| list.ask.as_ref()).map_or("", |ask| &ask.text)
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

fn lists_of(definition: &ResourceType) -> Vec<ListPlan<'_>> {
    definition
        .list
        .iter()
        .map(|block| ListPlan {
            ask: block.call.as_ref().map(|call| {
                Ask::new(call, block.action.as_ref(), block.input.as_ref(), &block.absent)
            }),
            each: &block.each,
            parent: block.for_type.as_ref().map(|name| name.value.as_str()),
            block: Block::new(&block.attributes),
        })
        .collect()
}

fn locate_of(definition: &ResourceType) -> Option<Ask<'_>> {
    definition.locate.as_ref().map(|locate| {
        Ask::new(&locate.call, locate.action.as_ref(), locate.input.as_ref(), &locate.absent)
    })
}

fn lookups_of(definition: &ResourceType) -> Vec<LookupPlan<'_>> {
    definition
        .lookups
        .iter()
        .enumerate()
        .map(|(position, lookup)| LookupPlan {
            lookup,
            position,
            ask: Ask::new(
                &lookup.call,
                lookup.action.as_ref(),
                lookup.input.as_ref(),
                &lookup.absent,
            ),
            before: lookup.before.as_ref().map(|before| {
                Ask::new(&before.call, before.action.as_ref(), before.input.as_ref(), &[])
            }),
            block: Block::new(&lookup.attributes),
        })
        .collect()
}

fn details_of(definition: &ResourceType) -> Vec<(Ask<'_>, &Detail, Block<'_>)> {
    definition
        .details
        .iter()
        .map(|detail| {
            let ask = Ask::new(
                &detail.call,
                detail.action.as_ref(),
                detail.input.as_ref(),
                &detail.absent,
            );
            (ask, detail, Block::new(&detail.attributes))
        })
        .collect()
}

fn not_asked(path: &Path, ask: &Ask<'_>) -> Unread {
    Unread {
        path: path.clone(),
        partial: false,
        reason: UnreadReason::NotRequested,
        call: ask.text.clone(),
        action: String::new(),
        detail: String::new(),
    }
}

/// Details that ask the same under the same condition become one call.
fn joined<'c>(details: Vec<(Ask<'c>, &'c Detail, Block<'c>)>) -> Vec<DetailPlan<'c>> {
    let mut plans: Vec<DetailPlan<'c>> = Vec::new();
    for (ask, detail, block) in details {
        let when = detail.when.as_ref();
        let source = when.map(Expression::source);
        let same = |plan: &&mut DetailPlan<'_>| {
            plan.ask.key() == ask.key() && plan.when.map(Expression::source) == source
        };
        if let Some(plan) = plans.iter_mut().find(same) {
            plan.blocks.push((detail, block));
            continue;
        }
        let asks: Vec<&Expression> = ask.input.map(expressions_of).unwrap_or_default();
        let names = |root| asks.iter().any(|expression| reads(expression, root));
        let waits = names(Root::Resource) || when.is_some_and(|when| reads(when, Root::Resource));
        let own = [Root::Item, Root::Id, Root::Name, Root::Arn, Root::Region, Root::Parent];
        let shared = !waits && !own.into_iter().any(names);
        plans.push(DetailPlan { blocks: vec![(detail, block)], ask, when, waits, shared });
    }
    plans
}

fn reads(expression: &Expression, root: Root) -> bool {
    let mut sources = expression.program().reads().sources();
    sources.any(|(source, _)| *source == Source::Root(root))
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

/// Follows what the needed blocks themselves look at: other attributes, facts, parents.
fn close(mut needs: Needs, resources: &Types<'_>) -> Needs {
    loop {
        let fresh = needs.take_fresh();
        if fresh.is_empty() {
            return needs;
        }
        for (type_name, path) in fresh {
            needs.add_facts(&type_name, &path);
            let Some(definition) = resources.get(type_name.as_str()) else { continue };
            let need = needs.by_type.get(&type_name).cloned().unwrap_or_default();
            follow(&mut needs, definition, &need, resources);
        }
    }
}

fn follow(needs: &mut Needs, definition: &ResourceType, need: &Need, resources: &Types<'_>) {
    let lists = lists_of(definition);
    let parents: Vec<&str> = lists.iter().filter_map(|list| list.parent).collect();
    for parent in &parents {
        needs.add_type(parent);
    }
    let mut expressions: Vec<&Expression> = vec![&definition.identity.id];
    let identity = &definition.identity;
    expressions.extend([&identity.name, &identity.arn, &identity.region].into_iter().flatten());
    for list in &lists {
        expressions.push(list.each);
        expressions.extend(list.ask.iter().filter_map(|ask| ask.input).flat_map(expressions_of));
        expressions.extend(list.block.expressions());
    }
    for plan in lookups_of(definition) {
        if need.touches_block(&plan.block) {
            let lookup = plan.lookup;
            expressions.extend([&lookup.each, &lookup.key, &lookup.matching]);
            expressions.extend(plan.ask.input.into_iter().flat_map(expressions_of));
            let batch = lookup.batch.as_ref();
            expressions.extend(batch.iter().map(|batch| &batch.ids));
            expressions.extend(batch.into_iter().flat_map(|batch| expressions_of(&batch.input)));
            expressions.extend(plan.block.expressions());
        }
    }
    for (ask, detail, block) in details_of(definition) {
        if need.touches_block(&block) {
            expressions.extend(&detail.when);
            expressions.extend(ask.input.into_iter().flat_map(expressions_of));
            expressions.extend(block.expressions());
        }
    }
    let own = [definition.type_name.as_str()];
    for expression in expressions {
        let reads = expression.program().reads();
        needs.add_reads(reads, Root::Resource, &own, resources);
        needs.add_reads(reads, Root::Parent, &parents, resources);
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
