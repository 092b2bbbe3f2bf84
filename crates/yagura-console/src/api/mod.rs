//! JSON under `/api/v1`, for programs: types of its own, cursors, tags, and an OpenAPI document
//! that is written from what is registered.
//! Pages for people are in `pages/`; who may ask is checked in `gate.rs`.

pub(crate) mod access;
pub(crate) mod alerts;
mod audit;
mod document;
pub(crate) mod endpoint;
pub(crate) mod findings;
mod jobs;
mod me;
pub(crate) mod query;
mod repeated;
pub(crate) mod resources;
pub(crate) mod standing;

use std::sync::Arc;

use axum::response::IntoResponse as _;
use http::header;
use jiff::Timestamp;

use crate::gate::{Need, Routes};
use endpoint::{Endpoints, Registered};

/// Where the document is.
const DOCUMENT: &str = "/api/v1/openapi.json";

pub(crate) fn routes(routes: Routes) -> Routes {
    let version = env!("CARGO_PKG_VERSION");
    let registered = registered(routes);
    let document: Arc<str> = document::document(&registered, version).to_string().into();
    registered.routes.get(DOCUMENT, Need::Nothing, async move || {
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (kind, document.to_string()).into_response()
    })
}

fn registered(routes: Routes) -> Registered {
    let parts: [fn(Endpoints) -> Endpoints; 9] = [
        me::register,
        findings::register,
        resources::register,
        standing::register,
        alerts::register,
        query::register,
        access::register,
        jobs::register,
        audit::register,
    ];
    parts.into_iter().fold(Endpoints::new(routes), |all, part| part(all)).end()
}

/// Microseconds since 1970 as RFC 3339 writes them, in UTC.
fn time(microseconds: i64) -> String {
    Timestamp::from_microsecond(microseconds)
        .map_or_else(|_| String::new(), |time| time.to_string())
}

fn words_of(words: &[&str]) -> String {
    words.join(", ")
}
