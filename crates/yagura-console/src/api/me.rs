//! Who asks, as the API knows them.
//! How somebody is known is in `auth/`.

use schemars::JsonSchema;
use serde::Serialize;
use yagura_model::finding::Scope;

use super::endpoint::{Endpoints, Nothing, Reader, Said};
use crate::fault::Fault;
use crate::viewer::{Permission, Role};

pub(super) fn register(all: Endpoints) -> Endpoints {
    all.get(
        Said {
            path: "/me",
            role: Role::Viewer,
            permission: Permission::FindingsRead,
            id: "getMe",
            summary: "Who asks, and what they may",
        },
        me,
    )
}

/// Whoever asks.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct MeView {
    name: String,
    /// viewer, analyst, responder, admin.
    role: Option<String>,
    /// The accounts that they may see; null for all.
    accounts: Option<Vec<String>>,
    /// What the token may be used for; null for people.
    scopes: Option<Vec<String>>,
    /// The version of the program.
    yagura: String,
}

async fn me(reader: Reader, _asked: Nothing) -> Result<MeView, Fault> {
    let viewer = &reader.viewer;
    let scopes = viewer.permissions.as_ref();
    Ok(MeView {
        name: viewer.name.clone(),
        role: viewer.role.map(|role| role.as_str().to_owned()),
        accounts: match &viewer.scope {
            Scope::All => None,
            Scope::Accounts(accounts) => Some(accounts.iter().cloned().collect()),
        },
        scopes: scopes.map(|all| all.iter().map(|one| one.as_str().to_owned()).collect()),
        yagura: reader.console.parts().version.clone(),
    })
}
