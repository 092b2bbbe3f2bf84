//! Escalations: how a principal that may do a few things comes to act as somebody who may do more.
//! They are data (`content/escalations/`); whether one is open to anybody is decided in
//! `yagura-analyze`.

use serde::Deserialize;

/// A way to act as somebody else, or to give oneself more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// The content id (`lambda.pass_role_to_new_function`).
    #[serde(skip)]
    pub id: String,
    /// As whom one acts afterwards.
    pub gains: Gain,
    /// What one must be allowed, all of it.
    pub needs: Vec<Need>,
}

/// As whom one acts afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Gain {
    /// A role that trusts this service (`lambda.amazonaws.com`): one hands it to the service, which
    /// runs what one asks it to.
    RoleTrusting(String),
    /// The role of something that is there already, of this resource type.
    RoleOf(String),
    /// Another user.
    User,
    /// A role.
    Role,
    /// A group that one joins.
    Group,
    /// Another user, once it has been given whatever one likes.
    UserStrengthened,
    /// A role, once it has been given whatever one likes.
    RoleStrengthened,
    /// A role, once its permissions boundary is gone.
    RoleUnbounded,
    /// Whatever one likes, within one's boundary: a user gives itself more.
    OneselfAsUser,
    /// The same for a role.
    OneselfAsRole,
    /// What one's own policies say, without the boundary.
    OneselfUnbounded,
    /// Whatever one likes, in every account that the permission sets of IAM Identity Center reach.
    PermissionSets,
}

/// An action that one must be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// `service:Operation`
    pub action: String,
    /// On what.
    #[serde(default)]
    pub on: NeedOn,
}

/// What a needed action is done to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedOn {
    /// To anything: something that one makes oneself, or any of its kind.
    #[default]
    Anything,
    /// To the user, role or group gained.
    Gained,
    /// To the resource whose role is gained.
    Resource,
    /// To oneself.
    Oneself,
    /// To a group that one is in.
    OwnGroup,
    /// To a managed policy of the account that is attached to oneself or to one's groups.
    OwnPolicy,
    /// To a managed policy of the account that is attached to the user or role gained.
    GainedPolicy,
}
