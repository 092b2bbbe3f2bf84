//! The pages under `/settings`: one's own profile, people, tokens, jobs, health, the record.
//! How somebody is known is in `auth/`; settings of the program are in its file, not here.

mod audit;
mod health;
mod jobs;
mod people;
mod profile;
mod tokens;

use std::collections::BTreeSet;

use axum::Extension;
use axum::response::{IntoResponse, Redirect};
use http::StatusCode;
use serde::Serialize;
use yagura_model::finding::Scope;
use yagura_report::words;

use crate::auth;
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.get("/settings", Need::Role(Role::Viewer), first);
    let parts = [
        profile::routes,
        people::routes,
        tokens::routes,
        jobs::routes,
        health::routes,
        audit::routes,
    ];
    parts.into_iter().fold(routes, |routes, part| part(routes))
}

async fn first(Extension(_viewer): Extension<Viewer>) -> Answer {
    Ok(Redirect::to("/settings/profile").into_response())
}

/// A tab of the settings.
#[derive(Serialize)]
struct Tab {
    name: &'static str,
    href: String,
    here: bool,
}

const TABS: [(&str, Role); 6] = [
    ("profile", Role::Viewer),
    ("people", Role::Admin),
    ("tokens", Role::Admin),
    ("jobs", Role::Responder),
    ("health", Role::Responder),
    ("audit", Role::Admin),
];

/// What every page of settings has around its own.
#[derive(Serialize)]
struct Framed<T> {
    tabs: Vec<Tab>,
    told: Option<&'static str>,
    wrong: Option<&'static str>,
    view: T,
}

/// What is to be told above a page.
#[derive(Clone, Copy, Default)]
struct Told {
    told: Option<&'static str>,
    wrong: Option<&'static str>,
}

/// Words that a redirect may bring along; anything else is not shown.
const TOLD: [&str; 10] = [
    "kept",
    "password",
    "factor_off",
    "session",
    "sessions",
    "role",
    "disabled",
    "enabled",
    "revoked",
    "asked_for",
];

impl Told {
    fn of(query: &[(String, String)]) -> Self {
        let said = query.iter().find(|(name, _)| name == "told").map(|(_, word)| word.as_str());
        Self { told: TOLD.into_iter().find(|word| said == Some(word)), wrong: None }
    }

    fn wrong(word: &'static str) -> Self {
        Self { told: None, wrong: Some(word) }
    }
}

/// Writes a page of settings.
fn page<T: Serialize>(
    console: &Console,
    viewer: &Viewer,
    name: &'static str,
    query: &[(String, String)],
    told: Told,
    view: T,
) -> Answer {
    let opens = |tab: &str, role| viewer.may(role) && (tab != "audit" || sees_all(viewer).is_ok());
    let tabs = TABS.iter().filter(|(tab, role)| opens(tab, *role)).map(|(tab, _)| Tab {
        name: tab,
        href: format!("/settings/{tab}"),
        here: *tab == name,
    });
    let Told { told, wrong } = told;
    let page = Framed { tabs: tabs.collect(), told, wrong, view };
    let title = words(viewer.lang).get("console.nav.settings");
    let template = format!("settings_{name}.html");
    let path = format!("/settings/{name}");
    let shown = Shown { template: &template, nav: Nav::Settings, title, path: &path, query, page };
    let mut answer = layout::page(console, viewer, shown)?;
    if wrong.is_some() {
        // The record of actions goes by it.
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(answer)
}

/// Goes back to a page of settings with a word.
fn back(name: &str, told: &str) -> Answer {
    Ok(Redirect::to(&format!("/settings/{name}?told={told}")).into_response())
}

/// The values of a field of a form.
fn fields<'a>(form: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    form.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    fields(form, name).next().unwrap_or_default()
}

fn role_of(form: &[(String, String)]) -> Result<Role, Fault> {
    field(form, "role").parse().map_err(Fault::BadRequest)
}

/// Accounts as they are typed: numbers with anything between them; nothing is all.
fn accounts_of(form: &[(String, String)]) -> Result<Option<BTreeSet<String>>, Fault> {
    let typed = field(form, "accounts");
    let parts = typed.split(|letter: char| letter == ',' || letter.is_whitespace());
    let accounts: BTreeSet<String> =
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let is_account =
        |text: &String| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(other) = accounts.iter().find(|text| !is_account(text)) {
        return Err(Fault::BadRequest(other.clone()));
    }
    Ok(Some(accounts).filter(|accounts| !accounts.is_empty()))
}

/// What tells of all accounts, or reads them, is for who may see them all.
///
/// # Errors
/// [`Fault::Forbidden`] for everybody else.
fn sees_all(viewer: &Viewer) -> Result<(), Fault> {
    if viewer.scope == Scope::All { Ok(()) } else { Err(Fault::Forbidden) }
}

/// INVARIANT: who sees some accounts gives nobody more than that, and changes nobody who has more:
/// otherwise they could give all of them to themselves.
///
/// # Errors
/// [`Fault::Forbidden`] where these accounts are not all theirs.
fn are_theirs(viewer: &Viewer, accounts: Option<&BTreeSet<String>>) -> Result<(), Fault> {
    let theirs = match (&viewer.scope, accounts) {
        (Scope::All, _) => true,
        (Scope::Accounts(_), None) => false,
        (Scope::Accounts(own), Some(accounts)) => accounts.is_subset(own),
    };
    if theirs { Ok(()) } else { Err(Fault::Forbidden) }
}

/// Writes an action under a word of its own into the record, beside the gate's line.
async fn note(console: &Console, viewer: &Viewer, action: &str, target: &str) {
    auth::audit::line(console, viewer, &viewer.name, action, target, "done").await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits_and_none_is_all() {
        let of = |text: &str| accounts_of(&[("accounts".to_owned(), text.to_owned())]);
        assert_eq!(of(" ").unwrap(), None);
        let two = of("111122223333, 444455556666\n111122223333").unwrap().unwrap();
        assert_eq!(two.len(), 2);
        assert!(of("11112222333").is_err());
        assert!(of("111122223333 x").is_err());
    }
}
