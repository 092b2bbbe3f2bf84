//! What AWS says when it denies: the missing IAM action, and the kind of policy that forbids it.
//! Which codes mean "denied" is in `classify`.
//!
//! Source: IAM User Guide, "Troubleshoot access denied error messages", seen 2026-11.

/// The kind of policy that denied, where AWS says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeniedBy {
    /// AWS does not say.
    #[default]
    Unstated,
    /// An identity-based policy of the caller denies, or none allows.
    IdentityPolicy,
    /// The resource's own policy denies, or does not allow.
    ResourcePolicy,
    /// The caller's permissions boundary.
    PermissionsBoundary,
    /// The policy handed in when the session was made.
    SessionPolicy,
    /// A service control policy of the organization.
    ServiceControlPolicy,
    /// A resource control policy of the organization.
    ResourceControlPolicy,
    /// The policy of the VPC endpoint that the request went through.
    VpcEndpointPolicy,
}

impl DeniedBy {
    /// Whether the organization, not the account, forbids it.
    pub fn is_organization(self) -> bool {
        matches!(self, Self::ServiceControlPolicy | Self::ResourceControlPolicy)
    }
}

/// The words of AWS, in an order in which no phrase hides a later one.
const POLICIES: [(&str, DeniedBy); 8] = [
    ("service control policy", DeniedBy::ServiceControlPolicy),
    ("resource control policy", DeniedBy::ResourceControlPolicy),
    ("permissions boundary", DeniedBy::PermissionsBoundary),
    ("session policy", DeniedBy::SessionPolicy),
    ("vpc endpoint policy", DeniedBy::VpcEndpointPolicy),
    ("identity-based policy", DeniedBy::IdentityPolicy),
    ("resource-based policy", DeniedBy::ResourcePolicy),
    ("declarative policy", DeniedBy::ServiceControlPolicy),
];

/// The kind of policy that a denial's message names.
///
/// Only the cause counts, never a name inside it: a role may be called `service control policy`,
/// so the phrase must follow "with an explicit deny in" or "because no".
pub(super) fn denied_by(message: &str) -> DeniedBy {
    let message = message.to_ascii_lowercase();
    let cause = ["with an explicit deny in ", "because no "]
        .iter()
        .filter_map(|lead| message.rsplit_once(lead).map(|(_, cause)| cause))
        .min_by_key(|cause| cause.len());
    let Some(cause) = cause else { return DeniedBy::Unstated };
    let cause = cause.strip_prefix("a ").or_else(|| cause.strip_prefix("an ")).unwrap_or(cause);
    POLICIES
        .iter()
        .find(|(phrase, _)| cause.starts_with(phrase))
        .map_or(DeniedBy::Unstated, |(_, by)| *by)
}

/// The IAM action that a denial's message names, as `service:Action`.
///
/// The forms seen: "is not authorized to perform: s3:GetBucketAcl on resource: …",
/// "because no identity-based policy allows the s3:GetBucketAcl action",
/// "not authorized to perform `sns:GetTopicAttributes`".
pub(super) fn denied_action(message: &str) -> Option<String> {
    ["authorized to perform: ", "authorized to perform ", "allows the ", "perform the "]
        .iter()
        .filter_map(|lead| message.split_once(lead).map(|(_, rest)| rest))
        .find_map(|rest| {
            let word = rest.trim_start_matches(['`', '\'', '"', '[', ' ']);
            let end = word
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_')))
                .unwrap_or(word.len());
            let action = word.get(..end)?;
            is_action(action).then(|| action.to_owned())
        })
}

fn is_action(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, action)| {
        !service.is_empty()
            && service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && action.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && action.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// The message without EC2's "Encoded authorization failure message: …".
pub(super) fn without_encoded_block(message: &str) -> &str {
    message
        .split_once("Encoded authorization failure message:")
        .map_or(message, |(before, _)| before)
        .trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, action: Option<&str>, by: DeniedBy) {
        assert_eq!(denied_action(message).as_deref(), action, "{message}");
        assert_eq!(denied_by(message), by, "{message}");
    }

    #[test]
    fn every_form_of_denial_gives_its_action_and_cause() {
        let who = "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform:";
        check(
            &format!(
                "{who} s3:GetBucketAcl on resource: \"arn:aws:s3:::b\" because no \
                      identity-based policy allows the s3:GetBucketAcl action"
            ),
            Some("s3:GetBucketAcl"),
            DeniedBy::IdentityPolicy,
        );
        check(
            &format!(
                "{who} organizations:ListRoots on resource: * with an explicit deny in a \
                      service control policy: arn:aws:organizations::1:policy/o-1/p-1"
            ),
            Some("organizations:ListRoots"),
            DeniedBy::ServiceControlPolicy,
        );
        check(
            &format!(
                "{who} sqs:GetQueueAttributes because no service control policy allows the \
                      sqs:GetQueueAttributes action"
            ),
            Some("sqs:GetQueueAttributes"),
            DeniedBy::ServiceControlPolicy,
        );
        check(
            &format!("{who} s3:ListBucket with an explicit deny in a resource control policy"),
            Some("s3:ListBucket"),
            DeniedBy::ResourceControlPolicy,
        );
        check(
            &format!("{who} iam:ListUsers with an explicit deny in a permissions boundary"),
            Some("iam:ListUsers"),
            DeniedBy::PermissionsBoundary,
        );
        check(
            &format!("{who} kms:ListKeys with an explicit deny in a VPC endpoint policy"),
            Some("kms:ListKeys"),
            DeniedBy::VpcEndpointPolicy,
        );
        check(
            "You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not \
             authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the \
             ec2:DescribeVpcs action. Encoded authorization failure message: AbC_-1",
            Some("ec2:DescribeVpcs"),
            DeniedBy::IdentityPolicy,
        );
        check("Access Denied", None, DeniedBy::Unstated);
        check("You are not authorized to perform this operation.", None, DeniedBy::Unstated);
    }

    #[test]
    fn a_name_inside_the_message_is_not_the_cause() {
        check(
            "User: arn:aws:iam::1:user/service control policy is not authorized to perform: \
             s3:GetBucketAcl because no identity-based policy allows the s3:GetBucketAcl action",
            Some("s3:GetBucketAcl"),
            DeniedBy::IdentityPolicy,
        );
    }

    #[test]
    fn the_encoded_block_is_not_shown() {
        let message = "No. Encoded authorization failure message: abcdef";
        assert_eq!(without_encoded_block(message), "No.");
    }
}
