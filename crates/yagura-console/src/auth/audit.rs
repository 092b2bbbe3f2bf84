//! The record of every action: who, by what means, what, on what, with what end, from where.
//! It is kept by the store; a line that cannot be kept is an error in the log.

use http::{Method, StatusCode};
use yagura_store::people::NewAudit;

use crate::state::Console;
use crate::viewer::{Means, Viewer};

/// Paths whose handlers write lines of their own, or that change nothing but cookies.
const OWN: [&str; 4] = ["/sign-in", "/sign-out", "/first", "/preferences"];

/// Writes down what was tried by a request.
pub(crate) async fn record(
    console: &Console,
    viewer: &Viewer,
    method: &Method,
    path: &str,
    status: StatusCode,
) {
    let path = path.split('?').next().unwrap_or_default();
    if OWN.iter().any(|own| path == *own || path.starts_with(&format!("{own}/"))) {
        return;
    }
    let outcome = match status.as_u16() {
        0..400 => "done",
        400..500 => "refused",
        _ => "failed",
    };
    line(console, viewer, &viewer.name, &format!("{method} {path}"), "", outcome).await;
}

/// Writes down something that has a word of its own: `sign_in`, `people.role`.
pub(crate) async fn line(
    console: &Console,
    viewer: &Viewer,
    who: &str,
    action: &str,
    target: &str,
    outcome: &str,
) {
    let means = match viewer.means {
        Means::None => "none",
        Means::Session => "session",
        Means::Token => "token",
        Means::Open => "open",
    };
    let line = NewAudit {
        who: who.to_owned(),
        means: means.to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        outcome: outcome.to_owned(),
        address: viewer.address.clone(),
    };
    tracing::info!(who, means, action, target, outcome, "an action");
    if let Err(error) = console.store().people().record(&line, console.now()).await {
        tracing::error!(
            code = "audit_failed",
            error = &error as &dyn std::error::Error,
            action,
            "an action could not be recorded"
        );
    }
}
