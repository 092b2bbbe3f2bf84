//! Whether a path that somebody reads is one that a resource file states: typos never pass.
//! Paths into answers of AWS are followed as far as the API is known.

use yagura_model::{Path, Step};

use super::{ApiFacts, Lint};
use crate::expression::{Mapping, PathSet, Root, Source, uncapitalized};
use crate::format::{Attributes, Call, Expression, ResourceType};

/// The block of a resource file in which an expression stands.
#[derive(Clone, Copy)]
pub(crate) struct Block<'c> {
    pub(crate) resource: &'c ResourceType,
    /// The call whose answer `output` is.
    pub(crate) call: Option<&'c Call>,
    /// What makes rows of the answer, in a lookup.
    pub(crate) rows: Option<&'c Expression>,
    /// The type of `parent`.
    pub(crate) parent: Option<&'c str>,
}

/// Members of a resource that every resource has.
const IDENTITY: [&str; 7] = ["key", "id", "arn", "type", "account", "region", "name"];

impl Lint<'_> {
    /// Why a resource of a type has nothing at a path; `None` if it has, or may have.
    pub(crate) fn missing(&self, type_name: &str, path: &Path) -> Option<(String, String)> {
        let resource = self.content.resources.get(type_name)?;
        let (Step::Key(first), rest) = path.0.split_first()? else {
            return Some((format!("`{path}` is no path into a resource"), String::new()));
        };
        match first.as_str() {
            "facts" => None,
            "properties" | "runtime" => self.missing_attribute(resource, first, rest),
            "tags" => {
                let none = resource.attributes().all(|attributes| attributes.tags.is_none());
                none.then(|| (format!("`{type_name}` states no tags"), String::new()))
            }
            "relations" => {
                let Some(Step::Key(name)) = rest.first() else { return None };
                missing_relation(resource, name)
            }
            member if IDENTITY.contains(&member) => None,
            member => {
                let known = IDENTITY.into_iter().chain(["properties", "runtime", "tags", "facts"]);
                let message = format!("a resource has no member `{member}`");
                Some((message, super::site::near(member, known)))
            }
        }
    }

    fn missing_attribute(
        &self,
        resource: &ResourceType,
        root: &str,
        wanted: &[Step],
    ) -> Option<(String, String)> {
        if wanted.is_empty() {
            return None;
        }
        let mut stated = Vec::new();
        let mut below: Option<String> = None;
        for (block, attributes) in blocks(resource) {
            let map = match root {
                "properties" => &attributes.properties,
                _ => &attributes.runtime,
            };
            for (key, expression) in map {
                stated.push(key.as_str());
                let steps: Vec<&str> = key.split('.').collect();
                let same = steps.iter().zip(wanted).all(|(stated, wanted)| match wanted {
                    Step::Key(wanted) => wanted == stated,
                    Step::Index(_) | Step::Every => true,
                });
                if !same {
                    continue;
                }
                // A path that ends above what is stated is fine.
                let rest = wanted.get(steps.len()..)?;
                let Ok(program) = expression.compile() else { return None };
                if self.follows(block, program.mapping(), rest) {
                    return None;
                }
                below = Some(key.to_string());
            }
        }
        let path = format!("{root}.{}", Path(wanted.to_vec()));
        let type_name = &resource.type_name;
        let hint = match &below {
            Some(key) => format!("`{root}.{key}` is stated, but has no such member"),
            None => super::site::near(&Path(wanted.to_vec()).to_string(), stated.iter().copied()),
        };
        Some((format!("`{type_name}` does not state `{path}`"), hint))
    }

    /// Whether a value of this shape may have something at the rest of a path.
    fn follows(&self, block: Block<'_>, shape: &Mapping, rest: &[Step]) -> bool {
        let Some((step, further)) = rest.split_first() else { return true };
        match shape {
            Mapping::Computed => true,
            Mapping::Either(shapes) => shapes.iter().any(|shape| self.follows(block, shape, rest)),
            Mapping::List(element) => match step {
                Step::Index(_) | Step::Every => self.follows(block, element, further),
                Step::Key(_) => false,
            },
            Mapping::Map(members) => match step {
                Step::Key(key) => members
                    .iter()
                    .filter(|(name, _)| name == key)
                    .any(|(_, member)| self.follows(block, member, further)),
                Step::Index(_) | Step::Every => true,
            },
            Mapping::Pascal(inner) => {
                let rest: Vec<Step> = rest
                    .iter()
                    .map(|step| match step {
                        Step::Key(key) => Step::Key(uncapitalized(key)),
                        other => other.clone(),
                    })
                    .collect();
                self.follows(block, inner, &rest)
            }
            Mapping::Alias(places) => places.iter().any(|(source, path)| {
                let mut path = path.clone();
                path.0.extend_from_slice(rest);
                self.source_has(block, source, &path)
            }),
        }
    }

    /// Whether a variable of a resource file may have something at a path.
    pub(crate) fn source_has(&self, block: Block<'_>, source: &Source, path: &Path) -> bool {
        let Source::Root(root) = source else { return true };
        match root {
            Root::Output => match (self.api, block.call) {
                (Some(api), Some(call)) => has_output(api, call, path),
                _ => true,
            },
            Root::Row => block.rows.is_none_or(|rows| self.element_has(block, rows, path)),
            Root::Item => block.resource.list.iter().any(|list| {
                let place = Block { call: list.call.as_ref(), ..block };
                self.element_has(place, &list.each, path)
            }),
            Root::Parent => block.parent.is_none_or(|parent| self.missing(parent, path).is_none()),
            _ => true,
        }
    }

    /// Whether an element of the list that an expression makes may have something at a path.
    fn element_has(&self, block: Block<'_>, each: &Expression, path: &Path) -> bool {
        each.compile()
            .map_or(true, |program| self.follows(block, &program.mapping().element(), &path.0))
    }

    /// Checks what an expression of a resource file reads.
    pub(crate) fn reads(&mut self, block: Block<'_>, expression: &Expression) {
        let Ok(program) = expression.compile() else { return };
        let file = self.resource_file(block.resource);
        for (source, paths) in program.reads().sources() {
            for path in paths {
                if !self.source_has(block, source, path) {
                    let Source::Root(root) = source else { continue };
                    let answer = block.call.map_or(String::new(), |call| {
                        format!(" (in the answer of `{}`)", call.name)
                    });
                    let message = format!("there is no `{}.{path}`{answer}", root.as_str());
                    self.error(&file, expression.place_of(&file, path), message);
                }
            }
        }
    }
}

