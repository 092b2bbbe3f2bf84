//! Rows of CloudTrail Lake queries without the `eventJson` column: their nested fields are text
//! (`{type=IAMUser, principalid=…}`), which is turned back into the record's shape.
//! Best effort by its nature: the text form does not quote its values. Rows that have
//! `eventJson` lose nothing and do not come here.

use std::borrow::Cow;

use yagura_model::event::{Kind, Value, write_json_string};

/// Fields whose text is a map, in the spelling of CloudTrail records.
const MAPS: [&str; 10] = [
    "userIdentity",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "serviceEventDetails",
    "addendum",
    "tlsDetails",
    "edgeDeviceDetails",
    "insightDetails",
    "metadata",
];

/// Names in the spelling of CloudTrail records: Lake answers those of nested fields, and of
/// columns that were not quoted, in lower case.
const NAMES: [&str; 63] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "apiVersion",
    "managementEvent",
    "recipientAccountId",
    "sharedEventID",
    "annotation",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "serviceEventDetails",
    "addendum",
    "edgeDeviceDetails",
    "insightDetails",
    "eventCategory",
    "tlsDetails",
    "sessionCredentialFromConsole",
    "principalId",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "sessionContext",
    "sessionIssuer",
    "webIdFederationData",
    "federatedProvider",
    "creationDate",
    "mfaAuthenticated",
    "sourceIdentity",
    "ec2RoleDelivery",
    "ec2IssuedInVpc",
    "identityProvider",
    "credentialId",
    "onBehalfOf",
    "userId",
    "identityStoreArn",
    "tlsVersion",
    "cipherSuite",
    "clientProvidedHostHeader",
    "updatedFields",
    "originalRequestID",
    "originalEventID",
    "ingestionTime",
    "channelARN",
    "insightType",
    "insightContext",
    "baselineDuration",
    "insightDuration",
];

/// How deep maps may lie in one another.
const DEPTH_MAX: usize = 16;

/// The record of a row that is a JSON object.
pub(super) fn record_of_object(row: Value<'_>) -> String {
    record_of_entries(row.entries())
}

/// The record of a row whose columns are these.
pub(super) fn record_of_entries<'a>(
    entries: impl Iterator<Item = (Cow<'a, str>, Value<'a>)>,
) -> String {
    let fields = entries.map(|(name, value)| {
        let text = value.as_str();
        match (text, value.kind()) {
            (Some(text), _) => (name.into_owned(), Ok(text.into_owned())),
            (None, Kind::Null) => (name.into_owned(), Err("null".to_owned())),
            (None, _) => (name.into_owned(), Err(value.json().into_owned())),
        }
    });
    record_of_fields(fields)
}

/// The record of a row: names with their texts, or with their JSON (as the error side).
pub(super) fn record_of_fields(
    fields: impl Iterator<Item = (String, Result<String, String>)>,
) -> String {
    let mut record = String::from("{");
    for (name, value) in fields {
        let name = spelled(&name);
        match value {
            // An empty column is an absent field.
            Ok(text) if text.is_empty() => continue,
            Ok(text) => {
                member(&mut record, name);
                match name {
                    "eventTime" => write_json_string(&time(&text), &mut record),
                    "readOnly" | "managementEvent" if matches!(&*text, "true" | "false") => {
                        record.push_str(&text);
                    }
                    "resources" => list(&text, &mut record),
                    name if MAPS.contains(&name) => map_or_text(&text, &mut record, 0),
                    _ => write_json_string(&text, &mut record),
                }
            }
            Err(json) => {
                member(&mut record, name);
                record.push_str(&json);
            }
        }
    }
    record.push('}');
    record
}

