//! The policy that covers what was used: statements by service and resources, and what must stay
//! because nobody can know whether it is used.
//! What is left over of the present policies is found in `excess`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use iam_policy::ParseError;
use serde_json::{Map, Value, json};

use super::super::usage::passed_to_key;
use super::breadth::Breadth;
use super::excess::{Blind, Excess, Granted, Grants};
use super::ledger::UsageLedger;
use super::proof::{self, Uncovered};

/// How a draft is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct DraftOptions {
    /// How widely resources are named.
    pub breadth: Breadth,
    /// Whether statements are limited to the regions that were used.
    pub limit_regions: bool,
    /// Whether permissions whose use no log shows are left out.
    pub strict: bool,
}

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The document.
    pub policy: Value,
    /// Characters without white space, as AWS counts them (IAM quotas: 6,144 for a managed
    /// policy, 10,240 for the inline ones of a role).
    pub characters: usize,
    /// What was taken over from the present policies.
    pub kept: Vec<Kept>,
    /// Actions of which nobody knows whether they are used, and which were not taken over: of
    /// services that were not seen used, and that no statement names.
    pub left_out: BTreeSet<Arc<str>>,
    /// Used requests that it does not allow; always empty unless this program is wrong.
    pub uncovered: Vec<Uncovered>,
}

/// A statement that was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The present policy's name.
    pub policy: String,
    /// The statement's number, from zero.
    pub statement: usize,
    /// Its actions of which nobody knows whether they are used; none of a `Deny`.
    pub actions: Vec<Arc<str>>,
}

impl Draft {
    /// Writes the policy and proves it.
    ///
    /// # Errors
    /// When the engine cannot read what was written.
    pub fn of(
        ledger: &UsageLedger,
        principal: &str,
        options: DraftOptions,
        present: Option<(&Grants, &Excess)>,
    ) -> Result<Self, ParseError> {
        let mut statements = used_statements(ledger, options);
        let document =
            |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements});
        let uncovered = match statements.is_empty() {
            true => Vec::new(),
            false => proof::uncovered(&document(&statements).to_string(), principal, ledger)?,
        };
        let mut keeper = Keeper { services: services(ledger), ..Keeper::default() };
        if let Some((grants, excess)) = present {
            if !options.strict {
                keeper.keep_unknown(grants, excess);
            }
            keeper.keep_denials(grants);
        }
        let Keeper { kept, left_out, statements: more, .. } = keeper;
        statements.extend(more);
        let policy = document(&statements);
        let characters = policy.to_string().chars().filter(|c| !c.is_whitespace()).count();
        Ok(Self { policy, characters, kept, left_out, uncovered })
    }
}

/// What statements share: they differ in their actions alone.
type Shape = (String, Vec<String>, Option<String>, BTreeSet<String>);

fn used_statements(ledger: &UsageLedger, options: DraftOptions) -> Vec<Value> {
    let mut shapes: BTreeMap<Shape, BTreeSet<Arc<str>>> = BTreeMap::new();
    for ((action, passed_to), used) in &ledger.used {
        let service = action.split(':').next().unwrap_or_default().to_owned();
        let resources = options.breadth.of(&used.resources);
        let regions = match options.limit_regions {
            true => used.regions.clone(),
            false => BTreeSet::new(),
        };
        let shape = (service, resources, passed_to.clone(), regions);
        shapes.entry(shape).or_default().insert(Arc::clone(action));
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let statement = |((service, resources, passed_to, regions), actions): (Shape, _)| {
        let number = numbers.entry(service.clone()).or_default();
        *number += 1;
        let mut statement = Map::new();
        statement.insert("Sid".to_owned(), json!(format!("{}Used{number}", sid(&service))));
        statement.insert("Effect".to_owned(), json!("Allow"));
        statement.insert("Action".to_owned(), list(actions));
        statement.insert("Resource".to_owned(), list(resources));
        let mut equals = Map::new();
        if let Some(to) = passed_to {
            equals.insert(passed_to_key().to_owned(), json!(to));
        }
        if !regions.is_empty() {
            equals.insert("aws:RequestedRegion".to_owned(), list(regions));
        }
        if !equals.is_empty() {
            statement.insert("Condition".to_owned(), json!({"StringEquals": equals}));
        }
        Value::Object(statement)
    };
    shapes.into_iter().map(statement).collect()
}

/// One as a text, several as a list.
fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    let items: Vec<String> = items.into_iter().map(|item| item.as_ref().to_owned()).collect();
    match items.as_slice() {
        [one] => json!(one),
        many => json!(many),
    }
}

