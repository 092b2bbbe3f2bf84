//! Listing one feed into the queue, no further ahead of the workers than memory allows.
//! What to do with the listed objects is `worker.rs`.

use futures::StreamExt as _;
use yagura_store::ledger::reason;

use super::super::feeds::Scope;
use super::super::pipeline::{Unread, add};
use super::queue::Task;
use super::worker::Shop;

/// Objects that may wait for a worker, some 30 MB of them: the more wait, the better is the order
/// in which they are read.
const WAITING_MAX: usize = 65_536;

/// Lists a feed to its end; answers what could not be listed.
pub(super) async fn list(shop: &Shop, feed: usize) -> Vec<Unread> {
    let mut unlisted = Vec::new();
    let Some(listed) = shop.reading.feeds.get(feed) else { return unlisted };
    let mut pages = listed.list(Scope::Full);
    loop {
        let item = tokio::select! {
            biased;
            () = shop.reading.cancel.cancelled() => return unlisted,
            item = pages.next() => item,
        };
        match item {
            None => return unlisted,
            Some(Ok(page)) => {
                add(&shop.counters.objects_listed, page.len() as u64);
                add(&shop.counters.objects_to_read, page.len() as u64);
                let bytes = page.iter().map(|object| object.size_bytes).sum();
                add(&shop.counters.bytes_to_read, bytes);
                shop.queue.push(page.into_iter().map(|object| Task { feed, object, tries: 0 }));
            }
            Some(Err(error)) => {
                if unlisted.len() < shop.reading.limits.named_max {
                    unlisted.push(Unread {
                        location: listed.name().to_owned(),
                        reason: reason::FAILED.to_owned(),
                        detail: error.chain(),
                    });
                }
            }
        }
        while shop.queue.waiting() > WAITING_MAX && !shop.queue.is_stopped() {
            tokio::select! {
                () = shop.reading.cancel.cancelled() => return unlisted,
                () = shop.queue.moved.notified() => {}
            }
        }
    }
}
