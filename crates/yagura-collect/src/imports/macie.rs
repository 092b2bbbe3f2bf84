//! Amazon Macie: its findings through the API, and what their members mean.
//! Findings that Security Hub passes on are read in `asff`.

use serde_json::{Value, json};
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedState};

use super::keys;
use super::reading::{Reading, Stopped};
use super::told::{self, BadFinding, Draft, account, count, list, severity_word, text};

/// The product's word.
pub(super) const PRODUCT: &str = "macie";
/// Findings that `GetFindings` gives at once (Macie API Reference, seen 2026-11).
const BATCH: usize = 50;

/// Reads what is not archived; where something is known already, whatever changed since.
pub(super) async fn read(reading: &mut Reading<'_>) -> Result<(), Stopped> {
    // Where Macie is off it says so with the code of a denial: only that message is a fact.
    reading.off_where("AccessDeniedException", "Macie is not enabled");
    let present = identifiers(reading, &json!({"archived": {"eq": ["false"]}})).await?;
    match reading.since_ms() {
        None => fetch(reading, &present).await?,
        Some(since) => {
            let changed = identifiers(reading, &json!({"updatedAt": {"gte": since}})).await?;
            fetch(reading, &changed).await?;
        }
    }
    reading.present(PRODUCT, present).await?;
    reading.whole();
    Ok(())
}

async fn identifiers(reading: &mut Reading<'_>, criterion: &Value) -> Result<Vec<String>, Stopped> {
    let input = json!({
        "findingCriteria": {"criterion": criterion},
        "sortCriteria": {"attributeName": "updatedAt", "orderBy": "ASC"},
        "maxResults": BATCH,
    });
    reading.identifiers("macie2", "ListFindings", &input, "/findingIds").await
}

async fn fetch(reading: &mut Reading<'_>, ids: &[String]) -> Result<(), Stopped> {
    for ids in ids.chunks(BATCH) {
        let answer = reading.call("macie2", "GetFindings", &json!({"findingIds": ids})).await?;
        for finding in list(&answer, "/findings") {
            reading.found(map(finding)).await?;
        }
    }
    Ok(())
}

/// One finding as the API gives it.
pub(super) fn map(finding: &Value) -> Result<Imported, BadFinding> {
    if !finding.is_object() {
        return Err(BadFinding::NotAnObject);
    }
    let original = text(finding, "/id").ok_or(BadFinding::Missing("id"))?;
    let type_name = text(finding, "/type").ok_or(BadFinding::Missing("type"))?;
    let owner = account(text(finding, "/accountId")).ok_or(BadFinding::Missing("accountId"))?;
    let said = text(finding, "/severity/description").ok_or(BadFinding::Missing("severity"))?;
    let archived = finding.get("archived").and_then(Value::as_bool).unwrap_or(false);
    let bucket = text(finding, "/resourcesAffected/s3Bucket/arn");
    let draft = Draft {
        product: PRODUCT,
        original,
        type_name,
        title: text(finding, "/title").unwrap_or_default(),
        description: text(finding, "/description").unwrap_or_default(),
        severity: severity_word(said).unwrap_or(Severity::Medium),
        severity_said: said.to_owned(),
        account: owner,
        region: text(finding, "/region").unwrap_or_default(),
        resources: bucket.map(keys::of).into_iter().collect(),
        first_us: told::time_us(finding, "/createdAt"),
        last_us: told::time_us(finding, "/updatedAt"),
        updated_us: told::time_us(finding, "/updatedAt"),
        state: if archived { ImportedState::Suppressed } else { ImportedState::Active },
        raw: finding,
    };
    let identities = ["assumedRole", "iamUser", "federatedUser", "root"];
    let actor = identities.into_iter().find_map(|identity| {
        text(finding, &format!("/policyDetails/actor/userIdentity/{identity}/arn"))
    });
    Ok(Imported {
        // An object is where the data lies; the bucket is the resource.
        distinction: text(finding, "/resourcesAffected/s3Object/key")
            .map(|key| told::cut(key, 1_024))
            .unwrap_or_default(),
        actor: actor.map(str::to_owned),
        address: text(finding, "/policyDetails/actor/ipAddressDetails/ipAddressV4")
            .map(str::to_owned),
        occurrences: count(finding, "/count"),
        ..draft.finish()
    })
}
