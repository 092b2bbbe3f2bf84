//! The sample organization, `content/demo/organization.yaml`, and what AWS says of it: who the
//! caller is, which accounts there are and where they hang, which regions are enabled.
//! What is in the accounts is in their own files.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::demo::{ANY, DemoError, Outcome, Written, sources};

const FILE: &str = "organization.yaml";
/// Accounts on one page of `ListAccounts`, so that there is a second page.
const ACCOUNTS_ON_PAGE: usize = 4;
/// Sessions of the demo never end: the clock of the machine that plays it back is a real one.
const SESSION_END: &str = "2099-01-01T00:00:00Z";

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    /// The role that is assumed in member accounts.
    role: String,
    /// Regions that every account has enabled.
    regions: Vec<String>,
    /// As `organizations:DescribeOrganization` gives it.
    organization: Map<String, Value>,
    /// As `organizations:ListRoots` gives it.
    root: Map<String, Value>,
    units: Vec<Unit>,
    accounts: Vec<Account>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unit {
    id: String,
    name: String,
    /// Id of the root or of another unit.
    parent: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    name: String,
    email: String,
    /// Id of the root or of a unit.
    parent: String,
    /// When it joined.
    joined: String,
    /// `ACTIVE`, unless said otherwise.
    state: Option<String>,
    /// The folder of its answers; an account that nobody asks has none.
    folder: Option<String>,
}

impl Organization {
    pub(super) fn read(folder: &Path) -> Result<Self, DemoError> {
        sources::yaml(folder, FILE)
    }

    /// The account whose credentials the recording was made with: the management account.
    pub(super) fn caller(&self) -> &str {
        self.organization.get("MasterAccountId").and_then(Value::as_str).unwrap_or_default()
    }

    /// The folders of answers, with their accounts.
    pub(super) fn folders(&self) -> impl Iterator<Item = (&str, &str)> {
        self.accounts.iter().filter_map(|one| Some((one.folder.as_deref()?, one.id.as_str())))
    }

    pub(super) fn answers(&self) -> Vec<Written> {
        let mut answers = self.sessions();
        let mut say = |account: &str, call: &str, input: Value, output: Value| {
            answers.push(written(account, call, input, output));
        };
        let anywhere = |call: &str| format!("organizations:{call}");
        let describe = json!({"Organization": self.organization});
        say(ANY, &anywhere("DescribeOrganization"), json!({}), describe);
        say(ANY, &anywhere("ListRoots"), json!({}), json!({"Roots": [self.root]}));
        let regions = self.regions.iter();
        let regions: Vec<Value> = regions
            .map(|name| json!({"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"}))
            .collect();
        say(ANY, "account:ListRegions", json!({}), json!({"Regions": regions}));
        for account in &self.accounts {
            let parent = json!({"Id": account.parent, "Type": kind_of(&account.parent)});
            let input = json!({"ChildId": account.id});
            say(ANY, &anywhere("ListParents"), input, json!({"Parents": [parent]}));
        }
        for (input, output) in self.children("AccountsForParent") {
            say(ANY, &anywhere("ListAccountsForParent"), input, output);
        }
        for (input, output) in self.children("OrganizationalUnitsForParent") {
            say(ANY, &anywhere("ListOrganizationalUnitsForParent"), input, output);
        }
        for (input, output) in self.pages_of_accounts() {
            say(ANY, &anywhere("ListAccounts"), input, output);
        }
        answers
    }

