//! Where people and programs come in: an address, in the clear or by TLS, whose certificate is
//! read anew when its files change.
//! Who may come further is asked in `gate.rs`; what a proxy in front says of whom is in `auth/`.

mod certificate;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub use certificate::CertificateFault;
use certificate::Renewed;

/// Who has not said hello by then is gone.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Hellos at the same time: beyond, the next ones wait in the kernel's queue.
const HANDSHAKES_MAX: usize = 256;
/// How often the certificate's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// After a failed accept (no file descriptor left), so long until the next.
const REST: Duration = Duration::from_secs(1);

/// The files of a certificate, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The server's certificate first, then those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum DoorFault {
    /// The address is taken, or not this machine's.
    #[error("could not listen on `{0}`")]
    Address(SocketAddr, #[source] io::Error),
    /// The certificate cannot be used.
    #[error("could not set up TLS")]
    Certificate(#[from] CertificateFault),
}

/// An address that is listened on.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Clear(TcpListener),
    Tls { welcomed: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>, _works: [Work; 2] },
}

type Work = AbortOnDropHandle<()>;

impl Door {
    /// Takes an address; with a certificate, TLS 1.2 and 1.3 are spoken there and nothing else.
    ///
    /// # Errors
    /// Where the address cannot be had, or the certificate and its key cannot be used.
    pub async fn open(
        address: SocketAddr,
        certificate: Option<&CertificateFiles>,
    ) -> Result<Self, DoorFault> {
        // A certificate that cannot be used is said before the address is taken.
        let renewed = certificate.map(Renewed::read).transpose()?;
        let taken = |error| DoorFault::Address(address, error);
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let way = match renewed {
            None => Way::Clear(listener),
            Some(renewed) => {
                let renewed = Arc::new(renewed);
                let acceptor = TlsAcceptor::from(renewed.config()?);
                let (tell, welcomed) = mpsc::channel(1);
                let accepting = tokio::spawn(welcome(listener, acceptor, tell));
                let looking = tokio::spawn(look(renewed));
                let works = [AbortOnDropHandle::new(accepting), AbortOnDropHandle::new(looking)];
                Way::Tls { welcomed, _works: works }
            }
        };
        Ok(Self { address, way })
    }

    /// The address, with the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As people write it: `https://127.0.0.1:8787`.
    pub fn url(&self) -> String {
        let scheme = match self.way {
            Way::Clear(_) => "http",
            Way::Tls { .. } => "https",
        };
        format!("{scheme}://{}", self.address)
    }

    /// Answers until it is to stop; what is being answered then is answered whole.
    ///
    /// # Errors
    /// Where listening ends by itself.
    pub async fn serve(self, router: Router, stop: CancellationToken) -> io::Result<()> {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        // The tap gives requests the peer's address, which a listener of ours cannot by itself.
        axum::serve(self.tap_io(|_| {}), service)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    }
}

impl Listener for Door {
    type Io = Either<TcpStream, TlsStream<TcpStream>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match &mut self.way {
            Way::Clear(listener) => {
                let (stream, peer) = Listener::accept(listener).await;
                (Either::Left(stream), peer)
            }
            Way::Tls { welcomed, .. } => match welcomed.recv().await {
                Some((stream, peer)) => (Either::Right(stream), peer),
                // The task that welcomes ends only with the door.
                None => std::future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// Says hello to whoever comes, many at a time: one that is slow keeps nobody waiting.
async fn welcome(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    tell: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(code = "console_accept_failed", %error, "nobody can come in");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        tokio::spawn(async move {
            let _place = place;
            match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let _ = tell.send((stream, peer)).await;
                }
                Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS was agreed on"),
                Err(_) => tracing::debug!(%peer, "no TLS was begun in time"),
            }
        });
    }
}

/// Takes a renewed certificate into use. One that cannot be used changes nothing.
async fn look(renewed: Arc<Renewed>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let looked = Arc::clone(&renewed);
        match tokio::task::spawn_blocking(move || looked.look()).await {
            Ok(Ok(true)) => tracing::info!(code = "console_certificate_renewed", "TLS"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::error!(
                code = "console_certificate_unusable",
                error = &error as &dyn std::error::Error,
                "the renewed certificate cannot be used; the former stays"
            ),
            Err(_) => return,
        }
    }
}
