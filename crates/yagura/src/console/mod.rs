//! What the console is wired with, by the daemon and by the demo: its door, its address, its zone,
//! how people sign in.
//! What it shows is `yagura-console`'s; SQL over the lake comes from the daemon's desk.

mod guide;
mod oidc;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use jiff::tz::TimeZone;
use yagura_console::{CertificateFiles, Door, DoorFault, SignIn};
use yagura_content::Content;
use yagura_store::secrets::MasterKeys as _;

pub(crate) use guide::{Clock, Guide};
pub(crate) use oidc::OidcTable;

use crate::context::Context;
use crate::options::AwsOptions;
use crate::output::Hinted;
use crate::secrets::{AwsSecrets, Masters, Resolver};

/// How the console is reached and shown, as it is typed.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConsoleArgs {
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
    trusted_proxies: Vec<IpAddr>,
    #[arg(long, value_name = "ZONE", value_parser = zone_name)]
    time_zone: Option<String>,
    #[arg(long, value_name = "HOURS", default_value_t = 12,
        value_parser = clap::value_parser!(u16).range(1..=720))]
    session_idle: u16,
    #[arg(long, value_name = "HOURS", default_value_t = 168,
        value_parser = clap::value_parser!(u16).range(1..=2160))]
    session_max: u16,
    #[arg(long)]
    no_passwords: bool,
    #[arg(long, value_name = "DAYS", default_value_t = 400,
        value_parser = clap::value_parser!(u16).range(1..=3650))]
    keep_audit: u16,
}

/// The same, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// TLS is spoken with it; none where something in front does, or nothing.
    pub(crate) certificate: Option<CertificateFiles>,
    /// Proxies that are believed when they say for whom they ask.
    pub(crate) proxies: Vec<IpAddr>,
    /// The zone of times for whoever has chosen none.
    pub(crate) zone: Option<String>,
    /// How long a sign-in lasts, and what is kept of it.
    pub(crate) sign_in: SignIn,
    /// The provider of identities, as it is written in the configuration file.
    pub(crate) oidc: Option<OidcTable>,
}

fn zone_name(text: &str) -> Result<String, String> {
    match TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("there is no time zone `{text}`; for example Asia/Tokyo")),
    }
}

impl ConsoleArgs {
    /// Checks what only holds together.
    ///
    /// # Errors
    /// Where one half of a certificate is missing, or nobody could come in.
    pub(crate) fn options(&self, oidc: Option<OidcTable>) -> anyhow::Result<Options> {
        ensure!(
            oidc.is_some() || !self.no_passwords,
            Hinted::new(
                "with --no-passwords and no provider of identities nobody could sign in",
                "write [[serve.oidc]] in the configuration file, or leave --no-passwords out",
            )
        );
        let certificate = match (&self.tls_certificate, &self.tls_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(CertificateFiles { certificate: certificate.clone(), key: key.clone() })
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(anyhow::Error::new(Hinted::new(
                    "a certificate needs its key, and a key its certificate",
                    "give both --tls-certificate and --tls-key",
                )));
            }
        };
        Ok(Options {
            certificate,
            proxies: self.trusted_proxies.clone(),
            zone: self.time_zone.clone(),
            sign_in: SignIn {
                idle: hours(self.session_idle),
                absolute: hours(self.session_max),
                passwords: !self.no_passwords,
                audit_days: self.keep_audit,
                ..SignIn::default()
            },
            oidc,
        })
    }
}

fn hours(hours: u16) -> Duration {
    Duration::from_secs(u64::from(hours) * 3_600)
}

/// How people sign in, with the keys and secrets that it takes.
///
/// # Errors
/// Where the master key or the provider's secret cannot be read.
pub(crate) async fn sign_in(
    context: &Context,
    aws: &AwsOptions,
    options: &Options,
) -> anyhow::Result<SignIn> {
    let masters = Masters::new(context, aws, AwsSecrets::default())?;
    // Without a key nothing can be sealed yet; `yagura secrets set` makes one.
    let masters = (!masters.current().is_empty()).then(|| Arc::new(masters) as _);
    let oidc = match &options.oidc {
        Some(table) => Some(table.settings(&Resolver::new(context, aws)).await?),
        None => None,
    };
    Ok(SignIn { masters, oidc, ..options.sign_in.clone() })
}

