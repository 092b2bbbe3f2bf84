//! Who is asked: the accounts of the organization with their place in its tree, or the caller's
//! own account alone. Which regions each of them uses is in `regions`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use yagura_model::{Unread, UnreadReason};

use crate::caller::{CallName, Caller, Failure, Identity, Place};
use crate::error::CollectError;
use crate::notice::{Notice, NoticeKind};

/// How deep OUs nest at most (AWS Organizations User Guide, "Quotas": five below the root).
/// One more is followed, so that a raised quota is seen, and an endless tree ends.
const TREE_DEPTH_MAX: usize = 10;

/// The accounts that a scan covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The account of the credentials in use.
    pub caller: String,
    /// The ARN of the identity in use.
    pub caller_arn: String,
    /// The organization's id, where there is one and it says so.
    pub id: Option<String>,
    /// The management account, where known.
    pub management: Option<String>,
    /// The accounts to scan, by id.
    pub accounts: Vec<Account>,
    /// Why the organization has active accounts that are not scanned; none where it has not.
    pub left_out: Option<Unread>,
    /// What a person should know: accounts left out, an organization that cannot be read.
    pub notices: Vec<Notice>,
}

/// An account of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its name in the organization; the id where unknown.
    pub name: String,
    /// The address of its owner, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its organizational unit from the root (`/Workloads/Production`, `/` for the root itself),
    /// where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ou: Option<String>,
    /// The ids from the root down (`r-ab12`, `ou-ab12-…`), for policies that name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ou_ids: Vec<String>,
    /// Whether it is the management account.
    #[serde(default)]
    pub management: bool,
}

impl Organization {
    /// One account, of whose organization nothing is known.
    pub(crate) fn alone(account: &str, partition: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            caller: account.to_owned(),
            caller_arn: String::new(),
            id: None,
            management: None,
            accounts: vec![Account::alone(account)],
            left_out: None,
            notices: Vec::new(),
        }
    }

    /// The region where the partition's global services answer.
    pub fn home_region(&self) -> &'static str {
        home_region(&self.partition)
    }

    /// The account in which organization-wide types are read: the management account if it is
    /// scanned, else the caller's (which answers where it is a delegated administrator). If the
    /// management account cannot be entered, the inventory turns to the caller's too.
    pub fn reader(&self) -> &str {
        self.management
            .as_deref()
            .filter(|id| self.accounts.iter().any(|account| account.id == *id))
            .unwrap_or(&self.caller)
    }

    /// Keeps only the accounts named by id or name (`--accounts`).
    ///
    /// # Errors
    /// When a name fits no account.
    pub fn select(&mut self, wanted: &[String]) -> Result<(), CollectError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let fits = |account: &Account, text: &str| {
            account.id == text || account.name.eq_ignore_ascii_case(text)
        };
        for text in wanted {
            if !self.accounts.iter().any(|account| fits(account, text)) {
                return Err(CollectError::NoSuchAccount {
                    wanted: text.clone(),
                    known: self.accounts.len(),
                    alone: self.accounts.iter().all(|account| account.id == self.caller),
                });
            }
        }
        let known = self.accounts.len();
        self.accounts.retain(|account| wanted.iter().any(|text| fits(account, text)));
        // Whoever names the accounts says that the rest is not to be read.
        if self.accounts.len() < known || self.left_out.is_some() {
            let call = "organizations:ListAccounts";
            self.left_out = Some(*Failure::local(UnreadReason::NotRequested, call, "").unread);
        }
        let kept: BTreeSet<&str> = self.accounts.iter().map(|account| &*account.id).collect();
        self.notices.retain(|notice| {
            !matches!(notice.kind, NoticeKind::AccountInactive { .. })
                || kept.contains(&*notice.account)
        });
        Ok(())
    }
}

/// The region where a partition's global services (IAM, Organizations, the list of buckets)
/// answer. Source: AWS General Reference, service endpoints, seen 2026-11.
pub fn home_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// What to find out about the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every active account, with its place in the tree.
    Everything,
    /// The caller's own account only; the organization is not asked.
    OwnAccount,
}

/// Reads the organization through any caller.
pub(crate) async fn read(
    caller: &Arc<dyn Caller>,
    extent: Extent,
) -> Result<Organization, CollectError> {
    let identity = caller
        .identity()
        .await
        .map_err(|failure| CollectError::Identity { unread: failure.unread })?;
    let Identity { account, arn, partition } = identity;
    let mut organization =
        Organization { caller_arn: arn, ..Organization::alone(&account, &partition) };
    if extent == Extent::OwnAccount {
        let call = "organizations:ListAccounts";
        let unread = Failure::local(UnreadReason::NotRequested, call, "").unread;
        organization.left_out = Some(*unread);
    }
    if extent == Extent::Everything {
        let place = Place { account, region: home_region(&organization.partition).to_owned() };
        Reader { caller, place }.fill(&mut organization).await;
    }
    Ok(organization)
}

impl Account {
    pub(crate) fn alone(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            email: None,
            ou: None,
            ou_ids: Vec::new(),
            management: false,
        }
    }
}

/// Where an account hangs: names and ids from the root down.
#[derive(Clone, Debug, Default)]
struct Branch {
    names: Vec<String>,
    ids: Vec<String>,
}

