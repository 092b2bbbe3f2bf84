//! Findings in AWS Security Finding Format: what the scan's writer says of a verdict, and beside
//! it where the finding stands. Also what is pushed to Security Hub; sending it is respond's.
//! Source: as in `rows/asff.rs`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yagura_model::finding::{Finding, FindingKind, FindingState};

use super::export::{ExportContext, Shared, is_compliance, own, time, verdict_of};
use crate::clean::clean;
use crate::rows::asff::{FINDINGS_MAX, finding as of_verdict, limited};

/// Characters of a product field.
const FIELD_CHARS_MAX: usize = 2_048;

/// Findings gathered per account and region, as one call takes them.
#[derive(Default)]
pub(super) struct Requests(BTreeMap<(String, String), Vec<Value>>);

impl Requests {
    /// Adds a finding; gives back a request when one is full.
    pub(super) fn add(&mut self, finding: Value) -> Option<Value> {
        let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        let place = (text("AwsAccountId").to_owned(), text("Region").to_owned());
        let findings = self.0.entry(place).or_default();
        findings.push(finding);
        (findings.len() == FINDINGS_MAX).then(|| json!({"Findings": std::mem::take(findings)}))
    }

    /// The requests that did not fill up.
    pub(super) fn rest(self) -> impl Iterator<Item = Value> {
        let full = self.0.into_values().filter(|findings| !findings.is_empty());
        full.map(|findings| json!({"Findings": findings}))
    }
}

/// A finding as it is told to Security Hub through `BatchImportFindings`: without the members that
/// its users keep there (`Workflow`, `Note`), which a provider must leave alone. None where it
/// belongs to no account.
///
/// Source: AWS Security Hub user guide, "Using `BatchImportFindings`", seen 2026-11.
pub fn security_hub_finding(finding: &Finding, context: &ExportContext<'_>) -> Option<Value> {
    let mut told = self::finding(finding, &Shared::new(context))?;
    if let Some(members) = told.as_object_mut() {
        members.remove("Workflow");
        members.remove("Note");
    }
    Some(told)
}

pub(super) fn finding(finding: &Finding, shared: &Shared<'_>) -> Option<Value> {
    let seen = &finding.observation;
    let is_account =
        seen.account.len() == 12 && seen.account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_account {
        return None;
    }
    let mut told = of_verdict(&shared.report, &verdict_of(finding));
    if let Some(members) = told.as_object_mut() {
        stand(finding, shared, members);
    }
    Some(told)
}

fn stand(finding: &Finding, shared: &Shared<'_>, members: &mut Map<String, Value>) {
    let seen = &finding.observation;
    let over = finding.state == FindingState::Resolved;
    let workflow = match finding.state {
        FindingState::New => "NEW",
        FindingState::Acknowledged | FindingState::InProgress => "NOTIFIED",
        FindingState::Suppressed => "SUPPRESSED",
        FindingState::Resolved => "RESOLVED",
    };
    let title = clean(seen.title.get(shared.context.lang));
    let fields: Map<String, Value> = own(finding)
        .into_iter()
        .map(|(name, value)| {
            let text = value.as_str().unwrap_or_default();
            (format!("yagura/{name}"), limited_raw(text).into())
        })
        .collect();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("Id", finding.id.clone().into());
    put("CreatedAt", time(finding.first_seen_us).to_string().into());
    put("UpdatedAt", shared.context.at.to_string().into());
    put("FirstObservedAt", time(finding.first_seen_us).to_string().into());
    put("LastObservedAt", time(finding.last_seen_us).to_string().into());
    put("RecordState", if over { "ARCHIVED" } else { "ACTIVE" }.into());
    put("Workflow", json!({"Status": workflow}));
    let label = finding.severity.as_str();
    let severity = json!({"Label": label.to_uppercase(), "Original": label});
    put("FindingProviderFields", json!({"Severity": severity, "Types": [type_of(finding)]}));
    if seen.kind != FindingKind::Control {
        put("Title", limited(&title, 256).into());
        put("Description", limited(&description(finding, shared), 1_024).into());
    }
    match is_compliance(finding) {
        false => drop(members.remove("Compliance")),
        // It is over for a reason that need not be that the control passes.
        true if over => {
            drop(members.insert("Compliance".to_owned(), json!({"Status": "NOT_AVAILABLE"})));
        }
        true => {}
    }
    if let Some(Value::Object(known)) = members.get_mut("ProductFields") {
        known.remove("yagura/control");
        known.extend(fields);
    }
}

/// Security Hub's own taxonomy of types (ASFF, "Types taxonomy").
fn type_of(finding: &Finding) -> &'static str {
    match finding.observation.kind {
        FindingKind::Alert => "TTPs",
        FindingKind::Spend => "Unusual Behaviors",
        FindingKind::Control | FindingKind::Import => {
            "Software and Configuration Checks/AWS Security Best Practices"
        }
    }
}

fn description(finding: &Finding, shared: &Shared<'_>) -> String {
    let seen = &finding.observation;
    let entry = shared.context.entries.get(&seen.content);
    let said = entry.map(|entry| entry.description.get(shared.context.lang));
    let imported = seen.evidence.get("description").and_then(Value::as_str);
    let text = said.or(imported).filter(|text| !text.trim().is_empty());
    clean(text.unwrap_or(seen.title.get(shared.context.lang))).into_owned()
}

/// Names must come back as they were: they are cut, but not cleaned. JSON escapes what could
/// disturb a terminal.
fn limited_raw(text: &str) -> String {
    match text.char_indices().nth(FIELD_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
    }
}
