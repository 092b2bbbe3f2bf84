//! Who is asking: sessions, tokens, people, and the record of what was changed.
//! What a role may do is in `gate.rs` and beside each route.

mod address;
pub(crate) mod audit;
mod cookies;
pub(crate) mod credentials;
pub(crate) mod first;
mod limits;
mod oidc;
mod pages;
pub(crate) mod session;
mod settings;
mod sign_in;
pub(crate) mod token;
pub(crate) mod totp;

pub use credentials::{CredentialFault, Fresh, digest, fit_for_password, fresh, hashed};
pub use first::{Link, first_link, setup_link};
pub(crate) use oidc::Provider;
pub use settings::{OidcSettings, SignIn};

use axum_extra::extract::CookieJar;
use http::header;
use http::request::Parts;
use jiff::tz::TimeZone;
use yagura_model::Lang;
use yagura_model::finding::Scope;
use yagura_store::people::Person;

use crate::fault::Fault;
use crate::gate::Routes;
use crate::layout::preferences;
use crate::state::{Console, Entrance};
use crate::viewer::{Means, Role, Theme, Viewer};

pub(crate) fn routes(routes: Routes) -> Routes {
    oidc::routes(first::routes(sign_in::routes(routes)))
}

/// Finds out who asks.
///
/// # Errors
/// Where the database cannot say.
pub(crate) async fn identify(console: &Console, parts: &Parts) -> Result<Viewer, Fault> {
    let nobody = nobody(console, parts);
    if console.parts().entrance == Entrance::Open {
        return Ok(Viewer {
            name: "demo".to_owned(),
            role: Some(Role::Admin),
            scope: Scope::All,
            means: Means::Open,
            ..nobody
        });
    }
    // Who sends a token is judged by it alone, right or wrong: cookies are not looked at.
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        return token::identify(console, value, nobody).await;
    }
    match session::known(console, &parts.headers).await? {
        Some(known) => Ok(of_session(nobody, known, parts)),
        None => Ok(nobody),
    }
}

/// A person as a viewer. A role that this program does not know is none.
fn of_session(nobody: Viewer, known: session::Known, parts: &Parts) -> Viewer {
    let session::Known { person, hash, csrf } = known;
    let Ok(role) = person.role.parse() else { return nobody };
    let jar = CookieJar::from_headers(&parts.headers);
    let own = person.lang.as_deref().map(Lang::from_locale);
    let lang = if jar.get(preferences::LANG).is_some() { None } else { own };
    let zone = person.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
    Viewer {
        scope: scope_of(&person),
        role: Some(role),
        lang: lang.unwrap_or(nobody.lang),
        zone: zone.unwrap_or_else(|| nobody.zone.clone()),
        means: Means::Session,
        csrf,
        person: Some(person.id),
        session: Some(hash),
        name: person.name,
        ..nobody
    }
}

fn scope_of(person: &Person) -> Scope {
    person.accounts.clone().map_or(Scope::All, Scope::Accounts)
}

/// Somebody who has not signed in, with the language and the looks that they chose.
pub(crate) fn nobody(console: &Console, parts: &Parts) -> Viewer {
    let jar = CookieJar::from_headers(&parts.headers);
    let chosen = jar.get(preferences::LANG).map(|cookie| Lang::from_locale(cookie.value()));
    let theme = jar.get(preferences::THEME).and_then(|cookie| Theme::of(cookie.value()));
    let form = cookies::read(console, &parts.headers, cookies::Kind::Form);
    Viewer {
        name: String::new(),
        role: None,
        scope: Scope::Accounts(std::collections::BTreeSet::new()),
        lang: chosen.unwrap_or_else(|| accepted(parts)),
        theme: theme.unwrap_or_default(),
        zone: console.parts().zone.clone(),
        means: Means::None,
        permissions: None,
        csrf: form.map(|secret| credentials::form_proof(&secret)).unwrap_or_default(),
        address: address::of(console, parts),
        person: None,
        session: None,
    }
}

/// The first language of the browser that is one of ours.
fn accepted(parts: &Parts) -> Lang {
    let header = parts.headers.get(header::ACCEPT_LANGUAGE);
    let header = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = header.split(',').find_map(|one| {
        let tag = one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match tag.get(..2) {
            Some("ja") => Some(Lang::Ja),
            Some("en") => Some(Lang::En),
            _ => None,
        }
    });
    known.unwrap_or_default()
}

/// Whether what was sent proves that a change comes from a page of ours. Who has not signed in can
/// change nothing but their own cookies; the forms of signing in prove it by `proves_form`.
pub(crate) fn csrf_holds(_console: &Console, viewer: &Viewer, sent: Option<&str>) -> bool {
    match viewer.means {
        Means::Open | Means::None | Means::Token => true,
        Means::Session => proves_form(viewer, sent),
    }
}

/// Whether a form comes from a page that we gave to this very browser.
fn proves_form(viewer: &Viewer, sent: Option<&str>) -> bool {
    let sent = sent.and_then(credentials::unmasked).unwrap_or_default();
    !viewer.csrf.is_empty() && credentials::same(&sent, &viewer.csrf)
}

/// Whether a password is that of whom a session is of. Failures count as those of signing in.
///
/// # Errors
/// [`Fault::TooMany`] where the person must wait.
pub(crate) async fn proves_password(
    console: &Console,
    viewer: &Viewer,
    person: &Person,
    password: String,
) -> Result<bool, Fault> {
    let attempt = limits::begin(console, viewer, &person.name).await?;
    let right = sign_in::right(Some(person), password).await;
    if right {
        attempt.succeeded(console).await?;
    } else {
        attempt.failed(console).await?;
    }
    Ok(right)
}
