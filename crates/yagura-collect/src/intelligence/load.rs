//! Reads a site's lists for matching: files as they are now, everything else from the shelf.
//! Nothing is fetched from elsewhere here.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use yagura_analyze::intelligence::{AwsRanges, BadEntry, read_aws_ranges, read_list};
use yagura_content::format::{IntelligenceSite, ListSetting};
use yagura_model::indicator::{IndicatorList, ThreatCategory};
use yagura_model::with_causes;

use super::fetch::{Fetcher, ListPlace, Reach};
use super::refresh::options;
use super::shelf::Shelf;
use super::{AWS_RANGES, AWS_RANGES_URL};

/// Copies that are older than this many times their interval are told.
const STALE_TIMES: i32 = 3;

/// What is there to match with.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The lists, in the order of the site's file.
    pub lists: Vec<LoadedList>,
    /// AWS's ranges.
    pub aws_ranges: Option<AwsRanges>,
    /// When they were fetched.
    pub aws_ranges_at: Option<Timestamp>,
    /// What is missing, old or wrong.
    pub troubles: Vec<Trouble>,
}

/// One list.
#[derive(Debug)]
pub struct LoadedList {
    /// The entries.
    pub list: IndicatorList,
    /// The first entries that are not used.
    pub bad: Vec<BadEntry>,
    /// How many are not used.
    pub bad_total: u64,
    /// Whether it has more entries than are taken.
    pub cut: bool,
}

/// Something about a list that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no copy: the list matches nothing.
    Missing {
        /// The list.
        name: String,
        /// Why, where a fetch failed.
        reason: Option<String>,
    },
    /// The copy is old.
    Stale {
        /// The list.
        name: String,
        /// When it was fetched.
        fetched_at: Timestamp,
        /// Why the last fetch failed, if it did.
        reason: Option<String>,
    },
    /// What is there cannot be used.
    Unusable {
        /// The list.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Trouble {
    /// The list's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name, .. } | Self::Stale { name, .. } | Self::Unusable { name, .. } => {
                name
            }
        }
    }
}

/// Reads everything that a site has.
pub fn load(shelf: &Shelf, site: &IntelligenceSite, site_folder: &Path, now: Timestamp) -> Loaded {
    let mut loaded = Loaded::default();
    let ranges = site.aws_ranges.as_ref();
    let from = ranges.map_or(AWS_RANGES_URL, |ranges| ranges.from.as_str());
    let place = ListPlace::of(from, site_folder);
    let limit = ranges.map_or(SignedDuration::from_hours(24), |ranges| {
        SignedDuration::from_micros(ranges.refresh.micros())
    });
    if let Some((bytes, at)) = bytes_of(shelf, AWS_RANGES, &place, limit, now, &mut loaded) {
        match read_aws_ranges(&bytes) {
            Ok(ranges) => (loaded.aws_ranges, loaded.aws_ranges_at) = (Some(ranges), at),
            Err(fault) => loaded
                .troubles
                .push(Trouble::Unusable { name: AWS_RANGES.to_owned(), reason: fault.to_string() }),
        }
    }
    for list in &site.lists {
        if let Some((_, reason)) = list.fault() {
            let name = list.name.value.clone();
            loaded.troubles.push(Trouble::Unusable { name, reason });
            continue;
        }
        let place = ListPlace::of(&list.from, site_folder);
        let limit = SignedDuration::from_micros(list.refresh.micros());
        let found = bytes_of(shelf, &list.name, &place, limit, now, &mut loaded);
        if let Some((bytes, at)) = found {
            take(list, &place, &bytes, at, &mut loaded);
        }
    }
    loaded
}

fn take(
    list: &ListSetting,
    place: &ListPlace,
    bytes: &[u8],
    fetched_at: Option<Timestamp>,
    loaded: &mut Loaded,
) {
    match read_list(bytes, &options(list)) {
        Ok(read) => loaded.lists.push(LoadedList {
            list: IndicatorList {
                name: list.name.value.clone(),
                kind: list.kind,
                category: list.category.unwrap_or(ThreatCategory::Custom),
                source: place.shown(),
                fetched_at,
                licence: list.licence.clone(),
                entries: read.entries,
            },
            bad: read.bad,
            bad_total: read.bad_total,
            cut: read.cut,
        }),
        Err(fault) => loaded
            .troubles
            .push(Trouble::Unusable { name: list.name.value.clone(), reason: fault.to_string() }),
    }
}

/// The newest bytes at hand, and when they were fetched.
fn bytes_of(
    shelf: &Shelf,
    name: &str,
    place: &ListPlace,
    refresh: SignedDuration,
    now: Timestamp,
    loaded: &mut Loaded,
) -> Option<(Vec<u8>, Option<Timestamp>)> {
    let mut reason = None;
    if let ListPlace::File(path) = place {
        match Fetcher::new(Reach::default()).file(path) {
            Ok(bytes) => return Some((bytes, Some(now))),
            Err(error) => reason = Some(with_causes(&error)),
        }
    }
    let name = || name.to_owned();
    match shelf.copy(&name()) {
        // The note of a failure has no copy; a copy of another place is another list.
        Ok(Some(kept)) if kept.note.from == place.shown() => {
            let failure = kept.note.failure.map(|failure| failure.reason);
            let reason = reason.or(failure);
            if let Some(fetched_at) = kept.note.fetched_at {
                let checked = kept.note.checked_at.unwrap_or(fetched_at);
                let old = now.duration_since(checked) > refresh.saturating_mul(STALE_TIMES);
                if old || reason.is_some() {
                    loaded.troubles.push(Trouble::Stale { name: name(), fetched_at, reason });
                }
            }
            Some((kept.bytes, kept.note.fetched_at))
        }
        Ok(_) => {
            let note = shelf.note(&name()).ok().flatten();
            let failure = note.filter(|note| note.from == place.shown());
            let failure = failure.and_then(|note| note.failure).map(|failure| failure.reason);
            let reason = reason.or(failure);
            loaded.troubles.push(Trouble::Missing { name: name(), reason });
            None
        }
        Err(error) => {
            let reason = with_causes(&error);
            loaded.troubles.push(Trouble::Unusable { name: name(), reason });
            None
        }
    }
}
