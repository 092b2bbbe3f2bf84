//! Which conditions narrow "everyone" down to somebody.
//! Whether a request meets a condition is not evaluated here.

use std::borrow::Cow;

use super::document::{Condition, Statement};
use crate::network::Prefix;

/// Whether some condition of the statement narrows its principals. Conditions of one statement
/// must all hold, so one that narrows is enough.
///
/// Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", section
/// "The meaning of public", and Amazon EFS User Guide, "Blocking public access to EFS file
/// systems" (seen 2026-11).
pub(crate) fn narrows(statement: &Statement<'_>) -> bool {
    statement.conditions.iter().any(condition_narrows)
}

fn condition_narrows(condition: &Condition<'_>) -> bool {
    // A missing key satisfies `…IfExists` and `ForAllValues:`, so everyone passes who lacks it.
    if condition.if_exists || condition.qualifier == "forallvalues" || condition.values.is_empty() {
        return false;
    }
    match condition.operator.as_str() {
        "ipaddress" | "bool" => names_somebody(condition),
        operator => is_positive_text(operator) && names_somebody(condition),
    }
}

/// Whether the key and values of a condition, whatever its operator, are such that nobody can
/// choose to have them.
fn names_somebody(condition: &Condition<'_>) -> bool {
    let all = |fixed: fn(&str) -> bool| {
        !condition.values.is_empty()
            && condition.values.iter().all(|value| !value.contains("${") && fixed(value))
    };
    match (condition.operator.as_str(), condition.key.as_str()) {
        ("ipaddress" | "notipaddress", key) => key == "aws:sourceip" && all(is_narrow_address),
        ("bool", key) => {
            key == "elasticfilesystem:accessedviamounttarget" && all(|value| value == "true")
        }
        (_, key) => match key {
            "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:principalaccount"
            | "kms:calleraccount"
            | "s3:dataaccesspointaccount"
            | "aws:principalorgid"
            | "aws:sourceorgid"
            | "aws:sourcevpc"
            | "aws:sourcevpce"
            | "aws:vpceaccount"
            | "aws:vpceorgid" => all(is_fixed),
            "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
                all(|value| value.split_once('/').is_some_and(|(org, _)| is_fixed(org)))
            }
            "aws:userid" => all(|value| is_fixed(value.split(':').next().unwrap_or_default())),
            "aws:sourcearn"
            | "aws:principalarn"
            | "aws:sourcevpcarn"
            | "s3:dataaccesspointarn"
            | "elasticfilesystem:accesspointarn" => all(is_fixed_arn),
            _ => false,
        },
    }
}

/// Whether a condition of a `Deny` holds for everyone whom its values do not name: a negative
/// operator, which also holds when the key is absent, or the plea that it is no AWS service.
pub(crate) fn excludes_strangers(condition: &Condition<'_>) -> bool {
    match condition.operator.as_str() {
        // `ForAnyValue:` needs the key to be there.
        "stringnotequals"
        | "stringnotequalsignorecase"
        | "stringnotlike"
        | "arnnotequals"
        | "arnnotlike"
        | "notipaddress" => condition.qualifier != "foranyvalue" && names_somebody(condition),
        "bool" => {
            matches!(condition.key.as_str(), "aws:principalisawsservice" | "aws:viaawsservice")
                && condition.values.iter().all(|value| value.eq_ignore_ascii_case("false"))
        }
        _ => false,
    }
}

/// Whether the values of a condition on the caller's identity leave an account out: they are
/// other accounts, or the organization that the account does not belong to.
pub(crate) fn leaves_out(
    condition: &Condition<'_>,
    account: &str,
    organization: Option<&str>,
) -> bool {
    let all =
        |other: &dyn Fn(&str) -> bool| condition.values.iter().all(|value| other(value.as_ref()));
    names_somebody(condition)
        && match condition.key.as_str() {
            "aws:principalaccount" | "kms:calleraccount" => all(&|value| value != account),
            "aws:principalarn" => all(&|value| value.split(':').nth(4) != Some(account)),
            "aws:principalorgid" => all(&|value| Some(value) == organization),
            "aws:principalorgpaths" => all(&|value| value.split('/').next() == organization),
            _ => false,
        }
}

/// Whether a condition says on whose behalf a service acts.
pub(crate) fn says_whose(condition: &Condition<'_>) -> bool {
    // Services such as CloudWatch Logs and CloudTrail name their resource in the encryption
    // context (AWS KMS Developer Guide, "Encryption context").
    if condition.key.starts_with("kms:encryptioncontext:aws:") {
        return !condition.values.is_empty()
            && condition.values.iter().all(|v| !v.contains("${") && is_fixed_arn(v));
    }
    matches!(
        condition.key.as_str(),
        "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:sourcearn"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
    ) && names_somebody(condition)
}

/// Operators that hold only when the key is there and equal or alike.
pub(crate) fn is_positive_text(operator: &str) -> bool {
    matches!(
        operator,
        "stringequals" | "stringequalsignorecase" | "stringlike" | "arnequals" | "arnlike"
    )
}

fn is_fixed(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?'])
}

/// An ARN that belongs to one account, or, where ARNs of the service have no account (S3), names
/// one thing up to the first slash.
fn is_fixed_arn(value: &str) -> bool {
    let mut parts = value.splitn(6, ':');
    if parts.next() != Some("arn") {
        return false;
    }
    match (parts.nth(3), parts.next()) {
        (Some(""), Some(resource)) => is_fixed(resource.split('/').next().unwrap_or_default()),
        (Some(account), Some(_)) => is_fixed(account),
        _ => false,
    }
}

