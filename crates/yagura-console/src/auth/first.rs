//! The first administrator, and the links by which people whom others added choose a password.
//! A link is worth something once and for a time; the store knows only its hash.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum::{Extension, Form};
use axum_extra::extract::Query;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use yagura_store::people::{NewPerson, NewSignIn};
use yagura_store::{Store, StoreError};
use zeroize::Zeroizing;

use super::credentials::{self, CredentialFault};
use super::pages::{Entry, answer};
use super::{audit, proves_form, session, sign_in};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// How long the link to be the first administrator is worth something.
const FIRST_TIME: SignedDuration = SignedDuration::from_hours(24);
/// How long a link to choose a password is worth something.
const SETUP_TIME: SignedDuration = SignedDuration::from_hours(72);
/// Characters of a name at most.
pub(crate) const NAME_CHARACTERS_MAX: usize = 100;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum Link {
    /// The machine gives no random bytes.
    #[error("could not make a link")]
    Random(#[from] CredentialFault),
    /// The database did not answer.
    #[error("could not keep a link")]
    Store(#[from] StoreError),
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/first", Need::Nothing, first_form)
        .post("/first", Need::Nothing, first)
        .get("/sign-in/setup", Need::Nothing, setup_form)
        .post("/sign-in/setup", Need::Nothing, setup)
}

/// The address under which the first administrator is made, where there is nobody yet: to be
/// printed where only who runs the program sees it. It is worth something for a day.
///
/// # Errors
/// Where the machine gives no random bytes, or the database does not answer.
pub async fn first_link(
    store: &Store,
    address: &str,
    now: Timestamp,
) -> Result<Option<Zeroizing<String>>, Link> {
    if !store.people().is_empty().await? {
        return Ok(None);
    }
    let token = keep_link(store, "first", None, (now, now + FIRST_TIME)).await?;
    Ok(Some(Zeroizing::new(format!("{address}/first?token={}", *token))))
}

/// The address under which a person chooses a password; an earlier one is worth nothing any more.
/// It is worth something for three days, and once.
///
/// # Errors
/// Where the machine gives no random bytes, or the database does not answer.
pub async fn setup_link(
    store: &Store,
    address: &str,
    person: i64,
    now: Timestamp,
) -> Result<Zeroizing<String>, Link> {
    let token = keep_link(store, "setup", Some(person), (now, now + SETUP_TIME)).await?;
    Ok(Zeroizing::new(format!("{address}/sign-in/setup?token={}", *token)))
}

async fn keep_link(
    store: &Store,
    kind: &str,
    person: Option<i64>,
    (now, expires): (Timestamp, Timestamp),
) -> Result<Zeroizing<String>, Link> {
    let fresh = credentials::fresh("")?;
    let (hash, kind, detail) = (fresh.hash, kind.to_owned(), String::new());
    store.people().begin_sign_in(&NewSignIn { hash, kind, person, detail, expires }, now).await?;
    Ok(fresh.text)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
    csrf: Option<String>,
}

/// The word for what is wrong with what was chosen.
pub(crate) fn wrong_password(password: &str, again: &str, name: &str) -> Option<&'static str> {
    if password != again {
        return Some("again");
    }
    match credentials::fit_for_password(password, name) {
        Ok(()) => None,
        Err(CredentialFault::TooShort) => Some("too_short"),
        Err(CredentialFault::TooLong) => Some("too_long"),
        Err(_) => Some("too_simple"),
    }
}

/// Whether a text can name a person: something to see, and nothing to deceive with.
pub(crate) fn fit_for_name(name: &str) -> bool {
    let name = name.trim();
    let letters = name.chars().count();
    let plain = |letter: char| {
        letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+' | '@' | '\'')
    };
    (1..=NAME_CHARACTERS_MAX).contains(&letters) && name.chars().all(plain)
}

/// Hashes a password away from the threads that answer.
pub(crate) async fn hashed(password: String) -> Result<String, Fault> {
    let password = Zeroizing::new(password);
    let hashed = tokio::task::spawn_blocking(move || credentials::hashed(&password)).await;
    let stopped = |_| Fault::Unavailable("the console stops".to_owned());
    hashed.map_err(stopped)?.map_err(session::unavailable)
}