/// Letters and digits, as a `Sid` may have them.
fn sid(service: &str) -> String {
    let mut sid = String::new();
    for word in service.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        sid.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        sid.extend(letters);
    }
    sid
}

/// The services that somebody was seen to use, or to try.
fn services(ledger: &UsageLedger) -> BTreeSet<String> {
    let used = ledger.used.keys().map(|(action, _)| action);
    used.chain(ledger.refused.keys()).map(|action| service(action)).collect()
}

fn service(action: &str) -> String {
    action.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// Takes over what the present policies deny, and what of their grants cannot be judged.
#[derive(Default)]
struct Keeper {
    services: BTreeSet<String>,
    statements: Vec<Value>,
    kept: Vec<Kept>,
    left_out: BTreeSet<Arc<str>>,
}

/// The actions of a statement, and its other members.
type Drafted = (Vec<Arc<str>>, Map<String, Value>);

impl Keeper {
    fn keep_unknown(&mut self, grants: &Grants, excess: &Excess) {
        let mut seen: Vec<Drafted> = Vec::new();
        for one in &excess.statements {
            let of =
                |granted: &&Granted| granted.policy == one.policy && granted.number == one.number;
            let Some(granted) = grants.statements.iter().find(of) else { continue };
            let Some(document) = granted.document.as_object() else { continue };
            let (actions, others): (Vec<_>, Vec<_>) = one
                .unknown
                .iter()
                .partition(|(surplus, blind)| self.is_kept(&surplus.action, *blind, document));
            self.left_out.extend(others.iter().map(|(surplus, _)| Arc::clone(&surplus.action)));
            let actions: Vec<Arc<str>> =
                actions.iter().map(|(surplus, _)| Arc::clone(&surplus.action)).collect();
            let mut rest = document.clone();
            rest.retain(|name, _| !matches!(name.as_str(), "Sid" | "Action" | "NotAction"));
            // Two policies with the same statement need it once.
            if actions.is_empty() || seen.contains(&(actions.clone(), rest.clone())) {
                continue;
            }
            let mut statement = Map::new();
            let name = format!("KeptNotSeen{}", self.kept.len() + 1);
            statement.insert("Sid".to_owned(), json!(name));
            statement.insert("Effect".to_owned(), json!("Allow"));
            statement.insert("Action".to_owned(), list(&actions));
            statement.extend(rest.clone());
            self.statements.push(Value::Object(statement));
            seen.push((actions.clone(), rest));
            let (policy, statement) = (one.policy.clone(), one.number);
            self.kept.push(Kept { policy, statement, actions });
        }
    }

    /// Whether something unknown stays: what data events would show always; else where the service
    /// was used or the statement names it. Of a statement about every service the rest would be
    /// thousands of actions, which is no least privilege.
    fn is_kept(&self, action: &str, blind: Blind, statement: &Map<String, Value>) -> bool {
        if matches!(blind, Blind::DataEventsOff | Blind::DataEventsPartly) {
            return true;
        }
        let service = service(action);
        let named = |name: &Value| {
            let name = name.as_str().unwrap_or_default().to_ascii_lowercase();
            name.strip_prefix(&service).is_some_and(|rest| rest.starts_with(':'))
        };
        let written = statement.get("Action");
        let written =
            written.map(|it| it.as_array().map_or(std::slice::from_ref(it), Vec::as_slice));
        self.services.contains(&service) || written.unwrap_or_default().iter().any(named)
    }

    fn keep_denials(&mut self, grants: &Grants) {
        for (policy, number, document) in &grants.denials {
            let mut document = document.clone();
            if let Some(members) = document.as_object_mut() {
                let name = format!("KeptDenial{}", self.kept.len() + 1);
                members.insert("Sid".to_owned(), json!(name));
            }
            self.statements.push(document);
            let (policy, statement) = (policy.clone(), *number);
            self.kept.push(Kept { policy, statement, actions: Vec::new() });
        }
    }
}