fn is_narrow_address(value: &str) -> bool {
    value
        .parse::<Prefix>()
        .is_ok_and(|prefix| prefix.length() >= if prefix.is_ipv6() { 32 } else { 8 })
}

/// Whether a condition is one that must be met by a key that is there.
pub(crate) fn is_positive(condition: &Condition<'_>) -> bool {
    is_positive_text(&condition.operator)
        && !condition.if_exists
        && condition.qualifier != "forallvalues"
}

/// Whether a condition fixes a value of the key: positive, and no value begins with a wildcard.
pub(crate) fn fixes(statement: &Statement<'_>, keys: &[Cow<'_, str>]) -> bool {
    statement.conditions.iter().any(|condition| {
        is_positive_text(&condition.operator)
            && !condition.if_exists
            && condition.qualifier != "forallvalues"
            && keys.iter().any(|key| *key == condition.key)
            && !condition.values.is_empty()
            && condition.values.iter().all(|value| {
                !value.is_empty() && !value.starts_with(['*', '?']) && !value.starts_with("${")
            })
    })
}

/// Whether a trust statement fixes for whom a token was made out: by its subject, or for
/// providers whose subjects are people of all the world, by the application (`aud`).
pub(crate) fn fixes_subject(statement: &Statement<'_>, provider: &str) -> bool {
    fixes_token_subject(statement, provider) || fixes_application(statement, provider)
}

/// Whether a trust statement fixes the subject of a provider's tokens.
pub(crate) fn fixes_token_subject(statement: &Statement<'_>, provider: &str) -> bool {
    fixes_claim(statement, provider, &[":sub"], is_fixed_subject)
}

fn fixes_application(statement: &Statement<'_>, provider: &str) -> bool {
    let provider = provider.to_ascii_lowercase();
    let of_applications = matches!(
        provider.as_str(),
        "cognito-identity.amazonaws.com"
            | "accounts.google.com"
            | "graph.facebook.com"
            | "www.amazon.com"
    );
    of_applications && fixes_claim(statement, &provider, &[":aud", ":app_id", ":oaud"], is_fixed)
}

fn fixes_claim(
    statement: &Statement<'_>,
    provider: &str,
    claims: &[&str],
    fixed: fn(&str) -> bool,
) -> bool {
    let provider = provider.to_ascii_lowercase();
    statement.conditions.iter().any(|condition| {
        let claim = condition.key.strip_prefix(&provider).unwrap_or_default();
        claims.contains(&claim)
            && is_positive(condition)
            && !condition.values.is_empty()
            && condition.values.iter().all(|value| !value.contains("${") && fixed(value))
    })
}

/// A subject whose owner is fixed. Subjects of build services begin with what they are about and
/// whose it is (`repo:OWNER/NAME:…`, `project_path:GROUP/…`, `organization:NAME:…`): the owner
/// must be there in full, since `repo:acme*` also names `acme-evil`.
fn is_fixed_subject(value: &str) -> bool {
    let owner = ["repo:", "project_path:", "organization:"]
        .iter()
        .find_map(|prefix| value.strip_prefix(prefix));
    match owner {
        Some(rest) => match rest.find(['/', ':']) {
            Some(end) => rest.get(..end).is_some_and(is_fixed),
            None => is_fixed(rest),
        },
        None => {
            let after = value.split_once(':').map_or(value, |(_, after)| after);
            !value.is_empty() && !value.starts_with(['*', '?']) && !after.starts_with(['*', '?'])
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::document::statements;
    use super::*;

    fn check(condition: &Value, expected: bool) {
        let document = json!({"Statement": {"Effect": "Allow", "Condition": condition}});
        assert_eq!(narrows(&statements(&document).unwrap()[0]), expected, "{condition}");
    }

    #[test]
    fn fixed_values_narrow() {
        for condition in [
            json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}}),
            json!({"StringEquals": {"aws:PrincipalOrgID": ["o-aaaaaaaaaa"]}}),
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1/r-ab12/*"}}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:111122223333:trail/*"}}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}),
            json!({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}),
            json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}),
            json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}, "Null": {"x": "false"}}),
            json!({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}),
        ] {
            check(&condition, true);
        }
    }

    #[test]
    fn what_everyone_can_satisfy_does_not_narrow() {
        for condition in [
            json!({}),
            json!({"StringLike": {"aws:SourceAccount": "*"}}),
            json!({"StringLike": {"aws:SourceAccount": ["111122223333", "*"]}}),
            json!({"StringNotEquals": {"aws:SourceAccount": "111122223333"}}),
            json!({"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}}),
            json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-a/b"}}),
            json!({"StringLike": {"aws:PrincipalOrgPaths": "*/r-1"}}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:*:topic"}}),
            json!({"ArnLike": {"aws:PrincipalArn": "*"}}),
            json!({"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}),
            json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
            json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}),
            json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            json!({"Bool": {"aws:SecureTransport": "true"}}),
            json!({"StringEquals": {"aws:UserAgent": "secret"}}),
            json!({"StringLike": {"aws:Referer": "https://example.com/*"}}),
            json!({"Null": {"aws:SourceAccount": "false"}}),
            json!({"StringEquals": {"aws:SourceAccount": []}}),
        ] {
            check(&condition, false);
        }
    }
}
