//! A syslog listener: messages over TCP (RFC 6587, both framings) and UDP (RFC 5426) go into a
//! spool folder. What a message says is for whoever reads the folder.
//!
//! Syslog has no acknowledgement: what is in memory when the process is killed is lost, at most
//! what came within [`SyslogOptions::segment_every`]. Over TCP a full disk holds the senders
//! back; over UDP it loses messages, which are counted.

mod frame;
mod segment;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::FeedError;
use super::folder::Folder;
use super::spool::{Leftovers, Spool};
use frame::Frames;
use segment::Segments;

/// Messages that wait between the network and the disk.
const WAITING: usize = 4_096;
/// The most bytes of a UDP datagram.
const DATAGRAM_BYTES: usize = 65_536;

/// How a listener is opened.
#[derive(Clone)]
pub struct SyslogOptions {
    /// Where to listen for TCP connections.
    pub tcp: Option<SocketAddr>,
    /// Where to listen for UDP datagrams.
    pub udp: Option<SocketAddr>,
    /// The folder for messages that are not in the lake yet.
    pub spool: PathBuf,
    /// The most bytes of a message; the rest of a longer one is left out and counted.
    pub message_bytes_max: usize,
    /// A file is closed when it has so many bytes …
    pub segment_bytes: u64,
    /// … or when its first message is so old.
    pub segment_every: Duration,
    /// TCP connections at the same time.
    pub connections_max: usize,
    /// A TCP connection that is silent for so long is closed.
    pub idle_timeout: Duration,
    /// Tells the time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl SyslogOptions {
    /// Defaults: nothing listened to yet, 256 KB a message, files of 8 MB or five seconds.
    pub fn new(spool: &Path, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self {
            tcp: None,
            udp: None,
            spool: spool.to_owned(),
            message_bytes_max: 256 * 1024,
            segment_bytes: 8 * 1024 * 1024,
            segment_every: Duration::from_secs(5),
            connections_max: 1_024,
            idle_timeout: Duration::from_secs(3_600),
            clock,
        }
    }
}

/// What a listener counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyslogCounts {
    /// Messages taken.
    pub messages: u64,
    /// Messages whose end was left out because they were too long.
    pub truncated: u64,
    /// UDP messages that were lost because the disk was too slow or full.
    pub lost: u64,
}

#[derive(Default)]
struct Counters {
    messages: AtomicU64,
    truncated: AtomicU64,
    lost: AtomicU64,
}

/// A listener for syslog messages.
pub struct Listener {
    tcp: Option<TcpListener>,
    udp: Option<UdpSocket>,
    options: SyslogOptions,
    spool: Spool,
    counters: Arc<Counters>,
}

impl Listener {
    /// Opens the spool folder and listens. What an earlier process left there is kept.
    ///
    /// # Errors
    /// Where there is nothing to listen to, or the folder or an address cannot be used.
    pub async fn bind(options: SyslogOptions) -> Result<Self, FeedError> {
        if options.tcp.is_none() && options.udp.is_none() {
            return Err(FeedError::Request {
                text: "syslog".to_owned(),
                reason: "neither a TCP nor a UDP address is given".to_owned(),
            });
        }
        let spool = Spool::open(&options.spool, Leftovers::Keep)?;
        let fail = |address: SocketAddr| {
            move |error| FeedError::of_io("listen on", &address.to_string(), error)
        };
        let tcp = match options.tcp {
            Some(address) => Some(TcpListener::bind(address).await.map_err(fail(address))?),
            None => None,
        };
        let udp = match options.udp {
            Some(address) => Some(UdpSocket::bind(address).await.map_err(fail(address))?),
            None => None,
        };
        Ok(Self { tcp, udp, options, spool, counters: Arc::default() })
    }

