//! Paginators for operations that page and of which the service models do not say so.
//! How a paginator is followed is in `crates/yagura-aws/src/client/pages.rs`.

use serde_json::{Map, Value, json};

use super::shapes::text;

/// Operations that read; of others a token may mean something else.
const VERBS: [&str; 4] = ["Describe", "Get", "List", "Search"];

/// The members that ask for the next page: of the input, and of the output before it. A token of
/// the same name on both sides is the rule; the others are the older habits of AWS.
const TOKENS: [(&str, &str); 12] = [
    ("NextToken", "NextToken"),
    ("nextToken", "nextToken"),
    ("NextMarker", "NextMarker"),
    ("Marker", "NextMarker"),
    ("Marker", "Marker"),
    ("marker", "nextMarker"),
    ("marker", "marker"),
    ("ContinuationToken", "NextContinuationToken"),
    ("PageToken", "NextPageToken"),
    ("pageToken", "nextPageToken"),
    ("PageToken", "PageToken"),
    ("pageToken", "pageToken"),
];

/// The paginator of an operation: that of the models, else one that its shapes suggest.
///
/// They suggest one where the output carries a token that the input takes and holds exactly one
/// list or map, at its top or in its only structure. What else is known is written down here.
pub(crate) fn of(
    service: &str,
    model: &Value,
    name: &str,
    stated: &Map<String, Value>,
) -> Option<Value> {
    stated.get(name).cloned().or_else(|| written(service, name)).or_else(|| guess(model, name))
}

/// Operations that page in a way that their shapes do not tell. Source: the API references of
/// CloudFront, Data Firehose, ECS, Kinesis Data Streams and Systems Manager, seen 2026-11.
fn written(service: &str, name: &str) -> Option<Value> {
    match (service, name) {
        ("cloudfront", "ListFunctions") => Some(json!({
            "input_token": "Marker",
            "output_token": "FunctionList.NextMarker",
            "result_key": "FunctionList.Items",
        })),
        ("ecs", "DescribeCapacityProviders") => Some(json!({
            "input_token": "nextToken",
            "output_token": "nextToken",
            "result_key": "capacityProviders",
        })),
        ("firehose", "ListDeliveryStreams") => Some(json!({
            "input_token": "ExclusiveStartDeliveryStreamName",
            "output_token": "DeliveryStreamNames[-1]",
            "more_results": "HasMoreDeliveryStreams",
            "result_key": "DeliveryStreamNames",
        })),
        ("kinesis", "ListTagsForStream") | ("firehose", "ListTagsForDeliveryStream") => {
            Some(json!({
                "input_token": "ExclusiveStartTagKey",
                "output_token": "Tags[-1].Key",
                "more_results": "HasMoreTags",
                "result_key": "Tags",
            }))
        }
        ("ssm", "DescribeDocumentPermission") => Some(json!({
            "input_token": "NextToken",
            "output_token": "NextToken",
            "result_key": ["AccountIds", "AccountSharingInfoList"],
        })),
        _ => None,
    }
}

fn guess(model: &Value, name: &str) -> Option<Value> {
    if !VERBS.iter().any(|verb| name.starts_with(verb)) {
        return None;
    }
    let operation = model.get("operations")?.get(name)?;
    let input = members(model, operation.get("input")?)?;
    let output = members(model, operation.get("output")?)?;
    let is = |members: &Map<String, Value>, name: &str, kind: &str| {
        members.get(name).and_then(|member| kind_of(model, member)) == Some(kind)
    };
    let (input_token, output_token) = TOKENS
        .into_iter()
        .find(|(from, to)| is(input, from, "string") && is(output, to, "string"))?;
    let mut paginator = Map::new();
    paginator.insert("input_token".to_owned(), json!(input_token));
    paginator.insert("output_token".to_owned(), json!(output_token));
    paginator.insert("result_key".to_owned(), json!(result_key(model, output)?));
    if is(output, "IsTruncated", "boolean") {
        paginator.insert("more_results".to_owned(), json!("IsTruncated"));
    }
    Some(Value::Object(paginator))
}

