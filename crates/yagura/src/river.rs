//! The river, once: read the world into the store, judge what is there, say what was found.
//! The stages meet only here and in the store; schedules come with the daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use futures::TryStreamExt;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_aws::ReadClient;
use yagura_collect::{Event, Notice, Outcome, Plan};
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_judge::{AccountKnown, Judge, JudgeOptions, Snapshot, frameworks};
use yagura_model::finding::Scope;
use yagura_model::{
    Coverage, FrameworkScore, Lang, Path, Resource, Unread, UnreadReason, Verdict, VerdictStatus,
};
use yagura_report::{AccountMeta, Catalog, ScanMeta, ScanReport};
use yagura_store::{Account, ResourceFilter, ScanId, ScanOutcome, ScanStart, Store, VerdictFilter};

use crate::notified;
use crate::progress::Bar;
use crate::reach::Ground;

/// Resources and verdicts that go to the store together.
const BATCH: usize = 500;
/// What waits between reading and storing.
const WAITING: usize = 256;

/// What reading the world gave.
pub(crate) struct Read {
    pub(crate) scan: ScanId,
    pub(crate) outcome: Outcome,
    pub(crate) notices: Vec<Notice>,
}

/// Reads everything that the plan asks for into the store.
pub(crate) async fn read(
    client: &ReadClient,
    plan: &Plan<'_>,
    ground: &Ground,
    start: &ScanStart,
    store: &Store,
    bar: &Bar,
) -> anyhow::Result<Read> {
    let scan = store.begin_scan(start).await?;
    let (sink, events) = mpsc::channel(WAITING);
    let place = yagura_collect::Ground {
        organization: &ground.organization,
        regions: &ground.regions,
        now: ground.now,
    };
    let cancel = client.cancel().clone();
    let inventory = yagura_collect::inventory(client, plan, &place, sink, cancel.clone());
    let counts = || client.counts();
    let keeping = keep(store, scan, events, bar, &counts);
    let (outcome, kept) = tokio::join!(inventory, async {
        let kept = keeping.await;
        // Nothing more can be kept: stop asking.
        if kept.is_err() {
            cancel.cancel();
        }
        kept
    });
    bar.done();
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => {
            // The first error is what matters; that the scan failed is noted if that still works.
            let _ = store.finish_scan(scan, ScanOutcome::Failed, ground.now).await;
            return Err(error.context("could not keep what was read"));
        }
    };
    let mut notices = ground.organization.notices.clone();
    notices.extend(ground.regions.notices.iter().cloned());
    notices.extend(kept);
    Ok(Read { scan, outcome, notices })
}

/// Stores what comes, in batches; returns what a person should know.
async fn keep(
    store: &Store,
    scan: ScanId,
    mut events: mpsc::Receiver<Event>,
    bar: &Bar,
    counts: &(dyn Fn() -> yagura_aws::Counts + Sync),
) -> anyhow::Result<Vec<Notice>> {
    let mut resources: Vec<Resource> = Vec::with_capacity(BATCH);
    let mut coverage: Vec<Coverage> = Vec::new();
    let mut notices = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Resource(resource) => resources.push(*resource),
            Event::Coverage(one) => coverage.push(one),
            Event::Notice(notice) => notices.push(notice),
            Event::Progress(progress) => bar.show(progress, counts()),
        }
        // What is said of a listing never comes before its resources.
        let full = coverage.len() >= BATCH;
        if full || resources.len() >= BATCH {
            store.put_resources(scan, &resources).await?;
            resources.clear();
        }
        if full {
            store.put_coverage(scan, &coverage).await?;
            coverage.clear();
        }
    }
    store.put_resources(scan, &resources).await?;
    store.put_coverage(scan, &coverage).await?;
    Ok(notices)
}

/// Ends a scan in the store.
pub(crate) async fn finish(
    store: &Store,
    read: &Read,
    now: Timestamp,
) -> anyhow::Result<yagura_store::Finished> {
    let outcome =
        if read.outcome.interrupted { ScanOutcome::Interrupted } else { ScanOutcome::Complete };
    Ok(store.finish_scan(read.scan, outcome, now).await?)
}

/// Where the resources to judge come from.
#[derive(Clone, Copy)]
pub(crate) enum Seen {
    /// As a scan saw them.
    Scan(ScanId),
    /// As they were known at a time.
    Time(Timestamp),
}

/// What judging gave.
pub(crate) struct Judgement {
    pub(crate) tally: yagura_report::Tally,
    pub(crate) scores: Vec<FrameworkScore>,
    pub(crate) coverage: Vec<Coverage>,
    /// Fails and unknowns; passes and not-applicables too where they were asked for.
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) resources: u64,
}

