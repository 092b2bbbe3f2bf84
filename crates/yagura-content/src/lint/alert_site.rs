//! Checks what a site says about alerts: contents that exist, patterns that are not empty, reasons
//! that say something. Whether a suppression has ended is judged against a run's time, not here.

use super::Lint;
use super::site::near;
use crate::place::{Place, Placed};
use crate::problem::File;

pub(crate) fn check(lint: &mut Lint<'_>) {
    let content = lint.content;
    let site = &content.site;
    let file =
        |name: &str| content.files.get(name).cloned().unwrap_or_else(|| File::nameless(name));
    let suppressions = file("suppressions.yaml");
    for rule in &site.suppressions {
        if rule.pattern.is_empty() {
            let hint = "name at least a content, an entity, an account or a resource";
            let message = "`match` names nothing, and would suppress every alert";
            lint.hinted(&suppressions, rule.owner.place, message, hint);
        }
        ids(lint, &suppressions, &rule.pattern.content);
        says(lint, &suppressions, "owner", &rule.owner);
        says(lint, &suppressions, "reason", &rule.reason);
    }
    let allow = file("allow.yaml");
    for rule in &site.allow {
        ids(lint, &allow, &rule.content);
        says(lint, &allow, "name", &rule.name);
        says(lint, &allow, "owner", &rule.owner);
        says(lint, &allow, "reason", &rule.reason);
    }
    let context = file("context.yaml");
    for jewels in &site.context.crown_jewels {
        says(lint, &context, "name", &jewels.name);
        let lists = [&jewels.accounts, &jewels.resources, &jewels.actors];
        if lists.iter().all(|list| list.is_empty()) && jewels.tags.is_empty() {
            let message = format!("`{}` names no account, resource, actor or tag", jewels.name);
            lint.error(&context, jewels.name.place, message);
        }
    }
    for automation in &site.context.automation {
        says(lint, &context, "name", &automation.name);
        ids(lint, &context, &automation.content);
        let lists = [&automation.actors, &automation.user_agents, &automation.addresses];
        if lists.iter().all(|list| list.is_empty()) {
            let message = format!("`{}` names no actor, user agent or address", automation.name);
            lint.error(&context, automation.name.place, message);
        }
    }
    let start = Place { line: 1, column: 1, offset: 0 };
    for account in &site.context.production.accounts {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("`{account}` is no account number of twelve digits");
            lint.error(&context, start, message);
        }
    }
}

fn says(lint: &mut Lint<'_>, file: &File, what: &str, text: &Placed<String>) {
    if text.trim().is_empty() {
        lint.error(file, text.place, format!("`{what}` says nothing"));
    }
}

/// Rules of a user's own files have ids that are not content's: UUIDs and paths.
fn ids(lint: &mut Lint<'_>, file: &File, patterns: &[Placed<String>]) {
    let content = lint.content;
    let known = || {
        let detections = content.detections.keys();
        let others = content.behaviors.keys().chain(content.sequences.keys());
        detections.chain(others).chain(content.intelligence.keys()).map(String::as_str)
    };
    for pattern in patterns {
        let foreign = pattern.contains(['/', '-']);
        if !foreign && !known().any(|id| crate::glob::matches(pattern, id)) {
            let message = format!("no content that alerts is called `{pattern}`");
            lint.warning(file, pattern.place, message, near(pattern, known()));
        }
    }
}
