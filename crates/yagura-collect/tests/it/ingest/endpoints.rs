//! Records that hosts and applications send: over HTTP and as syslog, through spool folders.
//! All connections are on the loopback interface.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;
use yagura_collect::sources::feeds::http::{Endpoint, EndpointOptions, Token};
use yagura_collect::sources::feeds::syslog::{Listener, SyslogCounts, SyslogOptions};
use yagura_collect::sources::{Feed, FeedError, ingest};

use super::bed::{Bed, at, files_under, gzip, line_texts, lines_text};

const SECRET: &str = "a-secret-of-the-test";

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn options(bed: &Bed) -> EndpointOptions {
    EndpointOptions {
        tokens: vec![Token::new("web", SECRET).unwrap()],
        sources: BTreeSet::from(["json_lines".to_owned()]),
        ..EndpointOptions::new(loopback(), &bed.root().join("spool"), Arc::new(|| at(1)))
    }
}

/// Sends a request as it stands; answers the status and the body.
async fn send(address: SocketAddr, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses may close before it has all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or("0").parse().unwrap();
    (status, answer)
}

async fn post(address: SocketAddr, secret: &str, more: &str, body: &[u8]) -> (u16, String) {
    let head = format!(
        "POST /v1/logs/json_lines HTTP/1.1\r\nAuthorization: Bearer {secret}\r\n\
         Content-Length: {}{more}",
        body.len()
    );
    send(address, &head, body).await
}