impl Judgement {
    /// A report of this judgement, without comparison.
    pub(crate) fn report<'a>(
        &'a self,
        scan: ScanMeta,
        catalog: &'a Catalog,
        scores: &'a [FrameworkScore],
        lang: Lang,
    ) -> ScanReport<'a> {
        ScanReport {
            scan,
            catalog,
            scores,
            tally: self.tally.clone(),
            verdicts: &self.verdicts,
            coverage: &self.coverage,
            comparison: None,
            lang,
        }
    }
}

/// How to judge.
pub(crate) struct Judging<'a> {
    pub(crate) content: &'a Content,
    pub(crate) controls: &'a [&'a Arc<Control>],
    pub(crate) now: Timestamp,
    /// What is known of the accounts beyond the store.
    pub(crate) accounts: BTreeMap<String, AccountKnown>,
    /// Keep passes and not-applicables too.
    pub(crate) all: bool,
    /// Write the verdicts to this scan.
    pub(crate) into: Option<ScanId>,
}

/// Judges resources in two passes: first what controls reach from elsewhere is put into memory,
/// then each resource streams by.
pub(crate) async fn judge(
    store: &Store,
    seen: Seen,
    judging: Judging<'_>,
) -> anyhow::Result<Judgement> {
    let options = JudgeOptions {
        now: judging.now,
        controls: judging.controls.iter().map(|control| control.id.clone()).collect(),
        accounts: judging.accounts,
    };
    let judge = Judge::new(judging.content, options);
    let coverage = match seen {
        Seen::Scan(scan) => store.coverage(scan).await?,
        Seen::Time(at) => store.coverage_at(at).await?,
    };
    let mut snapshot = Snapshot::new(judge.needs());
    for one in &coverage {
        snapshot.cover(one);
    }
    let types: Vec<String> = judge.needs().types().map(str::to_owned).collect();
    if !types.is_empty() {
        let filter = ResourceFilter { types, ..ResourceFilter::default() };
        let mut neighbors = resources(store, seen, &filter);
        while let Some(resource) = neighbors.try_next().await? {
            snapshot.add(resource);
        }
    }
    let mut kept = Kept {
        tally: frameworks::Tally::new(judge.controls()),
        report: yagura_report::Tally::default(),
        verdicts: Vec::new(),
        waiting: Vec::with_capacity(BATCH),
        all: judging.all,
    };
    let mut count = 0;
    let mut stream = resources(store, seen, &ResourceFilter::default());
    let mut fresh = Vec::new();
    while let Some(resource) = stream.try_next().await? {
        count += 1;
        judge.judge(&resource, &snapshot, &mut fresh);
        kept.take(&mut fresh);
        kept.flush(store, judging.into, BATCH).await?;
    }
    for one in &coverage {
        fresh.extend(judge.unlisted(one));
        kept.take(&mut fresh);
    }
    kept.flush(store, judging.into, 0).await?;
    let content = notified::attested(judging.content, store, judging.now).await?;
    let scores = frameworks::score_all(&content, &kept.tally, judging.now);
    if let Some(scan) = judging.into {
        store.scores(Scope::All).put(scan, &scores).await?;
    }
    Ok(Judgement {
        tally: kept.report,
        scores,
        coverage,
        verdicts: kept.verdicts,
        resources: count,
    })
}

/// Verdicts on their way: counted, kept for the report, stored.
struct Kept {
    tally: frameworks::Tally,
    report: yagura_report::Tally,
    verdicts: Vec<Verdict>,
    waiting: Vec<Verdict>,
    all: bool,
}

impl Kept {
    fn take(&mut self, fresh: &mut Vec<Verdict>) {
        for verdict in fresh.drain(..) {
            self.tally.add(&verdict);
            self.report.add(&verdict);
            let open = matches!(verdict.status, VerdictStatus::Fail | VerdictStatus::Unknown);
            if open || self.all {
                self.verdicts.push(verdict.clone());
            }
            self.waiting.push(verdict);
        }
    }

    async fn flush(
        &mut self,
        store: &Store,
        into: Option<ScanId>,
        at_least: usize,
    ) -> anyhow::Result<()> {
        if self.waiting.len() > at_least {
            if let Some(scan) = into {
                store.put_verdicts(scan, &self.waiting).await?;
            }
            self.waiting.clear();
        }
        Ok(())
    }
}

fn resources(
    store: &Store,
    seen: Seen,
    filter: &ResourceFilter,
) -> futures::stream::BoxStream<'static, Result<Resource, yagura_store::StoreError>> {
    match seen {
        Seen::Scan(scan) => store.scan_resources(scan, filter),
        Seen::Time(at) => store.resources_at(at, filter),
    }
}

