//! What a scan reads of one type: the blocks of its file that are needed, ready to be run.
//! Which attributes are needed is worked out in `needs`; how types share calls, in `plan`.

use std::collections::BTreeMap;

use yagura_content::expression::{Root, Source};
use yagura_content::format::{Detail, Expression, Lookup, ResourceType};
use yagura_model::{Path, Unread, UnreadReason};

use crate::inventory::call::{Ask, expressions_of};
use crate::inventory::mapping::Block;
use crate::inventory::needs::Need;
use crate::inventory::plan::TypeIndex;

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

impl<'c> TypePlan<'c> {
    pub(crate) fn new(
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

pub(crate) fn lists_of(definition: &ResourceType) -> Vec<ListPlan<'_>> {
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

pub(crate) fn lookups_of(definition: &ResourceType) -> Vec<LookupPlan<'_>> {
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

pub(crate) fn details_of(definition: &ResourceType) -> Vec<(Ask<'_>, &Detail, Block<'_>)> {
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
