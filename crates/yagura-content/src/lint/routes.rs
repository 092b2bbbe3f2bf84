//! Checks a site's routes: targets and channels that exist, settings that are whole, secrets by
//! reference, changes that happen, time zones that there are.
//! Whether a target answers is tried by `yagura routes test`.

use std::collections::BTreeSet;

use super::{Lint, site};
use crate::format::{BuiltinChannel, CHANGES, Route, SettingKind, Target};
use crate::place::{Place, Placed};
use crate::problem::File;
use yagura_model::secret::SecretRef;

/// Routes and targets of one site. Beyond this something else was meant.
const COUNT_MAX: usize = 500;

pub(crate) fn check(lint: &mut Lint<'_>) {
    let content = lint.content;
    let name = "routes.yaml";
    let file = content.files.get(name).cloned().unwrap_or_else(|| File::nameless(name));
    let routes = &content.site.routes;
    let start = Place { line: 1, column: 1, offset: 0 };
    if routes.routes.len() > COUNT_MAX || routes.targets.0.len() > COUNT_MAX {
        lint.error(&file, start, format!("there are more than {COUNT_MAX} routes or targets"));
    }
    if let Some(url) = &routes.console_url
        && !is_url(url)
    {
        let message = format!("`{url}` is no http or https address");
        lint.error(&file, url.place, message);
    }
    zone(lint, &file, routes.time_zone.as_ref());
    let mut names = BTreeSet::new();
    for (name, target) in &routes.targets.0 {
        if !names.insert(name.as_str()) {
            lint.error(&file, name.place, format!("a target `{name}` is there already"));
        }
        check_target(lint, &file, name, target);
    }
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    for route in &routes.routes {
        if !ids.insert(route.id.as_str()) {
            lint.error(&file, route.id.place, format!("a route `{}` is there already", route.id));
        }
        used.extend(route.targets.iter().map(|target| target.as_str()));
        check_route(lint, &file, route, &names);
    }
    for (name, _) in routes.targets.0.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let hint = "name it under `targets` of a route, or leave it out";
        lint.warning(&file, name.place, format!("no route leads to the target `{name}`"), hint);
    }
}

fn check_route(lint: &mut Lint<'_>, file: &File, route: &Route, targets: &BTreeSet<&str>) {
    if route.id.trim().is_empty() {
        lint.error(file, route.id.place, "`id` says nothing");
    }
    if route.targets.is_empty() {
        let message = format!("the route `{}` has no target", route.id);
        lint.error(file, route.id.place, message);
    }
    for target in route.targets.iter().filter(|target| !targets.contains(target.as_str())) {
        let message = format!("there is no target `{target}`");
        lint.hinted(file, target.place, message, site::near(target, targets.iter().copied()));
    }
    if route.on.is_empty() {
        lint.error(file, route.id.place, format!("`on` of `{}` is empty", route.id));
    }
    for on in route.on.iter().filter(|on| !CHANGES.contains(&on.as_str())) {
        let message = format!("`{on}` is nothing that happens to a finding");
        let near = site::near(on, CHANGES);
        let hint = if near.is_empty() { format!("known are {}", CHANGES.join(", ")) } else { near };
        lint.hinted(file, on.place, message, hint);
    }
    zone(lint, file, route.time_zone.as_ref());
    if route.quiet.is_some_and(|quiet| quiet.from == quiet.to) {
        let message = format!("`quiet` of `{}` begins when it ends", route.id);
        lint.error(file, route.id.place, message);
    }
}

fn zone(lint: &mut Lint<'_>, file: &File, name: Option<&Placed<String>>) {
    let Some(name) = name else { return };
    if jiff::tz::TimeZone::get(name).is_err() {
        let hint = "use an IANA name such as `Asia/Tokyo` or `UTC`";
        lint.hinted(file, name.place, format!("there is no time zone `{name}`"), hint);
    }
}

fn check_target(lint: &mut Lint<'_>, file: &File, name: &Placed<String>, target: &Target) {
    let content = lint.content;
    let id = target.channel.as_str();
    let settings: Vec<(&str, SettingKind, bool)> = match BuiltinChannel::named(id) {
        Some(channel) => channel.settings().to_vec(),
        None => {
            let Some(channel) = content.channels.get(id) else {
                let builtin = BuiltinChannel::ALL.map(BuiltinChannel::as_str);
                let known = content.channels.keys().map(String::as_str).chain(builtin);
                let hint = site::near(id, known);
                let message = format!("there is no channel `{id}`");
                lint.hinted(file, target.channel.place, message, hint);
                return;
            };
            let all = channel.settings.0.iter();
            all.map(|(name, one)| (name.as_str(), one.kind, one.optional || one.default.is_some()))
                .collect()
        }
    };
    for (known, _, optional) in &settings {
        let given = target.settings.0.iter().any(|(name, _)| name.as_str() == *known);
        if !given && !optional {
            let message = format!("the target `{name}` does not say `{known}`");
            lint.error(file, name.place, message);
        }
    }
    for (setting, value) in &target.settings.0 {
        let known = settings.iter().find(|(known, ..)| *known == setting.as_str());
        let Some((_, kind, _)) = known else {
            let hint = site::near(setting, settings.iter().map(|(name, ..)| *name));
            let message = format!("`{id}` has no setting `{setting}`");
            lint.hinted(file, setting.place, message, hint);
            continue;
        };
        if value.0.is_empty() || value.0.iter().any(|text| text.trim().is_empty()) {
            lint.error(file, setting.place, format!("`{setting}` is empty"));
        } else if kind.is_secret() {
            // The error never repeats what was written: it may be the secret itself.
            if let Err(error) = value.text().parse::<SecretRef>() {
                lint.error(file, setting.place, format!("`{setting}`: {error}"));
            }
        } else if kind.is_url() && !is_url(&value.text()) {
            let message = format!("`{setting}` is no http or https address");
            lint.error(file, setting.place, message);
        }
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains([' ', '\n', '"', '<'])
    })
}
