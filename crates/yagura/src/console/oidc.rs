//! The provider of identities as the configuration file names it: `[[serve.oidc]]`.
//! What is done with it is `yagura-console`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use yagura_console::{OidcSettings, Role};
use yagura_model::secret::{SecretRef, Secrets as _};

use crate::output::Hinted;
use crate::secrets::Resolver;

/// How long a provider may take for one answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// One `[[serve.oidc]]`; there is at most one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OidcTable {
    /// The issuer, as its discovery document writes it.
    pub(crate) issuer: String,
    /// Under which name the provider knows us.
    pub(crate) client_id: String,
    /// A reference to what we prove that with; none for a public client.
    pub(crate) client_secret: Option<String>,
    /// Scopes beside `openid`.
    pub(crate) scopes: Option<Vec<String>>,
    /// The claim that names a person.
    pub(crate) name_claim: Option<String>,
    /// The claim whose values give the role.
    pub(crate) role_claim: Option<String>,
    /// The role that each value gives.
    #[serde(default)]
    pub(crate) roles: BTreeMap<String, Role>,
    /// The role of whom no value gives one.
    pub(crate) role_default: Option<Role>,
    /// The claim whose values give the accounts.
    pub(crate) account_claim: Option<String>,
    /// The accounts that each value gives.
    #[serde(default)]
    pub(crate) accounts: BTreeMap<String, BTreeSet<String>>,
    /// What stands on the button.
    pub(crate) label: Option<String>,
    /// Domains of e-mail addresses that may come in.
    #[serde(default)]
    pub(crate) domains: BTreeSet<String>,
}

impl OidcTable {
    /// What the file says, with the secret that it refers to.
    ///
    /// # Errors
    /// Where the secret is no reference, or cannot be read.
    pub(crate) async fn settings(&self, secrets: &Resolver) -> anyhow::Result<OidcSettings> {
        let client_secret = match &self.client_secret {
            None => None,
            Some(text) => {
                let reference = self.reference(text)?;
                Some(secrets.reveal(&reference).await.with_context(|| {
                    format!("could not read the client secret of `{}`", self.issuer)
                })?)
            }
        };
        let usual = || vec!["email".to_owned(), "profile".to_owned()];
        Ok(OidcSettings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret,
            scopes: self.scopes.clone().unwrap_or_else(usual),
            name_claim: self.name_claim.clone().unwrap_or_else(|| "email".to_owned()),
            role_claim: self.role_claim.clone(),
            roles: self.roles.clone(),
            role_default: self.role_default,
            account_claim: self.account_claim.clone(),
            accounts: self.accounts.clone(),
            label: self.label.clone(),
            domains: self.domains.clone(),
            answer_time: ANSWER_TIME,
        })
    }

    /// Checks what can be known without asking anybody.
    ///
    /// # Errors
    /// Where a secret stands in place of its reference (it is not repeated), or the issuer is
    /// reached in clear.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if !is_private(&self.issuer) {
            return Err(anyhow::Error::new(Hinted::new(
                format!("the issuer `{}` does not begin with https://", self.issuer),
                "whoever is on the way could sign in as anybody; http:// is for loopback alone",
            )));
        }
        self.client_secret.as_ref().map_or(Ok(()), |text| self.reference(text).map(drop))
    }

    fn reference(&self, text: &str) -> anyhow::Result<SecretRef> {
        text.parse().map_err(|_| {
            anyhow::Error::new(Hinted::new(
                format!(
                    "the client secret of `{}` is no reference (what was written is not repeated)",
                    self.issuer
                ),
                "client-secret = \"env:NAME\", or `file:`, `secretsmanager:`, `ssm:`, `stored:`",
            ))
        })
    }
}

/// Whether nobody on the way reads or changes what an issuer says: TLS (OpenID Connect Discovery
/// 1.0, 3, asks for it), or this very machine.
fn is_private(issuer: &str) -> bool {
    if issuer.starts_with("https://") {
        return true;
    }
    let Some(rest) = issuer.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_in_clear_is_of_this_machine() {
        for good in [
            "https://id.example.com",
            "http://127.0.0.1:8080/realms/x",
            "http://localhost",
            "http://[::1]:9000/",
        ] {
            assert!(is_private(good), "{good}");
        }
        for bad in [
            "http://id.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@id.example.com",
            "http://localhost.example.com/",
            "http://127.0.0.1:80@id.example.com/",
            "http://[::2]/",
            "ftp://localhost",
            "id.example.com",
            "",
        ] {
            assert!(!is_private(bad), "{bad}");
        }
    }
}
