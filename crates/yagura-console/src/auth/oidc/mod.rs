//! Signing in through a provider of OpenID Connect: to the provider, and back.
//! What is asked of the provider is in `provider.rs`, what its claims mean in `claims.rs`.
//!
//! INVARIANT: a round trip ends once, in the browser that began it, within ten minutes: the state
//! is taken from the store, and bound to a cookie that no page elsewhere can set.

mod claims;
mod provider;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum_extra::extract::{CookieJar, Query};
use http::HeaderMap;
use jiff::SignedDuration;
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, Scope};
use serde::{Deserialize, Serialize};
use yagura_store::people::{NewPerson, NewSignIn, Person};

pub(crate) use provider::Provider;

use super::cookies::{self, Kind};
use super::{OidcSettings, audit, credentials, limits, session, sign_in};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::preferences::own_path;
use crate::state::{Console, Entrance};
use crate::viewer::Viewer;
use claims::Described;

/// How long somebody may take at the provider.
const ROUND_TRIP_TIME: SignedDuration = SignedDuration::from_mins(10);
/// Bytes of the address that somebody wanted, at most.
const NEXT_BYTES_MAX: usize = 2_000;
/// Characters of what a provider says that are written into the log.
const SAID_CHARACTERS_MAX: usize = 200;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/sign-in/provider", Need::Nothing, begin).get(
        "/sign-in/provider/callback",
        Need::Nothing,
        end,
    )
}

/// What stands on the button.
pub(super) fn label(settings: &OidcSettings) -> String {
    let host = settings.issuer.split('/').nth(2).unwrap_or(&settings.issuer);
    settings.label.clone().unwrap_or_else(|| host.to_owned())
}

