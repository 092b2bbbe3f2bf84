//! Who looks: name, role, accounts, language and looks.
//! How somebody is known (session, token, OpenID Connect) is in `auth/`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use yagura_model::Lang;
use yagura_model::finding::{Actor, Scope};

/// What somebody may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything within the accounts that are theirs.
    Viewer,
    /// Also work on findings: comment, assign, acknowledge, suppress; and ask the logs.
    Analyst,
    /// Also begin work: scans, deliveries, runbooks.
    Responder,
    /// Also people, tokens and settings.
    Admin,
}

impl Role {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Analyst, Self::Responder, Self::Admin];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Responder => "responder",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.as_str() == text).ok_or_else(|| {
            format!("`{text}` is no role; they are viewer, analyst, responder, admin")
        })
    }
}

/// What a token may be used for, beside its role: scripts get no more than they were made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Read findings, alerts, verdicts and scores.
    #[serde(rename = "findings:read")]
    FindingsRead,
    /// Work on findings.
    #[serde(rename = "findings:write")]
    FindingsWrite,
    /// Read resources, their history, accounts, coverage, controls and cost.
    #[serde(rename = "resources:read")]
    ResourcesRead,
    /// Ask logs and inventory in SQL.
    #[serde(rename = "query")]
    Query,
    /// Ask who can do what.
    #[serde(rename = "access:read")]
    AccessRead,
    /// Begin work: scans, deliveries.
    #[serde(rename = "jobs:write")]
    JobsWrite,
    /// People, tokens, settings.
    #[serde(rename = "admin")]
    Admin,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::FindingsRead,
        Self::FindingsWrite,
        Self::ResourcesRead,
        Self::Query,
        Self::AccessRead,
        Self::JobsWrite,
        Self::Admin,
    ];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FindingsRead => "findings:read",
            Self::FindingsWrite => "findings:write",
            Self::ResourcesRead => "resources:read",
            Self::Query => "query",
            Self::AccessRead => "access:read",
            Self::JobsWrite => "jobs:write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no scope of a token; they are {all}")
        })
    }
}

/// How the pages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Theme {
    /// As the reader's system.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// Nobody has signed in.
    None,
    /// A browser's cookie: what changes something must prove that it came from our own page.
    Session,
    /// A token in a header: no browser adds it by itself.
    Token,
    /// The console is open to everybody who can reach it (the demo).
    Open,
}

/// Who looks at a page or asks the API. Handlers get it as an extension of the request; the gate
/// puts it there.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// The name under which everything is recorded; empty for nobody.
    pub(crate) name: String,
    /// None for nobody.
    pub(crate) role: Option<Role>,
    /// The accounts that they may see.
    pub(crate) scope: Scope,
    pub(crate) lang: Lang,
    pub(crate) theme: Theme,
    /// The zone in which times are shown.
    pub(crate) zone: TimeZone,
    pub(crate) means: Means,
    /// What a token may be used for; none for people, whose role alone decides.
    pub(crate) permissions: Option<BTreeSet<Permission>>,
    /// What forms of this session carry; empty where there is no session.
    pub(crate) csrf: String,
    /// From where they ask; empty where it is not known.
    pub(crate) address: String,
    /// The number of the person, where it is one who signed in.
    pub(crate) person: Option<i64>,
    /// What is kept of their session.
    pub(crate) session: Option<[u8; 32]>,
}

impl Viewer {
    /// Whether they may do what needs a role.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.role.is_some_and(|own| own >= role)
    }

    /// Whether what they came with may be used for this: a token names what it was made for.
    pub(crate) fn permits(&self, permission: Permission) -> bool {
        self.permissions.as_ref().is_none_or(|own| own.contains(&permission))
    }

    /// As whom they change findings.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Person(self.name.clone())
    }
}
