//! One post: who sends it, to what source, and its way to disk.
//! Connections and options are in `mod.rs`.

use std::sync::PoisonError;
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use walkdir::WalkDir;

use super::answer::{Answer, later, refuse, taken};
use super::{Shared, Token, spool_name};
use crate::sources::feeds::spool::{Spool, SpoolFile};

/// The path that sources follow.
const LOGS: &str = "/v1/logs/";
/// How long it counts what was known of the spool's size.
const WAITING_KNOWN: Duration = Duration::from_secs(1);
/// By this a sender says that two posts are the same.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Answers a request.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Answer {
    if request.method() == Method::GET && request.uri().path() == "/healthz" {
        return taken(0);
    }
    let (source, token) = match admit(shared, &request) {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let Some(spool) = shared.spools.get(&spool_name(&source, &token.name)) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such source");
    };
    let limit = shared.options.body_bytes_max;
    let announced = request.body().size_hint().lower();
    if announced > limit {
        return too_large(limit);
    }
    let waiting = waiting(shared).await;
    if waiting.saturating_add(announced) > shared.options.spool_bytes_max {
        return later(StatusCode::SERVICE_UNAVAILABLE, "too much is waiting to be ingested");
    }
    let name = file_name(shared, spool, token, &source, &request);
    let stored = store(spool.clone(), name, request.into_body(), limit);
    match tokio::time::timeout(shared.options.post_timeout, stored).await {
        Ok(answer) => answer,
        Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, "the post took too long"),
    }
}

/// Who may post what.
fn admit<'a>(
    shared: &'a Shared,
    request: &Request<Incoming>,
) -> Result<(String, &'a Token), Box<Answer>> {
    let Some(token) = token_of(shared, request) else {
        let mut answer = refuse(StatusCode::UNAUTHORIZED, "a token is needed");
        let scheme = header::HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        return Err(Box::new(answer));
    };
    let Some(source) = request.uri().path().strip_prefix(LOGS) else {
        return Err(Box::new(refuse(StatusCode::NOT_FOUND, "post to /v1/logs/SOURCE")));
    };
    if request.method() != Method::POST {
        let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED, "records are posted");
        answer.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
        return Err(Box::new(answer));
    }
    Ok((source.to_owned(), token))
}

/// The token that the request carries. Digests are compared, so that the time that it takes
/// tells nothing of the secret.
fn token_of<'a>(shared: &'a Shared, request: &Request<Incoming>) -> Option<&'a Token> {
    let said = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = said.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let digest: [u8; 32] = Sha256::digest(secret.trim().as_bytes()).into();
    shared.options.tokens.iter().find(|token| token.digest == digest)
}

/// The name of a post's file; the same for posts that the sender says are the same.
fn file_name(
    shared: &Shared,
    spool: &Spool,
    token: &Token,
    source: &str,
    request: &Request<Incoming>,
) -> String {
    match request.headers().get(IDEMPOTENCY_KEY) {
        Some(key) => {
            let mut digest = Sha256::new();
            for part in [token.name.as_bytes(), source.as_bytes(), key.as_bytes()] {
                digest.update(part);
                digest.update([0]);
            }
            let name: String = hex::encode(digest.finalize()).chars().take(32).collect();
            format!("post-{name}")
        }
        None => spool.fresh_name((shared.options.clock)(), ""),
    }
}

/// Writes a body to disk as it comes; memory holds one piece of it.
async fn store(spool: Spool, name: String, mut body: Incoming, limit: u64) -> Answer {
    let mut file = match blocking(move || spool.begin(&name)).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
            return later(StatusCode::CONFLICT, "the same post is under way");
        }
        Err(error) => return failed(&error),
    };
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return refuse(StatusCode::BAD_REQUEST, "the post broke off");
        };
        let Ok(bytes) = frame.into_data() else { continue };
        if file.bytes().saturating_add(bytes.len() as u64) > limit {
            return too_large(limit);
        }
        let written = blocking(move || {
            file.write(&bytes)?;
            Ok(file)
        });
        file = match written.await {
            Ok(file) => file,
            Err(error) => return failed(&error),
        };
    }
    finish(file).await
}

async fn finish(file: SpoolFile) -> Answer {
    let bytes = file.bytes();
    if bytes == 0 {
        return refuse(StatusCode::BAD_REQUEST, "the post is empty");
    }
    match blocking(move || file.finish()).await {
        Ok(_) => taken(bytes),
        Err(error) => failed(&error),
    }
}

/// Runs what waits for the disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

fn too_large(limit: u64) -> Answer {
    refuse(StatusCode::PAYLOAD_TOO_LARGE, &format!("a post may have {limit} bytes"))
}

fn failed(error: &std::io::Error) -> Answer {
    tracing::error!(code = "http_spool_failed", %error,
        "a post of log records could not be written to disk; the sender was told");
    later(StatusCode::INSUFFICIENT_STORAGE, "the records could not be written; send them again")
}

/// Bytes that wait in the spool; looked up again when what is known is old.
async fn waiting(shared: &Shared) -> u64 {
    let known = *shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, bytes)) = known.filter(|(at, _)| at.elapsed() < WAITING_KNOWN) {
        return bytes;
    }
    let folder = shared.options.spool.clone();
    let bytes = tokio::task::spawn_blocking(move || waiting_bytes(&folder)).await.unwrap_or(0);
    *shared.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), bytes));
    bytes
}

/// Bytes of all files under a folder.
fn waiting_bytes(folder: &std::path::Path) -> u64 {
    let files = WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let files = files.filter_map(|entry| entry.metadata().ok());
    files.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum()
}
