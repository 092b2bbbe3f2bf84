//! Passes a request on to the server behind the proxy and its answer back.
//! It changes nothing but the address.

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::recorded::plain;

/// The server behind.
#[derive(Debug)]
pub(super) struct Relay {
    upstream: String,
    connector: SharedHttpConnector,
}

impl Relay {
    pub(super) fn to(upstream: &str) -> Self {
        let connector = SharedHttpConnector::new(Connector::builder().build_http());
        Self { upstream: upstream.trim_end_matches('/').to_owned(), connector }
    }

    /// Asks the server behind.
    pub(super) async fn pass(&self, parts: http::request::Parts, body: Bytes) -> Response {
        match self.ask(parts, body).await {
            Ok(response) => response,
            Err(what) => plain(502, format!("the server behind the proxy: {what}")),
        }
    }

    async fn ask(&self, parts: http::request::Parts, body: Bytes) -> Result<Response, String> {
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut request = http::Request::builder()
            .method(parts.method)
            .uri(format!("{}{path}", self.upstream))
            .body(SdkBody::from(body))
            .map_err(|error| error.to_string())?;
        *request.headers_mut() = parts.headers;
        request.headers_mut().remove(http::header::TRANSFER_ENCODING);
        let request = HttpRequest::try_from(request).map_err(|error| error.to_string())?;
        let response = self.connector.call(request).await.map_err(|error| format!("{error:?}"))?;
        let (mut parts, body) =
            response.try_into_http1x().map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        parts.headers.remove(http::header::TRANSFER_ENCODING);
        parts.headers.remove(http::header::CONNECTION);
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}