struct Reader<'a> {
    caller: &'a Arc<dyn Caller>,
    place: Place,
}

impl Reader<'_> {
    async fn call(&self, operation: &str, input: Value) -> Result<Value, Failure> {
        self.caller.call(&self.place, &CallName::new("organizations", operation), &input).await
    }

    async fn fill(&self, organization: &mut Organization) {
        let described = match self.call("DescribeOrganization", json!({})).await {
            Ok(output) => output,
            // No organization is an answer, not a problem.
            Err(failure) if failure.code == "AWSOrganizationsNotInUseException" => return,
            Err(failure) => return self.say_alone(organization, *failure.unread),
        };
        let member = |name: &str| {
            described.pointer(&format!("/Organization/{name}")).and_then(Value::as_str)
        };
        organization.id = member("Id").map(str::to_owned);
        organization.management = member("MasterAccountId").map(str::to_owned);
        let is_management = organization.management.as_deref() == Some(&*organization.caller);
        for account in &mut organization.accounts {
            account.management = is_management;
        }
        let listed = match self.call("ListAccounts", json!({})).await {
            Ok(output) => output,
            Err(failure) => return self.say_alone(organization, *failure.unread),
        };
        let branches = match self.tree().await {
            Ok(branches) => branches,
            Err(failure) => {
                organization.notices.push(notice("", NoticeKind::TreeUnreadable, *failure.unread));
                BTreeMap::new()
            }
        };
        self.take_accounts(organization, &listed, &branches);
    }

    /// The organization is there but does not answer: say so and scan the own account.
    fn say_alone(&self, organization: &mut Organization, unread: Unread) {
        let kind = NoticeKind::OrganizationUnreadable;
        organization.left_out = Some(unread.clone());
        organization.notices.push(notice(&self.place.account, kind, unread));
    }

    fn take_accounts(
        &self,
        organization: &mut Organization,
        listed: &Value,
        branches: &BTreeMap<String, Branch>,
    ) {
        let mut accounts = Vec::new();
        for entry in listed.get("Accounts").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            let Some(id) = text("Id") else { continue };
            // `State` replaces `Status` (Organizations API Reference, Account, seen 2026-11).
            let state = text("State").or_else(|| text("Status")).unwrap_or("ACTIVE");
            if state != "ACTIVE" {
                let kind = NoticeKind::AccountInactive { state: state.to_owned() };
                let unread =
                    Failure::local(UnreadReason::NotRequested, "organizations:ListAccounts", "");
                organization.notices.push(notice(id, kind, *unread.unread));
                continue;
            }
            let branch = branches.get(id);
            accounts.push(Account {
                id: id.to_owned(),
                name: text("Name").filter(|name| !name.is_empty()).unwrap_or(id).to_owned(),
                email: text("Email").map(str::to_owned),
                ou: branch.map(|branch| format!("/{}", branch.names.join("/"))),
                ou_ids: branch.map(|branch| branch.ids.clone()).unwrap_or_default(),
                management: organization.management.as_deref() == Some(id),
            });
        }
        accounts.sort_by(|a, b| a.id.cmp(&b.id));
        accounts.dedup_by(|a, b| a.id == b.id);
        if accounts.iter().any(|account| account.id == organization.caller) {
            organization.accounts = accounts;
        } else {
            // A list without the caller is not the list of the caller's organization.
            let unread = Failure::local(
                UnreadReason::Failed,
                "organizations:ListAccounts",
                "the list of accounts does not hold the caller's own",
            );
            self.say_alone(organization, *unread.unread);
        }
    }

    /// The place of every account in the tree, by account.
    async fn tree(&self) -> Result<BTreeMap<String, Branch>, Failure> {
        let mut branches = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let roots = self.call("ListRoots", json!({})).await?;
        let mut level: Vec<Branch> = named(&roots, "Roots")
            .map(|(id, _)| Branch { names: Vec::new(), ids: vec![id.to_owned()] })
            .collect();
        for _ in 0..TREE_DEPTH_MAX {
            let mut next = Vec::new();
            for branch in level {
                let Some(id) = branch.ids.last().filter(|id| seen.insert((*id).clone())) else {
                    continue;
                };
                let input = json!({"ParentId": id});
                let accounts = self.call("ListAccountsForParent", input.clone()).await?;
                for (account, _) in named(&accounts, "Accounts") {
                    branches.insert(account.to_owned(), branch.clone());
                }
                let units = self.call("ListOrganizationalUnitsForParent", input).await?;
                for (id, name) in named(&units, "OrganizationalUnits") {
                    let mut child = branch.clone();
                    child.ids.push(id.to_owned());
                    child.names.push(name.to_owned());
                    next.push(child);
                }
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        Ok(branches)
    }
}

fn notice(account: &str, kind: NoticeKind, unread: Unread) -> Notice {
    Notice { account: account.to_owned(), region: String::new(), kind, unread }
}

/// Id and name of each element of a list in an answer.
fn named<'a>(output: &'a Value, list: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    output.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(|entry| {
        let id = entry.get("Id")?.as_str()?;
        Some((id, entry.get("Name").and_then(Value::as_str).unwrap_or(id)))
    })
}

#[cfg(test)]
#[path = "organization_tests.rs"]
mod tests;
