//! Read tools for assistants, by the Model Context Protocol: over HTTP at `/mcp`, and over any pair
//! of streams for `yagura mcp`.
//! What the tools read is the API's; nothing here changes anything.

mod tools;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use rmcp::ServiceExt as _;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::io::{AsyncRead, AsyncWrite};
use yagura_model::Lang;
use yagura_model::finding::Scope;

use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Means, Role, Theme, Viewer};
use tools::Tools;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.post("/mcp", Need::Role(Role::Viewer), answer)
}

/// Answers one message. Nothing is remembered between messages, so any process may answer.
async fn answer(State(console): State<Console>, request: Request) -> Response {
    let mut config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None);
    // A page elsewhere that resolves its own name to this machine speaks under that name.
    config.allowed_hosts.extend(host_of(&console.parts().address));
    let tools = Tools::for_whoever_asks(console);
    let factory = move || Ok(tools.clone());
    let service =
        StreamableHttpService::new(factory, Arc::new(NeverSessionManager::default()), config);
    service.handle(request).await.map(axum::body::Body::new).into_response()
}

/// The host in an address, with and without its port.
fn host_of(address: &str) -> Vec<String> {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    };
    vec![authority.to_owned(), host.trim_matches(['[', ']']).to_owned()]
}

/// Why an assistant could not be served.
#[derive(Debug, thiserror::Error)]
pub enum AssistFault {
    /// The other side did not speak the protocol.
    #[error("the Model Context Protocol was not begun")]
    Begin(#[source] Box<rmcp::service::ServerInitializeError>),
    /// Serving broke off.
    #[error("the Model Context Protocol broke off")]
    Ended(#[source] tokio::task::JoinError),
}

/// Serves an assistant over two streams until they end. Whoever starts the program may read all
/// that its data folder holds.
///
/// # Errors
/// Where the other side does not speak the protocol.
pub async fn assist<R, W>(console: &Console, read: R, write: W) -> Result<(), AssistFault>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let viewer = Viewer {
        name: "mcp".to_owned(),
        role: Some(Role::Admin),
        scope: Scope::All,
        lang: Lang::En,
        theme: Theme::default(),
        zone: console.parts().zone.clone(),
        means: Means::Token,
        permissions: Some(BTreeSet::from(tools::PERMISSIONS)),
        csrf: String::new(),
        address: String::new(),
        person: None,
        session: None,
    };
    let tools = Tools::for_one(console.clone(), viewer);
    let serving = tools.serve((read, write)).await;
    let serving = match serving {
        Ok(serving) => serving,
        // Whoever goes away before saying anything wants nothing.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(AssistFault::Begin(Box::new(error))),
    };
    serving.waiting().await.map_err(AssistFault::Ended)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_told_with_and_without_its_port() {
        for (address, hosts) in [
            ("https://yagura.example.com", ["yagura.example.com", "yagura.example.com"]),
            ("http://127.0.0.1:8787", ["127.0.0.1:8787", "127.0.0.1"]),
            ("http://[::1]:8787/y", ["[::1]:8787", "::1"]),
        ] {
            assert_eq!(host_of(address), hosts, "{address}");
        }
    }
}