/// What is known of the accounts of an organization that was read.
pub(crate) fn accounts_known(
    organization: &yagura_collect::Organization,
) -> BTreeMap<String, AccountKnown> {
    organization
        .accounts
        .iter()
        .map(|account| {
            let value = json!({
                "id": account.id,
                "name": account.name,
                "ou": account.ou,
                "management": account.management,
            });
            let mut unread = vec![gap("tags", UnreadReason::NotRequested)];
            let unreadable = organization.management.is_none();
            if let Some(left_out) = organization.left_out.as_ref().filter(|_| unreadable) {
                unread.push(gap("management", left_out.reason));
                unread.push(gap("ou", left_out.reason));
            } else if account.ou.is_none() && organization.id.is_some() {
                unread.push(gap("ou", UnreadReason::Failed));
            }
            (account.id.clone(), AccountKnown { value, unread })
        })
        .collect()
}

/// What is known of the accounts of a stored scan. Which one is the management account is told by
/// the resources, where the scan read them.
pub(crate) async fn accounts_stored(
    store: &Store,
    seen: Seen,
    accounts: &[Account],
) -> anyhow::Result<BTreeMap<String, AccountKnown>> {
    const ORGANIZATION: &str = "AWS::Organizations::Organization";
    const ACCOUNT: &str = "Yagura::Account::Account";
    let filter = ResourceFilter {
        types: vec![ORGANIZATION.to_owned(), ACCOUNT.to_owned()],
        ..ResourceFilter::default()
    };
    let mut management: BTreeSet<String> = BTreeSet::new();
    let mut stream = resources(store, seen, &filter);
    while let Some(resource) = stream.try_next().await? {
        let id = match resource.type_name.as_str() {
            ORGANIZATION => resource.runtime.get("ManagementAccountId"),
            _ => resource
                .properties
                .get("Organization")
                .and_then(|organization| organization.get("ManagementAccountId")),
        };
        management.extend(id.and_then(|id| id.as_str()).map(str::to_owned));
    }
    let known = |account: &Account| {
        let mut value = json!({"id": account.id, "name": account.name, "ou": account.ou});
        let mut unread = vec![gap("tags", UnreadReason::NotRequested)];
        if management.is_empty() {
            unread.push(gap("management", UnreadReason::NotRequested));
        } else if let Some(map) = value.as_object_mut() {
            map.insert("management".to_owned(), management.contains(&account.id).into());
        }
        (account.id.clone(), AccountKnown { value, unread })
    };
    Ok(accounts.iter().map(known).collect())
}

fn gap(member: &str, reason: UnreadReason) -> Unread {
    Unread::of(Path::of_keys([member]), reason)
}

/// What a scan of this ground sets out to do.
pub(crate) fn start(ground: &Ground, controls: &[&Arc<Control>], full: bool) -> ScanStart {
    let regions: BTreeSet<&String> = ground.regions.by_account.values().flatten().collect();
    ScanStart {
        started: ground.now,
        accounts: accounts_to_store(&ground.organization),
        regions: regions.into_iter().cloned().collect(),
        controls: controls.iter().map(|control| control.id.clone()).collect(),
        full,
    }
}

/// The accounts of an organization as the store keeps them.
fn accounts_to_store(organization: &yagura_collect::Organization) -> Vec<Account> {
    let account = |account: &yagura_collect::Account| Account {
        id: account.id.clone(),
        name: account.name.clone(),
        ou: account.ou.clone().unwrap_or_default(),
    };
    organization.accounts.iter().map(account).collect()
}

/// What a report says about a scan, from what the store says about it.
pub(crate) fn meta(start: &ScanStart, id: Option<ScanId>, finished: Timestamp) -> ScanMeta {
    ScanMeta {
        id: id.map(|id| id.to_string()).unwrap_or_default(),
        started: start.started,
        finished,
        partial: false,
        demo: false,
        accounts: start
            .accounts
            .iter()
            .map(|account| AccountMeta {
                id: account.id.clone(),
                name: account.name.clone(),
                ou: account.ou.clone(),
            })
            .collect(),
        regions: start.regions.clone(),
        resources: 0,
        calls: 0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The open verdicts of an earlier scan, for a comparison.
pub(crate) async fn open_verdicts(store: &Store, scan: ScanId) -> anyhow::Result<Vec<Verdict>> {
    let stream = store.verdicts(scan, &VerdictFilter::open());
    stream.try_collect().await.context("could not read the verdicts of the earlier scan")
}

/// A token that is cancelled by the first interrupt; the second ends the process.
pub(crate) fn cancel_on_interrupt(say: impl FnOnce() + Send + 'static) -> CancellationToken {
    let cancel = CancellationToken::new();
    let trigger = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            say();
            trigger.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            #[expect(clippy::exit, reason = "the person asked twice")]
            std::process::exit(i32::from(crate::exit::Exit::Interrupted.code()));
        }
    });
    cancel
}
