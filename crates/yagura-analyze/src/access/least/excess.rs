//! What present policies grant beyond what was used: statement by statement, and what of it nobody
//! can judge because no log would show it.
//! How the policy that is left looks is in `draft`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use iam_policy::{Context, Effect, Layers, Outcome, Policy, Principal, Request, evaluate};
use serde_json::Value;
use yagura_model::usage::Evidence;

use super::super::usage::{ActionLevel, ActionTable, KnownAction, Naming};
use super::super::{Missing, NamedPolicy, World};
use super::ledger::UsageLedger;

/// Services whose management events a trail may leave out (CloudTrail User Guide, "Filtering
/// management events", seen 2026-11).
const LEFT_OUT: [&str; 2] = ["kms", "rds-data"];

/// Why it cannot be known whether something is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blind {
    /// The log has nothing of the account in that time.
    NoRecords,
    /// No trail ever shows it.
    NotLogged,
    /// It shows in data events, and the log has none of that service.
    DataEventsOff,
    /// It shows in data events, and trails record them for some resources only, as far as known.
    DataEventsPartly,
    /// It reads, and the log has no reading calls at all.
    ReadsOff,
    /// Trails may leave the service out, and the log has nothing of it.
    ServiceLeftOut,
}

impl Blind {
    /// The word for it in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRecords => "no_records",
            Self::NotLogged => "not_logged",
            Self::DataEventsOff => "data_events_off",
            Self::DataEventsPartly => "data_events_partly",
            Self::ReadsOff => "reads_off",
            Self::ServiceLeftOut => "service_left_out",
        }
    }
}

/// Why the silence of a log says nothing about an action; none where it does.
pub fn blindness(naming: &Naming, evidence: &Evidence, action: &KnownAction) -> Option<Blind> {
    if evidence.kinds.is_empty() {
        return Some(Blind::NoRecords);
    }
    let sources = naming.sources_of(&action.name);
    let own = |source: &str| sources.iter().any(|name| name == source);
    if naming.is_data(&action.name) {
        let seen = evidence.kinds.iter().any(|kind| kind.data && own(&kind.event_source));
        let whole = evidence.data_whole.iter().any(|source| own(source));
        return match (seen, whole) {
            (true, true) => None,
            (true, false) => Some(Blind::DataEventsPartly),
            // A trail that records them is not one that this log has.
            (false, _) => Some(Blind::DataEventsOff),
        };
    }
    if naming.is_unlogged(action) {
        return Some(Blind::NotLogged);
    }
    let reads = matches!(action.level, ActionLevel::List | ActionLevel::Read);
    if reads && !evidence.kinds.iter().any(|kind| !kind.data && kind.read_only != Some(false)) {
        return Some(Blind::ReadsOff);
    }
    let left_out = LEFT_OUT.contains(&action.service());
    let silent = !evidence.kinds.iter().any(|kind| own(&kind.event_source));
    (left_out && silent).then_some(Blind::ServiceLeftOut)
}

/// An `Allow` statement with the actions that it allows on anything.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The policy's name.
    pub policy: String,
    /// The statement's number in it, from zero.
    pub number: usize,
    /// `Sid`
    pub sid: Option<String>,
    /// As it is written.
    pub document: Value,
    /// The actions.
    pub actions: Vec<Arc<str>>,
    /// The statement by itself.
    alone: Arc<Policy>,
}

/// Reads policies once, however many principals have them.
#[derive(Debug)]
pub struct GrantReader<'t> {
    /// Every action with the forms of ARNs that it works on.
    actions: BTreeMap<&'t Arc<str>, Vec<String>>,
    /// By the address of the compiled policy, which the inventory shares between principals.
    known: HashMap<usize, Said>,
}

/// What one policy allows, and its denials with their numbers.
type Said = (Vec<Granted>, Vec<(usize, Value)>);

/// Everything that a principal's own policies say.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// What they allow.
    pub statements: Vec<Granted>,
    /// What they deny: policy, number from zero, and the statement as it is written.
    pub denials: Vec<(String, usize, Value)>,
    /// What of them was not read.
    pub missing: Vec<Missing>,
}

