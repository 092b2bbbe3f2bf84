//! What is wrong or risky in a policy, told before it is put into force: errors, security
//! warnings, warnings and suggestions, each with a code and a place.
//! Words for people are the caller's; what a policy decides is `evaluate`'s.

mod document;
mod principals;
mod statement;

use crate::parse::Oddity;
use crate::policy::{Policy, Position};
use document::Document;

/// What kind of policy it is: the kinds have different elements and limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Of a user, role, group, or a permissions boundary.
    Identity,
    /// Of a resource.
    Resource,
    /// Of a role: who may become it.
    Trust,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
    /// Of a VPC endpoint.
    Endpoint,
}

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemarkWeight {
    /// AWS refuses it, or it never has an effect.
    Error,
    /// It lets in more than its author can have meant.
    Security,
    /// It does not do what it looks like.
    Warning,
    /// It could be said more plainly.
    Suggestion,
}

/// What a remark is about. The names of [`Self::code`] are promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemarkKind {
    /// It is no policy at all.
    NotAPolicy,
    /// An element, operator, principal or value that AWS does not know or that never matches.
    Odd,
    /// An action that no service has.
    ActionUnknown,
    /// A statement of an identity's or control policy names a principal.
    PrincipalNotAllowed,
    /// A statement of a resource's policy names none.
    PrincipalMissing,
    /// A statement of an identity's policy names no resource.
    ResourceMissing,
    /// It is longer than AWS takes.
    TooLong,
    /// Everything is allowed on everything.
    EverythingAllowed,
    /// Any role may be handed to any service.
    PassRoleAnywhere,
    /// All actions but some are allowed: also those that AWS adds tomorrow.
    AllButSomeActions,
    /// Everybody but some is allowed.
    AllButSomePrincipals,
    /// Everybody is allowed, and no condition says who.
    Everybody,
    /// A service is allowed on behalf of anybody's account (the confused deputy).
    ServiceForAnybody,
    /// `ForAllValues` in an Allow also holds when the key is absent.
    ForAllValuesWithoutKey,
    /// An Allow that asks for multi-factor authentication `IfExists` also lets in access keys.
    MfaIfExists,
    /// A private address in `aws:SourceIp` never matches.
    PrivateSourceAddress,
    /// A policy variable under an old version stays as it is written.
    VariableUnderOldVersion,
    /// No version: the old one counts.
    VersionMissing,
    /// Two statements have the same `Sid`.
    SidTwice,
    /// An action that another one of the statement covers.
    ActionCovered,
    /// A list or map without anything in it.
    Empty,
}

/// One thing to say about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What.
    pub kind: RemarkKind,
    /// Which statement, from zero; none: the policy as a whole.
    pub statement: Option<usize>,
    /// Where the statement begins, or the place of the fault.
    pub position: Position,
    /// What it is about, as written: an action, a principal, a key.
    pub about: String,
    /// Of [`RemarkKind::Odd`]: what is odd, of which `about` is the English.
    pub oddity: Option<Oddity>,
}

/// Which actions there are, as far as the caller knows.
pub trait KnownActions {
    /// The names of a service's actions, without its prefix; none: there is no such service.
    fn of_service(&self, service: &str) -> Vec<&str>;
}

impl RemarkKind {
    /// How much it matters.
    #[must_use]
    pub fn weight(self) -> RemarkWeight {
        match self {
            Self::NotAPolicy
            | Self::Odd
            | Self::ActionUnknown
            | Self::PrincipalNotAllowed
            | Self::PrincipalMissing
            | Self::ResourceMissing
            | Self::TooLong => RemarkWeight::Error,
            Self::EverythingAllowed
            | Self::PassRoleAnywhere
            | Self::AllButSomeActions
            | Self::AllButSomePrincipals
            | Self::Everybody
            | Self::ServiceForAnybody
            | Self::ForAllValuesWithoutKey
            | Self::MfaIfExists => RemarkWeight::Security,
            Self::PrivateSourceAddress | Self::VariableUnderOldVersion => RemarkWeight::Warning,
            Self::VersionMissing | Self::SidTwice | Self::ActionCovered | Self::Empty => {
                RemarkWeight::Suggestion
            }
        }
    }

    /// Its name in files and outputs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAPolicy => "not_a_policy",
            Self::Odd => "odd",
            Self::ActionUnknown => "action_unknown",
            Self::PrincipalNotAllowed => "principal_not_allowed",
            Self::PrincipalMissing => "principal_missing",
            Self::ResourceMissing => "resource_missing",
            Self::TooLong => "too_long",
            Self::EverythingAllowed => "everything_allowed",
            Self::PassRoleAnywhere => "pass_role_anywhere",
            Self::AllButSomeActions => "all_but_some_actions",
            Self::AllButSomePrincipals => "all_but_some_principals",
            Self::Everybody => "everybody",
            Self::ServiceForAnybody => "service_for_anybody",
            Self::ForAllValuesWithoutKey => "for_all_values_without_key",
            Self::MfaIfExists => "mfa_if_exists",
            Self::PrivateSourceAddress => "private_source_address",
            Self::VariableUnderOldVersion => "variable_under_old_version",
            Self::VersionMissing => "version_missing",
            Self::SidTwice => "sid_twice",
            Self::ActionCovered => "action_covered",
            Self::Empty => "empty",
        }
    }
}

impl PolicyKind {
    /// The most characters that AWS takes, white space left aside (IAM User Guide, "IAM and STS
    /// quotas", and Organizations, "Quotas", seen 2026-11). A trust policy's default is given: it
    /// can be raised to 8,192. The limits of resources differ and are not known here.
    fn length_max(self) -> Option<usize> {
        match self {
            Self::Identity => Some(6_144),
            Self::Trust => Some(2_048),
            Self::ServiceControl | Self::ResourceControl => Some(5_120),
            Self::Resource | Self::Endpoint => None,
        }
    }

    /// Whether its statements say who.
    fn has_principals(self) -> bool {
        match self {
            Self::Resource | Self::Trust | Self::ResourceControl | Self::Endpoint => true,
            Self::Identity | Self::ServiceControl => false,
        }
    }
}

/// Reviews a document. The gravest remarks come first, then those of earlier statements.
#[must_use]
pub fn review(text: &str, kind: PolicyKind, actions: Option<&dyn KnownActions>) -> Vec<Remark> {
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            let (position, about) = (error.position, error.what);
            let (kind, statement, oddity) = (RemarkKind::NotAPolicy, None, None);
            return vec![Remark { kind, statement, position, about, oddity }];
        }
    };
    let mut remarks: Vec<Remark> = Vec::new();
    for problem in &policy.problems {
        remarks.push(Remark {
            kind: RemarkKind::Odd,
            statement: None,
            position: problem.position,
            about: problem.oddity.to_string(),
            oddity: Some(problem.oddity.clone()),
        });
    }
    if let Some(document) = Document::read(text) {
        document.review(&policy, kind, actions, &mut remarks);
    }
    remarks.sort_by_key(|remark| (remark.kind.weight(), remark.statement, remark.kind));
    remarks
}

#[cfg(test)]
mod tests;
