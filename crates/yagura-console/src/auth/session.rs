//! Sessions: opened anew at each sign-in, found by their cookie, ended.
//! What a session may do is its person's role.

use axum_extra::extract::cookie::Cookie;
use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use yagura_store::people::{Hash, NewSession, Person};

use super::cookies::{self, Kind};
use super::credentials;
use crate::fault::Fault;
use crate::state::Console;
use crate::viewer::Viewer;

/// Characters that are kept of what a browser says it is.
const AGENT_CHARACTERS_MAX: usize = 200;

/// A session that was asked with.
pub(super) struct Known {
    pub(super) person: Person,
    pub(super) hash: Hash,
    /// What its forms carry.
    pub(super) csrf: String,
}

/// The time since which a session must have been used.
pub(crate) fn idle_since(console: &Console) -> Timestamp {
    super::settings::back(console.now(), console.parts().sign_in.idle)
}

/// Opens a session under a fresh secret, whatever the browser sent, and ends the one it had.
///
/// INVARIANT: the secret of a session is never one that a browser brought along, so nobody can
/// lay one under somebody else.
pub(super) async fn open(
    console: &Console,
    viewer: &Viewer,
    headers: &HeaderMap,
    person: &Person,
    means: &str,
) -> Result<Vec<Cookie<'static>>, Fault> {
    let (people, now) = (console.store().people(), console.now());
    if let Some(old) = cookies::read(console, headers, Kind::Session) {
        people.end_session(&credentials::digest(&old), None).await?;
    }
    let settings = &console.parts().sign_in;
    let fresh = credentials::fresh("").map_err(unavailable)?;
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let lasting = SignedDuration::try_from(settings.absolute).unwrap_or(SignedDuration::MAX);
    let new = NewSession {
        hash: fresh.hash,
        person: person.id,
        means: means.to_owned(),
        expires: now.checked_add(lasting).unwrap_or(Timestamp::MAX),
        address: viewer.address.clone(),
        agent: agent.unwrap_or_default().chars().take(AGENT_CHARACTERS_MAX).collect(),
    };
    people.open_session(&new, now).await?;
    settings.forget(console.store(), now).await?;
    Ok(vec![
        cookies::set(console, Kind::Session, fresh.text.to_string()),
        cookies::unset(console, Kind::Form),
        cookies::unset(console, Kind::Step),
        cookies::unset(console, Kind::Provider),
    ])
}

/// The session of a request.
pub(super) async fn known(console: &Console, headers: &HeaderMap) -> Result<Option<Known>, Fault> {
    let Some(secret) = cookies::read(console, headers, Kind::Session) else { return Ok(None) };
    let hash = credentials::digest(&secret);
    let people = console.store().people();
    let person = people.of_session(&hash, console.now(), idle_since(console)).await?;
    Ok(person.map(|person| Known { person, hash, csrf: credentials::form_proof(&secret) }))
}

pub(crate) fn unavailable(fault: credentials::CredentialFault) -> Fault {
    Fault::Unavailable(fault.to_string())
}
