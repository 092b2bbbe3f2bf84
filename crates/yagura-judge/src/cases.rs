//! Runs the cases at the bottom of every control through the real judge.
//! Cases of resource files are run by collect.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};
use yagura_analyze::fact_sources;
use yagura_content::expression::{PathSet, Root};
use yagura_content::format::{Control, ControlCase, ResourceInCase};
use yagura_content::{Content, Place};
use yagura_model::{
    Coverage, CoverageState, GLOBAL_REGION, Path, Step, Unread, UnreadReason, VerdictStatus,
};

use crate::controls::{AccountKnown, Judge, Snapshot};

/// The time of a case that names none.
const CASE_TIME_S: i64 = 1_767_225_600;

/// What became of one case, or of a check of the control itself.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseResult {
    /// The control's id.
    pub control: String,
    /// The case's name; empty for a check of the control itself.
    pub case: String,
    /// Where the case stands in its file.
    pub place: Place,
    /// Why it failed, as a sentence; `None` if it passed.
    pub failure: Option<String>,
}

/// Runs every case of every control, in order.
pub fn run(content: &Content) -> Vec<CaseResult> {
    content.controls.values().flat_map(|control| run_control(content, control)).collect()
}

/// Runs the cases of one control.
pub fn run_control(content: &Content, control: &Control) -> Vec<CaseResult> {
    let missing = missing_facts(control).into_iter().map(|fact| CaseResult {
        control: control.id.clone(),
        case: String::new(),
        place: control.require.place(),
        failure: Some(format!("`{}` has no fact `{fact}`", *control.type_name)),
    });
    let cases = control.cases.iter().map(|case| CaseResult {
        control: control.id.clone(),
        case: case.name.value.clone(),
        place: case.name.place,
        failure: run_case(content, control, case),
    });
    missing.chain(cases).collect()
}

/// Facts that the control reads of its resource and that its type does not have. Such a control
/// would find them absent for ever.
fn missing_facts(control: &Control) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    for expression in control.expressions() {
        let PathSet::Paths(paths) = expression.program().paths(Root::Resource.as_str()) else {
            continue;
        };
        for path in paths {
            if let [Step::Key(root), Step::Key(fact), ..] = path.0.as_slice()
                && root == "facts"
                && !fact_sources(&control.type_name).any(|s| s.names.contains(&fact.as_str()))
            {
                missing.insert(fact.clone());
            }
        }
    }
    missing
}

fn run_case(content: &Content, control: &Control, case: &ControlCase) -> Option<String> {
    let now = case.now.or_else(|| Timestamp::from_second(CASE_TIME_S).ok())?;
    let resource = case.resource.to_resource(&control.type_name);
    let mut accounts = BTreeMap::new();
    if !case.account.is_empty() {
        let mut value = Map::from_iter([("id".to_owned(), Value::from(resource.account.clone()))]);
        value.extend(case.account.clone());
        let known = AccountKnown { value: Value::Object(value), unread: Vec::new() };
        accounts.insert(resource.account.clone(), known);
    }
    let parameters = control.parameter_values(Some(&case.parameters));
    let judge = Judge::of_case(content, control, parameters, now, accounts);
    let snapshot = snapshot(&judge, control, case);
    let mut got = None;
    judge.judge_given(&resource, Some(&case.resource.facts), &snapshot, |judged| {
        got = Some((judged.status, judged.unread));
    });
    let (status, unread) = got?;
    (status != case.expect).then(|| difference(case.expect, status, &unread))
}

fn difference(expected: VerdictStatus, got: VerdictStatus, unread: &[Unread]) -> String {
    let mut text = format!("expected {}, got {}", expected.as_str(), got.as_str());
    for part in unread {
        let what = match part {
            Unread { reason: UnreadReason::Failed, path, detail, .. } if path.0.is_empty() => {
                detail.clone()
            }
            Unread { reason: UnreadReason::NotRequested, path, .. } if path.0.is_empty() => {
                "a type or account that the case does not give".to_owned()
            }
            Unread { path, reason, .. } => format!("`{path}` is {}", reason.as_str()),
        };
        text.push_str("; ");
        text.push_str(&what);
    }
    text
}

/// The case's resources. Every type counts as listed in every account that the case names, save
/// those it calls unlisted.
fn snapshot(judge: &Judge<'_>, control: &Control, case: &ControlCase) -> Snapshot {
    let mut snapshot = Snapshot::new(judge.needs());
    let mut accounts = BTreeSet::new();
    for given in std::iter::once(&case.resource).chain(&case.others) {
        let resource = given.to_resource(&control.type_name);
        accounts.insert(resource.account.clone());
        snapshot.add_given(resource, facts_given(given));
    }
    let unlisted: BTreeSet<&str> = case.unlisted.iter().map(|name| name.as_str()).collect();
    for account in &accounts {
        for type_name in judge.needs().types() {
            let state = if unlisted.contains(type_name) {
                CoverageState::Unread(denied(type_name))
            } else {
                CoverageState::Complete
            };
            snapshot.cover(&Coverage {
                account: account.clone(),
                region: GLOBAL_REGION.to_owned(),
                type_name: type_name.to_owned(),
                state,
                count: 0,
            });
        }
    }
    snapshot
}

fn facts_given(given: &ResourceInCase) -> Option<Map<String, Value>> {
    (!given.facts.is_empty()).then(|| given.facts.clone())
}

fn denied(type_name: &str) -> Unread {
    let detail = format!("{type_name} could not be listed");
    Unread { detail, ..Unread::of(Path::default(), UnreadReason::Denied) }
}
