//! The weeks before the demo's recording, so that every page of the console has life: earlier
//! scans, a trail with an attack in it, spend with a jump, what people did, and what they were
//! told.
//! The recorded scan itself is the command's (`commands/demo.rs`). Everything here goes through the
//! functions that the real thing goes through; what happened is content (`content/demo/past/`).

mod logs;
mod money;
mod people;
mod scans;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::{IngestLimits, Job, ingest};
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_model::finding::Scope;
use yagura_respond::channels::Channels;
use yagura_respond::outbox;
use yagura_respond::routes::Router;
use yagura_store::{ResourceFilter, ScanId, Store};

use crate::context::Context;
use crate::detection::choice::DetectionChoice;
use crate::detection::keep::Keeping;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice};
use crate::secrets::Resolver;
use crate::{findings, settings};

/// Who tells people what happened; one holder, since the demo is one process.
const HOLDER: &str = "demo";

/// Where the past is laid, and with what.
pub(crate) struct Ground<'a> {
    /// A context whose data folder is the demo's own.
    pub(crate) context: &'a Context,
    /// The demo's folder.
    pub(crate) folder: &'a Path,
    pub(crate) store: &'a Store,
    pub(crate) content: &'a Arc<Content>,
    pub(crate) controls: &'a [&'a Arc<Control>],
    /// The time of the recording.
    pub(crate) recorded: Timestamp,
}

/// A file of the past.
fn read<T: DeserializeOwned>(name: &str, text: &str) -> anyhow::Result<T> {
    yagura_content::read_yaml(&format!("demo/past/{name}"), text)
        .map_err(|problem| anyhow::anyhow!("{problem}"))
}

/// What a reading of the organization gave: earlier scans are told by how they differ from it.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn now_of(
    store: &Store,
    scan: ScanId,
    start: yagura_store::ScanStart,
    accounts: std::collections::BTreeMap<String, yagura_judge::AccountKnown>,
) -> anyhow::Result<Now> {
    let everything = ResourceFilter::default();
    let resources = store.scan_resources(scan, &everything).try_collect().await?;
    let coverage = store.coverage(scan).await?;
    Ok(Now(scans::Now { resources, coverage, start, accounts }))
}

/// The organization as the recording shows it.
pub(crate) struct Now(scans::Now);

/// Where the reading goes that tells how the organization is now, before its past is laid.
pub(crate) fn scratch(folder: &Path) -> std::path::PathBuf {
    scans::scratch(folder)
}

/// Lays everything that comes before the recorded scan: earlier scans with what people did about
/// them, and what the trail recorded.
///
/// # Errors
/// Where the demo's folder cannot be written or its content is broken.
pub(crate) async fn lay_before(ground: &Ground<'_>, now: &Now) -> anyhow::Result<()> {
    let past = scans::past(&now.0)?;
    let told = Told::of(ground)?;
    for days in &past.scans {
        let at = scans::lay(
            ground.store,
            ground.content,
            ground.controls,
            &now.0,
            &past,
            *days,
            ground.recorded,
        )
        .await?;
        told.tell(ground.store, at).await?;
        people::act(ground.store, at).await?;
    }
    Ok(())
}

/// Lays what is seen beside the scans: the trail and the bill, and tells people what is new.
///
/// # Errors
/// Where the demo's folder cannot be written or its content is broken.
pub(crate) async fn lay_beside(ground: &Ground<'_>) -> anyhow::Result<()> {
    let folder = ground.folder.join("logs");
    logs::write(&folder, ground.recorded)?;
    keep_logs(ground, &folder).await?;
    money::lay(ground.store, Arc::clone(ground.content), ground.recorded).await?;
    Told::of(ground)?.tell(ground.store, ground.recorded).await?;
    people::act(ground.store, ground.recorded).await
}

/// Brings the trail into the demo's lake, judging each record on its way.
async fn keep_logs(ground: &Ground<'_>, folder: &Path) -> anyhow::Result<()> {
    let Ground { context, store, content, recorded, .. } = ground;
    let aws = AwsOptions::default();
    let choice = LakeChoice::default();
    let how = Use { workers: 1, begin: true };
    let lake = lake_place::open(context, content, &choice, &aws, how).await?;
    let recorded = *recorded;
    let clock: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || recorded);
    let choice = DetectionChoice::default();
    let keeping =
        Keeping::begin(context, content, &choice, store.alerts(), Arc::clone(&clock)).await?;
    let keeping = Arc::new(keeping);
    let feed = Folder::new(folder, None).context("the demo's trail cannot be read")?;
    let job = Job {
        feeds: vec![Arc::new(feed)],
        content: Arc::clone(content),
        lake,
        ledger: store.ledger(),
        tap: keeping.clone(),
        limits: IngestLimits { workers: 1, ..IngestLimits::default() },
        clock,
        progress: Arc::new(|_| {}),
        cancel: CancellationToken::new(),
        locks: Some(context.data_folder()?),
    };
    ingest(job).await.context("the demo's trail could not be ingested")?;
    keeping.settle().await?;
    findings::fold_alerts(content, store, recorded).await?;
    Ok(())
}

/// Routes of the demo, whose messages go into a file of its folder.
struct Told {
    router: Router,
    channels: Channels,
}

impl Told {
    fn of(ground: &Ground<'_>) -> anyhow::Result<Self> {
        let site = ground.folder.join("site");
        settings::make_data_folder(&site)?;
        let file = ground.folder.join("messages.jsonl");
        let routes = include_str!("../../../../content/demo/past/routes.yaml")
            .replace("MESSAGES", &file.display().to_string().replace('\'', "''"));
        std::fs::write(site.join("routes.yaml"), routes)
            .with_context(|| format!("could not write into `{}`", site.display()))?;
        let content = Arc::new(Content::load(Some(&site)));
        let secrets = Resolver::new(ground.context, &AwsOptions::default());
        let channels = Channels::new(Arc::clone(&content), Arc::new(secrets), None)?;
        Ok(Self { router: Router::new(content), channels })
    }

    async fn tell(&self, store: &Store, at: Timestamp) -> anyhow::Result<()> {
        self.router.route(store, at).await?;
        outbox::deliver(store, &self.channels, HOLDER, &|| at).await?;
        Ok(())
    }
}

/// Everything in the demo is everybody's.
const ALL: Scope = Scope::All;
