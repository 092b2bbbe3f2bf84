//! What is read from AWS and told to it on schedule, beside scans: findings of other products, the
//! bill, and our findings for Security Hub.
//! The stages are wired in `crate::importing` and `crate::spending`.

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;
use yagura_collect::Extent;
use yagura_collect::imports::{PlaceState, Product};
use yagura_model::UnreadReason;
use yagura_report::grouped;
use yagura_respond::push::security_hub::CALLS;
use yagura_store::findings::FindingFilter;

use super::{Done, said};
use crate::daemon::kind::JobKind;
use crate::daemon::{Daemon, ticking};
use crate::importing::{self, FromAws};
use crate::{reach, spending};

/// Reads findings of other products.
pub(super) async fn import(daemon: &Daemon, cancel: &CancellationToken) -> anyhow::Result<Done> {
    let options = &daemon.options;
    let content = daemon.content().await?;
    let client = reach::client(&options.aws, cancel.clone()).await?;
    let organization = yagura_collect::organization(&client, Extent::Everything).await;
    let mut organization = organization.map_err(reach::explained)?;
    organization.select(&options.reach.accounts).map_err(reach::explained)?;
    let regions = yagura_collect::regions(&client, &organization, &options.reach.regions).await;
    let regions = regions.map_err(reach::explained)?;
    let from = FromAws {
        organization: &organization,
        regions: &regions,
        products: &Product::ALL,
        whole: false,
    };
    let now = (daemon.clock)();
    let imported = importing::from_aws(&content, &daemon.store, &client, &from, now).await?;
    ticking::ask(daemon, JobKind::Route).await?;
    if imported.interrupted {
        return Ok(Done::Stopped);
    }
    let unread = imported.places.iter().filter(|one| matches!(one.state, PlaceState::Unread(_)));
    let (unread, places) = (unread.count(), imported.places.len());
    let findings: u64 = imported.places.iter().map(|place| place.findings).sum();
    let (findings, bad) = (grouped(findings), imported.bad.len());
    Ok(said(
        format!(
            "{findings} findings of {places} places; {unread} places could not be read, {bad} \
             findings were bad"
        ),
        format!(
            "{places} か所から {findings} 件を取り込みました。読み取れない場所 {unread} か所、\
             不正な検出結果 {bad} 件"
        ),
    ))
}

/// Tells Security Hub what changed.
pub(super) async fn push(daemon: &Daemon, cancel: &CancellationToken) -> anyhow::Result<Done> {
    let content = daemon.content().await?;
    let aws = reach::aws(&daemon.options.aws).await?;
    // Whose credentials these are is found out before anything is told.
    reach::home(&aws).await?;
    let client = aws.write(CALLS, cancel.clone());
    let filter = FindingFilter::default();
    let (lang, now) = (daemon.context.lang, (daemon.clock)());
    let store = &daemon.store;
    let pushed =
        importing::to_security_hub(&content, store, Some(&client), &filter, lang, now).await?;
    if pushed.interrupted {
        return Ok(Done::Stopped);
    }
    if pushed.unreached > 0 {
        let why = pushed.places.first().map(|place| place.reason.to_string()).unwrap_or_default();
        bail!("{} findings could not be told to Security Hub: {why}", pushed.unreached);
    }
    let (told, over) = (pushed.told, pushed.archived);
    let (same, refused) = (pushed.unchanged, pushed.refused);
    Ok(said(
        format!("{told} told ({over} as over), {same} unchanged, {refused} refused"),
        format!("送信 {told} 件（うち解決済み {over} 件）、変更なし {same} 件、拒否 {refused} 件"),
    ))
}

/// Reads the bill and judges it.
pub(super) async fn spend(daemon: &Daemon, cancel: &CancellationToken) -> anyhow::Result<Done> {
    let content = daemon.content().await?;
    let client = reach::client(&daemon.options.aws, cancel.clone()).await?;
    let now = (daemon.clock)();
    let refreshed = spending::refresh(&daemon.store, &client, content, None, now).await;
    if cancel.is_cancelled() {
        return Ok(Done::Stopped);
    }
    let mut refreshed = refreshed?;
    for place in &daemon.options.spend_reports {
        let content = daemon.content().await?;
        let aws = &daemon.options.aws;
        let read = spending::take_place(&daemon.store, place, aws, content, cancel, now).await;
        if cancel.is_cancelled() {
            return Ok(Done::Stopped);
        }
        let read = read.with_context(|| format!("the bill in `{place}` could not be read"))?;
        refreshed.read = read.read.or(refreshed.read);
        refreshed.jumps = read.jumps;
    }
    ticking::ask(daemon, JobKind::Route).await?;
    let Some((source, figures)) = refreshed.read else {
        let why = refreshed.unread.iter().find(|one| one.reason != UnreadReason::Unsupported);
        let why = why.map(|one| format!("{}: {}", one.call, one.reason.as_str()));
        bail!("nothing of the bill could be read ({})", why.unwrap_or_default());
    };
    let (figures, source) = (grouped(figures), source.as_str());
    let (budgets, jumps) = (refreshed.budgets, refreshed.jumps.len());
    Ok(said(
        format!("{figures} figures from {source}, {budgets} budgets, {jumps} unusual days"),
        format!("{source} から金額 {figures} 件、予算 {budgets} 件、通常と異なる日 {jumps} 件"),
    ))
}
