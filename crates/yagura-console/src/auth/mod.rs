//! Who is asking: sessions, tokens, people, and the record of what was changed.
//! What a role may do is in `gate.rs` and beside each route.

pub(crate) mod audit;
mod settings;

pub use settings::{OidcSettings, SignIn};

use axum_extra::extract::CookieJar;
use http::header;
use http::request::Parts;
use yagura_model::Lang;
use yagura_model::finding::Scope;

use crate::fault::Fault;
use crate::gate::Routes;
use crate::layout::preferences;
use crate::state::{Console, Entrance};
use crate::viewer::{Means, Role, Theme, Viewer};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
}

/// Finds out who asks.
///
/// # Errors
/// Where the database cannot say.
pub(crate) async fn identify(console: &Console, parts: &Parts) -> Result<Viewer, Fault> {
    let nobody = nobody(console, parts);
    match console.parts().entrance {
        Entrance::Open => Ok(Viewer {
            name: "demo".to_owned(),
            role: Some(Role::Admin),
            scope: Scope::All,
            means: Means::Open,
            ..nobody
        }),
        Entrance::SignIn => Ok(nobody),
    }
}

/// Somebody who has not signed in, with the language and the looks that they chose.
pub(crate) fn nobody(console: &Console, parts: &Parts) -> Viewer {
    let jar = CookieJar::from_headers(&parts.headers);
    let chosen = jar.get(preferences::LANG).map(|cookie| Lang::from_locale(cookie.value()));
    let theme = jar.get(preferences::THEME).and_then(|cookie| Theme::of(cookie.value()));
    Viewer {
        name: String::new(),
        role: None,
        scope: Scope::Accounts(std::collections::BTreeSet::new()),
        lang: chosen.unwrap_or_else(|| accepted(parts)),
        theme: theme.unwrap_or_default(),
        zone: console.parts().zone.clone(),
        means: Means::None,
        permissions: None,
        csrf: String::new(),
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

/// Whether what was sent proves that a change comes from a page of ours.
pub(crate) fn csrf_holds(_console: &Console, viewer: &Viewer, _sent: Option<&str>) -> bool {
    match viewer.means {
        Means::Open | Means::None => true,
        Means::Session | Means::Token => false,
    }
}
