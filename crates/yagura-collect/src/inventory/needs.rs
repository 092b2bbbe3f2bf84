//! Which attributes of which types the wanted controls look at, followed through relations, facts
//! and parents until nothing new is needed.
//! Which calls give these attributes is decided in `plan`.

use std::collections::{BTreeMap, BTreeSet};

use yagura_analyze::fact_sources;
use yagura_content::expression::{Reads, Root, Source};
use yagura_content::format::{Control, Expression, ResourceType};
use yagura_model::{Path, Step};

use crate::inventory::call::expressions_of;
use crate::inventory::mapping::Block;
use crate::inventory::plan::Types;
use crate::inventory::type_plan::{details_of, lists_of, lookups_of};

/// The attributes needed of one type: paths from the root of the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Everything that the file can say.
    pub(crate) all: bool,
    /// These, and what lies below and above them.
    pub(crate) paths: BTreeSet<Path>,
}

impl Need {
    /// Whether an attribute is needed.
    pub(crate) fn touches(&self, attribute: &Path) -> bool {
        self.all || self.paths.iter().any(|path| path.touches(attribute))
    }

    /// Whether any attribute of a block is needed.
    pub(crate) fn touches_block(&self, block: &Block<'_>) -> bool {
        self.all || block.paths().any(|path| self.touches(path))
    }
}

/// The attributes needed, by type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    pub(crate) by_type: BTreeMap<String, Need>,
    /// What has been added since the last look.
    fresh: Vec<(String, Path)>,
}

impl Needs {
    /// A type is listed, whatever else is needed of it.
    pub(crate) fn add_type(&mut self, type_name: &str) {
        if !self.by_type.contains_key(type_name) {
            self.by_type.insert(type_name.to_owned(), Need::default());
            self.fresh.push((type_name.to_owned(), Path::of_keys(["id"])));
        }
    }

    /// Every attribute of a type, whatever rests on them.
    pub(crate) fn add_attributes(&mut self, type_name: &str) {
        self.add_type(type_name);
        if let Some(need) = self.by_type.get_mut(type_name)
            && !need.all
        {
            need.all = true;
            self.fresh.push((type_name.to_owned(), Path::of_keys(["id"])));
        }
    }

    /// Everything of a type, its facts too.
    pub(crate) fn add_all(&mut self, type_name: &str) {
        self.add_attributes(type_name);
        if let Some(need) = self.by_type.get_mut(type_name)
            && need.paths.insert(Path::default())
        {
            self.fresh.push((type_name.to_owned(), Path::default()));
        }
    }

    /// One attribute of a type; the empty path is everything.
    pub(crate) fn add(&mut self, type_name: &str, path: &Path) {
        if path.0.is_empty() {
            return self.add_all(type_name);
        }
        self.add_type(type_name);
        if let Some(need) = self.by_type.get_mut(type_name)
            && need.paths.insert(path.clone())
        {
            self.fresh.push((type_name.to_owned(), path.clone()));
        }
    }

    /// What has been added since the last look.
    pub(crate) fn take_fresh(&mut self) -> Vec<(String, Path)> {
        std::mem::take(&mut self.fresh)
    }

    /// What a control looks at.
    pub(crate) fn add_control(&mut self, control: &Control, types: &Types<'_>) {
        self.add_type(&control.type_name);
        for expression in control.when.iter().chain([&control.require]) {
            self.add_reads(
                expression.program().reads(),
                Root::Resource,
                &[&control.type_name],
                types,
            );
        }
        for path in &control.show {
            self.add(&control.type_name, path);
        }
    }

    /// What an expression looks at, where `root` is a resource of one of `of`.
    pub(crate) fn add_reads(&mut self, reads: &Reads, root: Root, of: &[&str], types: &Types<'_>) {
        for (source, paths) in reads.sources() {
            for type_name in types_of(source, root, of, types) {
                self.add_type(&type_name);
                for path in paths {
                    self.add(&type_name, path);
                }
            }
        }
    }

    /// What the facts below a path rest on, if the path leads to facts.
    pub(crate) fn add_facts(&mut self, type_name: &str, path: &Path) {
        let wanted = match path.0.as_slice() {
            [] => None,
            [Step::Key(root)] if root == "facts" => None,
            [Step::Key(root), Step::Key(name), ..] if root == "facts" => Some(name.as_str()),
            _ => return,
        };
        for source in fact_sources(type_name) {
            if wanted.is_some_and(|name| !source.names.contains(&name)) {
                continue;
            }
            for read in source.reads {
                self.add_text(type_name, read);
            }
            for (neighbor, reads) in source.neighbors {
                self.add_type(neighbor);
                for read in *reads {
                    self.add_text(neighbor, read);
                }
            }
        }
    }

    fn add_text(&mut self, type_name: &str, path: &str) {
        match path.parse() {
            Ok(path) => self.add(type_name, &path),
            // A path that cannot be read names something unknown; everything is the safe side.
            Err(_) => self.add_all(type_name),
        }
    }
}

/// The types of the resources that a source stands for.
fn types_of(source: &Source, root: Root, of: &[&str], types: &Types<'_>) -> BTreeSet<String> {
    match source {
        Source::Root(found) if *found == root => of.iter().map(|name| (*name).into()).collect(),
        Source::Root(_) => BTreeSet::new(),
        Source::Type(name) => BTreeSet::from([name.clone()]),
        Source::Related { of: inner, relation } => types_of(inner, root, of, types)
            .iter()
            .filter_map(|name| types.get(name.as_str()))
            .flat_map(|definition| definition.attributes())
            .filter_map(|attributes| attributes.relations.get(relation))
            .map(|relation| relation.type_name.value.clone())
            .collect(),
    }
}

/// Follows what the needed blocks themselves look at: other attributes, facts, parents.
pub(crate) fn close(mut needs: Needs, resources: &Types<'_>) -> Needs {
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
