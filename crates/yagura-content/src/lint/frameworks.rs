//! Checks frameworks and themes: unique ids, groups, controls and themes that exist, both
//! languages. Whether every requirement has a control is shown by reports, not demanded here.

use std::collections::BTreeSet;

use super::{Lint, prose, site};
use crate::format::{Assessment, Framework, Requirement, Responsible, Theme};
use crate::place::{Place, Placed};
use crate::problem::File;
use crate::{glob, mapping};

pub(crate) fn check(lint: &mut Lint<'_>, framework: &Framework) {
    let file = lint.framework_file(framework);
    lint.id(&file, &framework.id);
    prose::check(lint, &file, "title", &framework.title);
    if framework.source.trim().is_empty() {
        lint.error(&file, Place::default(), "`source` says nothing");
    }
    if let Some(part) = &framework.aws_part {
        prose::check(lint, &file, "aws_part", part);
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
    for one in &framework.requirements {
        requirement(lint, &file, framework, one);
        if !ids.insert(one.id.as_str()) {
            let message = format!("requirement `{}` is there twice", one.id);
            lint.error(&file, one.id.place, message);
        }
        if !groups.contains(one.group.as_str()) {
            let message = format!("group `{}` is not declared", one.group);
            lint.error(&file, one.group.place, message);
        }
        used.insert(one.group.as_str());
    }
    for group in &framework.groups {
        if !used.contains(group.id.as_str()) {
            let message = format!("group `{}` has no requirement", group.id);
            lint.error(&file, group.id.place, message);
        }
    }
}

fn requirement(lint: &mut Lint<'_>, file: &File, framework: &Framework, requirement: &Requirement) {
    prose::check(lint, file, "title", &requirement.title);
    if let Some(note) = &requirement.note {
        prose::check(lint, file, "note", note);
    }
    if let Some(part) = &requirement.aws_part {
        prose::check(lint, file, "aws_part", part);
    }
    let responsible = framework.responsible(requirement);
    if responsible != Responsible::Customer && framework.aws_part(requirement).is_none() {
        let message = format!("`{}` does not say where AWS's part is proven", requirement.id);
        lint.hinted(file, requirement.id.place, message, "write `aws_part`");
    }
    if requirement.assessment == Assessment::NotCovered && requirement.note.is_none() {
        let message = format!("`{}` does not say why it is not covered", requirement.id);
        lint.hinted(file, requirement.id.place, message, "write a `note`");
    }
    let served = lint.content.controls_for(&framework.id, &requirement.id);
    if requirement.assessment == Assessment::Partial && served.is_empty() {
        let message = format!("`{}` has no control that answers a part", requirement.id);
        lint.hinted(file, requirement.id.place, message, "it is `manual`");
    }
    for theme in &requirement.themes {
        if !lint.content.themes.contains_key(theme.as_str()) {
            let message = format!("no theme is called `{theme}`");
            let known = lint.content.themes.keys().map(String::as_str);
            lint.hinted(file, theme.place, message, site::near(theme, known));
        }
    }
    controls(lint, file, &requirement.controls);
    same_as(lint, file, &requirement.same_as);
}

pub(crate) fn check_theme(lint: &mut Lint<'_>, theme: &Theme) {
    let file = lint.theme_file(theme);
    lint.id(&file, &theme.id);
    prose::check(lint, &file, "title", &theme.title);
    if theme.controls.is_empty() && theme.same_as.is_empty() {
        let message = "the theme has neither `controls` nor `same_as`";
        lint.error(&file, theme.title.place, message);
    }
    controls(lint, &file, &theme.controls);
    controls(lint, &file, &theme.except);
    same_as(lint, &file, &theme.same_as);
}

/// Ids and patterns name a control.
fn controls(lint: &mut Lint<'_>, file: &File, patterns: &[Placed<String>]) {
    let known = || lint.content.controls.keys().map(String::as_str);
    for pattern in patterns {
        if !known().any(|id| glob::matches(pattern, id)) {
            let message = format!("no control is called `{pattern}`");
            let hint = site::near(pattern, known());
            lint.problems.push(crate::Problem::at(file, pattern.place, message).hint(hint));
        }
    }
}

/// Requirements named as `framework/requirement` exist.
fn same_as(lint: &mut Lint<'_>, file: &File, places: &[Placed<String>]) {
    for text in places {
        let Some((framework, id)) = mapping::place(text) else {
            let message = format!("`{text}` is not of the form `framework/requirement`");
            lint.error(file, text.place, message);
            continue;
        };
        let Some(framework) = lint.content.frameworks.get(framework) else {
            let message = format!("no framework is called `{framework}`");
            let known = lint.content.frameworks.keys().map(String::as_str);
            lint.hinted(file, text.place, message, site::near(framework, known));
            continue;
        };
        let known = || framework.requirements.iter().map(|one| one.id.as_str());
        if !known().any(|known| known == id) {
            let message = format!("`{}` has no requirement `{id}`", framework.id);
            lint.hinted(file, text.place, message, site::near(id, known()));
        }
    }
}
