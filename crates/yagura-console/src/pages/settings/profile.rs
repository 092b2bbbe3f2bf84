//! One's own profile: language and time zone, password, second factor, sessions.
//! What others may change of somebody is in `people.rs`.

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::{Form, Query};
use http::HeaderMap;
use jiff::tz::TimeZone;
use serde::Serialize;
use yagura_store::people::{OpenSession, Person};

use super::{Told, back, field, note, page};
use crate::auth::{self, session, totp};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

pub(super) fn routes(routes: Routes) -> Routes {
    let need = Need::Role(Role::Viewer);
    routes
        .get("/settings/profile", need, show)
        .post("/settings/profile", need, keep)
        .post("/settings/profile/password", need, password)
        .post("/settings/profile/factor", need, factor)
        .post("/settings/profile/factor/remove", need, remove_factor)
        .post("/settings/profile/sessions", need, end_session)
}

#[derive(Serialize)]
struct View {
    /// None where the console is open to everybody.
    person: Option<Own>,
    sessions: Vec<SessionRow>,
    /// Recovery codes, shown this once.
    codes: Vec<String>,
    /// A second factor to be set up.
    secret: String,
    /// Whether somebody is at it.
    begun: bool,
    address: String,
    characters_min: usize,
}

#[derive(Serialize)]
struct Own {
    lang: Option<String>,
    zone: String,
    accounts: Option<Vec<String>>,
    has_password: bool,
    by_provider: bool,
    factor: bool,
    /// Whether the secret of a second factor would be sealed.
    sealed: bool,
    codes_left: u64,
}

#[derive(Serialize)]
struct SessionRow {
    id: String,
    here: bool,
    means: String,
    address: String,
    agent: String,
    created: i64,
    seen: i64,
}

fn session_row(open: OpenSession, here: Option<[u8; 32]>) -> SessionRow {
    SessionRow {
        id: hex::encode(open.hash),
        here: Some(open.hash) == here,
        means: open.means,
        address: open.address,
        agent: open.agent,
        created: open.created.as_microsecond(),
        seen: open.seen.as_microsecond(),
    }
}

/// The person who asks.
async fn own(console: &Console, viewer: &Viewer) -> Result<Person, Fault> {
    let id = viewer.person.ok_or(Fault::NotFound)?;
    console.store().people().by_id(id).await?.ok_or(Fault::NotFound)
}

async fn shown(console: &Console, viewer: &Viewer, told: Told, codes: Vec<String>) -> Answer {
    shown_with(console, viewer, told, codes, None).await
}

/// The page; `secret` is that of a second factor which is being set up: whoever mistyped a code has
/// it in their phone already.
async fn shown_with(
    console: &Console,
    viewer: &Viewer,
    told: Told,
    codes: Vec<String>,
    secret: Option<&str>,
) -> Answer {
    let mut view = View {
        person: None,
        sessions: Vec::new(),
        codes,
        secret: String::new(),
        begun: secret.is_some(),
        address: String::new(),
        characters_min: auth::credentials::PASSWORD_CHARACTERS_MIN,
    };
    if viewer.person.is_some() {
        let person = own(console, viewer).await?;
        let (people, now) = (console.store().people(), console.now());
        let open = people.sessions(person.id, now, session::idle_since(console)).await?;
        view.sessions = open.into_iter().map(|one| session_row(one, viewer.session)).collect();
        if person.totp.is_none() {
            view.secret = match secret {
                Some(secret) => secret.to_owned(),
                None => totp::fresh_secret().map_err(session::unavailable)?,
            };
            view.address = totp::address(&view.secret, &person.name).unwrap_or_default();
        }
        view.person = Some(Own {
            lang: person.lang,
            zone: person.zone.unwrap_or_default(),
            accounts: person.accounts.map(|accounts| accounts.into_iter().collect()),
            has_password: person.password.is_some(),
            by_provider: person.subject.is_some(),
            factor: person.totp.is_some(),
            sealed: console.parts().sign_in.masters.is_some(),
            codes_left: people.codes_left(person.id).await?,
        });
    }
    page(console, viewer, "profile", &[], told, view)
}

