//! Checks what a site says beside its own controls: names that exist, reasons that say something.
//! Whether an exception has expired is judged against a scan's time, not here.

use super::Lint;
use crate::expression::nearest;
use crate::place::Place;
use crate::problem::File;

pub(crate) fn check(lint: &mut Lint<'_>) {
    let content = lint.content;
    let site = &content.site;
    let file =
        |name: &str| content.files.get(name).cloned().unwrap_or_else(|| File::nameless(name));
    let controls = || content.controls.keys().map(String::as_str);
    let exceptions = file("exceptions.yaml");
    for rule in &site.exceptions {
        if !controls().any(|id| crate::glob::matches(&rule.control, id)) {
            let message = format!("no control is called `{}`", rule.control);
            lint.hinted(&exceptions, rule.control.place, message, near(&rule.control, controls()));
        }
        for (what, text) in [("owner", &rule.owner), ("reason", &rule.reason)] {
            if text.trim().is_empty() {
                lint.error(&exceptions, text.place, format!("`{what}` says nothing"));
            }
        }
    }
    let attestations = file("attestations.yaml");
    for attestation in &site.attestations {
        let Some(framework) = content.frameworks.get(attestation.framework.as_str()) else {
            let message = format!("no framework is called `{}`", attestation.framework);
            let names = content.frameworks.keys().map(String::as_str);
            let hint = near(&attestation.framework, names);
            lint.hinted(&attestations, attestation.framework.place, message, hint);
            continue;
        };
        let ids = || framework.requirements.iter().map(|requirement| requirement.id.as_str());
        if !ids().any(|id| id == attestation.requirement.as_str()) {
            let message =
                format!("`{}` has no requirement `{}`", framework.id, attestation.requirement);
            let hint = near(&attestation.requirement, ids());
            lint.hinted(&attestations, attestation.requirement.place, message, hint);
        }
        for (what, text) in [("by", &attestation.by), ("reason", &attestation.reason)] {
            if text.trim().is_empty() {
                lint.error(&attestations, text.place, format!("`{what}` says nothing"));
            }
        }
    }
    let parameters = file("parameters.yaml");
    let start = Place { line: 1, column: 1, offset: 0 };
    for (id, values) in &site.parameters {
        let Some(control) = content.controls.get(id) else {
            let message = format!("no control is called `{id}`");
            lint.hinted(&parameters, start, message, near(id, controls()));
            continue;
        };
        for name in values.keys().filter(|name| !control.parameters.contains_key(*name)) {
            let message = format!("`{id}` has no parameter `{name}`");
            let hint = near(name, control.parameters.keys().map(String::as_str));
            lint.hinted(&parameters, start, message, hint);
        }
    }
    let selection = file("selection.yaml");
    for glob in &site.selection.frameworks {
        let known = || content.frameworks.keys().map(String::as_str);
        if !known().any(|id| crate::glob::matches(glob, id)) {
            let message = format!("no framework is called `{glob}`");
            lint.hinted(&selection, start, message, near(glob, known()));
        }
    }
    let globs = site.selection.enable.iter().chain(&site.selection.disable);
    for glob in globs.chain(site.selection.severity.keys()) {
        if !controls().any(|id| crate::glob::matches(glob, id)) {
            let message = format!("no control is called `{glob}`");
            lint.hinted(&selection, start, message, near(glob, controls()));
        }
    }
}

/// A hint with the name that was probably meant.
pub(crate) fn near<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, names).map_or_else(String::new, |near| format!("did you mean `{near}`?"))
}
