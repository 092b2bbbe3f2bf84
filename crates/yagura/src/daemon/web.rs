//! What the daemon answers over HTTP: health, readiness, metrics, and the console.
//! Logs that are posted come in elsewhere (`yagura_collect`'s endpoint), on an address of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;
use yagura_console::{Console, Door, Entrance, Parts};

use super::desk::{Book, ContentNow, Desk};
use super::metrics::gauges;
use super::{Daemon, Options};
use crate::console;
use crate::lake_place::Place;

/// The type of the text of metrics.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Takes the address.
///
/// # Errors
/// Where it is taken, or not this machine's, or the certificate cannot be used.
pub(super) async fn open(options: &Options) -> anyhow::Result<Door> {
    let door = console::door(options.listen, &options.console).await?;
    let in_clear = options.console.certificate.is_none() && !options.behind_tls;
    if in_clear && !door.address().ip().is_loopback() {
        tracing::warn!(code = "console_in_clear", address = %door.address(),
            "people sign in without TLS: give --tls-certificate and --tls-key, or let a proxy \
             speak TLS and say --behind-tls");
    }
    Ok(door)
}

/// The console over what this daemon has.
///
/// # Errors
/// Where the site's content cannot be loaded, or says what cannot be.
pub(super) async fn console(daemon: &Arc<Daemon>, door: &Door) -> anyhow::Result<Console> {
    let content = daemon.content().await?;
    let options = &daemon.options.console;
    tell_the_first(daemon, &console::address(&content, door)).await?;
    let source = Arc::clone(daemon);
    let now: ContentNow = Arc::new(move || source.content_latest());
    let Options { lake, aws, .. } = &daemon.options;
    let (context, store) = (daemon.context.clone(), daemon.store.clone());
    let desk = Desk::new(context, store.clone(), lake.clone(), aws.clone(), Arc::clone(&now));
    let guide = console::Guide::new(store, Arc::clone(&now), Arc::clone(&daemon.clock));
    Ok(Console::new(Parts {
        store: daemon.store.clone(),
        content: Arc::clone(&now),
        desk: Some(Arc::new(desk)),
        guide: Some(Arc::new(guide)),
        actions: Arc::new(Book::open()?),
        clock: Arc::clone(&daemon.clock),
        entrance: Entrance::SignIn,
        sign_in: console::sign_in(&daemon.context, &daemon.options.aws, options).await?,
        lake: Some(Place::of(&daemon.context, &daemon.options.lake)?.url()),
        address: console::address(&content, door),
        zone: console::zone(&content, options)?,
        proxies: options.proxies.clone(),
        demo: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?)
}

/// Where nobody has been added yet, prints the address under which the first administrator is
/// made. To stderr and not into the log: a log is shipped elsewhere, and this opens everything.
async fn tell_the_first(daemon: &Arc<Daemon>, address: &str) -> anyhow::Result<()> {
    let now = (daemon.clock)();
    if let Some(link) = yagura_console::first_link(&daemon.store, address, now).await? {
        daemon.context.remark_in(
            &format!(
                "nobody can sign in yet; within a day, make the first administrator: {}",
                *link
            ),
            &format!(
                "まだ誰もサインインできません。24 時間以内に最初の管理者を作成してください: {}",
                *link
            ),
        );
    }
    Ok(())
}

/// All that can be asked. Beside the console, which has its own login, nothing says more than
/// counts.
fn router(daemon: Arc<Daemon>, console: &Console) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(daemon)
        .merge(yagura_console::router(console))
}

/// Answers until it is to stop.
pub(super) async fn serve(
    daemon: Arc<Daemon>,
    door: Door,
    console: Console,
    stop: CancellationToken,
) {
    let router = router(daemon, &console);
    if let Err(error) = door.serve(router, stop).await {
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
