//! The cases of resource files, run through the real mapping: recorded answers in, resources out.
//! Samples of log sources are in `samples.rs`; cases of controls are judge's.

pub(crate) mod answers;
mod compare;
pub mod samples;
#[cfg(test)]
mod samples_tests;
#[cfg(test)]
mod wire_tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_content::Content;
use yagura_content::format::{ResourceCase, ResourceType};
use yagura_model::{Coverage, Resource, UnreadReason};

use crate::caller::Caller;
use crate::cases::answers::Answers;
use crate::inventory::plan::{Plan, Types, Wanted, types_of};
use crate::inventory::{self, Event, Ground, Outcome};
use crate::organization::Organization;
use crate::regions::Regions;

/// The time of every case: nothing in a case may depend on when it runs.
const NOW_S: i64 = 1_795_219_200;

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The resource type.
    pub type_name: String,
    /// The case's name.
    pub case: String,
    /// What is not as expected; empty if the case passed.
    pub problems: Vec<String>,
}

/// Runs the cases of every resource file.
pub fn run(content: &Content) -> Vec<CaseResult> {
    let types = types_of(content);
    types
        .values()
        .flat_map(|definition| {
            definition.cases.iter().map(|case| CaseResult {
                type_name: definition.type_name.value.clone(),
                case: case.name.value.clone(),
                problems: problems_of(definition, case, &types),
            })
        })
        .collect()
}

fn problems_of(definition: &ResourceType, case: &ResourceCase, types: &Types<'_>) -> Vec<String> {
    let answers = Arc::new(Answers::of(case));
    let wanted = [definition.type_name.as_str()];
    let plan = Plan::of_types(types, &Wanted::Types(&wanted));
    let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
    let read = read(caller, &plan, case);
    let of_type = |resource: &&Resource| resource.type_name == definition.type_name.value;
    let found: Vec<Resource> = read.resources.iter().filter(of_type).cloned().collect();
    let mut problems = compare::differences(&case.expect, &found);
    for coverage in &read.coverage {
        if let Some(unread) = coverage.state.unread()
            && unread.reason == UnreadReason::NotRequested
        {
            problems.push(format!("the case does not answer `{}`", unread.call));
        }
    }
    for resource in &found {
        let is_region = |path: &yagura_model::Path| path.to_string() == "region";
        if resource
            .unread
            .iter()
            .any(|unread| is_region(&unread.path) && unread.reason == UnreadReason::NotRequested)
        {
            problems.push(format!("the case does not say where `{}` is", resource.id));
        }
    }
    problems.extend(answers.idle().into_iter().map(|call| format!("nobody asked for `{call}`")));
    problems
}

/// Everything that a scan of a case said.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) resources: Vec<Resource>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) notices: Vec<crate::notice::Notice>,
}

/// Reads what a plan asks for from any caller, in the account and region of a case.
pub(crate) fn read(caller: Arc<dyn Caller>, plan: &Plan<'_>, case: &ResourceCase) -> Seen {
    let account = account_of(case);
    let organization = Organization::alone(account, partition_of(case));
    let region = case.region.as_deref().unwrap_or("us-east-1");
    let by_account = BTreeMap::from([(account.to_owned(), vec![region.to_owned()])]);
    let regions = Regions { by_account, ..Regions::default() };
    let now = Timestamp::from_second(NOW_S).unwrap_or_default();
    let ground = Ground { organization: &organization, regions: &regions, now };
    block_on(collect(caller, plan, &ground, CancellationToken::new())).1
}

pub(crate) fn account_of(case: &ResourceCase) -> &str {
    case.account.as_deref().unwrap_or("111122223333")
}

pub(crate) fn partition_of(case: &ResourceCase) -> &str {
    case.partition.as_deref().unwrap_or("aws")
}

/// Runs a scan and keeps everything it says.
pub(crate) async fn collect(
    caller: Arc<dyn Caller>,
    plan: &Plan<'_>,
    ground: &Ground<'_>,
    cancel: CancellationToken,
) -> (Outcome, Seen) {
    let (sink, mut events) = mpsc::channel(16);
    let receive = async {
        let mut seen = Seen::default();
        while let Some(event) = events.recv().await {
            match event {
                Event::Resource(resource) => seen.resources.push(*resource),
                Event::Coverage(coverage) => seen.coverage.push(coverage),
                Event::Notice(notice) => seen.notices.push(notice),
                Event::Progress(_) => {}
            }
        }
        seen
    };
    let scan = inventory::run(caller, plan, ground, sink, cancel);
    futures::join!(scan, receive)
}
