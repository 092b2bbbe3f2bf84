//! The inventory: every resource of the accounts and regions of a scan, streamed to a sink.
//! What to read is decided in `plan`; who and where, in `organization` and `regions`.

mod assemble;
mod bindings;
pub(crate) mod call;
pub(crate) mod engine;
mod lookup;
pub(crate) mod mapping;
mod needs;
mod part;
pub(crate) mod plan;
mod shared;
mod tally;
#[cfg(test)]
mod tests;
mod type_plan;

pub(crate) use shared::lock;

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_content::format::ListScope;
use yagura_model::{
    Coverage, CoverageState, GLOBAL_REGION, OTHER_ACCOUNTS, Path, Resource, Unread,
};

use crate::caller::{CallName, Caller, Failure, Interruptible, Place};
use crate::inventory::bindings::Setting;
use crate::inventory::engine::Engine;
use crate::inventory::part::Part;
use crate::inventory::plan::{Plan, TypeIndex};
use crate::notice::{Notice, NoticeKind};
use crate::organization::Organization;
use crate::regions::Regions;

/// How many accounts' regions are read at the same time. The client bounds the calls; this bounds
/// what is held for them.
const PARTS_AT_ONCE: usize = 32;

/// Something that a scan has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A resource, whole, or with its unread parts named.
    Resource(Box<Resource>),
    /// How far the listing of a type in an account and region went; after its resources.
    Coverage(Coverage),
    /// Something a person should know.
    Notice(Notice),
    /// How far the scan is.
    Progress(Progress),
}

/// How far a scan is. A part is one account's region, one account's global types, or the
/// organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Parts done.
    pub parts: u64,
    /// Parts altogether.
    pub parts_all: u64,
    /// Resources read.
    pub resources: u64,
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Resources read.
    pub resources: u64,
    /// Resources and listings with parts that should have been readable and were not (what AWS
    /// does not offer and what nobody asked for does not count).
    pub blind: u64,
    /// Whether it was interrupted; what was read is kept.
    pub interrupted: bool,
}

/// Where and when a scan reads.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// Which accounts.
    pub organization: &'a Organization,
    /// Which regions; needed only where [`Plan::needs_regions`].
    pub regions: &'a Regions,
    /// The time of the scan.
    pub now: Timestamp,
}

/// Reads everything that the plan asks for.
pub(crate) async fn run(
    caller: Arc<dyn Caller>,
    plan: &Plan<'_>,
    ground: &Ground<'_>,
    sink: mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Outcome {
    let caller = Arc::new(Interruptible { inner: caller, cancel: cancel.clone() });
    let engine = Engine::new(plan, caller, sink, cancel);
    say_left_out(&engine, ground).await;
    let mut accounts = ground.organization.accounts.iter();
    let mut running: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
    let mut waiting: Vec<(Setting, Place, ListScope)> = Vec::new();
    let mut entering: FuturesUnordered<BoxFuture<'_, Vec<(Setting, Place, ListScope)>>> = accounts
        .by_ref()
        .take(PARTS_AT_ONCE)
        .map(|account| enter_boxed(&engine, ground, &account.id))
        .collect();
    loop {
        while running.len() < PARTS_AT_ONCE
            && let Some((setting, place, scope)) = waiting.pop()
        {
            running.push(Box::pin(read_part(&engine, setting, place, scope)));
        }
        tokio::select! {
            Some(parts) = entering.next() => {
                waiting.extend(parts.into_iter().rev());
                if let Some(account) = accounts.next() {
                    entering.push(enter_boxed(&engine, ground, &account.id));
                }
            }
            Some(()) = running.next() => {}
            else => break,
        }
    }
    let so_far = engine.so_far();
    Outcome {
        resources: so_far.resources,
        blind: engine.blind(),
        interrupted: engine.is_interrupted(),
    }
}

/// Says what this scan does not read of the regions and accounts that there are, so that nobody
/// takes what is there for absent. One word per account and type, however many regions.
async fn say_left_out(engine: &Engine<'_>, ground: &Ground<'_>) {
    let plan = engine.plan;
    for (account, unread) in &ground.regions.left_out {
        for index in plan.types_in(ListScope::Region) {
            engine.say_coverage(left_out(plan, *index, account, unread)).await;
        }
    }
    if let Some(unread) = &ground.organization.left_out {
        let indices = [ListScope::Account, ListScope::Region].map(|scope| plan.types_in(scope));
        for index in indices.concat() {
            engine.say_coverage(left_out(plan, index, OTHER_ACCOUNTS, unread)).await;
        }
    }
}

fn left_out(plan: &Plan<'_>, index: TypeIndex, account: &str, unread: &Unread) -> Coverage {
    Coverage {
        account: account.to_owned(),
        region: GLOBAL_REGION.to_owned(),
        type_name: plan.at(index).name().to_owned(),
        state: CoverageState::Unread(unread.clone()),
        count: 0,
    }
}

fn enter_boxed<'a>(
    engine: &'a Engine<'a>,
    ground: &'a Ground<'a>,
    account: &'a str,
) -> BoxFuture<'a, Vec<(Setting, Place, ListScope)>> {
    Box::pin(enter(engine, ground, account))
}

