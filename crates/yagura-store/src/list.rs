//! Which lists are sets, which are sequences, and by what their elements are recognized.
//! Comparing and aligning documents is done elsewhere.
//!
//! `CloudFormation` schemas say `insertionOrder: false` for most lists, and AWS answers the same
//! list in another order from one call to the next (security group rules, tags, subnets). So a
//! list is a set unless its name is known to stand for a sequence.

use serde_json::Value;

/// Lists whose order means something, by the name of the member that holds them
/// (CloudFormation resource reference, seen 2026-11): command lines, precedence of cache
/// behaviors, order of layers, resolvers and cipher suites, device and dimension order.
const SEQUENCES: [&str; 18] = [
    "Args",
    "Arguments",
    "CacheBehaviors",
    "CipherSuites",
    "Ciphers",
    "Command",
    "CommandLine",
    "Commands",
    "DomainNameServers",
    "DnsServers",
    "EntryPoint",
    "InitCommands",
    "Layers",
    "NtpServers",
    "OrderedPlacementStrategies",
    "OriginGroupMembers",
    "Steps",
    "TextTransformations",
];

/// Members by which an element of a list is recognized when its other members change.
const IDENTITIES: [&str; 13] = [
    "Id",
    "ID",
    "Sid",
    "Key",
    "key",
    "Name",
    "name",
    "Arn",
    "RuleName",
    "PolicyName",
    "RuleNumber",
    "Priority",
    "AttributeName",
];

/// How the elements of a list belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The order counts.
    Sequence,
    /// The order does not count; elements are recognized by this member.
    Keyed(&'static str),
    /// The order does not count; elements are recognized by their content.
    Set,
}

/// The shape of a list, by the name of the member that holds it and by its elements.
/// A list of lists is a sequence.
pub(crate) fn shape(name: &str, items: &[Value]) -> Shape {
    if SEQUENCES.contains(&name) || items.iter().any(Value::is_array) {
        return Shape::Sequence;
    }
    IDENTITIES
        .into_iter()
        .find(|identity| identifies(identity, items))
        .map_or(Shape::Set, Shape::Keyed)
}

/// Whether every element has the member, as a text or number, and no two the same.
fn identifies(identity: &str, items: &[Value]) -> bool {
    if items.is_empty() {
        return false;
    }
    let mut seen = std::collections::BTreeSet::new();
    items.iter().all(|item| {
        let Some(value) = item.get(identity) else { return false };
        (value.is_string() || value.is_number()) && seen.insert(value.to_string())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_a_set_unless_its_name_says_otherwise() {
        let check = |name: &str, items: Value, expected: Shape| {
            assert_eq!(shape(name, items.as_array().unwrap()), expected, "{name}");
        };
        check("SecurityGroupIds", json!(["sg-1", "sg-2"]), Shape::Set);
        check("Command", json!(["sh", "-c"]), Shape::Sequence);
        check("Rules", json!([{"Id": "a"}, {"Id": "b"}]), Shape::Keyed("Id"));
        check("Rules", json!([{"Id": "a"}, {"Id": "a"}]), Shape::Set);
        check("Rules", json!([{"Id": "a"}, {"Name": "b"}]), Shape::Set);
        check("Matrix", json!([[1], [2]]), Shape::Sequence);
        check("Empty", json!([]), Shape::Set);
    }
}
