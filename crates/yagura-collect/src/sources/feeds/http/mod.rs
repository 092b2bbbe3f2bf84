//! An HTTP endpoint to which hosts and applications post log records: `POST /v1/logs/SOURCE`,
//! JSON lines or any other form that the source is read in, plain or gzip.
//! What is posted goes into a spool folder as it came; decoding it is for whoever reads that.
//!
//! It answers 200 only when the records are on disk, so that a sender that keeps what was not
//! acknowledged loses nothing. A sender that repeats a post after a lost answer gives both the
//! same `Idempotency-Key`, and the records are taken once.
//!
//! TLS is not spoken here: it listens on the loopback interface unless told that something in
//! front of it speaks TLS.

mod answer;
mod post;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::FeedError;
use super::folder::Folder;
use super::spool::{Leftovers, Spool};

/// How long a connection may take to say what it wants.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Who may post: a name for people and records, and a secret.
#[derive(Clone)]
pub struct Token {
    name: String,
    digest: [u8; 32],
}

impl Token {
    /// A token. The name becomes part of paths: letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// Where the name has other characters, or the secret is shorter than 16 bytes.
    pub fn new(name: &str, secret: &str) -> Result<Self, FeedError> {
        let refuse = |reason: &str| FeedError::Request {
            text: name.to_owned(),
            reason: format!("{reason} of a token"),
        };
        if !is_name(name) {
            return Err(refuse("letters, digits, `-` and `_` make the name"));
        }
        if secret.len() < 16 {
            return Err(refuse("at least 16 bytes make the secret"));
        }
        Ok(Self { name: name.to_owned(), digest: Sha256::digest(secret.as_bytes()).into() })
    }
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= 64 && text.chars().all(fits)
}

/// How an endpoint is opened.
#[derive(Clone)]
pub struct EndpointOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it may listen beyond the loopback interface, because what stands in front of it
    /// speaks TLS. Tokens would otherwise travel in the clear.
    pub behind_tls: bool,
    /// Who may post.
    pub tokens: Vec<Token>,
    /// Ids of the sources that may be posted to.
    pub sources: BTreeSet<String>,
    /// Where posts are kept until they are in the lake: a folder for each source.
    pub spool: PathBuf,
    /// The most bytes of one post, as sent.
    pub body_bytes_max: u64,
    /// The most bytes that may wait in the spool; beyond that senders are asked to come later.
    pub spool_bytes_max: u64,
    /// Posts at the same time.
    pub connections_max: usize,
    /// How long one post may take.
    pub post_timeout: Duration,
    /// Tells the time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl EndpointOptions {
    /// Defaults: the loopback interface, 32 MB a post, 4 GB of spool, 64 connections, a minute.
    pub fn new(
        listen: SocketAddr,
        spool: &Path,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            listen,
            behind_tls: false,
            tokens: Vec::new(),
            sources: BTreeSet::new(),
            spool: spool.to_owned(),
            body_bytes_max: 32 * 1024 * 1024,
            spool_bytes_max: 4 * 1024 * 1024 * 1024,
            connections_max: 64,
            post_timeout: Duration::from_secs(60),
            clock,
        }
    }
}

/// An endpoint that listens.
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections share.
struct Shared {
    options: EndpointOptions,
    spools: BTreeMap<String, Spool>,
    /// Bytes that wait in the spool, and when that was known.
    waiting: Mutex<Option<(Instant, u64)>>,
}

impl Endpoint {
    /// Opens the spool folders and listens.
    ///
    /// # Errors
    /// Where nobody may post, the address is not on the loopback interface and nothing in front
    /// speaks TLS, or the folders or the address cannot be used.
    pub async fn bind(options: EndpointOptions) -> Result<Self, FeedError> {
        let text = options.listen.to_string();
        let refuse =
            |reason: &str| FeedError::Request { text: text.clone(), reason: reason.to_owned() };
        if options.tokens.is_empty() {
            return Err(refuse("no token is configured, so nobody could post"));
        }
        if !options.listen.ip().is_loopback() && !options.behind_tls {
            return Err(refuse(
                "tokens would travel in the clear; listen on the loopback interface, or say that \
                 TLS is spoken in front of it",
            ));
        }
        let mut spools = BTreeMap::new();
        for source in options.sources.iter().filter(|source| is_name(source)) {
            for token in &options.tokens {
                let folder = options.spool.join(source).join(&token.name);
                let spool = Spool::open(&folder, Leftovers::Remove)?;
                spools.insert(spool_name(source, &token.name), spool);
            }
        }
        let fail = |error| FeedError::of_io("listen on", &text, error);
        let listener = TcpListener::bind(options.listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self {
            listener,
            address,
            shared: Arc::new(Shared { options, spools, waiting: Mutex::default() }),
        })
    }

    /// Where it listens: with the port that was chosen where none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Feeds of what was posted, one for each source.
    ///
    /// # Errors
    /// Where a spool folder cannot be opened.
    pub fn feeds(&self) -> Result<Vec<Folder>, FeedError> {
        let sources = self.shared.options.sources.iter().filter(|source| is_name(source));
        sources
            .map(|source| {
                let folder = self.shared.options.spool.join(source);
                Folder::spool(&folder, Some(source.clone()))
            })
            .collect()
    }

    /// Serves until it is cancelled; posts that are under way are taken to their end.
    pub async fn serve(self, cancel: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.shared.options.connections_max.max(1)));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            // No more connections than places: others wait in the system's own queue.
            let place = tokio::select! {
                () = cancel.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let accepted = tokio::select! {
                () = cancel.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (shared, cancel) = (Arc::clone(&self.shared), cancel.clone());
                    connections.spawn(async move {
                        let _place = place;
                        connection(stream, shared, cancel).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(code = "http_accept_failed", %error,
                        "a connection of a log sender could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        while connections.join_next().await.is_some() {}
    }
}

fn spool_name(source: &str, token: &str) -> String {
    format!("{source}/{token}")
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, cancel: CancellationToken) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(post::answer(&shared, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(64 * 1024);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of a log sender ended early");
    }
}
