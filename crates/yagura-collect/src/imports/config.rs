//! AWS Config: what does not comply with its rules, through the API.
//! Findings that Security Hub passes on are read in `asff`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedState};

use super::keys;
use super::reading::{Reading, Stopped};
use super::told::{self, BadFinding, Draft, text};

/// The product's word.
pub(super) const PRODUCT: &str = "config";
/// Who makes the rules behind Security Hub's controls: those are told as controls there.
const SECURITY_HUB: &str = "securityhub.amazonaws.com";

/// Reads every rule that something does not comply with. Config tells no history of compliance by
/// time, so every reading is whole.
pub(super) async fn read(reading: &mut Reading<'_>) -> Result<(), Stopped> {
    let rules = reading.gather("config", "DescribeConfigRules", &json!({}), "/ConfigRules").await?;
    let own = rules.iter().filter(|rule| text(rule, "/CreatedBy") != Some(SECURITY_HUB));
    let own: BTreeMap<&str, &Value> =
        own.filter_map(|rule| Some((text(rule, "/ConfigRuleName")?, rule))).collect();
    if own.is_empty() {
        return Err(Stopped::Off);
    }
    let input = json!({"ComplianceTypes": ["NON_COMPLIANT"]});
    let place = "/ComplianceByConfigRules";
    let failing = reading.gather("config", "DescribeComplianceByConfigRule", &input, place).await?;
    for name in failing.iter().filter_map(|rule| text(rule, "/ConfigRuleName")) {
        let Some(rule) = own.get(name) else { continue };
        let input = json!({
            "ConfigRuleName": name,
            "ComplianceTypes": ["NON_COMPLIANT"],
            "Limit": 100,
        });
        let (account, region) = (reading.account().to_owned(), reading.region().to_owned());
        let map = |result: &Value| map(result, rule, &account, &region);
        let place = "/EvaluationResults";
        reading.each("config", "GetComplianceDetailsByConfigRule", &input, place, map).await?;
    }
    reading.whole();
    Ok(())
}

/// One resource that does not comply with a rule.
pub(super) fn map(
    result: &Value,
    rule: &Value,
    account: &str,
    region: &str,
) -> Result<Imported, BadFinding> {
    const QUALIFIER: &str = "/EvaluationResultIdentifier/EvaluationResultQualifier";
    let named = |member: &str| text(result, &format!("{QUALIFIER}/{member}"));
    let name = named("ConfigRuleName").ok_or(BadFinding::Missing("ConfigRuleName"))?;
    let id = named("ResourceId").ok_or(BadFinding::Missing("ResourceId"))?;
    let type_name = named("ResourceType").ok_or(BadFinding::Missing("ResourceType"))?;
    let resource = keys::of_typed(id, Some(type_name), account, region);
    let identifier = text(rule, "/Source/SourceIdentifier");
    let managed = text(rule, "/Source/Owner") == Some("AWS");
    let description = told::first_text(result, &["/Annotation"])
        .or_else(|| text(rule, "/Description"))
        .unwrap_or_default();
    let draft = Draft {
        product: PRODUCT,
        original: &format!("{name}/{type_name}/{id}"),
        type_name: name,
        title: text(rule, "/Description").unwrap_or(name),
        description,
        // Config gives no severity: Security Hub, too, takes such a finding for medium.
        severity: Severity::Medium,
        severity_said: String::new(),
        account,
        region,
        resources: vec![resource],
        first_us: told::time_us(result, "/EvaluationResultIdentifier/OrderingTimestamp"),
        last_us: told::time_us(result, "/ResultRecordedTime"),
        updated_us: told::time_us(result, "/ResultRecordedTime"),
        state: match text(result, "/ComplianceType") {
            Some("NON_COMPLIANT") | None => ImportedState::Active,
            Some(_) => ImportedState::Resolved,
        },
        raw: result,
    };
    let checks = identifier.filter(|_| managed).map(check_of).into_iter().collect();
    Ok(Imported { checks, ..draft.finish() })
}

/// A managed rule as our controls name it: `S3_BUCKET_LOGGING_ENABLED` is
/// `s3-bucket-logging-enabled`.
pub(super) fn check_of(identifier: &str) -> (String, String) {
    ("config".to_owned(), identifier.to_ascii_lowercase().replace('_', "-"))
}
