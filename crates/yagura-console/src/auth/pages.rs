//! The pages before anybody is signed in: what they hold, and how they are written.
//! What is done with their forms is beside.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use yagura_report::words;

use super::cookies::{self, Kind};
use super::{credentials, session};
use crate::fault::{Answer, Fault};
use crate::layout::links;
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::Viewer;

/// What a page before signing in shows.
#[derive(Default, Serialize)]
pub(super) struct Entry {
    /// Which form: `password`, `code`, `first`, `setup`, `gone`.
    pub(super) form: &'static str,
    /// Where to go afterwards.
    pub(super) next: String,
    /// The name as it was typed, or whom it is about.
    pub(super) name: String,
    /// What was wrong: a word of `console_settings.sign_in.wrong`.
    pub(super) wrong: Option<&'static str>,
    /// What went well: a word of `console_settings.sign_in.told`.
    pub(super) told: Option<&'static str>,
    /// Seconds to wait.
    pub(super) wait: u64,
    /// The token of a link.
    pub(super) token: String,
    /// Whether passwords are asked for.
    pub(super) passwords: bool,
    /// Where the provider's button leads.
    pub(super) provider_href: String,
    /// What stands on the provider's button; empty where there is no provider.
    pub(super) provider: String,
    /// Whether nobody has been added yet.
    pub(super) nobody: bool,
    /// Characters of a password at least.
    pub(super) characters_min: usize,
}

impl Entry {
    pub(super) fn of(console: &Console, form: &'static str) -> Self {
        let settings = &console.parts().sign_in;
        let provider = settings.oidc.as_ref().map(super::oidc::label).unwrap_or_default();
        Self {
            form,
            passwords: settings.passwords,
            provider,
            characters_min: credentials::PASSWORD_CHARACTERS_MIN,
            ..Self::default()
        }
    }
}

/// The page. A browser without a secret for its forms gets one.
pub(super) fn answer(
    console: &Console,
    viewer: &Viewer,
    status: StatusCode,
    entry: Entry,
) -> Answer {
    let mut jar = CookieJar::new();
    let mut viewer = viewer.clone();
    if viewer.csrf.is_empty() {
        let fresh = credentials::fresh("").map_err(session::unavailable)?;
        viewer.csrf = credentials::form_proof(&fresh.text);
        jar = jar.add(cookies::set(console, Kind::Form, fresh.text.to_string()));
    }
    let key = format!("console_settings.sign_in.title.{}", entry.form);
    let title = words(viewer.lang).get(&key);
    let wait = entry.wait;
    let next = links::encoded(&entry.next);
    let entry = Entry { provider_href: format!("/sign-in/provider?next={next}"), ..entry };
    let path = if entry.form == "password" { "/sign-in" } else { "" };
    let shown =
        Shown { template: "sign_in.html", nav: Nav::None, title, path, query: &[], page: entry };
    let mut response: Response =
        (status, jar, layout::page(console, &viewer, shown)?).into_response();
    // `layout::page` answers 200 of its own.
    *response.status_mut() = status;
    if wait > 0 {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    Ok(response)
}

/// The page that says why a form was not taken.
pub(super) fn refused(console: &Console, viewer: &Viewer, entry: Entry, fault: Fault) -> Answer {
    match fault {
        Fault::TooMany(wait) => {
            let entry = Entry { wrong: Some("too_many"), wait, ..entry };
            answer(console, viewer, StatusCode::TOO_MANY_REQUESTS, entry)
        }
        other => Err(other),
    }
}