struct Served {
    address: SocketAddr,
    feeds: Vec<Arc<dyn Feed>>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

async fn serve(options: EndpointOptions) -> Served {
    let endpoint = Endpoint::bind(options).await.unwrap();
    let address = endpoint.address();
    let feeds = endpoint.feeds().unwrap();
    let feeds = feeds.into_iter().map(|feed| Arc::new(feed) as Arc<dyn Feed>).collect();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(endpoint.serve(cancel.clone()));
    Served { address, feeds, cancel, task }
}

async fn take_in(bed: &Bed, minute: i64, feeds: Vec<Arc<dyn Feed>>) -> u64 {
    let outcome = ingest(bed.job_of(minute, feeds, bed.lake(minute).await).await).await.unwrap();
    bed.check(&outcome).await;
    assert_eq!((outcome.unlisted.len(), outcome.unread_count), (0, 0), "{outcome:?}");
    outcome.rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_ingested_once() {
    let bed = Bed::new();
    let served = serve(options(&bed)).await;
    let plain = lines_text(0..5);
    assert_eq!(post(served.address, SECRET, "", plain.as_bytes()).await.0, 200);
    let packed = gzip(&lines_text(5..9));
    let encoding = "\r\nContent-Encoding: gzip";
    let (status, answer) = post(served.address, SECRET, encoding, &packed).await;
    assert_eq!(status, 200);
    assert!(answer.ends_with(&format!("{{\"stored_bytes\":{}}}\n", packed.len())), "{answer}");
    // The sender did not hear the answer and posts again.
    let key = "\r\nIdempotency-Key: batch-7";
    let batch = lines_text(9..12);
    for _ in 0..2 {
        assert_eq!(post(served.address, SECRET, key, batch.as_bytes()).await.0, 200);
    }
    assert_eq!(take_in(&bed, 1, served.feeds.clone()).await, 12);
    assert_eq!(files_under(&bed.root().join("spool")).len(), 0, "the lake has it now");
    assert_eq!(post(served.address, SECRET, key, batch.as_bytes()).await.0, 200);
    assert_eq!(take_in(&bed, 2, served.feeds.clone()).await, 0);
    assert_eq!(bed.messages().await, line_texts(0..12));
    served.cancel.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_or_cannot_be_taken_is_refused_and_leaves_nothing() {
    let bed = Bed::new();
    let served = serve(EndpointOptions { body_bytes_max: 1_000, ..options(&bed) }).await;
    let to = served.address;
    let bearer = format!("\r\nAuthorization: Bearer {SECRET}");
    let check = async |head: String, body: &[u8], expected: u16| {
        let (status, answer) = send(to, &head, body).await;
        assert_eq!(status, expected, "{head}: {answer}");
    };
    let posted = "POST /v1/logs/json_lines HTTP/1.1";
    check(format!("{posted}\r\nContent-Length: 2"), b"{}", 401).await;
    let wrong = "\r\nAuthorization: Bearer another-secret-of-16";
    check(format!("{posted}{wrong}\r\nContent-Length: 2"), b"{}", 401).await;
    check(format!("{posted}\r\nAuthorization: Basic {SECRET}\r\nContent-Length: 2"), b"{}", 401)
        .await;
    check(format!("{posted}{bearer}\r\nContent-Length: 0"), b"", 400).await;
    check(format!("{posted}{bearer}\r\nContent-Length: 1001"), &[b'x'; 1_001], 413).await;
    let chunks = [&b"3e9\r\n"[..], &[b'x'; 1_001], b"\r\n0\r\n\r\n"].concat();
    check(format!("{posted}{bearer}\r\nTransfer-Encoding: chunked"), &chunks, 413).await;
    check(format!("POST /v1/logs/cloudtrail HTTP/1.1{bearer}\r\nContent-Length: 2"), b"{}", 404)
        .await;
    for path in ["/v1/logs/../json_lines", "/v1/logs/", "/v1/logs/json_lines/web", "/else"] {
        check(format!("POST {path} HTTP/1.1{bearer}\r\nContent-Length: 2"), b"{}", 404).await;
    }
    check(format!("GET /v1/logs/json_lines HTTP/1.1{bearer}"), b"", 405).await;
    check("GET /healthz HTTP/1.1".to_owned(), b"", 200).await;
    // A sender that goes away in the middle of its post.
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!("{posted}{bearer}\r\nHost: test\r\nContent-Length: 500\r\n\r\nhalf");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    served.cancel.cancel();
    served.task.await.unwrap();
    assert_eq!(files_under(&bed.root().join("spool")), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_asks_senders_to_come_later() {
    let bed = Bed::new();
    let served = serve(EndpointOptions { spool_bytes_max: 10, ..options(&bed) }).await;
    let (status, answer) = post(served.address, SECRET, "", &[b'x'; 11]).await;
    assert_eq!(status, 503);
    assert!(answer.to_ascii_lowercase().contains("retry-after: 30"), "{answer}");
    served.cancel.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_cannot_be_read_stays_in_the_spool() {
    let bed = Bed::new();
    let served = serve(options(&bed)).await;
    assert_eq!(post(served.address, SECRET, "", b"\x00\x9f\x92 no json").await.0, 200);
    assert_eq!(take_in(&bed, 1, served.feeds.clone()).await, 0);
    assert_eq!(files_under(&bed.root().join("spool")).len(), 1, "nobody else has it");
    served.cancel.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_do_not_travel_in_the_clear() {
    let bed = Bed::new();
    let refused = |options: EndpointOptions| async {
        match Endpoint::bind(options).await {
            Err(FeedError::Request { reason, .. }) => reason,
            _ => panic!("it must be refused"),
        }
    };
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let reason = refused(EndpointOptions { listen: everywhere, ..options(&bed) }).await;
    assert!(reason.contains("in the clear"), "{reason}");
    let reason = refused(EndpointOptions { tokens: vec![], ..options(&bed) }).await;
    assert!(reason.contains("no token"), "{reason}");
    assert!(Token::new("web", "short").is_err());
    assert!(Token::new("../web", SECRET).is_err());
}

fn syslog(bed: &Bed) -> SyslogOptions {
    SyslogOptions {
        tcp: Some(loopback()),
        udp: Some(loopback()),
        // Longer than any test: what ends a file is its size or the end of the listener.
        segment_every: Duration::from_secs(3_600),
        ..SyslogOptions::new(&bed.root().join("syslog"), Arc::new(|| at(1)))
    }
}

/// Sends a TCP stream, and waits until the listener has taken all of it.
async fn stream(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    // The listener closes its side when it has read to the end.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
}

async fn finish(
    cancel: &CancellationToken,
    task: tokio::task::JoinHandle<SyslogCounts>,
) -> SyslogCounts {
    cancel.cancel();
    task.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_messages_of_all_framings_become_rows_once() {
    let bed = Bed::new();
    let listener = Listener::bind(syslog(&bed)).await.unwrap();
    let feed: Arc<dyn Feed> = Arc::new(listener.feed(Some("syslog".into())).unwrap());
    let (tcp, udp) = (listener.tcp_address().unwrap(), listener.udp_address().unwrap());
    let cancel = CancellationToken::new();
    let task = tokio::spawn(listener.serve(cancel.clone()));
    let message = |text: &str| format!("<34>1 2026-09-21T14:00:00.003Z web01 su 1 ID47 - {text}");
    let counted = message("two\nlines");
    let text = format!(
        "{}\n{} {counted}{}\n<13>Sep 21 14:00:01 web01 cron[7]: an older one\n",
        message("by line"),
        counted.len(),
        message("after a counted one"),
    );
    stream(tcp, text.as_bytes()).await;
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    socket.send_to(message("by datagram").as_bytes(), udp).await.unwrap();
    let counts = finish(&cancel, task).await;
    assert_eq!((counts.truncated, counts.lost), (0, 0), "{counts:?}");
    assert_eq!(counts.messages, 5, "{counts:?}");
    // An older message has no year: it is that of the file.
    for path in files_under(&bed.root().join("syslog")) {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(at(1).into()).unwrap();
    }
    let rows = take_in(&bed, 1, vec![Arc::clone(&feed)]).await;
    assert_eq!(rows, 5);
    assert_eq!(files_under(&bed.root().join("syslog")).len(), 0);
    assert_eq!(take_in(&bed, 2, vec![feed]).await, 0);
    let messages = bed.column("syslog", "message").await;
    assert!(messages.contains(&"two\nlines".to_owned()), "{messages:?}");
    assert!(messages.contains(&"by datagram".to_owned()), "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_close_when_they_are_full() {
    let bed = Bed::new();
    let options = SyslogOptions { segment_bytes: 100, udp: None, ..syslog(&bed) };
    let listener = Listener::bind(options).await.unwrap();
    let tcp = listener.tcp_address().unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(listener.serve(cancel.clone()));
    for _ in 0..4 {
        stream(tcp, format!("<13>1 {}\n", "x".repeat(150)).as_bytes()).await;
    }
    assert_eq!(finish(&cancel, task).await.messages, 4);
    let files = files_under(&bed.root().join("syslog"));
    assert!((1..=4).contains(&files.len()), "{files:?}");
    let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(bytes, 4 * 157);
}