/// What is remembered of a round trip.
#[derive(Serialize, Deserialize)]
struct RoundTrip {
    nonce: String,
    verifier: String,
    browser: String,
    next: String,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

fn settings(console: &Console) -> Result<&OidcSettings, Fault> {
    let settings = console.parts().sign_in.oidc.as_ref();
    settings.filter(|_| console.parts().entrance == Entrance::SignIn).ok_or(Fault::NotFound)
}

fn back_with(wrong: &str) -> Answer {
    Ok(Redirect::to(&format!("/sign-in?wrong={wrong}")).into_response())
}

async fn begin(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(asked): Query<Asked>,
) -> Answer {
    let settings = settings(&console)?;
    let next = own_path(&asked.next).to_owned();
    if viewer.role.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    // It is kept until somebody comes back, whoever asks.
    let next = if next.len() > NEXT_BYTES_MAX { "/".to_owned() } else { next };
    let known = async {
        let (metadata, _) = provider::metadata(&console, settings, None).await?;
        provider::client(&console, settings, &metadata)
    };
    let client = match known.await {
        Ok(client) => client,
        Err(fault) => return unusable(&console, &viewer, &fault).await,
    };
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let mut request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    for scope in &settings.scopes {
        request = request.add_scope(Scope::new(scope.clone()));
    }
    let (address, state, nonce) = request.set_pkce_challenge(challenge).url();
    let browser = credentials::fresh("").map_err(session::unavailable)?;
    let trip = RoundTrip {
        nonce: nonce.secret().clone(),
        verifier: verifier.secret().clone(),
        browser: hex::encode(browser.hash),
        next,
    };
    let new = NewSignIn {
        hash: credentials::digest(state.secret()),
        kind: "provider".to_owned(),
        person: None,
        // A struct of texts is always JSON.
        detail: serde_json::to_string(&trip).unwrap_or_default(),
        expires: console.now() + ROUND_TRIP_TIME,
    };
    console.store().people().begin_sign_in(&new, console.now()).await?;
    let jar = CookieJar::new();
    let jar = jar.add(cookies::set(&console, Kind::Provider, browser.text.to_string()));
    Ok((jar, Redirect::to(address.as_str())).into_response())
}

#[derive(Deserialize)]
struct Returned {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

async fn end(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Answer {
    let settings = settings(&console)?;
    let hash = credentials::digest(&returned.state);
    let taken = console.store().people().take_sign_in(&hash, "provider", console.now()).await?;
    let trip = taken.and_then(|taken| serde_json::from_str::<RoundTrip>(&taken.detail).ok());
    let browser = cookies::read(&console, &headers, Kind::Provider).unwrap_or_default();
    let browser = hex::encode(credentials::digest(&browser));
    let Some(trip) = trip.filter(|trip| credentials::same(&trip.browser, &browser)) else {
        tracing::warn!(code = "oidc_refused", "a round trip was not begun here, or is over");
        record(&console, &viewer, "", "state", "refused").await?;
        return back_with("provider_lost");
    };
    let Some(code) = returned.code.filter(|_| returned.error.is_none()) else {
        let error = returned.error.unwrap_or_default();
        let error: String = error.chars().take(SAID_CHARACTERS_MAX).collect();
        tracing::warn!(code = "oidc_refused", error, "the provider let nobody in");
        record(&console, &viewer, "", "provider", "refused").await?;
        return back_with("provider_refused");
    };
    let nonce = Nonce::new(trip.nonce);
    let found = provider::exchange(&console, settings, code, trip.verifier, &nonce).await;
    let (subject, claims) = match found {
        Ok(found) => found,
        Err(fault) => return unusable(&console, &viewer, &fault).await,
    };
    let described = match claims::described(settings, &claims) {
        Ok(described) => described,
        Err(refusal) => {
            tracing::warn!(code = "oidc_refused", %refusal, "somebody was not let in");
            record(&console, &viewer, "", refusal.word(), "refused").await?;
            return back_with("provider_refused");
        }
    };
    let subject = format!("{} {subject}", settings.issuer);
    match person(&console, &viewer, &subject, &described).await? {
        Some(person) => {
            sign_in::come_in(&console, &viewer, &headers, &person, "oidc", &trip.next).await
        }
        None => {
            record(&console, &viewer, &described.name, "person", "refused").await?;
            back_with("provider_refused")
        }
    }
}

/// Writes down that nobody came in, and at what it ended.
///
/// Whoever is outside can fail as often as they like: what an address fails beyond what an office
/// may is in the log alone, so that nobody fills the record.
async fn record(
    console: &Console,
    viewer: &Viewer,
    who: &str,
    at: &str,
    outcome: &str,
) -> Result<(), Fault> {
    if limits::is_worth_a_line(console, viewer).await? {
        audit::line(console, viewer, who, "sign_in", &format!("oidc {at}"), outcome).await;
    }
    Ok(())
}

async fn unusable(console: &Console, viewer: &Viewer, fault: &provider::ProviderFault) -> Answer {
    tracing::warn!(
        code = "oidc_failed",
        error = fault as &dyn std::error::Error,
        "the provider of identities could not be used"
    );
    record(console, viewer, "", fault.word(), "failed").await?;
    back_with("provider")
}

/// The person of a subject, added where they come for the first time, with the role and the
/// accounts that the provider gives them now; none where they may not come in.
///
/// INVARIANT: a name never joins a subject to a person who was there before. Whoever can choose
/// an address at the provider could otherwise become anybody.
async fn person(
    console: &Console,
    viewer: &Viewer,
    subject: &str,
    described: &Described,
) -> Result<Option<Person>, Fault> {
    let (people, now) = (console.store().people(), console.now());
    let role = described.role.as_str();
    if let Some(known) = people.by_subject(subject).await? {
        if known.disabled {
            return Ok(None);
        }
        if known.role != role || known.accounts != described.accounts {
            let changed = people.set_role(known.id, role, described.accounts.as_ref()).await?;
            let outcome = if changed { "done" } else { "refused" };
            let target = format!("{} {role}", known.name);
            audit::line(console, viewer, &known.name, "people.role", &target, outcome).await;
        }
        return Ok(people.by_id(known.id).await?);
    }
    let new = NewPerson {
        name: described.name.clone(),
        subject: Some(subject.to_owned()),
        password: None,
        role: role.to_owned(),
        accounts: described.accounts.clone(),
    };
    let Some(id) = people.add(&new, now).await? else {
        let name = described.name.as_str();
        tracing::warn!(code = "oidc_refused", name, "the name belongs to somebody else");
        return Ok(None);
    };
    let target = format!("{} {role}", new.name);
    audit::line(console, viewer, &new.name, "people.add", &target, "done").await;
    Ok(people.by_id(id).await?)
}
