//! The cookies of signing in, and how they are written.
//! Language and looks have cookies of their own (`layout/preferences.rs`).

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::HeaderMap;

use crate::state::Console;

/// A cookie by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Who is signed in.
    Session,
    /// A browser that has not signed in yet: its forms follow from this.
    Form,
    /// A sign-in whose second step is to come.
    Step,
    /// A round trip to a provider: it must end in the browser that began it.
    Provider,
}

/// The name of a cookie. `__Host-` makes browsers refuse it without TLS, with a domain, or from a
/// page that is not ours (RFC 6265bis, 4.1.3.2).
pub(super) fn name(console: &Console, kind: Kind) -> &'static str {
    match (kind, console.is_secure()) {
        (Kind::Session, true) => "__Host-yagura",
        (Kind::Session, false) => "yagura",
        (Kind::Form, true) => "__Host-yagura-form",
        (Kind::Form, false) => "yagura-form",
        (Kind::Step, true) => "__Host-yagura-step",
        (Kind::Step, false) => "yagura-step",
        (Kind::Provider, true) => "__Host-yagura-provider",
        (Kind::Provider, false) => "yagura-provider",
    }
}

/// What a browser sends of one.
pub(super) fn read(console: &Console, headers: &HeaderMap, kind: Kind) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(name(console, kind))?;
    Some(cookie.value().to_owned()).filter(|value| !value.is_empty() && value.len() <= 100)
}

/// One to be set. It ends with the browser; what it stands for ends in the store.
pub(super) fn set(console: &Console, kind: Kind, value: String) -> Cookie<'static> {
    let mut cookie = Cookie::new(name(console, kind), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(console.is_secure());
    cookie.set_same_site(SameSite::Lax);
    cookie
}

/// One to be removed.
pub(super) fn unset(console: &Console, kind: Kind) -> Cookie<'static> {
    let mut cookie = set(console, kind, String::new());
    cookie.make_removal();
    cookie
}
