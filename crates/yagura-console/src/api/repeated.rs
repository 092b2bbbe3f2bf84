//! Requests that are sent twice: with an `Idempotency-Key` a request is done once within a day, and
//! its answer given again.
//! Keys and answers are kept in the store.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use sha2::{Digest as _, Sha256};
use yagura_store::repeats::{Claim, Repeat, RepeatAnswer};

use super::endpoint::whole;
use crate::fault::{Answer, Fault};
use crate::state::Console;
use crate::viewer::Viewer;

/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 128;
/// The header that names a request.
pub(super) const HEADER: &str = "idempotency-key";

/// A request with a name of its sender's choice.
pub(super) struct Once(Repeat);

impl Once {
    /// None where the sender gave it no name.
    pub(super) fn of(
        viewer: &Viewer,
        headers: &HeaderMap,
        uri: &Uri,
        body: &[u8],
    ) -> Result<Option<Self>, Fault> {
        let Some(key) = headers.get(HEADER) else { return Ok(None) };
        let key = key.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > KEY_CHARS_MAX {
            let text = format!("`Idempotency-Key` is 1 to {KEY_CHARS_MAX} visible characters");
            return Err(Fault::BadRequest(text));
        }
        let mut digest = Sha256::new();
        digest.update(uri.path().as_bytes());
        digest.update([0]);
        digest.update(headers.get(header::IF_MATCH).map_or(&[][..], HeaderValue::as_bytes));
        digest.update([0]);
        // A token that took the name of another, with fewer accounts, is not told what that one
        // was.
        digest.update(format!("{:?}", viewer.scope));
        digest.update([0]);
        digest.update(body);
        let digest: [u8; 32] = digest.finalize().into();
        Ok(Some(Self(Repeat {
            person: viewer.name.clone(),
            key: key.to_owned(),
            digest: digest.to_vec(),
        })))
    }
}

/// Whose turn it is to do a request.
pub(super) enum Turn {
    /// Ours.
    Ours(Held),
    /// It was done: the answer that was given then.
    Done(Response),
}

/// A request whose key is ours, until it is answered.
pub(super) struct Held {
    console: Console,
    /// None where the sender gave it no name, or the answer is kept.
    repeat: Option<Repeat>,
}

impl Held {
    /// What was asked could not be done: the key is free again.
    pub(super) async fn give_up(mut self) {
        if let Some(repeat) = self.repeat.take() {
            free(&self.console, &repeat).await;
        }
    }
}

impl Drop for Held {
    /// The sender went away, or we broke: as if it had not been asked.
    fn drop(&mut self) {
        let Some(repeat) = self.repeat.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let console = self.console.clone();
        runtime.spawn(async move { free(&console, &repeat).await });
    }
}

async fn free(console: &Console, repeat: &Repeat) {
    if let Err(error) = console.store().repeats().give_up(repeat).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(code = "repeat_held", error, "a request's key is held for a while");
    }
}

/// Takes the key of a request.
///
/// # Errors
/// [`Fault::UnderWay`] where the same request is being done; [`Fault::BadRequest`] where the key
/// was another's.
pub(super) async fn turn(console: &Console, once: Option<Once>) -> Result<Turn, Fault> {
    let held = |repeat| Held { console: console.clone(), repeat };
    let Some(Once(repeat)) = once else { return Ok(Turn::Ours(held(None))) };
    let claim = console.store().repeats().claim(&repeat, console.now()).await?;
    let digest = match &claim {
        Claim::Yours => return Ok(Turn::Ours(held(Some(repeat)))),
        Claim::UnderWay(digest) => digest,
        Claim::Done(answer) => &answer.digest,
    };
    if *digest != repeat.digest {
        let text = "this `Idempotency-Key` was used for another request within the last day";
        return Err(Fault::BadRequest(text.to_owned()));
    }
    let Claim::Done(answer) = claim else { return Err(Fault::UnderWay) };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(Turn::Done(response))
}

/// Keeps an answer for who asks again.
pub(super) async fn keep(mut held: Held, response: Response) -> Answer {
    let Some(repeat) = &held.repeat else { return Ok(response) };
    let (status, body, response) = whole(response).await?;
    let answer = RepeatAnswer {
        digest: repeat.digest.clone(),
        status: status.as_u16(),
        body: body.to_vec(),
    };
    let now = held.console.now();
    held.console.store().repeats().keep(repeat, &answer, now).await?;
    held.repeat = None;
    Ok(response)
}
