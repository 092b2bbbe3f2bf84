//! Why a request was not answered as asked, and the page or the JSON that says so.
//! The gate makes the page, because it knows the reader's language.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use yagura_store::StoreError;

/// Why. Handlers return it; the gate turns it into a page or into JSON.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// There is no such thing, or it is not within the viewer's accounts: nobody can tell which.
    #[error("there is no such thing")]
    NotFound,
    /// The request makes no sense; the text says why, in the reader's language.
    #[error("{0}")]
    BadRequest(String),
    /// The viewer's role does not allow it.
    #[error("this needs a greater role")]
    Forbidden,
    /// What was to be changed is not as the viewer saw it.
    #[error("somebody else changed it in the meantime")]
    Conflict,
    /// The same request, by its key, is being done at this moment.
    #[error("the same request is being done right now")]
    UnderWay,
    /// Too many requests; seconds until the next.
    #[error("too many attempts; wait {0} seconds")]
    TooMany(u64),
    /// Something outside does not answer; the text says what.
    #[error("{0}")]
    Unavailable(String),
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    #[error("the page could not be written")]
    Template(#[from] minijinja::Error),
}

impl Fault {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Conflict | Self::UnderWay => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word for it: `console.fault.<word>.title` and `.text`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::BadRequest(_) => "bad_request",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::UnderWay => "under_way",
            Self::TooMany(_) => "too_many",
            Self::Unavailable(_) => "unavailable",
            Self::Store(_) => "store",
            Self::Template(_) => "template",
        }
    }

    /// What is said beyond the word; nothing of our insides.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::BadRequest(text) | Self::Unavailable(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// A fault on its way to the gate.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) word: &'static str,
    pub(crate) detail: Option<String>,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        if self.status().is_server_error() {
            tracing::error!(
                code = "console_failed",
                error = &self as &dyn std::error::Error,
                "a request could not be answered"
            );
        }
        let told = Told { word: self.word(), detail: self.detail() };
        let mut response = self.status().into_response();
        let wait = match self {
            Self::TooMany(seconds) => Some(seconds),
            Self::UnderWay => Some(1),
            _ => None,
        };
        if let Some(seconds) = wait {
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(told);
        response
    }
}

/// What handlers return.
pub(crate) type Answer = Result<Response, Fault>;