async fn first_form(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(asked): Query<Asked>,
) -> Answer {
    let people = console.store().people();
    let hash = credentials::digest(&asked.token);
    let open =
        people.is_empty().await? && people.sign_in(&hash, "first", console.now()).await?.is_some();
    if !open {
        let entry = Entry::of(&console, "gone");
        return answer(&console, &viewer, StatusCode::NOT_FOUND, entry);
    }
    let entry = Entry { token: asked.token, ..Entry::of(&console, "first") };
    answer(&console, &viewer, StatusCode::OK, entry)
}

async fn first(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Answer {
    let name = chosen.name.trim().to_owned();
    let entry =
        Entry { token: chosen.token.clone(), name: name.clone(), ..Entry::of(&console, "first") };
    let (people, now) = (console.store().people(), console.now());
    let hash = credentials::digest(&chosen.token);
    let wrong = if proves_form(&viewer, chosen.csrf.as_deref()) {
        let name_wrong = (!fit_for_name(&name)).then_some("name");
        name_wrong.or_else(|| wrong_password(&chosen.password, &chosen.again, &name))
    } else {
        Some("form")
    };
    if wrong.is_some() {
        let entry = Entry { wrong, ..entry };
        return answer(&console, &viewer, StatusCode::BAD_REQUEST, entry);
    }
    let gone = || answer(&console, &viewer, StatusCode::NOT_FOUND, Entry::of(&console, "gone"));
    if people.take_sign_in(&hash, "first", now).await?.is_none() {
        return gone();
    }
    let password = Some(hashed(chosen.password).await?);
    let role = Role::Admin.as_str().to_owned();
    let new = NewPerson { name, subject: None, password, role, accounts: None };
    let Some(id) = people.add_first(&new, now).await? else { return gone() };
    audit::line(&console, &viewer, &new.name, "people.first", &new.name, "done").await;
    let person = people.by_id(id).await?.ok_or(Fault::NotFound)?;
    sign_in::come_in(&console, &viewer, &headers, &person, "password", "/settings/profile").await
}

async fn setup_form(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (people, now) = (console.store().people(), console.now());
    let hash = credentials::digest(&asked.token);
    let under_way = people.sign_in(&hash, "setup", now).await?;
    let id = under_way.and_then(|one| one.person).unwrap_or(0);
    let Some(person) = people.by_id(id).await?.filter(|person| !person.disabled) else {
        let entry = Entry::of(&console, "gone");
        return answer(&console, &viewer, StatusCode::NOT_FOUND, entry);
    };
    let entry = Entry { token: asked.token, name: person.name, ..Entry::of(&console, "setup") };
    answer(&console, &viewer, StatusCode::OK, entry)
}

async fn setup(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(chosen): Form<Chosen>,
) -> Answer {
    let (people, now) = (console.store().people(), console.now());
    let hash = credentials::digest(&chosen.token);
    let gone = || answer(&console, &viewer, StatusCode::NOT_FOUND, Entry::of(&console, "gone"));
    let under_way = people.sign_in(&hash, "setup", now).await?;
    let id = under_way.and_then(|one| one.person).unwrap_or(0);
    let found = people.by_id(id).await?.filter(|person| !person.disabled);
    let Some(person) = found else { return gone() };
    let wrong = if proves_form(&viewer, chosen.csrf.as_deref()) {
        wrong_password(&chosen.password, &chosen.again, &person.name)
    } else {
        Some("form")
    };
    if wrong.is_some() {
        let (token, name) = (chosen.token, person.name);
        let entry = Entry { wrong, token, name, ..Entry::of(&console, "setup") };
        return answer(&console, &viewer, StatusCode::BAD_REQUEST, entry);
    }
    let password = hashed(chosen.password).await?;
    if people.take_sign_in(&hash, "setup", now).await?.is_none() {
        return gone();
    }
    people.set_password(person.id, Some(&password), None).await?;
    audit::line(&console, &viewer, &person.name, "people.password", &person.name, "done").await;
    Ok(Redirect::to("/sign-in?told=password_set").into_response())
}
