//! Checks resource types: calls that exist and only read, paths that answers have, relations to
//! types that exist, and cases. Cases are run by `yagura content test`, not here.

use std::collections::BTreeSet;

use super::paths::Block;
use super::{AccessLevel, Lint, prose};
use crate::format::{Attributes, Call, Expression, ListBlock, ResourceType, Template};
use crate::place::{Place, Placed};
use crate::problem::File;

/// Things that AWS's batch operations take at most.
const BATCH_MAX: usize = 1_000;

pub(crate) fn check(lint: &mut Lint<'_>, resource: &ResourceType) {
    let file = lint.resource_file(resource);
    lint.id(&file, &resource.id);
    prose::check(lint, &file, "title", &resource.title);
    type_name(lint, &file, &resource.type_name);
    let double =
        lint.content.resources.values().any(|other| {
            other.type_name.value == resource.type_name.value && other.id != resource.id
        });
    if double {
        let message = format!("type `{}` is there twice", resource.type_name);
        lint.error(&file, resource.type_name.place, message);
    }
    if resource.list.is_empty() {
        lint.error(&file, resource.type_name.place, "`list` is empty");
    }
    lint.compiles(&file, resource.expressions());
    let plain = Block { resource, call: None, rows: None, parent: None };
    for list in &resource.list {
        list_block(lint, &file, plain, list);
    }
    let identity = &resource.identity;
    let named = [&identity.name, &identity.arn, &identity.region];
    for expression in named.into_iter().flatten().chain([&identity.id]) {
        lint.reads(plain, expression);
    }
    if let Some(locate) = &resource.locate {
        let block = call(lint, &file, plain, &locate.call, locate.action.as_ref());
        input(lint, &file, block, locate.input.as_ref());
        lint.reads(block, &locate.region);
        if resource.identity.region.is_none() {
            let message = "`locate` is asked only where `identity.region` is absent";
            lint.error(&file, locate.call.name.place, message);
        }
    }
    for lookup in &resource.lookups {
        let block = call(lint, &file, plain, &lookup.call, lookup.action.as_ref());
        input(lint, &file, block, lookup.input.as_ref());
        if let Some(before) = &lookup.before {
            // Asking for a report to be made is a write by name only.
            let block = Block { call: Some(&before.call), ..plain };
            operation(lint, &file, &before.call);
            input(lint, &file, block, before.input.as_ref());
            lint.reads(block, &before.until);
        }
        if let Some(batch) = &lookup.batch {
            lint.reads(plain, &batch.ids);
            input(lint, &file, block, Some(&batch.input));
            if batch.size == 0 || batch.size > BATCH_MAX {
                lint.error(&file, lookup.call.name.place, "a batch has 1 to 1000 things");
            }
        }
        lint.reads(block, &lookup.each);
        let block = Block { rows: Some(&lookup.each), ..block };
        [&lookup.key, &lookup.matching].into_iter().for_each(|one| lint.reads(block, one));
        attributes(lint, &file, block, &lookup.attributes);
    }
    for detail in &resource.details {
        let block = call(lint, &file, plain, &detail.call, detail.action.as_ref());
        detail.when.iter().for_each(|when| lint.reads(plain, when));
        input(lint, &file, block, detail.input.as_ref());
        attributes(lint, &file, block, &detail.attributes);
        if detail.attributes.paths().next().is_none() {
            lint.error(&file, detail.call.name.place, "the call states no attribute");
        }
    }
    repeated(lint, &file, resource);
    if resource.cases.is_empty() {
        lint.error(&file, resource.type_name.place, "there are no `cases`");
    }
}

fn list_block(lint: &mut Lint<'_>, file: &File, plain: Block<'_>, list: &ListBlock) {
    let mut block = Block { parent: list.for_type.as_ref().map(|name| name.as_str()), ..plain };
    if let Some(called) = &list.call {
        block = call(lint, file, block, called, list.action.as_ref());
    } else if list.action.is_some() || list.input.is_some() {
        let place = list.action.as_ref().map_or_else(Place::default, |action| action.place);
        lint.error(file, place, "`action` and `input` belong to a `call`");
    }
    if let Some(parent) = &list.for_type {
        known_type(lint, file, parent);
    }
    input(lint, file, block, list.input.as_ref());
    lint.reads(block, &list.each);
    attributes(lint, file, block, &list.attributes);
}

/// Checks the form of a type name.
fn type_name(lint: &mut Lint<'_>, file: &File, name: &Placed<String>) {
    let parts: Vec<&str> = name.split("::").collect();
    let word = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let fine = parts.len() == 3
        && matches!(parts.first(), Some(&("AWS" | "Yagura")))
        && parts.iter().all(word);
    if !fine {
        let message = format!("`{name}` is not a type name");
        let hint = "AWS::Service::Thing as CloudFormation has it, else Yagura::Service::Thing";
        lint.hinted(file, name.place, message, hint);
    }
}