/// The only list or map of an output, or of the only structure in it.
fn result_key(model: &Value, output: &Map<String, Value>) -> Option<String> {
    let of_kind = |members: &Map<String, Value>, kinds: &[&str]| -> Vec<String> {
        let fits =
            |member: &Value| kind_of(model, member).is_some_and(|kind| kinds.contains(&kind));
        members.iter().filter(|(_, member)| fits(member)).map(|(name, _)| name.clone()).collect()
    };
    match of_kind(output, &["list", "map"]).as_slice() {
        [key] => return Some(key.clone()),
        [] => {}
        _ => return None,
    }
    let structures = of_kind(output, &["structure"]);
    let [structure] = structures.as_slice() else { return None };
    let inner = members(model, output.get(structure)?)?;
    match of_kind(inner, &["list", "map"]).as_slice() {
        [key] => Some(format!("{structure}.{key}")),
        _ => None,
    }
}

fn shape<'m>(model: &'m Value, reference: &Value) -> Option<&'m Value> {
    model.get("shapes")?.get(text(reference, "shape")?)
}

fn members<'m>(model: &'m Value, reference: &Value) -> Option<&'m Map<String, Value>> {
    shape(model, reference)?.get("members")?.as_object()
}

fn kind_of<'m>(model: &'m Value, reference: &Value) -> Option<&'m str> {
    text(shape(model, reference)?, "type")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model of one operation; members are `name: shape`, shapes are named for their types.
    fn check(name: &str, input: &[&str], output: &[(&str, &str)], expected: &Value) {
        let side = |members: Vec<(&str, &str)>| -> Value {
            let of = |(name, shape): (&str, &str)| (name.to_owned(), json!({"shape": shape}));
            let members: Map<String, Value> = members.into_iter().map(of).collect();
            json!({"type": "structure", "members": members})
        };
        let model = json!({
            "operations": {name: {"input": {"shape": "In"}, "output": {"shape": "Out"}}},
            "shapes": {
                "In": side(input.iter().map(|name| (*name, "string")).collect()),
                "Out": side(output.to_vec()),
                "Inner": side(vec![("Arn", "string"), ("TagList", "list")]),
                "string": {"type": "string"}, "list": {"type": "list"}, "map": {"type": "map"},
                "boolean": {"type": "boolean"},
            },
        });
        let found = of("x", &model, name, &Map::new()).unwrap_or(Value::Null);
        assert_eq!(found, *expected, "{name} {input:?} {output:?}");
    }

    fn pages(from: &str, to: &str, key: &str) -> Value {
        json!({"input_token": from, "output_token": to, "result_key": key})
    }

    #[test]
    fn a_token_on_both_sides_and_one_list_are_a_paginator() {
        let things = [("NextToken", "string"), ("Things", "list")];
        check("ListThings", &["NextToken"], &things, &pages("NextToken", "NextToken", "Things"));
        let tags = [("NextToken", "string"), ("Tags", "map")];
        check("ListTags", &["NextToken"], &tags, &pages("NextToken", "NextToken", "Tags"));
        let nested = [("NextMarker", "string"), ("Info", "Inner")];
        let expected = pages("NextMarker", "NextMarker", "Info.TagList");
        check("ListTags", &["NextMarker"], &nested, &expected);
        let marked = [("NextMarker", "string"), ("Things", "list"), ("IsTruncated", "boolean")];
        let mut expected = pages("Marker", "NextMarker", "Things");
        expected["more_results"] = json!("IsTruncated");
        check("ListThings", &["Marker"], &marked, &expected);
    }

    #[test]
    fn what_is_not_certain_is_not_guessed() {
        let things = [("NextToken", "string"), ("Things", "list")];
        check("ListThings", &["Token"], &things, &Value::Null);
        check("ExecuteThings", &["NextToken"], &things, &Value::Null);
        check("ListThings", &["NextToken"], &things[1..], &Value::Null);
        check("ListThings", &["NextToken"], &things[..1], &Value::Null);
        let two = [("NextToken", "string"), ("A", "list"), ("B", "list")];
        check("ListThings", &["NextToken"], &two, &Value::Null);
        let not_a_token = [("NextToken", "boolean"), ("Things", "list")];
        check("ListThings", &["NextToken"], &not_a_token, &Value::Null);
    }

    #[test]
    fn what_the_models_state_is_kept() {
        let stated = pages("A", "B", "C");
        let all = Map::from_iter([("ListTagsForStream".to_owned(), stated.clone())]);
        assert_eq!(of("kinesis", &Value::Null, "ListTagsForStream", &all), Some(stated));
        let own = of("kinesis", &Value::Null, "ListTagsForStream", &Map::new()).unwrap();
        assert_eq!(own["more_results"], "HasMoreTags");
    }
}