fn spelled(name: &str) -> &str {
    NAMES.iter().find(|own| own.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}

fn member(to: &mut String, name: &str) {
    if !to.ends_with('{') {
        to.push(',');
    }
    write_json_string(name, to);
    to.push(':');
}

/// `2026-11-21 05:01:12.000` as records have it: `2026-11-21T05:01:12Z`.
fn time(text: &str) -> String {
    match text.split_once(' ') {
        Some((day, time)) => {
            let time = time.strip_suffix(".000").unwrap_or(time);
            format!("{day}T{time}Z")
        }
        None => text.to_owned(),
    }
}

/// A value: a map, a list, JSON as it is, or text.
fn map_or_text(text: &str, to: &mut String, depth: usize) {
    let text = text.trim();
    if text == "null" {
        to.push_str("null");
        return;
    }
    let inner = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    match inner {
        Some(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => to.push_str(text),
        Some(inner) if depth < DEPTH_MAX => {
            to.push('{');
            for entry in entries(inner) {
                let Some((name, value)) = entry.split_once('=') else { continue };
                member(to, spelled(name.trim()));
                map_or_text(value, to, depth + 1);
            }
            to.push('}');
        }
        _ => write_json_string(text, to),
    }
}

fn list(text: &str, to: &mut String) {
    let text = text.trim();
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        to.push_str(text);
        return;
    }
    let Some(inner) = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) else {
        write_json_string(text, to);
        return;
    };
    to.push('[');
    for (place, item) in split_level(inner).into_iter().enumerate() {
        if place > 0 {
            to.push(',');
        }
        map_or_text(&resource(item), to, 1);
    }
    to.push(']');
}

/// Of resources the names differ from those elsewhere: `arn` is `ARN` there.
fn resource(item: &str) -> String {
    item.replacen("arn=", "ARN=", 1).replacen("arnprefix=", "ARNPrefix=", 1)
}

/// The entries of a map: parts between commas that have a name; a part without one belongs to
/// the value before it.
fn entries(inner: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for part in split_level(inner) {
        let name = part.split_once('=').map(|(name, _)| name.trim());
        let named = name.is_some_and(|name| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        });
        match entries.last_mut() {
            Some(last) if !named => {
                last.push(',');
                last.push_str(part);
            }
            _ if part.trim().is_empty() => {}
            _ => entries.push(part.to_owned()),
        }
    }
    entries
}

/// Splits at the commas that are in no bracket.
fn split_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.extend(text.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(begin..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&str, &str)], expected: &serde_json::Value) {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), Ok((*text).to_owned())));
        let record = record_of_fields(fields);
        assert_eq!(&serde_json::from_str::<serde_json::Value>(&record).unwrap(), expected);
    }

    #[test]
    fn maps_written_as_text_get_their_shape_and_spelling_back() {
        check(
            &[
                ("eventid", "e-1"),
                ("eventTime", "2026-11-21 05:01:12.000"),
                ("readonly", "true"),
                ("errorcode", ""),
                (
                    "userIdentity",
                    "{type=AssumedRole, principalid=AROA:s, invokedby=null, sessioncontext=\
                     {attributes={mfaauthenticated=false}, sessionissuer={username=deploy}}}",
                ),
            ],
            &serde_json::json!({
                "eventID": "e-1",
                "eventTime": "2026-11-21T05:01:12Z",
                "readOnly": true,
                "userIdentity": {
                    "type": "AssumedRole",
                    "principalId": "AROA:s",
                    "invokedBy": null,
                    "sessionContext": {
                        "attributes": {"mfaAuthenticated": "false"},
                        "sessionIssuer": {"userName": "deploy"},
                    },
                },
            }),
        );
    }

    #[test]
    fn commas_in_values_and_json_stay() {
        check(
            &[("requestParameters", "{filter=a, b, c, bucketName=x}"), ("tlsDetails", "{\"a\":1}")],
            &serde_json::json!({
                "requestParameters": {"filter": "a, b, c", "bucketName": "x"},
                "tlsDetails": {"a": 1},
            }),
        );
    }

    #[test]
    fn resources_are_a_list() {
        check(
            &[(
                "resources",
                "[{accountid=111122223333, type=AWS::S3::Bucket, arn=arn:aws:s3:::x}]",
            )],
            &serde_json::json!({"resources": [
                {"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::x"}
            ]}),
        );
    }

    #[test]
    fn text_that_is_no_map_stays_text() {
        check(
            &[("requestParameters", "HIDDEN_DUE_TO_SECURITY_REASONS")],
            &serde_json::json!({"requestParameters": "HIDDEN_DUE_TO_SECURITY_REASONS"}),
        );
    }
}