/// The parts of one account. Where nothing in the account can be read, that is said once, and
/// nothing further is asked there; the organization is then read in the caller's account.
async fn enter(
    engine: &Engine<'_>,
    ground: &Ground<'_>,
    account: &str,
) -> Vec<(Setting, Place, ListScope)> {
    let parts = parts_of(engine.plan, ground, account);
    engine.progress(u64::try_from(parts.len()).unwrap_or_default(), 0).await;
    if parts.is_empty() || account == ground.organization.caller {
        return parts;
    }
    let home = ground.organization.home_region().to_owned();
    let place = Place { account: account.to_owned(), region: home };
    let whoami = CallName::new("sts", "GetCallerIdentity");
    match engine.call(&place, &whoami, &json!({})).await {
        Ok(_) => parts,
        Err(failure) => {
            if !engine.is_interrupted() {
                let unread = Unread::clone(&failure.unread);
                engine.notice(account, "", NoticeKind::Account, unread).await;
            }
            let mut left = Vec::new();
            for (mut setting, mut place, scope) in parts {
                // A delegated administrator reads the organization too.
                if scope == ListScope::Organization && !engine.is_interrupted() {
                    setting.account.clone_from(&ground.organization.caller);
                    place.account.clone_from(&ground.organization.caller);
                    left.push((setting, place, scope));
                } else {
                    give_up(engine, &setting, scope, &failure).await;
                }
            }
            left
        }
    }
}

fn parts_of(
    plan: &Plan<'_>,
    ground: &Ground<'_>,
    account: &str,
) -> Vec<(Setting, Place, ListScope)> {
    let organization = ground.organization;
    let part = |call_region: &str, region: &str, scope| {
        let setting = Setting {
            account: account.to_owned(),
            region: region.to_owned(),
            partition: organization.partition.clone(),
            now: ground.now,
        };
        let place = Place { account: account.to_owned(), region: call_region.to_owned() };
        (setting, place, scope)
    };
    let home = organization.home_region();
    let mut parts = Vec::new();
    if plan.has(ListScope::Organization) && account == organization.reader() {
        parts.push(part(home, GLOBAL_REGION, ListScope::Organization));
    }
    if plan.has(ListScope::Account) {
        parts.push(part(home, GLOBAL_REGION, ListScope::Account));
    }
    if plan.has(ListScope::Region) {
        for region in ground.regions.by_account.get(account).into_iter().flatten() {
            parts.push(part(region, region, ListScope::Region));
        }
    }
    parts
}

async fn read_part(engine: &Engine<'_>, setting: Setting, place: Place, scope: ListScope) {
    let part = Part::new(engine, place, setting);
    part.run(engine.plan.feeds(scope)).await;
    part.cover(engine.plan.types_in(scope)).await;
    engine.progress(0, 1).await;
}

/// Says that nothing of a part could be listed.
async fn give_up(engine: &Engine<'_>, setting: &Setting, scope: ListScope, failure: &Failure) {
    for index in engine.plan.types_in(scope) {
        let unread = failure.at(Path::default(), "");
        engine
            .say_coverage(Coverage {
                account: setting.account.clone(),
                region: setting.region.clone(),
                type_name: engine.plan.at(*index).name().to_owned(),
                state: CoverageState::Unread(unread),
                count: 0,
            })
            .await;
    }
    engine.progress(0, 1).await;
}