impl World {
    /// What the policies of a user or role say; none for somebody who is not in the inventory.
    /// Control policies and boundaries limit it further and are left aside: they stay.
    pub fn granted_to(&self, principal: &str, reader: &mut GrantReader<'_>) -> Option<Grants> {
        let holder = self.holder(principal)?;
        let mut grants = Grants { missing: holder.missing.clone(), ..Grants::default() };
        let all: Vec<&Policy> = holder.identity.iter().map(|named| named.policy.as_ref()).collect();
        for named in &holder.identity {
            let (statements, denials) = reader.read(named);
            grants.statements.extend(statements.iter().cloned());
            let denial = |(number, document): &(usize, Value)| {
                (named.name.to_string(), *number, document.clone())
            };
            grants.denials.extend(denials.iter().map(denial));
        }
        let statements = all.iter().flat_map(|policy| &policy.statements);
        let denying: Vec<_> = statements.filter(|statement| denies(statement)).collect();
        if !denying.is_empty() {
            let denied = |name: &Arc<str>| {
                denying.iter().any(|statement| statement.covers_action(name))
                    && reader.is_denied(&all, name)
            };
            for granted in &mut grants.statements {
                granted.actions.retain(|name| !denied(name));
            }
        }
        Some(grants)
    }

    /// The ARN of the user or role that somebody is: of a session, its role's.
    pub fn principal_of(&self, arn: &str) -> Option<&str> {
        let mut all = self.holders.iter();
        let holder = self.holder(arn)?;
        all.find(|(_, other)| std::ptr::eq(*other, holder)).map(|(arn, _)| arn.as_str())
    }
}

impl<'t> GrantReader<'t> {
    /// With the actions that there are.
    pub fn new(table: &'t ActionTable) -> Self {
        let actions = table.all().map(|action| (&action.name, forms(action))).collect();
        Self { actions, known: HashMap::new() }
    }

    /// What a policy allows by itself, and its denials.
    fn read(&mut self, named: &NamedPolicy) -> &(Vec<Granted>, Vec<(usize, Value)>) {
        let address = Arc::as_ptr(&named.policy).addr();
        let actions = &self.actions;
        self.known.entry(address).or_insert_with(|| read(named, actions))
    }

    /// Whether an action is denied on everything, whatever the circumstances.
    fn is_denied(&self, all: &[&Policy], action: &Arc<str>) -> bool {
        let forms = self.actions.get(action).map(Vec::as_slice).unwrap_or_default();
        let denied = |form: &String| outcome(all, action, form, false) == Outcome::ExplicitlyDenied;
        !forms.is_empty() && forms.iter().all(denied)
    }
}

