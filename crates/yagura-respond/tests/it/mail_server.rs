//! A mail server on loopback that demands STARTTLS with a certificate of its own authority.
//! What mails say is looked at by the tests.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A mail as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceivedMail {
    pub(crate) encrypted: bool,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct MailServer {
    mails: Arc<Mutex<Vec<ReceivedMail>>>,
    /// What it answers to the next mails' data instead of taking them.
    refusals: Arc<Mutex<Vec<&'static str>>>,
    pub(crate) port: u16,
    pub(crate) authority_pem: String,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(vec![]).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            mails: Arc::default(),
            refusals: Arc::default(),
            port: listener.local_addr().unwrap().port(),
            authority_pem: authority_certificate.pem(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, acceptor) = (serving.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let mut plain = BufReader::new(stream);
                    let _ = plain.write_all(b"220 test\r\n").await;
                    if server.talk(&mut plain, false).await {
                        let Ok(tls) = acceptor.accept(plain.into_inner()).await else { return };
                        server.talk(&mut BufReader::new(tls), true).await;
                    }
                });
            }
        });
        server
    }

    pub(crate) fn mails(&self) -> Vec<ReceivedMail> {
        self.mails.lock().unwrap().clone()
    }

    pub(crate) fn refuse(&self, answer: &'static str) {
        self.refusals.lock().unwrap().push(answer);
    }

    /// Speaks until the end; true where the connection is to be encrypted.
    async fn talk<S>(&self, stream: &mut BufReader<S>, encrypted: bool) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut mail = ReceivedMail { encrypted, ..ReceivedMail::default() };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return false;
            }
            let upper = line.to_uppercase();
            let answer: String = if upper.starts_with("EHLO") {
                let more = if encrypted { "250 AUTH PLAIN" } else { "250 STARTTLS" };
                format!("250-test\r\n250-8BITMIME\r\n{more}\r\n")
            } else if upper.starts_with("STARTTLS") {
                let _ = stream.write_all(b"220 go\r\n").await;
                return true;
            } else if upper.starts_with("AUTH PLAIN") {
                "235 welcome\r\n".into()
            } else if upper.starts_with("MAIL FROM:") {
                mail.from = line.chars().skip(10).collect::<String>().trim().to_owned();
                "250 ok\r\n".into()
            } else if upper.starts_with("RCPT TO:") {
                mail.to.push(line.chars().skip(8).collect::<String>().trim().to_owned());
                "250 ok\r\n".into()
            } else if upper.starts_with("DATA") {
                let _ = stream.write_all(b"354 go on\r\n").await;
                mail.data = data(stream).await;
                let refusal = self.refusals.lock().unwrap().pop();
                match refusal {
                    Some(answer) => answer.to_owned(),
                    None => {
                        self.mails.lock().unwrap().push(std::mem::take(&mut mail));
                        mail.encrypted = encrypted;
                        "250 queued as 7\r\n".into()
                    }
                }
            } else if upper.starts_with("QUIT") {
                let _ = stream.write_all(b"221 bye\r\n").await;
                return false;
            } else {
                "250 ok\r\n".into()
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return false;
            }
        }
    }
}

async fn data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> String {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == ".\r\n" {
            return text;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
