//! AWS Security Hub: its findings through the API, its own and those that others told it.
//! What the members mean is read in `asff`.

use serde_json::json;

use super::asff;
use super::reading::{Reading, Stopped};

/// The product's word.
pub(super) const PRODUCT: &str = "securityhub";

/// Reads what is active and not settled; where something is known already, whatever changed since.
pub(super) async fn read(reading: &mut Reading<'_>) -> Result<(), Stopped> {
    // Where Security Hub is off, it says that the account is not subscribed.
    reading.off_where("InvalidAccessException", "is not subscribed to");
    let equals = |value: &str| json!({"Value": value, "Comparison": "EQUALS"});
    let since = reading.since_time();
    let filters = match &since {
        None => json!({
            "RecordState": [equals("ACTIVE")],
            // What is resolved there needs no reading: a finding that passes counts as resolved.
            "WorkflowStatus": [equals("NEW"), equals("NOTIFIED"), equals("SUPPRESSED")],
        }),
        // An end is asked for by the shape; this one is far enough.
        Some(since) => json!({"UpdatedAt": [{"Start": since, "End": "9999-12-31T23:59:59Z"}]}),
    };
    let input = json!({
        "Filters": filters,
        "SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "asc"}],
        "MaxResults": 100,
    });
    reading.each("securityhub", "GetFindings", &input, "/Findings", asff::map).await?;
    if since.is_none() {
        reading.whole();
    }
    Ok(())
}
