//! Our findings in AWS Security Hub, through `BatchImportFindings`: each in its own account and
//! region, batched, told again only when it changed, and archived when it is over.
//! What its users do there stays theirs: `Workflow` and `Note` are never told.
//!
//! Left out are findings that Security Hub knows better: those of AWS's own products, and what it
//! has no place for (a finding without account). A finding that was over before it was ever told
//! is not told.
//!
//! Source: AWS Security Hub user guide, "Using `BatchImportFindings` to create and update
//! findings", and "Quotas" (100 findings and 6 MB a call, 240 KB a finding), seen 2026-11.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use yagura_aws::{CallError, Target, WriteClient};
use yagura_model::finding::{Finding, FindingKind, FindingState, Scope};
use yagura_report::{ExportContext, security_hub_finding};
use yagura_store::Store;
use yagura_store::findings::{FindingFilter, FindingOrder, PAGE_MAX, Page};
use yagura_store::imports::{Imports, Pushed, PushedHash};

use crate::RespondError;

/// The calls that pushing makes.
pub const CALLS: [(&str, &str); 1] = [("securityhub", "BatchImportFindings")];
/// The IAM action that pushing takes.
pub const ACTION: &str = "securityhub:BatchImportFindings";

/// The name under which the store remembers what was told.
const TARGET: &str = "securityhub";
/// Findings of one call.
const BATCH_MAX: usize = 100;
/// Bytes of one call, with room for what stands around the findings.
const BATCH_BYTES_MAX: usize = 5_900_000;
/// Bytes of one finding.
const FINDING_BYTES_MAX: usize = 240_000;
/// Failures that are told one by one; beyond, they are counted.
const FAILURES_TOLD_MAX: usize = 100;
/// Members that change without anything having changed.
const RESTLESS: [&str; 2] = ["UpdatedAt", "LastObservedAt"];
/// The same, among the product's own fields.
const RESTLESS_FIELDS: [&str; 2] = ["yagura/rank", "yagura/version"];
/// Products of AWS: they tell Security Hub themselves.
const AWS_PRODUCTS: [&str; 6] =
    ["access-analyzer", "config", "guardduty", "inspector", "macie", "securityhub"];

/// What pushing did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushOutcome {
    /// Findings that were told as they are now.
    pub told: u64,
    /// Of them those that were told as over.
    pub archived: u64,
    /// Findings that were told before just so, or need not be told.
    pub unchanged: u64,
    /// Findings that Security Hub knows better or has no place for.
    pub left_out: u64,
    /// Findings that it did not take.
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<PushRefusal>,
    /// Findings of places that could not be reached.
    pub unreached: u64,
    /// Those places, with the reason.
    pub places: Vec<PlaceFailure>,
    /// Whether it ended before its end.
    pub interrupted: bool,
}

/// A finding that Security Hub did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRefusal {
    /// The finding's id.
    pub finding: String,
    /// AWS's code.
    pub code: String,
    /// AWS's words, which may hold anything.
    pub message: String,
}

/// An account and region where nothing can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceFailure {
    /// Twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Why, in one line.
    pub reason: String,
}

/// Tells Security Hub what changed. Without a client nothing is sent, and what would be is counted.
///
/// # Errors
/// Where the store cannot be read or written; what was told stays told. What Security Hub does not
/// take, and where it cannot be reached, is data.
pub async fn push(
    store: &Store,
    client: Option<&WriteClient>,
    filter: &FindingFilter,
    context: &ExportContext<'_>,
    now: Timestamp,
) -> Result<PushOutcome, RespondError> {
    let mut push = Push {
        imports: store.imports(),
        client,
        now,
        waiting: BTreeMap::new(),
        closed: BTreeSet::new(),
        outcome: PushOutcome::default(),
    };
    let findings = store.findings(Scope::All);
    // First seen never changes: the pages stay as they are while findings change.
    let mut page = Page { order: FindingOrder::FirstSeen, limit: PAGE_MAX, after: None };
    loop {
        let listed = findings.list(filter, &page).await.map_err(RespondError::Findings)?;
        push.page(&listed.findings, context).await?;
        match listed.next {
            Some(next) if !push.outcome.interrupted => page.after = Some(next),
            _ => break,
        }
    }
    let places: Vec<(String, String)> = push.waiting.keys().cloned().collect();
    for place in places {
        push.send(&place).await?;
    }
    Ok(push.outcome)
}

struct Push<'a> {
    imports: Imports,
    client: Option<&'a WriteClient>,
    now: Timestamp,
    waiting: BTreeMap<(String, String), Waiting>,
    /// Places that cannot be reached.
    closed: BTreeSet<(String, String)>,
    outcome: PushOutcome,
}

#[derive(Default)]
struct Waiting {
    findings: Vec<(Pushed, Value)>,
    bytes: usize,
}

