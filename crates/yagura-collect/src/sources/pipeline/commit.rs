//! Committing a generation and noting it in the ledger; making good what a killed run left.
//! What a commit is, is the lake's knowledge.

use std::collections::HashMap;

use yagura_lake::Ingestion;
use yagura_model::object::LogObject;
use yagura_store::ledger::{Committed, Failure, ObjectId, Reconciled, Settled, Settlement, reason};

use super::listing::forget;
use super::outcome::{Outcome, Quarantined, Unread};
use super::progress::add;
use super::queue::Work;
use super::worker::{Done, Finished, Shop};
use super::{IngestError, Job};

/// Brings the ledger up to date with the lake: a run may have been killed between its commit and
/// the ledger, and the ledger may have been lost.
pub(super) async fn reconcile(job: &Job) -> Result<Reconciled, IngestError> {
    let lake = job.lake.location().url.clone();
    let noted = job.ledger.reconciled_commit(&lake).await.map_err(IngestError::Ledger)?;
    let newest = job.lake.snapshot().await.map_err(IngestError::Lake)?.commit();
    if newest < noted {
        return Err(IngestError::LakeBehindLedger { lake, noted, found: newest });
    }
    let told = job.lake.committed_since(noted).await.map_err(IngestError::Lake)?;
    let committed: Vec<Committed> = told
        .into_iter()
        .map(|told| Committed {
            object: told.receipt.object,
            source: told.receipt.source,
            commit: told.commit,
            rows: told.receipt.rows,
            repeats: told.receipt.repeats,
            bad: told.receipt.quarantined,
            content: None,
        })
        .collect();
    let up_to = committed.iter().map(|committed| committed.commit).max().unwrap_or(0).max(newest);
    let now = (job.clock)();
    job.ledger.reconcile(&lake, &committed, up_to, now).await.map_err(IngestError::Ledger)
}

/// Commits what a generation finished and notes what became of everything it touched.
pub(super) async fn commit(
    shop: &Shop,
    ingestion: Ingestion,
    outcome: &mut Outcome,
) -> Result<(), IngestError> {
    let done = std::mem::take(&mut *shop.done());
    let Done { finished, settlements, failed, dropped: _, fatal, finished_bytes: _ } = done;
    if let Some(error) = fatal {
        // The error that stopped us tells more than one of cleaning up.
        let _ = ingestion.abandon().await;
        return Err(IngestError::Lake(error));
    }
    if !finished.is_empty() {
        // Before the commit: afterwards nobody would read these objects again.
        if let Err(error) = shop.job.tap.before_commit(shop.queue.is_over()).await {
            let _ = ingestion.abandon().await;
            return Err(IngestError::Tap(error));
        }
    }
    let ledger = &shop.job.ledger;
    let contents: Vec<(ObjectId, Vec<u8>)> = finished
        .iter()
        .filter_map(|finished| Some((finished.work.claimed.id, finished.content.clone()?)))
        .collect();
    ledger.note_contents(&contents).await.map_err(IngestError::Ledger)?;
    let mut settled = Vec::new();
    if finished.is_empty() {
        ingestion.abandon().await.map_err(IngestError::Lake)?;
    } else {
        settled = into_lake(shop, ingestion, finished, outcome).await?;
    }
    for (work, settlement) in settlements {
        tally(shop, &work, &settlement, outcome);
        settled.push((work, settlement));
    }
    let notes: Vec<Settlement> = settled.iter().map(|(_, settlement)| settlement.clone()).collect();
    ledger.settle(&notes, (shop.job.clock)()).await.map_err(IngestError::Ledger)?;
    tell_feeds(shop, &settled).await;
    note_failed(shop, failed, outcome).await
}

