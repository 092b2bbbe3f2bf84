//! Yagura's own JSON lines of findings, as `yagura findings export --format jsonl` writes them.
//! Unlike the formats of others they lose nothing: the observation comes back as it was.

use serde_json::Value;
use yagura_model::finding::{Finding, FindingState};
use yagura_model::imported::{Imported, ImportedResource, ImportedState, OwnIdentity};

use super::told::{BadFinding, Draft};

/// What a line calls its format.
pub(super) const FORMAT: &str = "yagura.finding/1";

/// One line.
pub(super) fn map(line: &Value) -> Result<Imported, BadFinding> {
    let finding = line.get("finding").cloned().unwrap_or(Value::Null);
    let finding: Finding =
        serde_json::from_value(finding).map_err(|error| BadFinding::Damaged(error.to_string()))?;
    let seen = &finding.observation;
    if seen.id() != finding.id {
        return Err(BadFinding::Missing("finding.id"));
    }
    let draft = Draft {
        product: "yagura",
        original: &finding.id,
        type_name: &seen.content,
        title: &seen.title.en,
        description: "",
        severity: finding.severity,
        severity_said: finding.severity.as_str().to_owned(),
        account: &seen.account,
        region: &seen.region,
        resources: vec![ImportedResource {
            key: seen.key.clone(),
            type_name: seen.resource_type.clone(),
            name: seen.resource_name.clone(),
        }],
        first_us: Some(finding.first_seen_us),
        last_us: Some(finding.last_seen_us),
        updated_us: Some(finding.changed_us),
        state: match finding.state {
            FindingState::Resolved => ImportedState::Resolved,
            FindingState::Suppressed => ImportedState::Suppressed,
            _ => ImportedState::Active,
        },
        raw: line,
    };
    let own = OwnIdentity {
        kind: seen.kind,
        content: seen.content.clone(),
        key: seen.key.clone(),
        sub_key: seen.sub_key.clone(),
        suppression: finding.suppression.clone(),
    };
    Ok(Imported { own: Some(own), occurrences: finding.occurrences.max(1), ..draft.finish() })
}
