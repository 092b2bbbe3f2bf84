//! Checks frameworks: unique ids, groups that exist, both languages.
//! Whether every requirement has a control is shown by reports, not demanded here.

use std::collections::BTreeSet;

use super::{Lint, prose};
use crate::format::Framework;
use crate::place::Place;

pub(crate) fn check(lint: &mut Lint<'_>, framework: &Framework) {
    let file = lint.framework_file(framework);
    lint.id(&file, &framework.id);
    prose::check(lint, &file, "title", &framework.title);
    if framework.source.trim().is_empty() {
        lint.error(&file, Place::default(), "`source` says nothing");
    }
    let mut groups = BTreeSet::new();
    for group in &framework.groups {
        prose::check(lint, &file, "title", &group.title);
        if !groups.insert(group.id.as_str()) {
            lint.error(&file, group.id.place, format!("group `{}` is there twice", group.id));
        }
    }
    let mut used = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for requirement in &framework.requirements {
        prose::check(lint, &file, "title", &requirement.title);
        if let Some(note) = &requirement.note {
            prose::check(lint, &file, "note", note);
        }
        if !ids.insert(requirement.id.as_str()) {
            let message = format!("requirement `{}` is there twice", requirement.id);
            lint.error(&file, requirement.id.place, message);
        }
        if !groups.contains(requirement.group.as_str()) {
            let message = format!("group `{}` is not declared", requirement.group);
            lint.error(&file, requirement.group.place, message);
        }
        used.insert(requirement.group.as_str());
    }
    for group in &framework.groups {
        if !used.contains(group.id.as_str()) {
            let message = format!("group `{}` has no requirement", group.id);
            lint.error(&file, group.id.place, message);
        }
    }
}
