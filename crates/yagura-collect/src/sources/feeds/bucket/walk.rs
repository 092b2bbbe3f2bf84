//! The folders of a bucket, walked with many listings at once; days that are over are left out
//! where only recent objects are wanted.
//! What the objects are is seen by whoever opens them.

use std::collections::VecDeque;

use futures::stream::{self, BoxStream, SelectAll, Stream, StreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use yagura_aws::{Bucket, CallError, ListedPage, Listing};

use super::super::{FeedError, Page};
use super::{day_before, days, fault, is_log, object};

/// Listings under way at once.
const LISTINGS_MAX: usize = 16;

type Pages = BoxStream<'static, (String, Result<ListedPage, CallError>)>;

/// A walk under way. Only folders that wait are held, never objects.
struct Walk {
    bucket: Bucket,
    after: Option<Date>,
    active: SelectAll<Pages>,
    waiting: VecDeque<String>,
}

/// The objects below a prefix, page by page; with `since`, those of folders that may hold some
/// put after that time. A folder that cannot be listed is an error item, and the walk goes on.
pub(super) fn pages(
    bucket: Bucket,
    prefix: String,
    since: Option<Timestamp>,
) -> impl Stream<Item = Result<Page, FeedError>> + Send {
    let walk = Walk {
        bucket,
        after: since.map(day_before),
        active: SelectAll::new(),
        waiting: VecDeque::from([prefix]),
    };
    stream::unfold(walk, |mut walk| async move {
        let item = walk.next().await?;
        Some((item, walk))
    })
}

impl Walk {
    async fn next(&mut self) -> Option<Result<Page, FeedError>> {
        loop {
            while self.active.len() < LISTINGS_MAX {
                let Some(prefix) = self.waiting.pop_front() else { break };
                let pages = self.listing(prefix);
                self.active.push(pages);
            }
            let (prefix, page) = self.active.next().await?;
            match page {
                Err(error) => {
                    let location = self.bucket.location(&prefix);
                    return Some(Err(fault("list", &location, error)));
                }
                Ok(page) => {
                    self.descend(page.prefixes);
                    let logs = page.objects.into_iter();
                    let logs = logs.filter(|one| is_log(&one.key, one.size_bytes));
                    let page: Page = logs.map(|one| object(&self.bucket, one)).collect();
                    if !page.is_empty() {
                        return Some(Ok(page));
                    }
                }
            }
        }
    }

    fn descend(&mut self, prefixes: Vec<String>) {
        let wanted = prefixes.into_iter().filter(|prefix| {
            !prefix.ends_with("/CloudTrail-Digest/")
                && self.after.is_none_or(|day| !days::ends_before(prefix, day))
        });
        self.waiting.extend(wanted);
    }

    fn listing(&self, prefix: String) -> Pages {
        // Below a region or a year nothing is left out when everything is wanted: whole pages of
        // a thousand keys instead of a listing per day.
        let folders = self.after.is_some() || !is_leafy(&prefix);
        let listing = Listing { prefix: &prefix, folders, after: None };
        let pages = self.bucket.list(listing);
        pages.map(move |page| (prefix.clone(), page)).boxed()
    }
}

/// Whether a folder is a region's or a year's.
fn is_leafy(prefix: &str) -> bool {
    let last = prefix.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = last.split_once('=').map_or(last, |(_, value)| value);
    let parts: Vec<&str> = last.split('-').collect();
    let region = parts.len() >= 3
        && parts.first().is_some_and(|part| part.len() == 2)
        && parts.iter().all(|part| !part.is_empty())
        && parts.last().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    region || days::names_a_year(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_pages_are_listed_below_regions_and_years() {
        for prefix in ["AWSLogs/1/CloudTrail/us-east-1/", "x/us-gov-west-1/", "x/year=2026/"] {
            assert!(is_leafy(prefix), "{prefix}");
        }
        for prefix in ["", "AWSLogs/", "AWSLogs/o-abc123/", "AWSLogs/111122223333/CloudTrail/"] {
            assert!(!is_leafy(prefix), "{prefix}");
        }
    }
}
