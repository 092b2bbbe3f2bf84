//! The IAM actions there are, as the analysis needs them: level, resource types, what else they
//! take. The table itself is read elsewhere and handed in.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What an action does, from what harms least to what harms most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionLevel {
    /// Lists things.
    List,
    /// Reads them.
    Read,
    /// Changes tags.
    Tagging,
    /// Creates, changes or deletes them.
    Write,
    /// Changes who may do what.
    Permissions,
}

impl ActionLevel {
    /// The word for it in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Tagging => "tagging",
            Self::Write => "write",
            Self::Permissions => "permissions",
        }
    }
}

/// One IAM action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAction {
    /// In AWS's spelling: `s3:GetObject`.
    pub name: Arc<str>,
    /// What it does.
    pub level: ActionLevel,
    /// What it works on; none: it takes no resource.
    pub resources: Vec<KnownResource>,
    /// Whether the caller hands a role on with it.
    pub passes_role: bool,
    /// The action of its own service that the caller needs as well to tag what it makes.
    pub tags_with: Option<Arc<str>>,
    /// Whether an operation of the API has its name, so that a log could show it.
    pub has_operation: bool,
}

/// A resource type of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownResource {
    /// `bucket`
    pub name: Arc<str>,
    /// Whether a policy must name one.
    pub required: bool,
    /// `arn:${Partition}:s3:::${BucketName}`
    pub arn: Option<Arc<str>>,
}

/// All actions, looked up without regard to letter case.
#[derive(Clone, Debug, Default)]
pub struct ActionTable {
    actions: BTreeMap<String, KnownAction>,
}

impl ActionTable {
    /// Of these actions.
    pub fn new(actions: impl IntoIterator<Item = KnownAction>) -> Self {
        let named = |action: KnownAction| (action.name.to_ascii_lowercase(), action);
        Self { actions: actions.into_iter().map(named).collect() }
    }

    /// The action of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KnownAction> {
        self.actions.get(&name.to_ascii_lowercase())
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &KnownAction> {
        self.actions.values()
    }
}

impl KnownAction {
    /// The part before the colon.
    #[must_use]
    pub fn service(&self) -> &str {
        self.name.split(':').next().unwrap_or_default()
    }
}