/// Checks that a type has a file.
pub(crate) fn known_type(lint: &mut Lint<'_>, file: &File, name: &Placed<String>) {
    let known = &lint.content.resources;
    if !known.contains_key(name.as_str()) {
        let message = format!("no resource file states the type `{name}`");
        let hint = super::site::near(name, known.keys().map(String::as_str));
        lint.hinted(file, name.place, message, hint);
    }
}

/// Checks a call and its IAM action; the block for what stands below it.
fn call<'c>(
    lint: &mut Lint<'_>,
    file: &File,
    block: Block<'c>,
    call: &'c Call,
    action: Option<&Placed<String>>,
) -> Block<'c> {
    operation(lint, file, call);
    let (name, place) = match action {
        Some(action) => (action.value.clone(), action.place),
        None => (call.name.value.clone(), call.name.place),
    };
    if let Some(api) = lint.api {
        match api.access_level(&name) {
            Some(AccessLevel::List | AccessLevel::Read) => {}
            Some(_) => {
                let message = format!("the IAM action `{name}` does not only read");
                lint.error(file, place, message);
            }
            None => {
                let message = format!("there is no IAM action `{name}`");
                let hint = "state `action:` where it is not named like the call";
                lint.hinted(file, place, message, hint);
            }
        }
    }
    Block { call: Some(call), ..block }
}

fn operation(lint: &mut Lint<'_>, file: &File, call: &Call) {
    let Some(api) = lint.api else { return };
    if api.has_operation(&call.service, &call.operation) {
        return;
    }
    let known = api.operations(&call.service);
    let (message, hint) = if known.is_empty() {
        (format!("AWS has no service `{}`", call.service), String::new())
    } else {
        let hint = super::site::near(&call.operation, known.iter().map(String::as_str));
        (format!("`{}` has no operation `{}`", call.service, call.operation), hint)
    };
    lint.hinted(file, call.name.place, message, hint);
}

/// Checks that the operation takes the members that it is given, and what its expressions read.
fn input(lint: &mut Lint<'_>, file: &File, block: Block<'_>, template: Option<&Template>) {
    let Some(template) = template else { return };
    let mut expressions: Vec<&Expression> = Vec::new();
    template.expressions(&mut |expression| expressions.push(expression));
    for expression in expressions {
        lint.reads(block, expression);
    }
    let (Some(api), Some(call)) = (lint.api, block.call) else { return };
    let mut missing = Vec::new();
    input_paths(template, &mut Vec::new(), &mut |path| {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let known = api.has_operation(&call.service, &call.operation);
        if known && !api.has_input_path(&call.service, &call.operation, &steps) {
            missing.push(path.join("."));
        }
    });
    for path in missing {
        lint.error(file, call.name.place, format!("`{}` takes no `{path}`", call.name));
    }
}

fn input_paths(template: &Template, path: &mut Vec<String>, visit: &mut dyn FnMut(&[String])) {
    let members: Vec<(&str, &Template)> = match template {
        Template::Map(members) => {
            members.iter().map(|(key, member)| (key.as_str(), member)).collect()
        }
        Template::List(items) => items.iter().map(|item| ("*", item)).collect(),
        Template::Constant(_) | Template::Expression(_) => return,
    };
    for (key, member) in members {
        path.push(key.to_owned());
        visit(path);
        input_paths(member, path, visit);
        path.pop();
    }
}

fn attributes(lint: &mut Lint<'_>, file: &File, block: Block<'_>, attributes: &Attributes) {
    let maps = attributes.properties.iter().chain(&attributes.runtime);
    for (key, expression) in maps {
        let fine = key.split('.').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if !fine {
            lint.error(file, key.place, format!("`{key}` is not a dotted path"));
        }
        lint.reads(block, expression);
    }
    attributes.tags.iter().for_each(|tags| lint.reads(block, tags));
    for (name, relation) in &attributes.relations {
        if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            let message = format!("relation `{name}` is not lower_snake");
            lint.error(file, relation.type_name.place, message);
        }
        type_name(lint, file, &relation.type_name);
        lint.reads(block, &relation.target);
    }
}

/// An attribute that two blocks of one kind state would be overwritten. Several `list` blocks may
/// state the same: each lists other things.
fn repeated(lint: &mut Lint<'_>, file: &File, resource: &ResourceType) {
    let mut seen = BTreeSet::new();
    for list in &resource.list {
        seen.extend(list.attributes.paths());
    }
    let lookups = resource.lookups.iter().map(|block| (&block.call, &block.attributes));
    let details = resource.details.iter().map(|block| (&block.call, &block.attributes));
    for (call, attributes) in lookups.chain(details) {
        for path in attributes.paths() {
            if !seen.insert(path.clone()) {
                let message = format!("`{path}` is stated by another block too");
                let hint = "the later block would overwrite it";
                lint.warning(file, call.name.place, message, hint);
            }
        }
    }
}