async fn into_lake(
    shop: &Shop,
    ingestion: Ingestion,
    finished: Vec<Finished>,
    outcome: &mut Outcome,
) -> Result<Vec<(Work, Settlement)>, IngestError> {
    let committed = match ingestion.commit((shop.job.clock)()).await {
        Ok(committed) => committed,
        // Not abandoned: some files may have their final names already, and the writer's note of
        // them, which stays, is how whoever opens the lake next finds and removes them.
        Err(error) => return Err(IngestError::Lake(error)),
    };
    if committed.commit.is_some() {
        add(&shop.counters.commits, 1);
    }
    let receipts: HashMap<String, _> =
        committed.objects.iter().map(|receipt| (receipt.object.identity(), receipt)).collect();
    let mut settled = Vec::with_capacity(finished.len());
    let mut taken = 0;
    for Finished { work, content, first_bad, .. } in finished {
        let receipt = receipts.get(&work.claimed.object.identity());
        let (Some(receipt), Some(commit)) = (receipt, committed.commit) else {
            taken += 1;
            continue;
        };
        let (rows, repeats, bad) = (receipt.rows, receipt.repeats, receipt.quarantined);
        let all_bad = rows == 0 && repeats == 0 && bad > 0;
        *if all_bad { &mut outcome.quarantined } else { &mut outcome.ingested } += 1;
        outcome.rows += rows;
        outcome.repeats += repeats;
        if bad > 0 {
            let location = work.claimed.object.location.clone();
            let reason = first_bad.unwrap_or_else(|| reason::ALL_BAD.to_owned());
            name(
                shop,
                outcome,
                Quarantined { location, reason, detail: String::new(), pieces: bad },
            );
        }
        settled.push((
            Work { tries: 0, ..work.clone() },
            Settlement {
                id: work.claimed.id,
                source: Some(receipt.source.clone()),
                content,
                settled: Settled::Ingested { commit, rows, repeats, bad },
            },
        ));
    }
    if taken > 0 {
        // Another process committed them first; its commit says what they came to.
        outcome.taken += taken;
        reconcile(&shop.job).await?;
    }
    Ok(settled)
}

fn name(shop: &Shop, outcome: &mut Outcome, quarantined: Quarantined) {
    if outcome.quarantines.len() < shop.job.limits.named_max {
        outcome.quarantines.push(quarantined);
    }
}

/// Counts an object that needed no commit.
fn tally(shop: &Shop, work: &Work, settlement: &Settlement, outcome: &mut Outcome) {
    match &settlement.settled {
        Settled::Duplicate { .. } => outcome.duplicate += 1,
        Settled::Quarantined { reason, detail } => {
            outcome.quarantined += 1;
            let (reason, detail) = ((*reason).to_owned(), detail.clone());
            let location = work.claimed.object.location.clone();
            name(shop, outcome, Quarantined { location, reason, detail, pieces: 0 });
        }
        Settled::Ingested { .. } => {}
    }
}

async fn tell_feeds(shop: &Shop, settled: &[(Work, Settlement)]) {
    for (at, feed) in shop.job.feeds.iter().enumerate() {
        let (mut kept, mut quarantined): (Vec<LogObject>, Vec<LogObject>) = Default::default();
        for (work, settlement) in settled.iter().filter(|(work, _)| work.feed == at) {
            let bad = match settlement.settled {
                Settled::Quarantined { .. } => true,
                // Its good part is in the lake; its bad part may be longer than what the
                // quarantine keeps of it.
                Settled::Ingested { bad, .. } => bad > 0,
                Settled::Duplicate { .. } => false,
            };
            let list = if bad { &mut quarantined } else { &mut kept };
            list.push(work.claimed.object.clone());
        }
        forget(feed.as_ref(), &kept, &quarantined).await;
    }
}

/// Notes objects that were tried often enough: they stay pending.
async fn note_failed(
    shop: &Shop,
    failed: Vec<(Work, super::worker::Failed)>,
    outcome: &mut Outcome,
) -> Result<(), IngestError> {
    if failed.is_empty() {
        return Ok(());
    }
    let failures: Vec<Failure> = failed
        .iter()
        .map(|(work, failed)| Failure {
            id: work.claimed.id,
            reason: failed.reason,
            detail: failed.detail.clone(),
        })
        .collect();
    let now = (shop.job.clock)();
    let until = now.saturating_add(shop.job.limits.put_off).unwrap_or(now);
    shop.job.ledger.note_failures(&failures, until).await.map_err(IngestError::Ledger)?;
    outcome.unread_count += failed.len() as u64;
    for (work, failed) in failed {
        if outcome.unread.len() < shop.job.limits.named_max {
            outcome.unread.push(Unread {
                location: work.claimed.object.location.clone(),
                reason: failed.reason.to_owned(),
                detail: failed.detail,
            });
        }
    }
    Ok(())
}
