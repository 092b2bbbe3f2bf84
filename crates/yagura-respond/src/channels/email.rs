//! Mail: a plain text and a page, over SMTP with TLS. Headers are made by the mail library from
//! values without control characters, so that no name can add one.
//! What a mail says is composed in `yagura-report`.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use lettre::message::{Mailbox, Mailboxes, MultiPart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use yagura_content::format::Judged;
use yagura_model::with_causes;
use yagura_report::messages::{Manner, mail};

use super::{Parcel, Sent, Settings};

/// How long one command of the server may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long everything together may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Receivers of one mail.
const RECEIVERS_MAX: usize = 100;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    /// A plain connection is turned into an encrypted one before anything is said. The default.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
    /// Not at all: only to this machine.
    Nothing,
}

/// Sends a mail.
pub(super) async fn send(settings: &Settings, manner: &Manner, parcel: &Parcel<'_>) -> Sent {
    let (transport, message) = match prepared(settings, manner, parcel) {
        Ok(prepared) => prepared,
        Err(why) => return Sent::refused(why),
    };
    let sending = transport.send(message);
    match tokio::time::timeout(DEADLINE, sending).await {
        Err(_) => Sent::retry(format!("no answer within {} seconds", DEADLINE.as_secs())),
        Ok(Ok(response)) => {
            let status: u16 = response.code().into();
            let text: Vec<&str> = response.message().collect();
            Sent::new(Judged::Accepted, Some(status), text.join(" "))
        }
        Ok(Err(error)) => {
            let status = error.status().map(u16::from);
            // 530 to 539 are about credentials, which somebody will mend (RFC 4954, 6).
            let credentials = status.is_some_and(|status| (530..540).contains(&status));
            let lasting = (error.is_permanent() || error.is_client()) && !credentials;
            let judged = if lasting { Judged::Refused } else { Judged::Retry };
            Sent::new(judged, status, with_causes(&error))
        }
    }
}

fn prepared(
    settings: &Settings,
    manner: &Manner,
    parcel: &Parcel<'_>,
) -> Result<(AsyncSmtpTransport<Tokio1Executor>, Message), String> {
    Ok((transport(settings)?, message(settings, manner, parcel)?))
}

fn transport(settings: &Settings) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let host = settings.text("host").ok_or("`host` is missing")?;
    let encryption = match settings.text("tls").as_deref() {
        None | Some("starttls") => Encryption::StartTls,
        Some("tls") => Encryption::Tls,
        Some("none") if is_this_machine(&host) => Encryption::Nothing,
        Some("none") => return Err(format!("`tls: none` is for this machine, not for `{host}`")),
        Some(other) => return Err(format!("`{other}` is not `starttls`, `tls` or `none`")),
    };
    let port = match settings.text("port") {
        Some(port) => port.parse().map_err(|_| format!("`{port}` is not a port"))?,
        None if encryption == Encryption::Tls => 465,
        None => 587,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.clone())
        .port(port)
        .timeout(Some(TIMEOUT));
    builder = match encryption {
        Encryption::Nothing => builder.tls(Tls::None),
        Encryption::StartTls => builder.tls(Tls::Required(parameters(settings, &host)?)),
        Encryption::Tls => builder.tls(Tls::Wrapper(parameters(settings, &host)?)),
    };
    match (settings.text("user"), settings.text("password")) {
        (Some(user), Some(password)) => {
            // RFC 4954: credentials are said only over what nobody else can read.
            if encryption == Encryption::Nothing {
                return Err("a password needs `tls`".to_owned());
            }
            Ok(builder.credentials(Credentials::new(user, password)).build())
        }
        (None, None) => Ok(builder.build()),
        _ => Err("`user` and `password` are given together".to_owned()),
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn parameters(settings: &Settings, host: &str) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = settings.text("ca_file") {
        let pem = std::fs::read(&path).map_err(|error| format!("`{path}`: {error}"))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| format!("`{path}` holds no certificate"))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| with_causes(&error))
}

fn message(settings: &Settings, manner: &Manner, parcel: &Parcel<'_>) -> Result<Message, String> {
    let mail = mail(parcel.notice, manner).map_err(|error| with_causes(&error))?;
    let from: Mailbox = mailbox(&settings.text("from").ok_or("`from` is missing")?)?;
    let receivers = settings.list("to").iter().flat_map(|text| text.split(','));
    let receivers: Vec<Mailbox> =
        receivers.filter(|text| !text.trim().is_empty()).map(mailbox).collect::<Result<_, _>>()?;
    if receivers.is_empty() || receivers.len() > RECEIVERS_MAX {
        return Err(format!("`to` names no receiver, or more than {RECEIVERS_MAX}"));
    }
    let domain = from.email.domain().to_owned();
    let mut builder = Message::builder()
        .from(from)
        .mailbox(header::To::from(receivers.into_iter().collect::<Mailboxes>()))
        .subject(mail.subject)
        .date(system_time(parcel.now))
        // The same at every attempt: a mail that arrives twice is shown once.
        .message_id(Some(format!("<{}@{domain}>", parcel.notice.id)));
    if let Some(told) = &parcel.notice.told {
        // Mails about one finding are one conversation.
        let root: String = told.id.chars().filter(char::is_ascii_alphanumeric).collect();
        builder = builder.references(format!("<finding-{root}@{domain}>"));
    }
    // RFC 3834: nobody's absence is to be answered to a machine.
    builder = builder.header(AutoSubmitted);
    builder
        .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
        .map_err(|error| with_causes(&error))
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is not a mail address"))
}

fn system_time(at: Timestamp) -> std::time::SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
