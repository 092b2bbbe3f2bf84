//! Checks automation rules: names that are their own, settings that do something, cases that hold.
//! Whether a rule covers a finding of this site is seen where it is applied.

use std::collections::BTreeSet;

use super::Lint;
use crate::expression::{PathSet, nearest};
use crate::place::Placed;
use crate::problem::File;

/// What a rule can read of a finding; `yagura-respond` makes them.
const MEMBERS: [&str; 20] = [
    "id",
    "kind",
    "content",
    "title",
    "severity",
    "rank",
    "state",
    "account",
    "region",
    "resource",
    "marks",
    "labels",
    "first_seen",
    "last_seen",
    "opened",
    "occurrences",
    "assignee",
    "due",
    "cause",
    "evidence",
];

pub(crate) fn check(lint: &mut Lint<'_>) {
    let content = lint.content;
    let name = "rules.yaml";
    let file = content.files.get(name).cloned().unwrap_or_else(|| File::nameless(name));
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for rule in &content.site.rules {
        says(lint, &file, "id", &rule.id);
        if !known.insert(&rule.id) {
            let message = format!("two rules are called `{}`", rule.id);
            let hint = "the history of findings names the rule that acted: give each its own id";
            lint.hinted(&file, rule.id.place, message, hint);
        }
        let settings = &rule.settings;
        if settings.is_empty() {
            let message = format!("`set` of `{}` sets nothing", rule.id);
            let hint = "it can set severity, assignee, due_in, suppress and tags";
            lint.hinted(&file, rule.id.place, message, hint);
        }
        if let Some(assignee) = &settings.assignee {
            says(lint, &file, "assignee", assignee);
        }
        if let Some(suppress) = &settings.suppress {
            says(lint, &file, "reason", &suppress.reason);
            if suppress.until.is_some() == suppress.lasts.is_some() {
                let message = "`suppress` names an end either by `until` or by `for`";
                let hint = "nothing is accepted for ever";
                lint.hinted(&file, suppress.reason.place, message, hint);
            }
        }
        for (key, value) in &settings.tags {
            if key.trim().is_empty() || value.trim().is_empty() || key.contains('=') {
                let message = format!("the tag `{key}` has no name, no value or a `=` in its name");
                lint.error(&file, rule.id.place, message);
            }
        }
        members(lint, &file, &rule.when.program().paths("finding"), |path| {
            rule.when.place_of(&file, path)
        });
        for case in &rule.cases {
            if let Some(failure) = rule.failure(case) {
                let message = format!("case `{}`: {failure}", case.name);
                lint.error(&file, case.name.place, message);
            }
        }
    }
}

/// Warns of members that no finding has: a condition over them never holds.
fn members(
    lint: &mut Lint<'_>,
    file: &File,
    paths: &PathSet,
    place: impl Fn(&yagura_model::Path) -> crate::place::Place,
) {
    let PathSet::Paths(paths) = paths else { return };
    for path in paths {
        let Some(yagura_model::Step::Key(name)) = path.0.first() else { continue };
        if MEMBERS.contains(&name.as_str()) {
            continue;
        }
        let hint = nearest(name, MEMBERS)
            .map_or_else(|| MEMBERS.join(", "), |near| format!("did you mean `{near}`?"));
        let message = format!("a finding has no `{name}`");
        lint.warning(file, place(path), message, hint);
    }
}

fn says(lint: &mut Lint<'_>, file: &File, what: &str, text: &Placed<String>) {
    if text.trim().is_empty() {
        lint.error(file, text.place, format!("`{what}` says nothing"));
    }
}
