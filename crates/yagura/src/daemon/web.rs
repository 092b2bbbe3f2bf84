//! What the daemon answers over HTTP: health, readiness, metrics. The one place where the console
//! is nested when it comes.
//! Logs that are posted come in elsewhere (`yagura_collect`'s endpoint), on an address of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Daemon;
use super::metrics::gauges;
use crate::output::Hinted;

/// The type of the text of metrics.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Takes the address.
///
/// # Errors
/// Where it is taken, or not this machine's.
pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        Hinted::new(
            format!("could not listen on `{address}`"),
            "another process may have it; choose another with --listen 127.0.0.1:PORT",
        )
    })
}

/// All that can be asked. Nothing here says more than counts; the console brings its own login.
fn router(daemon: Arc<Daemon>) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(daemon)
}

/// Answers until it is to stop.
pub(super) async fn serve(daemon: Arc<Daemon>, listener: TcpListener, stop: CancellationToken) {
    let router = router(daemon);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(code = "serve_web_ended", %error, "health and metrics are not answered");
    }
}

async fn alive(State(daemon): State<Arc<Daemon>>) -> Response {
    answer(daemon.health.is_alive())
}

async fn ready(State(daemon): State<Arc<Daemon>>) -> Response {
    answer(daemon.health.is_ready())
}

fn answer(well: bool) -> Response {
    match well {
        true => (StatusCode::OK, "ok\n").into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

async fn metrics(State(daemon): State<Arc<Daemon>>) -> Response {
    gauges::refresh(&daemon).await;
    ([(header::CONTENT_TYPE, METRICS_TYPE)], daemon.metrics.text()).into_response()
}