/// Why a type has no relation of a name.
pub(crate) fn missing_relation(resource: &ResourceType, name: &str) -> Option<(String, String)> {
    if resource.relation_type(name).is_some() {
        return None;
    }
    let known = resource.attributes().flat_map(|attributes| attributes.relations.keys());
    let message = format!("`{}` states no relation `{name}`", resource.type_name);
    Some((message, super::site::near(name, known.map(String::as_str))))
}

/// The blocks of a resource file with the attributes that they state.
fn blocks(resource: &ResourceType) -> impl Iterator<Item = (Block<'_>, &Attributes)> {
    let plain = Block { resource, call: None, rows: None, parent: None };
    let lists = resource.list.iter().map(move |list| {
        let parent = list.for_type.as_ref().map(|name| name.as_str());
        (Block { call: list.call.as_ref(), parent, ..plain }, &list.attributes)
    });
    let lookups = resource.lookups.iter().map(move |lookup| {
        let block = Block { call: Some(&lookup.call), rows: Some(&lookup.each), ..plain };
        (block, &lookup.attributes)
    });
    let details = resource
        .details
        .iter()
        .map(move |detail| (Block { call: Some(&detail.call), ..plain }, &detail.attributes));
    lists.chain(lookups).chain(details)
}

fn has_output(api: &dyn ApiFacts, call: &Call, path: &Path) -> bool {
    let steps: Vec<&str> = path
        .0
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.as_str(),
            Step::Index(_) | Step::Every => "*",
        })
        .collect();
    steps.is_empty()
        || !api.has_operation(&call.service, &call.operation)
        || api.has_output_path(&call.service, &call.operation, &steps)
}

/// The paths of a set; none where it may be everything.
pub(crate) fn paths_of(set: PathSet) -> Vec<Path> {
    match set {
        PathSet::All => Vec::new(),
        PathSet::Paths(paths) => paths.into_iter().collect(),
    }
}
