//! How long what is in the database is kept: resolved findings, deliveries, scans, versions.
//! The log lake has rules of its own (`yagura lake expire`); runs of jobs are bounded by number
//! where they are written.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use yagura_model::finding::Scope;
use yagura_store::{Retention, Store};

/// Rows that are taken away in one go, so that no other writer waits for long.
const AT_ONCE: usize = 10_000;

/// What is kept.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    #[arg(long, value_name = "N", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) keep_scans: u32,
    #[arg(long, value_name = "DAYS", default_value = "400", value_parser = days)]
    pub(crate) keep_versions: Days,
    #[arg(long, value_name = "DAYS", default_value = "400", value_parser = days)]
    pub(crate) keep_findings: Days,
    #[arg(long, value_name = "DAYS", default_value = "400", value_parser = days)]
    pub(crate) keep_deliveries: Days,
}

/// A number of days, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(Option<u32>);

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) scans: u64,
    pub(crate) versions: u64,
    pub(crate) findings: u64,
    pub(crate) deliveries: u64,
}

/// Reads `400`, `400d`, `2y` (of 366 days: no year is cut short), `forever`.
fn days(text: &str) -> Result<Days, String> {
    const YEAR_DAYS: u32 = 366;
    // A hundred years; whoever asks for more means for ever.
    const DAYS_MAX: u32 = 100 * YEAR_DAYS;
    let wrong = || "write days (400, 400d), years (2y) or forever".to_owned();
    if text == "forever" {
        return Ok(Days(None));
    }
    let (number, each) = match text.strip_suffix('y') {
        Some(years) => (years, YEAR_DAYS),
        None => (text.strip_suffix('d').unwrap_or(text), 1),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let days = number.checked_mul(each).filter(|days| (1..=DAYS_MAX).contains(days));
    Ok(Days(Some(days.ok_or_else(wrong)?)))
}

impl Days {
    /// The time before which things go; `None` where nothing does.
    pub(crate) fn before(self, now: Timestamp) -> Option<Timestamp> {
        let span = SignedDuration::from_hours(i64::from(self.0?) * 24);
        now.checked_sub(span).ok()
    }
}

/// Takes away what is kept no longer, piece by piece. Stopped halfway, the rest goes next time.
///
/// # Errors
/// Where the database cannot be written.
pub(crate) async fn prune(store: &Store, keep: &Keep, now: Timestamp) -> anyhow::Result<Gone> {
    let mut gone = Gone::default();
    if let Some(before) = keep.keep_findings.before(now) {
        let findings = store.findings(Scope::All);
        loop {
            let n = findings.forget_resolved(before, AT_ONCE).await?;
            gone.findings += n;
            if n < AT_ONCE as u64 {
                break;
            }
        }
    }
    if let Some(before) = keep.keep_deliveries.before(now) {
        let outbox = store.outbox();
        loop {
            let n = outbox.forget(before, AT_ONCE).await?;
            gone.deliveries += n;
            if n == 0 {
                break;
            }
        }
    }
    let versions_since = keep.keep_versions.before(now);
    let scans = usize::try_from(keep.keep_scans)?;
    let pruned = store.prune(&Retention { scans, versions_since }).await?;
    Ok(Gone { scans: pruned.scans, versions: pruned.versions, ..gone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them() {
        let check = |text: &str, read: Option<Option<u32>>| {
            assert_eq!(days(text).ok(), read.map(Days), "{text}");
        };
        check("400", Some(Some(400)));
        check("7d", Some(Some(7)));
        check("2y", Some(Some(732)));
        check("forever", Some(None));
        for text in ["", "0", "-1", "1w", "1.5", "99999999y", "4000000000"] {
            check(text, None);
        }
    }

    #[test]
    fn forever_takes_nothing_away() {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        assert_eq!(Days(None).before(now), None);
        let before = Days(Some(2)).before(now).unwrap();
        assert_eq!(before.to_string(), "2026-11-20T00:00:00Z");
    }
}
