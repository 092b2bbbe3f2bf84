//! What a control is about, as far as a rank needs it: found in what its condition reads and in
//! the words of its id. What the failing resource is like is in `traits.rs`.

use yagura_content::expression::PathSet;
use yagura_content::format::Control;
use yagura_model::Step;

use super::rank::{Exposure, Privilege};

/// What a failure of a control says by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) exposure: Option<Exposure>,
    pub(crate) privilege: Option<Privilege>,
}

impl Subject {
    /// What a control is about.
    pub(crate) fn of(control: &Control) -> Self {
        let mut subject = Self::of_words(&control.id);
        if let PathSet::Paths(paths) = control.require.program().paths("resource") {
            for path in &paths {
                let mut keys = path.0.iter().filter_map(|step| match step {
                    Step::Key(key) => Some(key.as_str()),
                    Step::Index(_) | Step::Every => None,
                });
                if keys.next() == Some("facts") {
                    let fact = keys.next().unwrap_or_default();
                    subject.read(fact, keys.next().unwrap_or_default());
                }
            }
        }
        subject
    }

    fn read(&mut self, fact: &str, part: &str) {
        let exposure = match (fact, part) {
            ("public_access" | "open_ports" | "open_ports_ipv4" | "open_ports_ipv6", _)
            | ("external_access", "public") => Some(Exposure::Public),
            ("public_subnet", _) => Some(Exposure::Address),
            ("external_access" | "cross_account_principals" | "federated_principals", _) => {
                Some(Exposure::Outsiders)
            }
            _ => None,
        };
        let privilege = match fact {
            "full_administrator" => Some(Privilege::Administrator),
            "escalation_permissions" => Some(Privilege::Escalation),
            _ => None,
        };
        self.exposure = self.exposure.max(exposure);
        self.privilege = self.privilege.max(privilege);
    }

    /// What the wanted condition says that the failure is not: ids are promises, and their words
    /// follow the house's grammar.
    fn of_words(id: &str) -> Self {
        let (service, condition) = id.split_once('.').unwrap_or((id, ""));
        let has = |part: &str| condition.contains(part);
        let exposure = if has("not_public") || has("url_authenticated") || has("route_authorized") {
            Some(Exposure::Public)
        } else if has("without_public_address") || has("automatic_public_address") {
            Some(Exposure::Address)
        } else if has("shared_within_organization") || has("third_party") {
            Some(Exposure::Outsiders)
        } else {
            None
        };
        let privilege = if service == "account" && condition.starts_with("root_") {
            Some(Privilege::Root)
        } else if has("not_administrator") || has("full_administrator") {
            Some(Privilege::Administrator)
        } else if has("escalation_") {
            Some(Privilege::Escalation)
        } else if has("pass_role") || has("actions_listed") || has("actions_limited") {
            Some(Privilege::Broad)
        } else {
            None
        };
        Self { exposure, privilege }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_content::Content;

    fn check(id: &str, exposure: Option<Exposure>, privilege: Option<Privilege>) {
        let control = &Content::builtin().controls[id];
        assert_eq!(Subject::of(control), Subject { exposure, privilege }, "{id}");
    }

    #[test]
    fn controls_say_what_their_failure_opens() {
        check("s3.bucket_not_publicly_readable", Some(Exposure::Public), None);
        check("ec2.security_group_ssh_restricted", Some(Exposure::Public), None);
        check("cloudtrail.trail_bucket_not_public", Some(Exposure::Public), None);
        check("sns.topic_policy_not_public", Some(Exposure::Public), None);
        check("s3.bucket_shared_within_organization", Some(Exposure::Outsiders), None);
        check("ec2.instance_without_public_address", Some(Exposure::Address), None);
        check("account.root_mfa_enabled", None, Some(Privilege::Root));
        check("iam.user_not_administrator", None, Some(Privilege::Administrator));
        check("iam.role_escalation_bounded", None, Some(Privilege::Escalation));
        check("iam.user_pass_role_limited", None, Some(Privilege::Broad));
    }

    #[test]
    fn what_guards_or_records_opens_nothing() {
        check("s3.bucket_versioned", None, None);
        check("rds.cluster_administrator_renamed", None, None);
        check("logs.root_use_monitored", None, None);
        check("ec2.volume_encrypted", None, None);
    }
}
