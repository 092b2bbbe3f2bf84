//! What can be settled about signing in: how long a sign-in lasts, by what else than passwords
//! people come in, and the keys that seal what is kept of them.
//! Where settings are read and secrets resolved is the binary's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use yagura_model::secret::Secret;
use yagura_store::secrets::MasterKeys;
use yagura_store::{Store, StoreError};

use crate::viewer::Role;

/// How people sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// A session that asks for nothing for so long is over.
    pub idle: Duration,
    /// A session is over after so long, whatever it does.
    pub absolute: Duration,
    /// Whether people may sign in with a password of this console.
    pub passwords: bool,
    /// What seals the secrets of second factors; without it they lie open in the database.
    pub masters: Option<Arc<dyn MasterKeys>>,
    /// A provider of identities.
    pub oidc: Option<OidcSettings>,
    /// How long the record of actions is kept, in days.
    pub audit_days: u16,
}

impl SignIn {
    /// Forgets what is over: sessions, sign-ins that were never finished, failures, and the record
    /// of before its days.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn forget(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let days = Duration::from_secs(u64::from(self.audit_days) * 24 * 3600);
        let (idle_since, audit_before) = (back(now, self.idle), back(now, days));
        store.people().forget(now, idle_since, audit_before).await?;
        Ok(())
    }
}

/// The time so long before.
pub(super) fn back(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(12 * 3600),
            absolute: Duration::from_secs(7 * 24 * 3600),
            passwords: true,
            masters: None,
            oidc: None,
            audit_days: 400,
        }
    }
}

/// A provider of OpenID Connect, and what its claims mean here.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// The issuer as its discovery document writes it, without `/.well-known/…`.
    pub issuer: String,
    /// Under which name the provider knows us.
    pub client_id: String,
    /// What we prove that with; none for a public client (PKCE alone).
    pub client_secret: Option<Secret>,
    /// Scopes asked for beside `openid`: `email`, `profile`, `groups`.
    pub scopes: Vec<String>,
    /// The claim that names a person to people: `email`, `preferred_username`.
    pub name_claim: String,
    /// The claim whose values give the role: `groups`, `roles`, `cognito:groups`, or a path to it
    /// with `/` between its members: `realm_access/roles`.
    pub role_claim: Option<String>,
    /// The role that each value of that claim gives; of several, the greatest counts.
    pub roles: BTreeMap<String, Role>,
    /// The role of whom no value gives one; none: they may not come in.
    pub role_default: Option<Role>,
    /// The claim whose values give the accounts; none: all accounts.
    pub account_claim: Option<String>,
    /// The accounts that a value of that claim gives, `*` for all. A value that is not listed
    /// gives itself where it is twelve digits.
    pub accounts: BTreeMap<String, BTreeSet<String>>,
    /// What stands on the button; none: the issuer's host.
    pub label: Option<String>,
    /// Domains of the e-mail addresses that may come in, the address verified; empty: all.
    pub domains: BTreeSet<String>,
    /// How long the provider may take for one answer.
    pub answer_time: Duration,
}