impl Push<'_> {
    async fn page(
        &mut self,
        findings: &[Finding],
        context: &ExportContext<'_>,
    ) -> Result<(), RespondError> {
        let ids: Vec<String> = findings.iter().map(|finding| finding.id.clone()).collect();
        let known = self.imports.pushed(TARGET, &ids).await.map_err(RespondError::Findings)?;
        for finding in findings {
            let known = known.get(&finding.id);
            let open = finding.state != FindingState::Resolved;
            if !is_ours(finding) {
                self.outcome.left_out += 1;
                continue;
            }
            if !open && known.is_none_or(|known| !known.open) {
                self.outcome.unchanged += 1;
                continue;
            }
            let Some(value) = security_hub_finding(finding, context) else {
                self.outcome.left_out += 1;
                continue;
            };
            let told = PushedHash { hash: hash_of(&value), open };
            if known == Some(&told) {
                self.outcome.unchanged += 1;
                continue;
            }
            self.take(Pushed { finding: finding.id.clone(), told }, value).await?;
        }
        Ok(())
    }

    /// Adds a finding to its place's batch, which goes when it is full.
    async fn take(&mut self, pushed: Pushed, value: Value) -> Result<(), RespondError> {
        let bytes = value.to_string().len();
        if bytes > FINDING_BYTES_MAX {
            let message = format!("{bytes} bytes");
            self.refuse(pushed.finding, "TooLarge".to_owned(), message);
            return Ok(());
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let place = (text("AwsAccountId").to_owned(), text("Region").to_owned());
        let full = self.waiting.get(&place).is_some_and(|waiting| {
            waiting.findings.len() >= BATCH_MAX || waiting.bytes + bytes > BATCH_BYTES_MAX
        });
        if full {
            self.send(&place).await?;
        }
        let waiting = self.waiting.entry(place).or_default();
        waiting.bytes += bytes + 1;
        waiting.findings.push((pushed, value));
        Ok(())
    }

    /// Sends a place's batch, and remembers what was taken.
    async fn send(&mut self, place: &(String, String)) -> Result<(), RespondError> {
        let Some(waiting) = self.waiting.remove(place) else { return Ok(()) };
        let count = waiting.findings.len() as u64;
        if self.closed.contains(place) || self.outcome.interrupted {
            self.outcome.unreached += count;
            return Ok(());
        }
        let (pushed, values): (Vec<Pushed>, Vec<Value>) = waiting.findings.into_iter().unzip();
        let Some(client) = self.client else {
            self.count(&pushed);
            return Ok(());
        };
        let target = Target::new(&place.0, &place.1);
        let input = json!({"Findings": values});
        let answer = client.call(&target, "securityhub", "BatchImportFindings", &input).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.outcome.unreached += count;
                self.unreached(place, &error);
                return Ok(());
            }
        };
        let refused = self.refused(&answer);
        let taken: Vec<Pushed> =
            pushed.into_iter().filter(|one| !refused.contains(&one.finding)).collect();
        self.count(&taken);
        let imports = &self.imports;
        imports.remember_pushed(TARGET, &taken, self.now).await.map_err(RespondError::Findings)
    }

    fn count(&mut self, taken: &[Pushed]) {
        self.outcome.told += taken.len() as u64;
        self.outcome.archived += taken.iter().filter(|one| !one.told.open).count() as u64;
    }

    /// The findings that Security Hub did not take.
    fn refused(&mut self, answer: &Value) -> BTreeSet<String> {
        let failed = answer.get("FailedFindings").and_then(Value::as_array);
        let mut refused = BTreeSet::new();
        for one in failed.into_iter().flatten() {
            let text =
                |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            refused.insert(text("Id"));
            self.refuse(text("Id"), text("ErrorCode"), text("ErrorMessage"));
        }
        refused
    }

    fn refuse(&mut self, finding: String, code: String, message: String) {
        self.outcome.refused += 1;
        if self.outcome.refusals.len() < FAILURES_TOLD_MAX {
            self.outcome.refusals.push(PushRefusal { finding, code, message });
        }
    }

    /// Where one call failed for good, the others of the place would, too.
    fn unreached(&mut self, place: &(String, String), error: &CallError) {
        if error.kind == yagura_aws::CallErrorKind::Interrupted {
            self.outcome.interrupted = true;
            return;
        }
        self.closed.insert(place.clone());
        let (account, region) = place.clone();
        self.outcome.places.push(PlaceFailure { account, region, reason: error.to_string() });
    }
}

/// Whether Security Hub does not know it better than we do.
fn is_ours(finding: &Finding) -> bool {
    let seen = &finding.observation;
    let product = seen.content.split('/').next().unwrap_or_default();
    seen.kind != FindingKind::Import || !AWS_PRODUCTS.contains(&product)
}

/// Changes when something changes that somebody would want to be told.
fn hash_of(value: &Value) -> [u8; 16] {
    let mut lasting = value.clone();
    if let Some(members) = lasting.as_object_mut() {
        for name in RESTLESS {
            members.remove(name);
        }
        if let Some(Value::Object(fields)) = members.get_mut("ProductFields") {
            for name in RESTLESS_FIELDS {
                fields.remove(name);
            }
        }
    }
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(Sha256::digest(lasting.to_string())) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests;
