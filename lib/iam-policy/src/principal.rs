//! Who asks: an IAM identity, an AWS service, a federated provider, or nobody known; and how a
//! `Principal` element names them.
//! What the match is worth is decided in `evaluate`.

use std::borrow::Cow;

use crate::arn;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Not signed.
    Anonymous,
    /// An AWS service acting for itself: `cloudtrail.amazonaws.com`.
    Service(String),
    /// An identity provider whose user asks for a role: its ARN or host name.
    Federated(String),
    /// A user, role, session or root user.
    Identity(Identity),
}

impl Principal {
    /// The principal that an ARN names: `…:user/…`, `…:role/…`, `…:assumed-role/…`,
    /// `…:federated-user/…`, `…:root`.
    #[must_use]
    pub fn from_arn(arn: &str) -> Self {
        Self::Identity(Identity::new(arn))
    }

    /// The ARN, the service's or provider's name; `*` for nobody known.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "*",
            Self::Service(name) | Self::Federated(name) => name,
            Self::Identity(identity) => &identity.arn,
        }
    }

    /// The account the caller belongs to.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Identity(identity) => Some(identity.account.as_str()),
            _ => None,
        }
    }
}

/// An IAM or STS identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) kind: IdentityKind,
}

/// What kind of identity. Names are without their path: they are unique in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    Root,
    User { name: String },
    Role { name: String, path: String },
    Session { role: String },
    FederatedUser { name: String },
    Other,
}

impl IdentityKind {
    /// The value of `aws:PrincipalType`.
    pub(crate) fn principal_type(&self) -> &'static str {
        match self {
            Self::Root => "Account",
            Self::User { .. } => "User",
            Self::Role { .. } | Self::Session { .. } => "AssumedRole",
            Self::FederatedUser { .. } => "FederatedUser",
            Self::Other => "Unknown",
        }
    }
}

impl Identity {
    fn new(text: &str) -> Self {
        let account = arn::account(text).unwrap_or_default().to_owned();
        let resource = arn::part(text, 5).unwrap_or_default();
        let last = |rest: &str| rest.rsplit('/').next().unwrap_or_default().to_owned();
        let kind = match resource.split_once('/') {
            None if resource == "root" => IdentityKind::Root,
            Some(("user", rest)) => IdentityKind::User { name: last(rest) },
            Some(("role", rest)) => {
                let path = rest.rsplit_once('/').map_or("", |(path, _)| path);
                IdentityKind::Role { name: last(rest), path: path.to_owned() }
            }
            Some(("assumed-role", rest)) => {
                let role = rest.split('/').next().unwrap_or_default().to_owned();
                IdentityKind::Session { role }
            }
            Some(("federated-user", name)) => IdentityKind::FederatedUser { name: name.to_owned() },
            _ => IdentityKind::Other,
        };
        Self { arn: text.to_owned(), account, kind }
    }

    /// The value of `aws:PrincipalArn`: for a session the ARN of its role.
    pub(crate) fn principal_arn(&self) -> Cow<'_, str> {
        match &self.kind {
            IdentityKind::Session { role } => {
                let partition = arn::part(&self.arn, 1).unwrap_or("aws");
                Cow::Owned(format!("arn:{partition}:iam::{}:role/{role}", self.account))
            }
            _ => Cow::Borrowed(&self.arn),
        }
    }

    /// A role that AWS itself uses for one service: SCPs and RCPs do not reach it.
    pub(crate) fn is_service_linked(&self) -> bool {
        match &self.kind {
            IdentityKind::Role { path, .. } => {
                path == "aws-service-role" || path.starts_with("aws-service-role/")
            }
            IdentityKind::Session { role } => role.starts_with("AWSServiceRoleFor"),
            _ => false,
        }
    }
}

/// How closely a `Principal` element names the caller, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// Not at all.
    No,
    /// By its account: the account may pass it on with its own policies.
    Account,
    /// By the role or user behind its session: policies of the session still limit it.
    Parent,
    /// Itself: the user, the session, the service, or everybody.
    Itself,
}

/// What stands before the entries of a `Principal` element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// Nothing: `"Principal": "*"`.
    Bare,
    /// `AWS`
    Aws,
    /// `Service`
    Service,
    /// `Federated`
    Federated,
    /// `CanonicalUser`
    CanonicalUser,
    /// Something that AWS does not know.
    Other,
}

/// One entry of a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// `*`
    Everybody,
    /// Twelve digits, or the ARN of the account's root.
    Account(String),
    /// Any other ARN.
    Arn(Identity),
    /// A service's name.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// An unknown kind, a unique id, a canonical user: it never matches here.
    Other(String),
}

