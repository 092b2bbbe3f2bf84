//! The columns of a question about use, and a row of its answer as a call.
//! Which rows are asked for is decided above.

use std::collections::BTreeMap;

use serde_json::Value;
use yagura_model::usage::UsedCall;

/// What every question groups by, in the order of [`call`].
pub(super) const GROUPS: [&str; 9] = [
    "event_source",
    "event_name",
    "region",
    "account",
    "actor",
    "role_arn",
    "identity_type",
    "user_identity['account_id']",
    "error_code",
];

/// What a call was about. The lists become texts: an ARN has no such separator.
pub(super) const TOLD: [&str; 3] = [
    "array_to_string(pluck(resources, 'arn'), chr(31))",
    "array_to_string(pluck(resources, 'arn_prefix'), chr(31))",
    "telling_parameters(request_parameters, $names)",
];

/// What is counted.
pub(super) const COUNTS: &str =
    "count(*), CAST(min(time) AS BIGINT), CAST(max(time) AS BIGINT), min(event_id)";

/// A column of `yagura_model::usage::CIRCUMSTANCES` in SQL.
pub(super) fn column(name: &str) -> String {
    match name {
        "tls_version" => "tls_details['tls_version']".to_owned(),
        "mfa" => "CAST(mfa AS VARCHAR)".to_owned(),
        "time" => "to_char(time, '%Y-%m-%dT%H:%M:%SZ')".to_owned(),
        plain => format!("\"{plain}\""),
    }
}

/// A row as a call.
pub(super) fn call(cells: &[Value], columns: &[&'static str]) -> UsedCall {
    let text = |at: usize| cells.get(at).and_then(Value::as_str).map(str::to_owned);
    let whole = |at: usize| text(at).unwrap_or_default();
    let (told, more) = (GROUPS.len(), GROUPS.len() + TOLD.len());
    let counts = more + columns.len();
    let number = |at: usize| cells.get(at).and_then(Value::as_i64).unwrap_or_default();
    let separated = |at: usize, end: &str| {
        let texts = text(at).unwrap_or_default();
        let arns = texts.split('\u{1f}').filter(|arn| !arn.is_empty());
        arns.map(|arn| format!("{arn}{end}")).collect::<Vec<_>>()
    };
    let parameters = text(told + 2).and_then(|json| serde_json::from_str(&json).ok());
    let further: BTreeMap<String, Option<String>> = columns
        .iter()
        .enumerate()
        .map(|(at, name)| ((*name).to_owned(), text(more + at)))
        .collect();
    let mut resources = separated(told, "");
    resources.extend(separated(told + 1, "*"));
    UsedCall {
        event_source: whole(0),
        event_name: whole(1),
        region: whole(2),
        account: whole(3),
        actor: whole(4),
        issuer: text(5),
        identity_type: whole(6),
        caller_account: text(7),
        error: text(8),
        resources,
        parameters: parameters.unwrap_or_default(),
        circumstances: further,
        count: u64::try_from(number(counts)).unwrap_or_default(),
        first_us: number(counts + 1),
        last_us: number(counts + 2),
        sample: whole(counts + 3),
    }
}