/// Takes an address.
///
/// # Errors
/// Where it is taken, or not this machine's, or the certificate cannot be used.
pub(crate) async fn door(address: SocketAddr, options: &Options) -> anyhow::Result<Door> {
    let opened = Door::open(address, options.certificate.as_ref()).await;
    opened.map_err(|fault| {
        let hint = match &fault {
            DoorFault::Address(..) => {
                "another process may have it; choose another with --listen 127.0.0.1:PORT"
            }
            DoorFault::Certificate(_) => {
                "--tls-certificate and --tls-key name two PEM files that belong together"
            }
        };
        anyhow::Error::new(fault).context(Hinted::new("could not begin to answer", hint))
    })
}

/// The address under which people reach the console: the site's `console_url`, which also stands
/// in messages, else the door's own.
pub(crate) fn address(content: &Content, door: &Door) -> String {
    let said = content.site.routes.console_url.as_ref();
    let address = said.map_or_else(|| door.url(), |url| url.value.clone());
    address.trim_end_matches('/').to_owned()
}

/// The zone in which times are shown to who has chosen none: the one that was typed, else that of
/// the site's routes, else UTC.
///
/// # Errors
/// Where the site names a zone that there is not.
pub(crate) fn zone(content: &Content, options: &Options) -> anyhow::Result<TimeZone> {
    let said = content.site.routes.time_zone.as_ref().map(|zone| zone.value.as_str());
    let name = options.zone.as_deref().or(said).unwrap_or("UTC");
    TimeZone::get(name).with_context(|| {
        Hinted::new(
            format!("there is no time zone `{name}`"),
            "--time-zone or `time_zone` in routes.yaml names it as IANA does: Asia/Tokyo",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(certificate: Option<&str>, key: Option<&str>) -> ConsoleArgs {
        ConsoleArgs {
            tls_certificate: certificate.map(Into::into),
            tls_key: key.map(Into::into),
            trusted_proxies: Vec::new(),
            time_zone: None,
            session_idle: 12,
            session_max: 168,
            no_passwords: false,
            keep_audit: 400,
        }
    }

    #[test]
    fn a_certificate_and_its_key_come_together() {
        assert!(args(None, None).options(None).unwrap().certificate.is_none());
        assert!(args(Some("a"), Some("b")).options(None).unwrap().certificate.is_some());
        for half in [args(Some("a"), None), args(None, Some("b"))] {
            assert!(half.options(None).unwrap_err().to_string().contains("needs its key"));
        }
    }

    #[test]
    fn somebody_can_sign_in() {
        let args = ConsoleArgs { no_passwords: true, ..args(None, None) };
        assert!(args.options(None).unwrap_err().to_string().contains("nobody could sign in"));
    }

    #[test]
    fn a_zone_is_one_that_there_is() {
        assert!(zone_name("Asia/Tokyo").is_ok());
        assert!(zone_name("Asia/Tokio").unwrap_err().contains("Asia/Tokio"));
        let options = Options { zone: Some("Asia/Tokyo".to_owned()), ..Options::default() };
        let content = Content::builtin();
        assert_eq!(zone(content, &options).unwrap().iana_name(), Some("Asia/Tokyo"));
        assert_eq!(zone(content, &Options::default()).unwrap().iana_name(), Some("UTC"));
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_said_with_its_remedy() {
        let first = door("127.0.0.1:0".parse().unwrap(), &Options::default()).await.unwrap();
        let error = door(first.address(), &Options::default()).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(&first.address().to_string()), "{error}");
        assert_eq!(address(Content::builtin(), &first), first.url());
    }
}
