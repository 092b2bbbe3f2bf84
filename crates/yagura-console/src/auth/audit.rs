//! The record of every action: who, what, when, with what end.

use http::{Method, StatusCode};

use crate::state::Console;
use crate::viewer::Viewer;

/// Writes down what was tried.
pub(crate) async fn record(
    _console: &Console,
    viewer: &Viewer,
    method: &Method,
    path: &str,
    status: StatusCode,
) {
    tracing::info!(who = viewer.name, %method, path, status = status.as_u16(),
        "an action");
}