async fn show(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    shown(&console, &viewer, Told::of(&query), Vec::new()).await
}

async fn keep(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = own(&console, &viewer).await?;
    let lang = Some(field(&form, "lang")).filter(|lang| matches!(*lang, "en" | "ja"));
    let zone = Some(field(&form, "zone")).filter(|zone| !zone.is_empty());
    if zone.is_some_and(|zone| TimeZone::get(zone).is_err()) {
        return shown(&console, &viewer, Told::wrong("zone"), Vec::new()).await;
    }
    console.store().people().set_choices(person.id, lang, zone).await?;
    back("profile", "kept")
}

/// Whether a form has the password of whom the session is of: what guards an account is not
/// changed by whoever finds a browser open. Failures count as those of signing in.
async fn proven(
    console: &Console,
    viewer: &Viewer,
    person: &Person,
    form: &[(String, String)],
) -> Result<bool, Fault> {
    let typed = form.iter().find(|(name, _)| name == "current");
    let typed = typed.map(|(_, value)| value.clone()).unwrap_or_default();
    auth::proves_password(console, viewer, person, typed).await
}

async fn password(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = own(&console, &viewer).await?;
    if person.password.is_none() {
        return Err(Fault::NotFound);
    }
    let typed = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let new = typed("password");
    if let Some(wrong) = auth::first::wrong_password(&new, &typed("again"), &person.name) {
        return shown(&console, &viewer, Told::wrong(wrong), Vec::new()).await;
    }
    if !proven(&console, &viewer, &person, &form).await? {
        return shown(&console, &viewer, Told::wrong("current"), Vec::new()).await;
    }
    let hash = auth::first::hashed(new).await?;
    let people = console.store().people();
    people.set_password(person.id, Some(&hash), viewer.session.as_ref()).await?;
    note(&console, &viewer, "people.password", &person.name).await;
    back("profile", "password")
}

async fn factor(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = own(&console, &viewer).await?;
    if person.password.is_none() || person.totp.is_some() {
        return Err(Fault::NotFound);
    }
    let secret = field(&form, "secret");
    if !totp::is_ours(secret) {
        return Err(Fault::BadRequest("secret".to_owned()));
    }
    let again = |word| shown_with(&console, &viewer, Told::wrong(word), Vec::new(), Some(secret));
    if !proven(&console, &viewer, &person, &form).await? {
        return again("current").await;
    }
    let Some(step) = totp::step(secret, field(&form, "code"), console.now()) else {
        return again("code").await;
    };
    let codes = totp::keep(&console, &person, secret).await?;
    console.store().people().take_step(person.id, step).await?;
    note(&console, &viewer, "people.factor", &person.name).await;
    shown(&console, &viewer, Told::default(), codes).await
}

async fn remove_factor(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = own(&console, &viewer).await?;
    if !proven(&console, &viewer, &person, &form).await? {
        return shown(&console, &viewer, Told::wrong("current"), Vec::new()).await;
    }
    totp::drop_of(&console, &person).await?;
    note(&console, &viewer, "people.factor_removed", &person.name).await;
    back("profile", "factor_off")
}

async fn end_session(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    _headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = own(&console, &viewer).await?;
    let people = console.store().people();
    let which = field(&form, "session");
    if which == "others" {
        let open = people.sessions(person.id, console.now(), session::idle_since(&console)).await?;
        for one in open.iter().filter(|one| Some(one.hash) != viewer.session) {
            people.end_session(&one.hash, Some(person.id)).await?;
        }
        return back("profile", "sessions");
    }
    let mut hash = [0; 32];
    hex::decode_to_slice(which, &mut hash).map_err(|_| Fault::NotFound)?;
    if !people.end_session(&hash, Some(person.id)).await? {
        return Err(Fault::NotFound);
    }
    back("profile", "session")
}