    /// Where it listens for TCP.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok())
    }

    /// Where it listens for UDP.
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.udp.as_ref().and_then(|udp| udp.local_addr().ok())
    }

    /// A feed of what was received.
    ///
    /// # Errors
    /// Where the spool folder cannot be opened.
    pub fn feed(&self, source: Option<String>) -> Result<Folder, FeedError> {
        Folder::spool(&self.options.spool, source)
    }

    /// Listens until it is cancelled; what was received by then is written.
    pub async fn serve(self, cancel: CancellationToken) -> SyslogCounts {
        let Self { tcp, udp, options, spool, counters } = self;
        let (sender, receiver) = mpsc::channel(WAITING);
        let segments = Segments::new(spool, options.clone());
        let writer = tokio::spawn(segments.write(receiver, cancel.clone()));
        let mut tasks = JoinSet::new();
        if let Some(tcp) = tcp {
            let (sender, counters) = (sender.clone(), Arc::clone(&counters));
            tasks.spawn(accept(tcp, options.clone(), sender, counters, cancel.clone()));
        }
        if let Some(udp) = udp {
            let (sender, counters) = (sender.clone(), Arc::clone(&counters));
            tasks.spawn(datagrams(udp, options, sender, counters, cancel));
        }
        drop(sender);
        while tasks.join_next().await.is_some() {}
        if writer.await.is_err() {
            tracing::error!(code = "syslog_writer_ended", "syslog messages could not be written");
        }
        SyslogCounts {
            messages: counters.messages.load(Ordering::Relaxed),
            truncated: counters.truncated.load(Ordering::Relaxed),
            lost: counters.lost.load(Ordering::Relaxed),
        }
    }
}

async fn accept(
    tcp: TcpListener,
    options: SyslogOptions,
    sender: mpsc::Sender<Vec<u8>>,
    counters: Arc<Counters>,
    cancel: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(options.connections_max.max(1)));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let place = tokio::select! {
            () = cancel.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = tcp.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (sender, counters) = (sender.clone(), Arc::clone(&counters));
                let (options, cancel) = (options.clone(), cancel.clone());
                connections.spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = stream_of(stream, &options, &sender, &counters) => {}
                        () = cancel.cancelled() => {}
                    }
                });
            }
            Err(error) => {
                tracing::warn!(code = "syslog_accept_failed", %error,
                    "a connection of a syslog sender could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Takes the messages of one connection.
async fn stream_of(
    mut stream: TcpStream,
    options: &SyslogOptions,
    sender: &mpsc::Sender<Vec<u8>>,
    counters: &Counters,
) {
    let mut frames = Frames::new(options.message_bytes_max);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::time::timeout(options.idle_timeout, stream.read(&mut buffer)).await;
        let (bytes, at_end) = match read {
            Ok(Ok(read)) if read > 0 => (buffer.get(..read).unwrap_or_default(), false),
            // Closed, broken or silent: what is there is a message.
            _ => (&[][..], true),
        };
        let mut messages = frames.push(bytes);
        if at_end {
            messages.extend(frames.end());
        }
        for message in messages {
            counters.messages.fetch_add(1, Ordering::Relaxed);
            counters.truncated.fetch_add(u64::from(message.truncated), Ordering::Relaxed);
            if sender.send(message.bytes).await.is_err() {
                return;
            }
        }
        if at_end {
            return;
        }
    }
}

async fn datagrams(
    udp: UdpSocket,
    options: SyslogOptions,
    sender: mpsc::Sender<Vec<u8>>,
    counters: Arc<Counters>,
    cancel: CancellationToken,
) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let take = |message: &[u8]| {
        let message = message.trim_ascii_end();
        if message.is_empty() {
            return;
        }
        let kept = message.get(..options.message_bytes_max).unwrap_or(message);
        counters.messages.fetch_add(1, Ordering::Relaxed);
        let truncated = kept.len() < message.len();
        counters.truncated.fetch_add(u64::from(truncated), Ordering::Relaxed);
        if sender.try_send(kept.to_vec()).is_err() {
            counters.lost.fetch_add(1, Ordering::Relaxed);
        }
    };
    loop {
        let received = tokio::select! {
            () = cancel.cancelled() => break,
            received = udp.recv(&mut buffer) => received,
        };
        // An error here tells of an earlier answer of ours; there are none.
        if let Ok(length) = received {
            take(buffer.get(..length).unwrap_or_default());
        }
    }
    // What the system has taken from the network already. The runtime may not have heard of it yet,
    // so the socket itself is asked; it does not block.
    let Ok(udp) = udp.into_std() else { return };
    while let Ok(length) = udp.recv(&mut buffer) {
        take(buffer.get(..length).unwrap_or_default());
    }
}
