//! Policies that start from deny: only over TLS, only our organization, only those who are named;
//! keys whose administrators do not use them; roles that exactly one caller can become.
//! Why each statement is there is told by a code; the words are the command's.

mod guest;
mod key;
mod resource;
mod statement;
mod trust;

use iam_policy::PolicyKind;
use serde_json::{Value, json};

pub use key::KeyWish;
pub use resource::{BucketWish, QueueWish, ResourceWish, SecretWish, TopicWish};
pub use trust::{GithubWish, OidcWish, TrustWish};

use statement::Statement;

/// A policy, and a reason for each of its statements.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What kind it is: kinds are reviewed differently.
    pub kind: PolicyKind,
    /// The document.
    pub document: Value,
    /// One for each statement, in order.
    pub reasons: Vec<Reason>,
    /// What it cannot do by itself, as codes with what they are about.
    pub notes: Vec<Reason>,
}

/// Why a statement is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The statement's `Sid`; empty for a note.
    pub sid: String,
    /// One of [`CODES`] or [`NOTES`].
    pub code: &'static str,
    /// What it is about: the names it was made for.
    pub about: String,
}

/// The codes of statements. Their words are `generate.why.*`.
pub const CODES: [&str; 20] = [
    "plain_text",
    "old_tls",
    "outside_organization",
    "outside_accounts",
    "services_for_others",
    "other_readers",
    "other_writers",
    "policy_changes",
    "customer_keys",
    "other_encryption",
    "other_key",
    "readers",
    "writers",
    "service",
    "root_recovers",
    "key_administrators",
    "administrators_do_not_use",
    "key_users",
    "key_users_grant",
    "becomes_role",
];

/// The codes of notes. Their words are `generate.note.*`.
pub const NOTES: [&str; 5] =
    ["default_encryption", "no_administrators", "source_unsaid", "source_untold", "by_form"];

/// A wish that no safe policy fulfils.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// A text that names nobody a policy could name.
    #[error("`{0}` is no account and no ARN of a user or role")]
    NotAPrincipal(String),
    /// A session ends; its role stays.
    #[error("`{0}` is a session, and a policy outlives it: name its role")]
    Session(String),
    /// Not twelve digits.
    #[error("`{0}` is no account id: twelve digits")]
    NotAnAccount(String),
    /// Not `o-` and ten or more letters and digits.
    #[error("`{0}` is no organization id: o- and 10 to 32 letters and digits")]
    NotAnOrganization(String),
    /// Not the ARN that is needed.
    #[error("`{text}` is no ARN of {what}")]
    NotAnArn {
        /// As given.
        text: String,
        /// What it should be of.
        what: &'static str,
    },
    /// A service without a source.
    #[error("`{0}` does not say on whose behalf the service comes: SERVICE=ARN or SERVICE=ACCOUNT")]
    NoSource(String),
    /// Nobody is let in.
    #[error("nobody is named, and a policy for nobody shuts everybody out")]
    Nobody,
    /// The same principal administers and uses a key.
    #[error("`{0}` would both administer the key and use it")]
    BothDuties(String),
    /// Another account may become a role and nothing proves that it is meant.
    #[error("`{0}` is of another account: it needs an external id, or an organization of ours")]
    NotOurs(String),
    /// Something that has to be exact has a wildcard.
    #[error("{what} must be exact, without wildcards: `{text}`")]
    NotExact {
        /// What has to be.
        what: &'static str,
        /// As given.
        text: String,
    },
}

/// Whom a policy trusts, and where its resource is.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The account that owns the resource.
    pub account: String,
    /// Our organization; none: only the account, and those of named principals.
    pub organization: Option<String>,
    /// Accounts beyond the organization that are let in where they are named.
    pub partners: Vec<String>,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
}

impl Home {
    fn check(&self) -> Result<(), GenerateError> {
        for account in std::iter::once(&self.account).chain(&self.partners) {
            guest::account(account)?;
        }
        if let Some(organization) = &self.organization {
            let digits = organization.strip_prefix("o-").unwrap_or_default();
            let sound = (10..=32).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            if !sound {
                return Err(GenerateError::NotAnOrganization(organization.clone()));
            }
        }
        Ok(())
    }
}

/// Puts the statements together.
fn generated(
    kind: PolicyKind,
    id: &str,
    statements: Vec<Statement>,
    notes: Vec<Reason>,
) -> Generated {
    let reasons = statements.iter().map(|statement| statement.reason.clone()).collect();
    let statements: Vec<Value> = statements.into_iter().map(Statement::into_json).collect();
    let mut document = json!({"Version": "2012-10-17"});
    if let Some(members) = document.as_object_mut() {
        if !id.is_empty() {
            members.insert("Id".to_owned(), json!(id));
        }
        members.insert("Statement".to_owned(), statements.into());
    }
    Generated { kind, document, reasons, notes }
}

fn note(code: &'static str, about: &str) -> Reason {
    Reason { sid: String::new(), code, about: about.to_owned() }
}

#[cfg(test)]
mod tests;
