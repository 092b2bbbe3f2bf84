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
    let all = |fixed: fn(&str) -> bool| {
        condition.values.iter().all(|value| !value.contains("${") && fixed(value))
    };
    match (condition.operator.as_str(), condition.key.as_str()) {
        ("ipaddress", "aws:sourceip") => all(is_narrow_address),
        ("bool", "elasticfilesystem:accessedviamounttarget") => all(|value| value == "true"),
        (operator, key) if is_positive_text(operator) => match key {
            "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:principalaccount"
            | "kms:calleraccount"
            | "s3:dataaccesspointaccount"
            | "aws:principalorgid"
            | "aws:sourceorgid"
            | "aws:sourcevpc"
            | "aws:sourcevpce" => all(is_fixed),
            "aws:principalorgpaths" | "aws:sourceorgpaths" => {
                all(|value| value.split_once('/').is_some_and(|(org, _)| is_fixed(org)))
            }
            "aws:userid" => all(|value| is_fixed(value.split(':').next().unwrap_or_default())),
            "aws:sourcearn"
            | "aws:principalarn"
            | "s3:dataaccesspointarn"
            | "elasticfilesystem:accesspointarn" => all(is_fixed_arn),
            _ => false,
        },
        _ => false,
    }
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
