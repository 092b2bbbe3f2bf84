//! The door as it stands on a loopback address: TLS where a certificate is, and nobody who keeps
//! silent keeps others waiting.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_util::sync::CancellationToken;
use yagura_console::{CertificateFiles, Door, router};

use crate::support::Bench;

const ASK: &[u8] = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

async fn asked(
    door: std::net::SocketAddr,
    certificate: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(door).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(ASK).await.unwrap();
    let mut text = String::new();
    // Some servers leave without a goodbye; what was said counts.
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test]
async fn tls_is_spoken_with_everybody_at_once_and_nothing_else() {
    let bench = Bench::open().await;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = CertificateFiles {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let door = Door::open("127.0.0.1:0".parse().unwrap(), Some(&files)).await.unwrap();
    let (address, stop) = (door.address(), CancellationToken::new());
    assert_eq!(door.url(), format!("https://{address}"));
    let serving = tokio::spawn(door.serve(router(&bench.console), stop.clone()));
    let silent = TcpStream::connect(address).await.unwrap();
    for version in [&TLS12, &TLS13] {
        let text = asked(address, made.cert.der(), version).await;
        assert!(text.starts_with("HTTP/1.1 404"), "{version:?}: {text}");
    }
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(ASK).await.unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP/"), "{bytes:?}");
    drop(silent);
    stop.cancel();
    serving.await.unwrap().unwrap();
}
