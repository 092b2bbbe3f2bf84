//! From alerts to people: folding into findings, routing, delivering. Each step asks for the next
//! one where it left something to do.
//! How each works is `yagura-respond`'s; what is told twice is told there not to be.

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use yagura_model::Lang;
use yagura_respond::findings::Fold;
use yagura_respond::outbox;
use yagura_respond::routes::{Routed, Router};
use yagura_store::jobs::Lease;

use super::{Done, said};
use crate::daemon::kind::JobKind;
use crate::daemon::metrics::names;
use crate::daemon::{Daemon, count, ticking};
use crate::findings;

/// Folds the alerts that changed into findings.
pub(super) async fn fold(daemon: &Daemon) -> anyhow::Result<Done> {
    let content = daemon.content().await?;
    let folded = Fold::new(content).fold_alerts(&daemon.store, (daemon.clock)()).await;
    let folded = folded.context("the alerts are kept, but could not be folded into findings")?;
    for (rule, why) in &folded.problems {
        tracing::warn!(code = "finding_rule_failed", rule, why, "a rule could not be applied");
    }
    let changed = folded.opened + folded.reopened + folded.raised + folded.resolved;
    if changed == 0 {
        return Ok(Done::Well(None));
    }
    ticking::ask(daemon, JobKind::Route).await?;
    Ok(said(findings::summary(&folded, Lang::En), findings::summary(&folded, Lang::Ja)))
}

/// Decides who is told of what happened to findings.
pub(super) async fn route(daemon: &Daemon) -> anyhow::Result<Done> {
    let content = daemon.content().await?;
    let routed = Router::new(content).route(&daemon.store, (daemon.clock)()).await;
    let routed = routed.context("what happened to findings could not be routed")?;
    for (route, why) in &routed.problems {
        tracing::warn!(
            code = "route_condition_failed",
            route,
            why,
            "the condition of a route had no result; the route was followed"
        );
    }
    let posted = routed.single + routed.gathered + routed.counted + routed.storms;
    if posted == 0 {
        return Ok(Done::Well(None));
    }
    ticking::ask_delivery(daemon).await?;
    let Routed { single, gathered, counted, storms, .. } = routed;
    Ok(said(
        format!(
            "{single} messages, {gathered} findings gathered, {counted} only counted, {storms} \
             storms"
        ),
        format!(
            "メッセージ {single} 件、まとめて通知 {gathered} 件、件数のみ {counted} 件、\
             大量発生 {storms} 件"
        ),
    ))
}

/// Hands what waits to its channels.
pub(super) async fn deliver(
    daemon: &Daemon,
    lease: &Lease,
    cancel: &CancellationToken,
) -> anyhow::Result<Done> {
    let channels = daemon.channels().await?;
    // The job's lease says that only one process delivers under this name: what the name still
    // holds was taken by a run that was killed or stopped, and must not wait for its leases.
    let holder = format!("deliver#{}", lease.key);
    let released = daemon.store.outbox().release(&holder).await;
    released.context("messages of an earlier run could not be taken over")?;
    let clock = || (daemon.clock)();
    let stopped = || cancel.is_cancelled();
    let delivered =
        outbox::deliver_until(&daemon.store, &channels, &holder, &clock, &stopped).await;
    let delivered = delivered.context("messages could not be delivered")?;
    let outcomes = [
        ("delivered", "配信", delivered.sent),
        ("retried", "再試行待ち", delivered.retried),
        ("dead", "断念", delivered.dead),
        ("skipped", "送信不要", delivered.skipped),
    ];
    let (mut en, mut ja) = (Vec::new(), Vec::new());
    for (outcome, word, number) in outcomes.into_iter().filter(|(_, _, number)| *number > 0) {
        daemon.metrics.add(names::DELIVERIES, &[outcome], count(number));
        en.push(format!("{number} {outcome}"));
        ja.push(format!("{word} {number} 件"));
    }
    if cancel.is_cancelled() {
        return Ok(Done::Stopped);
    }
    match en.is_empty() {
        true => Ok(Done::Well(None)),
        false => Ok(said(en.join(", "), ja.join("、"))),
    }
}