impl Entry {
    /// An entry under `AWS`.
    pub(crate) fn aws(text: &str) -> Self {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if text == "*" {
            Self::Everybody
        } else if digits {
            Self::Account(text.to_owned())
        } else if text.starts_with("arn:") {
            let identity = Identity::new(text);
            match identity.kind {
                IdentityKind::Root => Self::Account(identity.account),
                _ => Self::Arn(identity),
            }
        } else {
            Self::Other(text.to_owned())
        }
    }

    /// Whether it names everybody: `*`, whatever its kind, or any account.
    pub(crate) fn is_everybody(&self) -> bool {
        match self {
            Self::Everybody => true,
            Self::Account(account) => account.contains('*'),
            Self::Arn(identity) => identity.account.contains('*'),
            Self::Service(name) | Self::Federated(name) | Self::Other(name) => name == "*",
        }
    }

    /// Whom it names, as a caller. Unique ids and canonical users tell nobody.
    pub(crate) fn principal(&self) -> Option<Principal> {
        match self {
            Self::Everybody => Some(Principal::Anonymous),
            Self::Account(account) => {
                Some(Principal::from_arn(&format!("arn:aws:iam::{account}:root")))
            }
            Self::Arn(identity) => Some(Principal::Identity(identity.clone())),
            Self::Service(name) => Some(Principal::Service(name.clone())),
            Self::Federated(name) => Some(Principal::Federated(name.clone())),
            Self::Other(_) => None,
        }
    }

    /// How closely it names the caller.
    pub(crate) fn names(&self, principal: &Principal) -> Named {
        match (self, principal) {
            (Self::Everybody, _) => Named::Itself,
            (Self::Service(name), Principal::Service(caller)) if name == caller => Named::Itself,
            (Self::Service(name), Principal::Service(_)) if name == "*" => Named::Itself,
            (Self::Federated(name), Principal::Federated(caller)) => {
                if name == caller || name == "*" { Named::Itself } else { Named::No }
            }
            (Self::Account(account), Principal::Identity(caller)) => {
                if *account != caller.account {
                    Named::No
                } else if caller.kind == IdentityKind::Root {
                    Named::Itself
                } else {
                    Named::Account
                }
            }
            (Self::Arn(named), Principal::Identity(caller)) => named_by(named, caller),
            _ => Named::No,
        }
    }
}

fn named_by(named: &Identity, caller: &Identity) -> Named {
    if named.arn == caller.arn {
        // A role asked about without a session is what its sessions have in common.
        return match caller.kind {
            IdentityKind::Role { .. } => Named::Parent,
            _ => Named::Itself,
        };
    }
    let same_account = named.account == caller.account;
    match (&named.kind, &caller.kind) {
        (IdentityKind::Role { name, .. }, IdentityKind::Session { role }) if name == role => {
            if same_account {
                Named::Parent
            } else {
                Named::No
            }
        }
        (IdentityKind::User { name }, IdentityKind::FederatedUser { name: caller_name })
            if name == caller_name =>
        {
            if same_account {
                Named::Parent
            } else {
                Named::No
            }
        }
        _ => Named::No,
    }
}

/// A `Principal` or `NotPrincipal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrincipalElement {
    pub(crate) negated: bool,
    pub(crate) entries: Vec<Entry>,
    /// The same entries as they are written.
    pub(crate) written: Vec<(PrincipalKind, String)>,
}

impl PrincipalElement {
    /// How closely the element, read as a list, names the caller.
    pub(crate) fn names(&self, principal: &Principal) -> Named {
        self.entries.iter().map(|entry| entry.names(principal)).max().unwrap_or(Named::No)
    }

    /// Whether a `NotPrincipal` of a `Deny` spares the caller. The account, the role and the
    /// session must each be listed: what is not listed is denied, and a denied account denies all
    /// that is in it (AWS, "NotPrincipal with Deny").
    pub(crate) fn spares(&self, principal: &Principal) -> bool {
        if self.entries.contains(&Entry::Everybody) {
            return true;
        }
        let listed =
            |wanted: Named| self.entries.iter().any(|entry| entry.names(principal) == wanted);
        match principal {
            Principal::Identity(identity) => match identity.kind {
                IdentityKind::Root => listed(Named::Itself),
                IdentityKind::Session { .. } | IdentityKind::FederatedUser { .. } => {
                    listed(Named::Account) && listed(Named::Parent) && listed(Named::Itself)
                }
                IdentityKind::Role { .. } => listed(Named::Account) && listed(Named::Parent),
                _ => listed(Named::Account) && listed(Named::Itself),
            },
            _ => listed(Named::Itself),
        }
    }
}
