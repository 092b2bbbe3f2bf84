//! Checks what events are called in IAM: both languages, actions that exist, parameters in lower
//! case.
//! What a call needed is worked out in `yagura-analyze`.

use super::{Lint, prose};
use crate::format::EventActionsFile;
use crate::place::Placed;
use crate::problem::File;

pub(crate) fn check(lint: &mut Lint<'_>, actions: &EventActionsFile) {
    let file = lint.event_actions_file(actions);
    lint.id(&file, &actions.id);
    prose::check(lint, &file, "title", &actions.title);
    for (source, _) in &actions.sources.0 {
        let other = lint.content.event_actions.values().find(|other| {
            let has = other.sources.0.iter().any(|(name, _)| name.value == source.value);
            other.id != actions.id && has
        });
        if let Some(other) = other {
            let message = format!("`{}` is spoken of in `{}` too", source.value, other.id);
            lint.error(&file, source.place, message);
        }
    }
    for (_, needed) in actions.events.0.iter().chain(&actions.tags.0) {
        for one in needed {
            let name = one.value.split(' ').next().unwrap_or_default();
            exists(lint, &file, one, name);
        }
    }
    for one in &actions.data {
        exists(lint, &file, one, &one.value);
    }
    for one in &actions.unlogged {
        if !one.value.contains('*') {
            exists(lint, &file, one, &one.value);
        }
    }
    let place = actions.title.place;
    let of_variables = actions.variables.values().flat_map(|source| &source.from);
    let of_roles = actions.roles.values().chain(actions.profiles.values()).flatten();
    for parameter in of_variables.chain(actions.keys.values()).chain(of_roles) {
        if parameter.chars().any(|letter| letter.is_ascii_uppercase()) {
            let message = format!("`{parameter}`: parameters are written in lower case");
            lint.error(&file, place, message);
        }
    }
    for (variable, source) in &actions.variables {
        if source.forms.iter().any(|form| !form.contains("{}")) {
            let message = format!("a form of `{variable}` has no `{{}}` for its value");
            lint.error(&file, place, message);
        }
    }
}

fn exists(lint: &mut Lint<'_>, file: &File, at: &Placed<String>, action: &str) {
    if lint.api.is_some_and(|api| api.access_level(action).is_none()) {
        lint.error(file, at.place, format!("`{action}` is no action of AWS"));
    }
}
