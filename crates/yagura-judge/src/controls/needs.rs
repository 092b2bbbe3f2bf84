//! What the controls look at beside the resource they judge, so that only that is kept in memory.
//! Which calls a scan makes for it is planned by collect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use yagura_analyze::fact_sources;
use yagura_content::expression::{Reads, Root, Source};
use yagura_model::{Path, Resource, Step};

/// The types, and of each the attributes, that controls reach through relations, `in_account`,
/// facts and the like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    types: BTreeMap<String, TypeNeeds>,
}

/// What is looked at in resources of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeNeeds {
    /// Everything, whatever the paths say.
    all: bool,
    paths: BTreeSet<Path>,
    /// Facts asked of neighbors of this type.
    facts: FactNames,
}

/// Names of facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FactNames {
    all: bool,
    names: BTreeSet<String>,
}

impl FactNames {
    /// Notes what a path asks: `facts.public_access.any` or all of `facts`.
    pub(crate) fn note(&mut self, path: &Path) {
        match path.0.as_slice() {
            [] => self.all = true,
            [Step::Key(root), rest @ ..] if root == "facts" => match rest {
                [Step::Key(name), ..] => {
                    self.names.insert(name.clone());
                }
                _ => self.all = true,
            },
            _ => {}
        }
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

/// Says what type a relation of a type leads to.
pub(crate) type RelationType<'c> = &'c dyn Fn(&str, &str) -> Vec<String>;

impl Needs {
    /// The types that must be kept.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// Whether resources of a type must be kept.
    pub fn keeps(&self, type_name: &str) -> bool {
        self.types.contains_key(type_name)
    }

    pub(crate) fn facts(&self, type_name: &str) -> Option<&FactNames> {
        self.types.get(type_name).map(|needs| &needs.facts)
    }

    /// Notes everything that an expression of a control looks at beside its resource.
    pub(crate) fn note(&mut self, control_type: &str, reads: &Reads, relation: RelationType<'_>) {
        for (source, paths) in reads.sources() {
            if let Source::Root(_) = source {
                if *source == Source::Root(Root::Resource) {
                    self.note_facts_of(control_type, paths);
                }
                continue;
            }
            for type_name in types_of(source, control_type, relation) {
                self.note_neighbor(&type_name, paths);
            }
        }
    }

    fn note_neighbor(&mut self, type_name: &str, paths: &BTreeSet<Path>) {
        let needs = self.types.entry(type_name.to_owned()).or_default();
        for path in paths {
            needs.facts.note(path);
            needs.all |= path.0.is_empty();
            needs.paths.insert(path.clone());
        }
        for source in fact_sources(type_name) {
            if source.names.iter().any(|name| needs.facts.wants(name)) {
                needs.paths.extend(source.reads.iter().filter_map(|path| path.parse().ok()));
            }
        }
        self.note_facts_of(type_name, paths);
    }

    /// Facts look at neighbors too.
    fn note_facts_of(&mut self, type_name: &str, paths: &BTreeSet<Path>) {
        let mut facts = FactNames::default();
        paths.iter().for_each(|path| facts.note(path));
        for source in fact_sources(type_name) {
            if !source.names.iter().any(|name| facts.wants(name)) {
                continue;
            }
            for (neighbor, reads) in source.neighbors {
                let needs = self.types.entry((*neighbor).to_owned()).or_default();
                needs.paths.extend(reads.iter().filter_map(|path| path.parse().ok()));
            }
        }
    }

    /// The resource without what nobody looks at. Identity, relations and unread parts stay.
    pub(crate) fn prune(&self, mut resource: Resource) -> Resource {
        let Some(needs) = self.types.get(&resource.type_name).filter(|needs| !needs.all) else {
            return resource;
        };
        let keeps = |root: &str| needs.paths.iter().any(|path| path.covers(&Path::of_keys([root])));
        for (root, members) in
            [("properties", &mut resource.properties), ("runtime", &mut resource.runtime)]
        {
            if !keeps(root) {
                *members = kept(root, members, &needs.paths);
            }
        }
        let tags = |path: &Path| path.0.first() == Some(&Step::Key("tags".to_owned()));
        if !needs.paths.iter().any(tags) {
            resource.tags.clear();
        }
        resource
    }
}

/// The types that a source of an expression stands for.
pub(crate) fn types_of(
    source: &Source,
    control_type: &str,
    relation: RelationType<'_>,
) -> Vec<String> {
    match source {
        Source::Root(Root::Resource) => vec![control_type.to_owned()],
        Source::Root(_) => Vec::new(),
        Source::Type(name) => vec![name.clone()],
        Source::Related { of, relation: name } => types_of(of, control_type, relation)
            .iter()
            .flat_map(|type_name| relation(type_name, name))
            .collect(),
    }
}

/// The members that some path looks at: whole from where the path leaves plain members.
fn kept(root: &str, members: &Map<String, Value>, paths: &BTreeSet<Path>) -> Map<String, Value> {
    let mut kept = Map::new();
    for path in paths {
        let [Step::Key(first), rest @ ..] = path.0.as_slice() else { continue };
        if first == root {
            copy(members, rest, &mut kept);
        }
    }
    kept
}

fn copy(from: &Map<String, Value>, steps: &[Step], to: &mut Map<String, Value>) {
    let [Step::Key(key), rest @ ..] = steps else { return };
    let Some(value) = from.get(key) else { return };
    match (value, rest) {
        (Value::Object(members), [Step::Key(_), ..]) => {
            let slot = to.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(slot) = slot {
                copy(members, rest, slot);
            }
        }
        _ => {
            to.insert(key.clone(), value.clone());
        }
    }
}