/// The forms of the ARNs that an action works on; `*` where it takes no resource.
fn forms(action: &KnownAction) -> Vec<String> {
    let arns = action.resources.iter().filter_map(|kind| kind.arn.as_deref());
    let mut forms: Vec<String> = arns.map(form).collect();
    if forms.is_empty() {
        forms.push("*".to_owned());
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// `arn:${Partition}:s3:::${BucketName}` with stars for its variables.
fn form(template: &str) -> String {
    let mut form = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once("${") {
        form.push_str(literal);
        form.push('*');
        rest = after.split_once('}').map_or("", |(_, next)| next);
    }
    form + rest
}

fn read(
    named: &NamedPolicy,
    actions: &BTreeMap<&Arc<str>, Vec<String>>,
) -> (Vec<Granted>, Vec<(usize, Value)>) {
    let documents = written_statements(&named.text);
    let (mut granted, mut denials) = (Vec::new(), Vec::new());
    for (number, statement) in named.policy.statements.iter().enumerate() {
        let document = documents.get(number).cloned().unwrap_or(Value::Null);
        if denies(statement) {
            denials.push((number, document));
            continue;
        }
        let statements = vec![statement.clone()];
        let alone = Policy { statements, ..named.policy.as_ref().clone() };
        let alone = Arc::new(alone);
        let given = |forms: &[String], name: &str| forms.iter().any(|form| may(&alone, name, form));
        let actions = actions
            .iter()
            .filter(|(name, forms)| statement.covers_action(name) && given(forms, name))
            .map(|(name, _)| Arc::clone(name))
            .collect();
        let (policy, sid) = (named.name.to_string(), statement.sid.clone());
        granted.push(Granted { policy, number, sid, document, actions, alone });
    }
    (granted, denials)
}

fn denies(statement: &iam_policy::Statement) -> bool {
    statement.effect == Effect::Deny
}

fn outcome(policies: &[&Policy], action: &str, resource: &str, overlap: bool) -> Outcome {
    let request = Request {
        principal: Principal::from_arn("arn:aws:iam::111122223333:role/anybody"),
        action,
        resource,
        resource_account: Some("111122223333"),
        context: Context::unknown_elsewhere(),
        overlap,
    };
    evaluate(&request, &Layers { identity: policies, ..Layers::default() }).outcome
}

/// Whether a statement by itself allows an action on something of a form.
fn may(alone: &Policy, action: &str, form: &str) -> bool {
    outcome(&[alone], action, form, true) != Outcome::ImplicitlyDenied
}

/// The statements of a document, one or a list.
fn written_statements(text: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// An action that is granted and was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurplusAction {
    /// In AWS's spelling.
    pub action: Arc<str>,
    /// What it does.
    pub level: ActionLevel,
}

/// What was used of a statement, and what was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementUse {
    /// The policy's name.
    pub policy: String,
    /// The statement's number in it, from zero.
    pub number: usize,
    /// `Sid`
    pub sid: Option<String>,
    /// Whether it names `*` as a resource.
    pub anywhere: bool,
    /// The actions that were used.
    pub used: Vec<Arc<str>>,
    /// Those that were not, though a log would show it; riskiest first.
    pub surplus: Vec<SurplusAction>,
    /// Those of which it cannot be known.
    pub unknown: Vec<(SurplusAction, Blind)>,
}

impl StatementUse {
    /// What its surplus puts at risk, to compare with others.
    pub fn risk(&self) -> (Option<ActionLevel>, bool, usize) {
        let level = self.surplus.iter().map(|one| one.level).max();
        (level, self.anywhere, self.surplus.len())
    }
}

/// What present policies grant beyond use, the riskiest statement first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// Each statement that allows something.
    pub statements: Vec<StatementUse>,
}

impl Excess {
    /// Compares grants with use.
    pub fn of(grants: &Grants, ledger: &UsageLedger, naming: &Naming, evidence: &Evidence) -> Self {
        let mut statements: Vec<StatementUse> = grants
            .statements
            .iter()
            .map(|granted| compare(granted, ledger, naming, evidence))
            .collect();
        statements.sort_by_key(|one| std::cmp::Reverse(one.risk()));
        Self { statements }
    }
}

fn compare(
    granted: &Granted,
    ledger: &UsageLedger,
    naming: &Naming,
    evidence: &Evidence,
) -> StatementUse {
    let mut found = StatementUse {
        policy: granted.policy.clone(),
        number: granted.number,
        sid: granted.sid.clone(),
        anywhere: is_anywhere(&granted.document),
        used: Vec::new(),
        surplus: Vec::new(),
        unknown: Vec::new(),
    };
    for name in &granted.actions {
        // A use of something that this statement does not speak of went through another one.
        let through = ledger.uses_of(name).any(|used| {
            !used.told || used.resources.iter().any(|arn| may(&granted.alone, name, arn))
        });
        if through {
            found.used.push(Arc::clone(name));
            continue;
        }
        let Some(action) = naming.table().get(name) else { continue };
        let surplus = SurplusAction { action: Arc::clone(name), level: action.level };
        match blindness(naming, evidence, action) {
            Some(blind) => found.unknown.push((surplus, blind)),
            None => found.surplus.push(surplus),
        }
    }
    let order = |one: &SurplusAction| (std::cmp::Reverse(one.level), Arc::clone(&one.action));
    found.surplus.sort_by_key(order);
    found
}

/// Whether a statement is about everything.
fn is_anywhere(statement: &Value) -> bool {
    match statement.get("Resource") {
        Some(Value::String(one)) => one == "*",
        Some(Value::Array(list)) => list.iter().any(|one| one == "*"),
        _ => true,
    }
}
