//! Whether a denial of the same policy takes back what one of its statements gives.
//! Only whole takings-back count: where a part is left, the statement stands.

use super::document::{Condition, Statement, glob};

/// Whether some `Deny` covers all that a statement allows, for everyone, under conditions that
/// all hold for the callers in question.
pub(super) fn takes_back(
    statements: &[Statement<'_>],
    allow: &Statement<'_>,
    holds: impl Fn(&Condition<'_>) -> bool,
) -> bool {
    statements.iter().filter(|statement| !statement.allow).any(|deny| {
        deny.is_about_everyone()
            && covers_actions(deny, allow)
            && covers_resources(deny, allow)
            && deny.conditions.iter().all(&holds)
    })
}

fn covers_actions(deny: &Statement<'_>, allow: &Statement<'_>) -> bool {
    if deny.covers_all_actions() {
        return true;
    }
    // Patterns are compared as texts: a wildcard of the allowed one is a letter that only a
    // wildcard of the denied one can stand for. A yes is always right.
    !deny.actions_negated
        && !allow.actions_negated
        && allow.actions.iter().all(|allowed| {
            let allowed = allowed.to_ascii_lowercase();
            deny.actions.iter().any(|pattern| glob(&pattern.to_ascii_lowercase(), &allowed))
        })
}

fn covers_resources(deny: &Statement<'_>, allow: &Statement<'_>) -> bool {
    // Trust policies and repository policies have no resource element.
    if deny.covers_all_resources() || (deny.resources.is_empty() && !deny.resources_negated) {
        return true;
    }
    !deny.resources_negated
        && !allow.resources_negated
        && !allow.resources.is_empty()
        && allow.resources.iter().all(|allowed| deny.resources.iter().any(|p| glob(p, allowed)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::condition::excludes_strangers;
    use super::super::document::statements;
    use super::*;

    fn check(deny: &Value, expected: bool) {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": ["s3:Get*", "s3:List*"],
             "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]},
            deny,
        ]});
        let read = statements(&document).unwrap();
        assert_eq!(takes_back(&read, &read[0], excludes_strangers), expected, "{deny}");
    }

    fn deny(action: &str, resource: &Value, condition: &Value) -> Value {
        json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource,
            "Condition": condition})
    }

    #[test]
    fn a_denial_of_all_that_is_given_takes_it_back_from_strangers() {
        let own = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1"}});
        let whole = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]);
        check(&deny("*", &json!("*"), &own), true);
        check(&deny("s3:*", &whole, &own), true);
        check(&deny("s3:*", &whole, &json!({})), true);
        let twice = json!({
            "StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"},
            "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"},
            "Bool": {"aws:PrincipalIsAWSService": "false"},
        });
        check(&deny("s3:*", &whole, &twice), true);
    }

    #[test]
    fn a_denial_that_leaves_a_part_or_somebody_takes_nothing_back() {
        let own = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1"}});
        check(&deny("s3:GetObject", &json!("*"), &own), false);
        check(&deny("s3:*", &json!("arn:aws:s3:::b"), &own), false);
        for condition in [
            json!({"Bool": {"aws:SecureTransport": "false"}}),
            json!({"StringNotLike": {"aws:PrincipalOrgID": "o-*"}}),
            json!({"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgPaths": "o-a/r/"}}),
            json!({"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
            json!({"Null": {"aws:SourceVpce": "true"}}),
        ] {
            check(&deny("*", &json!("*"), &condition), false);
        }
        let one = json!({"Effect": "Deny", "Principal": {"AWS": "444455556666"}, "Action": "*",
            "Resource": "*"});
        check(&one, false);
    }
}
