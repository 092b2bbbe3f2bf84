//! Claims about how much a scan holds at one time, however much there is to read.
//! What it reads is claimed in the sibling files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};

use super::*;
use crate::inventory::engine::RESOURCES_IN_HAND_MAX;

const PAGES: usize = 20;
const PAGE: usize = 500;
/// Each bucket has two detail calls.
const DETAILS: usize = 2;

/// Endless buckets, and a count of what is under way.
#[derive(Default)]
struct Crowd {
    pages: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Caller for Crowd {
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>> {
        async { Err(Failure::local(UnreadReason::Failed, "", "")) }.boxed()
    }

    fn call<'a>(
        &'a self,
        _: &'a Place,
        _: &'a CallName,
        _: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(now, Ordering::Relaxed);
            // An answer never comes at once, so that others get their turn.
            for _ in 0..3 {
                pending_once().await;
            }
            self.now.fetch_sub(1, Ordering::Relaxed);
            Ok(json!({"Status": "Enabled", "Policy": "{}"}))
        }
        .boxed()
    }

    fn pages<'a>(
        &'a self,
        _: &'a Place,
        _: &'a CallName,
        _: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        futures::stream::iter(0..PAGES)
            .then(move |page| async move {
                self.pages.fetch_add(1, Ordering::Relaxed);
                let of = |n: usize| json!({"Name": format!("b{page}-{n}"), "BucketRegion": "r"});
                Ok(json!({"Buckets": (0..PAGE).map(of).collect::<Vec<_>>()}))
            })
            .boxed()
    }

    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

async fn pending_once() {
    let mut asked = false;
    futures::future::poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn no_more_is_in_hand_than_the_limits_say() {
    let content = content_of(&[("s3/bucket.yaml", BUCKET)]);
    let plan = Plan::new(&content, &Wanted::Everything);
    let crowd = Arc::new(Crowd::default());
    let organization = Organization::alone(CALLER, "aws");
    let regions = Regions::default();
    let ground =
        Ground { organization: &organization, regions: &regions, now: Timestamp::UNIX_EPOCH };
    let (sink, mut events) = mpsc::channel(8);
    let caller: Arc<dyn Caller> = Arc::<Crowd>::clone(&crowd);
    let scan = run(caller, &plan, &ground, sink, CancellationToken::new());
    let receive = async {
        let (mut received, mut ahead) = (0, 0);
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Resource(_)) {
                received += 1;
                let fetched = crowd.pages.load(Ordering::Relaxed) * PAGE;
                ahead = ahead.max(fetched - received);
            }
        }
        (received, ahead)
    };
    let (outcome, (received, ahead)) = block_on(async { futures::join!(scan, receive) });
    assert_eq!(outcome.resources, (PAGES * PAGE) as u64);
    assert_eq!(received, PAGES * PAGE);
    let most = crowd.most.load(Ordering::Relaxed);
    assert!(most > 50, "only {most} calls at the same time");
    assert!(most <= RESOURCES_IN_HAND_MAX * DETAILS, "{most} calls at the same time");
    // Two pages are worked on; the third may have come.
    assert!(ahead <= 3 * PAGE, "{ahead} resources fetched ahead of the receiver");
}
