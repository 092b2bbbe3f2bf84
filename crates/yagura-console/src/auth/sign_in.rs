//! Signing in with a password and a code, and signing out.
//! Providers of identities are in `oidc.rs`; the first person and set-up links in `first.rs`.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum::{Extension, Form};
use axum_extra::extract::{CookieJar, Query};
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use yagura_store::people::{NewSignIn, Person};

use super::cookies::{self, Kind};
use super::pages::{Entry, answer, refused};
use super::{audit, credentials, limits, proves_form, session, totp};
use crate::fault::Answer;
use crate::gate::{Need, Routes};
use crate::layout::preferences::own_path;
use crate::state::{Console, Entrance};
use crate::viewer::{Means, Role, Viewer};

/// How long the second step may take.
const STEP_TIME: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/sign-in", Need::Nothing, form)
        .post("/sign-in", Need::Nothing, password)
        .get("/sign-in/code", Need::Nothing, code_form)
        .post("/sign-in/code", Need::Nothing, code)
        .post("/sign-out", Need::Role(Role::Viewer), sign_out)
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    told: Option<String>,
    wrong: Option<String>,
}

/// Words that a redirect may bring along; anything else is not shown.
const TOLD: [&str; 2] = ["password_set", "signed_out"];
const WRONG: [&str; 3] = ["provider", "provider_refused", "provider_lost"];

async fn form(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(asked): Query<Asked>,
) -> Answer {
    if viewer.role.is_some() {
        return Ok(Redirect::to(own_path(&asked.next)).into_response());
    }
    let known = |words: &[&'static str], said: Option<String>| {
        words.iter().copied().find(|word| said.as_deref() == Some(word))
    };
    let entry = Entry {
        next: own_path(&asked.next).to_owned(),
        told: known(&TOLD, asked.told),
        wrong: known(&WRONG, asked.wrong),
        nobody: console.store().people().is_empty().await?,
        ..Entry::of(&console, "password")
    };
    answer(&console, &viewer, StatusCode::OK, entry)
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
    csrf: Option<String>,
}

async fn password(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Answer {
    let next = own_path(&typed.next).to_owned();
    if viewer.role.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let entry =
        Entry { next: next.clone(), name: typed.name.clone(), ..Entry::of(&console, "password") };
    if !console.parts().sign_in.passwords || console.parts().entrance == Entrance::Open {
        return Err(crate::fault::Fault::NotFound);
    }
    if !proves_form(&viewer, typed.csrf.as_deref()) {
        let entry = Entry { wrong: Some("form"), ..entry };
        return answer(&console, &viewer, StatusCode::FORBIDDEN, entry);
    }
    let attempt = match limits::begin(&console, &viewer, &typed.name).await {
        Ok(attempt) => attempt,
        // Not recorded: the failures before it are, and these could be without end.
        Err(fault) => return refused(&console, &viewer, entry, fault),
    };
    let person = console.store().people().by_name(&typed.name).await?;
    if !right(person.as_ref(), typed.password).await {
        attempt.failed(&console).await?;
        // A name that nobody has may be a password in the wrong field: it is not written down.
        let who = person.map(|person| person.name).unwrap_or_default();
        audit::line(&console, &viewer, &who, "sign_in", "password", "refused").await;
        let entry = Entry { wrong: Some("password"), ..entry };
        return answer(&console, &viewer, StatusCode::UNAUTHORIZED, entry);
    }
    attempt.succeeded(&console).await?;
    let Some(person) = person else { return Err(crate::fault::Fault::NotFound) };
    if person.totp.is_some() {
        return second_step(&console, &person, &next).await;
    }
    come_in(&console, &viewer, &headers, &person, "password", &next).await
}

/// Whether a password is that of a person who may come in. INVARIANT: the same work whoever it is,
/// and whether there is such a person at all.
pub(super) async fn right(person: Option<&Person>, password: String) -> bool {
    let password = zeroize::Zeroizing::new(password);
    let kept = person.and_then(|person| person.password.clone());
    let matches =
        tokio::task::spawn_blocking(move || credentials::matches(&password, kept.as_deref()));
    matches.await.unwrap_or(false) && person.is_some_and(|person| !person.disabled)
}

async fn second_step(console: &Console, person: &Person, next: &str) -> Answer {
    let fresh = credentials::fresh("").map_err(session::unavailable)?;
    let new = NewSignIn {
        hash: fresh.hash,
        kind: "code".to_owned(),
        person: Some(person.id),
        detail: next.to_owned(),
        expires: console.now() + STEP_TIME,
    };
    console.store().people().begin_sign_in(&new, console.now()).await?;
    let jar = CookieJar::new();
    let jar = jar.add(cookies::set(console, Kind::Step, fresh.text.to_string()));
    Ok((jar, Redirect::to("/sign-in/code")).into_response())
}

/// Opens the session and goes on.
pub(super) async fn come_in(
    console: &Console,
    viewer: &Viewer,
    headers: &HeaderMap,
    person: &Person,
    means: &str,
    next: &str,
) -> Answer {
    let cookies = session::open(console, viewer, headers, person, means).await?;
    audit::line(console, viewer, &person.name, "sign_in", means, "done").await;
    let jar = cookies.into_iter().fold(CookieJar::new(), CookieJar::add);
    Ok((jar, Redirect::to(own_path(next))).into_response())
}

async fn code_form(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
) -> Answer {
    if cookies::read(&console, &headers, Kind::Step).is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    answer(&console, &viewer, StatusCode::OK, Entry::of(&console, "code"))
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
    csrf: Option<String>,
}

async fn code(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
    Form(typed): Form<Code>,
) -> Answer {
    let entry = Entry::of(&console, "code");
    if !proves_form(&viewer, typed.csrf.as_deref()) {
        let entry = Entry { wrong: Some("form"), ..entry };
        return answer(&console, &viewer, StatusCode::FORBIDDEN, entry);
    }
    let (people, now) = (console.store().people(), console.now());
    let begin = || Ok(Redirect::to("/sign-in").into_response());
    let Some(secret) = cookies::read(&console, &headers, Kind::Step) else { return begin() };
    let hash = credentials::digest(&secret);
    let Some(under_way) = people.sign_in(&hash, "code", now).await? else { return begin() };
    let Some(person) = people.by_id(under_way.person.unwrap_or(0)).await? else { return begin() };
    if person.disabled {
        return begin();
    }
    let attempt = match limits::begin_code(&console, &viewer, person.id).await {
        Ok(attempt) => attempt,
        Err(fault) => return refused(&console, &viewer, entry, fault),
    };
    if !totp::accepts(&console, &person, &typed.code).await? {
        attempt.failed(&console).await?;
        audit::line(&console, &viewer, &person.name, "sign_in", "code", "refused").await;
        let entry = Entry { wrong: Some("code"), ..entry };
        return answer(&console, &viewer, StatusCode::UNAUTHORIZED, entry);
    }
    attempt.succeeded(&console).await?;
    if people.take_sign_in(&hash, "code", now).await?.is_none() {
        return begin();
    }
    come_in(&console, &viewer, &headers, &person, "password", &under_way.detail).await
}

async fn sign_out(State(console): State<Console>, Extension(viewer): Extension<Viewer>) -> Answer {
    if let Some(hash) = &viewer.session {
        console.store().people().end_session(hash, viewer.person).await?;
    }
    if viewer.means == Means::Session {
        audit::line(&console, &viewer, &viewer.name, "sign_out", "", "done").await;
    }
    let jar = CookieJar::new().add(cookies::unset(&console, Kind::Session));
    Ok((jar, Redirect::to("/sign-in?told=signed_out")).into_response())
}
