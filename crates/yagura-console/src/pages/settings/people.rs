//! People: added with a link to choose a password, given a role and accounts, disabled, reset.
//! What somebody changes of their own is in `profile.rs`.

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::{Form, Query};
use serde::Serialize;
use yagura_store::people::{NewPerson, Person};

use super::{Told, accounts_of, are_theirs, back, field, note, page, role_of};
use crate::auth::{self, session, totp};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

pub(super) fn routes(routes: Routes) -> Routes {
    let need = Need::Role(Role::Admin);
    routes
        .get("/settings/people", need, list)
        .post("/settings/people", need, add)
        .post("/settings/people/{id}/role", need, role)
        .post("/settings/people/{id}/disabled", need, disabled)
        .post("/settings/people/{id}/reset", need, reset)
}

#[derive(Serialize)]
struct View {
    people: Vec<Row>,
    roles: [&'static str; 4],
    /// A link to be handed over, shown this once.
    link: String,
    link_of: String,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    name: String,
    role: String,
    accounts: String,
    all: bool,
    own: bool,
    disabled: bool,
    by_provider: bool,
    has_password: bool,
    factor: bool,
    seen: Option<i64>,
}

fn row(person: Person, viewer: &Viewer) -> Row {
    let accounts = person.accounts.as_ref();
    Row {
        id: person.id,
        all: accounts.is_none(),
        accounts: accounts
            .map(|accounts| accounts.iter().cloned().collect::<Vec<_>>().join(", "))
            .unwrap_or_default(),
        own: viewer.person == Some(person.id),
        disabled: person.disabled,
        by_provider: person.subject.is_some(),
        has_password: person.password.is_some(),
        factor: person.totp.is_some(),
        seen: person.seen.map(jiff::Timestamp::as_microsecond),
        name: person.name,
        role: person.role,
    }
}

async fn shown(
    console: &Console,
    viewer: &Viewer,
    told: Told,
    (link, link_of): (String, String),
) -> Answer {
    let people = console.store().people().list().await?;
    let people = people.into_iter().map(|person| row(person, viewer)).collect();
    let view = View { people, roles: Role::ALL.map(Role::as_str), link, link_of };
    page(console, viewer, "people", &[], told, view)
}

async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    shown(&console, &viewer, Told::of(&query), Default::default()).await
}

/// Somebody whom the viewer may change.
async fn person(console: &Console, viewer: &Viewer, id: i64) -> Result<Person, Fault> {
    let person = console.store().people().by_id(id).await?.ok_or(Fault::NotFound)?;
    are_theirs(viewer, person.accounts.as_ref())?;
    Ok(person)
}

async fn link(console: &Console, id: i64) -> Result<String, Fault> {
    let address = &console.parts().address;
    let link = auth::setup_link(console.store(), address, id, console.now()).await;
    match link {
        Ok(link) => Ok(link.to_string()),
        Err(auth::Link::Store(error)) => Err(error.into()),
        Err(auth::Link::Random(fault)) => Err(session::unavailable(fault)),
    }
}

async fn add(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let name = field(&form, "name").to_owned();
    if !auth::first::fit_for_name(&name) {
        return shown(&console, &viewer, Told::wrong("name"), Default::default()).await;
    }
    let role = role_of(&form)?.as_str().to_owned();
    let accounts = accounts_of(&form)?;
    are_theirs(&viewer, accounts.as_ref())?;
    let new = NewPerson { name, subject: None, password: None, role, accounts };
    let Some(id) = console.store().people().add(&new, console.now()).await? else {
        return shown(&console, &viewer, Told::wrong("taken"), Default::default()).await;
    };
    note(&console, &viewer, "people.add", &format!("{} {}", new.name, new.role)).await;
    let link = link(&console, id).await?;
    shown(&console, &viewer, Told::default(), (link, new.name)).await
}

async fn role(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = person(&console, &viewer, id).await?;
    let (role, accounts) = (role_of(&form)?, accounts_of(&form)?);
    are_theirs(&viewer, accounts.as_ref())?;
    let people = console.store().people();
    if !people.set_role(id, role.as_str(), accounts.as_ref()).await? {
        return shown(&console, &viewer, Told::wrong("last_admin"), Default::default()).await;
    }
    let scope = accounts.map_or_else(
        || "*".to_owned(),
        |accounts| accounts.into_iter().collect::<Vec<_>>().join(","),
    );
    note(&console, &viewer, "people.role", &format!("{} {role} {scope}", person.name)).await;
    back("people", "role")
}

async fn disabled(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = person(&console, &viewer, id).await?;
    let disabled = field(&form, "disabled") == "yes";
    if !console.store().people().set_disabled(id, disabled).await? {
        return shown(&console, &viewer, Told::wrong("last_admin"), Default::default()).await;
    }
    let word = if disabled { "disabled" } else { "enabled" };
    note(&console, &viewer, &format!("people.{word}"), &person.name).await;
    back("people", word)
}

/// Takes password and second factor away, ends all sessions, and makes a link to begin anew.
async fn reset(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
    Form(_form): Form<Vec<(String, String)>>,
) -> Answer {
    let person = person(&console, &viewer, id).await?;
    if person.subject.is_some() {
        return Err(Fault::NotFound);
    }
    console.store().people().set_password(id, None, None).await?;
    totp::drop_of(&console, &person).await?;
    note(&console, &viewer, "people.reset", &person.name).await;
    let link = link(&console, id).await?;
    shown(&console, &viewer, Told::default(), (link, person.name)).await
}
