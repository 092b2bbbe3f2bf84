//! Tokens of programs: made, shown once, taken back.
//! How a request is known by one is in `auth/token.rs`.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::{Form, Query};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use yagura_store::people::{NewToken, Token};

use super::{Told, accounts_of, are_theirs, back, field, fields, note, page, role_of};
use crate::auth::token::PREFIX;
use crate::auth::{fresh, session};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Permission, Role, Viewer};

/// Days that a token may last; 0 is without end.
const DAYS: [i64; 5] = [30, 90, 365, 7, 0];
/// Characters of a name at most.
const NAME_CHARACTERS_MAX: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    let need = Need::Role(Role::Admin);
    routes.get("/settings/tokens", need, list).post("/settings/tokens", need, add).post(
        "/settings/tokens/{id}/revoke",
        need,
        revoke,
    )
}

#[derive(Serialize)]
struct View {
    tokens: Vec<Row>,
    roles: [&'static str; 4],
    scopes: [&'static str; 7],
    days: [i64; 5],
    /// A token, shown this once.
    token: String,
    token_name: String,
}

#[derive(Serialize)]
struct Row {
    id: i64,
    name: String,
    role: String,
    scopes: Vec<String>,
    accounts: Vec<String>,
    all: bool,
    created_by: String,
    created: i64,
    expires: Option<i64>,
    expired: bool,
    used: Option<i64>,
}

fn row(token: Token, now: Timestamp) -> Row {
    Row {
        id: token.id,
        name: token.name,
        role: token.role,
        scopes: token.scopes.into_iter().collect(),
        all: token.accounts.is_none(),
        accounts: token.accounts.unwrap_or_default().into_iter().collect(),
        created_by: token.created_by,
        created: token.created.as_microsecond(),
        expires: token.expires.map(Timestamp::as_microsecond),
        expired: token.expires.is_some_and(|expires| expires <= now),
        used: token.used.map(Timestamp::as_microsecond),
    }
}

async fn shown(
    console: &Console,
    viewer: &Viewer,
    told: Told,
    (token, token_name): (String, String),
) -> Answer {
    let (tokens, now) = (console.store().people().tokens().await?, console.now());
    let tokens = tokens.into_iter().map(|token| row(token, now)).collect();
    let (roles, scopes) = (Role::ALL.map(Role::as_str), Permission::ALL.map(Permission::as_str));
    let view = View { tokens, roles, scopes, days: DAYS, token, token_name };
    page(console, viewer, "tokens", &[], told, view)
}

async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    shown(&console, &viewer, Told::of(&query), Default::default()).await
}

async fn add(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    let name = field(&form, "name").to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX {
        return shown(&console, &viewer, Told::wrong("token_name"), Default::default()).await;
    }
    let scopes: Result<BTreeSet<Permission>, String> =
        fields(&form, "scope").map(str::parse).collect();
    let scopes = scopes.map_err(Fault::BadRequest)?;
    if scopes.is_empty() {
        return shown(&console, &viewer, Told::wrong("scopes"), Default::default()).await;
    }
    let accounts = accounts_of(&form)?;
    are_theirs(&viewer, accounts.as_ref())?;
    let days: i64 = field(&form, "days").parse().unwrap_or(30);
    let days = DAYS.into_iter().find(|known| *known == days).unwrap_or(30);
    let secret = fresh(PREFIX).map_err(session::unavailable)?;
    let now = console.now();
    let new = NewToken {
        name,
        hash: secret.hash,
        role: role_of(&form)?.as_str().to_owned(),
        accounts,
        scopes: scopes.iter().map(ToString::to_string).collect(),
        created_by: viewer.name.clone(),
        expires: (days > 0).then(|| now + SignedDuration::from_hours(24 * days)),
    };
    if console.store().people().add_token(&new, now).await?.is_none() {
        return shown(&console, &viewer, Told::wrong("taken"), Default::default()).await;
    }
    note(&console, &viewer, "tokens.add", &format!("{} {}", new.name, new.role)).await;
    shown(&console, &viewer, Told::default(), (secret.text.to_string(), new.name)).await
}

async fn revoke(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
    Form(_form): Form<Vec<(String, String)>>,
) -> Answer {
    let tokens = console.store().people().tokens().await?;
    let token = tokens.into_iter().find(|token| token.id == id).ok_or(Fault::NotFound)?;
    are_theirs(&viewer, token.accounts.as_ref())?;
    let name = console.store().people().revoke_token(id).await?.ok_or(Fault::NotFound)?;
    note(&console, &viewer, "tokens.revoke", &name).await;
    back("tokens", "revoked")
}
