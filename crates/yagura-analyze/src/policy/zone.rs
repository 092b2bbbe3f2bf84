//! The zone of trust: the organization where the inventory has one that the account is in, else
//! the account alone.
//! What is let in from beyond it is worked out in `external.rs` and `sharing.rs`.

use yagura_model::{Truth, Unread};

use crate::surroundings::Surroundings;

pub(super) const ORGANIZATION: &str = "AWS::Organizations::Organization";
pub(super) const MEMBER: &str = "AWS::Organizations::Account";

/// What every fact about the zone looks at beside its resource. Ids are there without reading.
pub(super) const NEIGHBORS: &[(&str, &[&str])] = &[(ORGANIZATION, &[]), (MEMBER, &[])];

/// The zone that an account is in.
pub(super) struct Zone<'s> {
    account: &'s str,
    /// The organization's id, where the inventory has exactly one.
    pub(super) organization: Option<String>,
    members: Vec<&'s str>,
    /// Why the zone may be larger than it looks.
    pub(super) unread: Vec<Unread>,
}

impl<'s> Zone<'s> {
    pub(super) fn of(account: &'s str, surroundings: &'s dyn Surroundings) -> Self {
        let organizations = surroundings.in_organization(ORGANIZATION);
        let members = surroundings.in_organization(MEMBER);
        let mut unread = organizations.unread;
        let mut zone =
            Self { account, organization: None, members: Vec::new(), unread: Vec::new() };
        // A scan over several organizations has each member under its own management account.
        let home = members
            .resources
            .iter()
            .find(|member| member.id == account)
            .map(|member| member.account.as_str());
        let own = organizations
            .resources
            .iter()
            .find(|organization| home.is_none_or(|home| organization.account == home));
        if let Some(own) = own {
            let inside = || members.resources.iter().filter(|m| m.account == own.account);
            if home.is_some() || !members.unread.is_empty() {
                zone.organization = Some(own.id.clone());
                zone.members = inside().map(|member| member.id.as_str()).collect();
            }
            unread.extend(members.unread);
        }
        zone.unread = unread;
        zone
    }

    /// Whether an account belongs to it.
    pub(super) fn has(&self, account: &str) -> Truth {
        if account == self.account || self.members.contains(&account) {
            Truth::True
        } else if self.unread.is_empty() {
            Truth::False
        } else {
            Truth::Unknown
        }
    }

    /// Whether an organization is the zone's own.
    pub(super) fn is_own(&self, organization: &str) -> Truth {
        if self.organization.as_deref() == Some(organization) {
            Truth::True
        } else if self.organization.is_some() || self.unread.is_empty() {
            Truth::False
        } else {
            Truth::Unknown
        }
    }
}
