//! A server on loopback that answers with recorded wire answers, fast, for tests and benchmarks.
//! What is answered to what is decided by `yagura_aws::replay`.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::task::AbortHandle;
use yagura_aws::Replay;

/// Requests to AWS are small; more than this is a defect of the test.
const REQUEST_SIZE_BYTES_MAX: usize = 16 << 20;

/// The running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Recorded {
    address: SocketAddr,
    replay: Replay,
    server: AbortHandle,
}

impl Recorded {
    /// Serves a recording on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(replay: Replay) -> std::io::Result<Self> {
        let app = Router::new().fallback(answer).with_state(replay.clone());
        let (address, server) = serve(app).await?;
        Ok(Self { address, replay, server })
    }

    /// The address, for `--endpoint-url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The recording, for its counts.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves an application on a free port of 127.0.0.1 until the handle is aborted.
pub(crate) async fn serve(app: Router) -> std::io::Result<(SocketAddr, AbortHandle)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // It ends by being aborted; an error of accepting shows as a failed call in the test.
        let _ended = axum::serve(listener, app).await;
    });
    Ok((address, task.abort_handle()))
}

async fn answer(State(replay): State<Replay>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, REQUEST_SIZE_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return plain(400, error.to_string()),
    };
    let answer = replay.answer(&parts, &body);
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() =
        http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    response.headers_mut().extend(answer.headers.clone());
    response
}

/// An answer that is not AWS's.
pub(crate) fn plain(status: u16, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    response
}