    /// Who the caller is in each account, and the sessions it gets in the others.
    fn sessions(&self) -> Vec<Written> {
        let mut answers = Vec::new();
        for Account { id, .. } in self.accounts.iter().filter(|one| one.folder.is_some()) {
            let own = *id == self.caller();
            let (user, name) = match own {
                true => ("AROAEXAMPLECALLER", "AWSReservedSSO_SecurityAudit_0a1b2c3d4e5f6071/mori"),
                false => ("AROAEXAMPLEMEMBER", "YaguraRead/yagura"),
            };
            let arn = format!("arn:aws:sts::{id}:assumed-role/{name}");
            let identity = json!({"Account": id, "Arn": arn, "UserId": format!("{user}:yagura")});
            answers.push(written(id, "sts:GetCallerIdentity", json!({}), identity));
            if own {
                continue;
            }
            let role = format!("arn:aws:iam::{id}:role/{}", self.role);
            let output = json!({
                "Credentials": {
                    "AccessKeyId": format!("SESSIONOF{id}"),
                    "SecretAccessKey": "opens-nothing",
                    "SessionToken": "opens-nothing",
                    "Expiration": SESSION_END,
                },
                "AssumedRoleUser": {"AssumedRoleId": "AROAEXAMPLEMEMBER:yagura", "Arn": arn},
            });
            let input = json!({"RoleArn": role});
            answers.push(written(self.caller(), "sts:AssumeRole", input, output));
        }
        answers
    }

    /// What hangs below the root and each unit.
    fn children(&self, what: &str) -> Vec<(Value, Value)> {
        let mut below: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        let root = self.root.get("Id").and_then(Value::as_str).unwrap_or_default();
        let parents = std::iter::once(root).chain(self.units.iter().map(|unit| unit.id.as_str()));
        below.extend(parents.map(|parent| (parent, Vec::new())));
        let accounts = what == "AccountsForParent";
        if accounts {
            for account in &self.accounts {
                below.entry(&account.parent).or_default().push(self.account(account));
            }
        } else {
            for Unit { id, name, parent } in &self.units {
                let arn = self.arn(&format!("ou/{{id}}/{id}"));
                let unit = json!({"Id": id, "Arn": arn, "Name": name});
                below.entry(parent).or_default().push(unit);
            }
        }
        let member = if accounts { "Accounts" } else { "OrganizationalUnits" };
        below
            .into_iter()
            .map(|(parent, list)| (json!({"ParentId": parent}), json!({member: list})))
            .collect()
    }

    fn pages_of_accounts(&self) -> Vec<(Value, Value)> {
        let pages: Vec<_> = self.accounts.chunks(ACCOUNTS_ON_PAGE).collect();
        let page = |(n, accounts): (usize, &&[Account])| {
            let input = if n == 0 { json!({}) } else { json!({"NextToken": token(n)}) };
            let list: Vec<Value> = accounts.iter().map(|one| self.account(one)).collect();
            let mut output = json!({"Accounts": list});
            if let Some(members) = output.as_object_mut().filter(|_| n + 1 < pages.len()) {
                members.insert("NextToken".to_owned(), token(n + 1).into());
            }
            (input, output)
        };
        pages.iter().enumerate().map(page).collect()
    }

    fn account(&self, account: &Account) -> Value {
        let Account { id, name, email, joined, state, .. } = account;
        let state = state.as_deref().unwrap_or("ACTIVE");
        let method = if id == self.caller() { "INVITED" } else { "CREATED" };
        json!({
            "Id": id,
            "Arn": self.arn(&format!("account/{{id}}/{id}")),
            "Email": email,
            "Name": name,
            "Status": state,
            "State": state,
            "JoinedMethod": method,
            "JoinedTimestamp": joined,
        })
    }

    /// An ARN of Organizations; `{id}` stands for the organization's.
    fn arn(&self, resource: &str) -> String {
        let id = self.organization.get("Id").and_then(Value::as_str).unwrap_or_default();
        format!("arn:aws:organizations::{}:{}", self.caller(), resource.replace("{id}", id))
    }
}

fn token(page: usize) -> String {
    format!("page-{}", page + 1)
}

fn kind_of(parent: &str) -> &'static str {
    if parent.starts_with("r-") { "ROOT" } else { "ORGANIZATIONAL_UNIT" }
}

fn written(account: &str, call: &str, input: Value, output: Value) -> Written {
    let (service, operation) = call.split_once(':').unwrap_or((call, ""));
    let input = match input {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Written {
        file: FILE.to_owned(),
        account: account.to_owned(),
        region: ANY.to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        input,
        outcome: Outcome::Output(output),
    }
}
