//! Refreshing: which lists are due, and whether what was fetched may take the place of the copy.
//! How bytes are fetched is in `fetch.rs`, how they are kept in `shelf.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use yagura_analyze::intelligence::{ListOptions, ListRead, read_aws_ranges, read_list};
use yagura_content::format::{IntelligenceSite, ListSetting, Span};
use yagura_model::with_causes;

use super::fetch::{Fetched, Fetcher, ListPlace};
use super::shelf::{Failure, KeptNote, Shelf};
use super::{AWS_RANGES, AWS_RANGES_URL};

/// What must be declared to fetch lists from buckets.
pub const LIST_CALLS: [&str; 1] = ["s3:GetObject"];
/// Lists that are fetched at once.
const AT_ONCE: usize = 4;

/// What became of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The list's name; of AWS's ranges [`AWS_RANGES`].
    pub name: String,
    /// Where it comes from, as people see it.
    pub from: String,
    /// What became of it.
    pub state: RefreshState,
    /// When the copy that is there was fetched.
    pub fetched_at: Option<Timestamp>,
}

/// What became of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshState {
    /// The copy is young enough; nothing was asked.
    Fresh,
    /// The copy is still the newest.
    Unchanged,
    /// A new copy is there.
    Replaced {
        /// Its entries.
        entries: usize,
        /// Lines that are not used.
        bad: u64,
        /// Whether it has more entries than are taken of one list.
        cut: bool,
    },
    /// There is no new copy. An older one stays.
    Failed {
        /// Why.
        reason: String,
    },
}

/// One thing to fetch.
struct Wanted<'s> {
    name: &'s str,
    place: ListPlace,
    headers: Result<Vec<(String, String)>, String>,
    refresh: Span,
    /// None of AWS's ranges.
    list: Option<&'s ListSetting>,
}

/// What is asked of a refresh.
#[derive(Clone, Debug)]
pub struct RefreshAsked<'a> {
    /// These lists alone; all if empty.
    pub names: &'a [String],
    /// Even where the copy is young.
    pub force: bool,
    /// The time.
    pub now: Timestamp,
    /// The values of header fields, by the names of variables that the setting has.
    pub environment: &'a BTreeMap<String, String>,
}

/// Fetches what is due of a site's lists.
pub async fn refresh(
    shelf: &Shelf,
    site: &IntelligenceSite,
    site_folder: &Path,
    asked: &RefreshAsked<'_>,
    fetcher: &Fetcher,
) -> Vec<Refreshed> {
    let wanted = wanted(site, site_folder, asked.environment);
    let wanted = wanted
        .into_iter()
        .filter(|one| asked.names.is_empty() || asked.names.iter().any(|name| name == one.name));
    let work = wanted.map(|one| async move { refresh_one(shelf, &one, asked, fetcher).await });
    futures::stream::iter(work).buffered(AT_ONCE).collect().await
}

fn wanted<'s>(
    site: &'s IntelligenceSite,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> Vec<Wanted<'s>> {
    let ranges = site.aws_ranges.as_ref();
    let from = ranges.map_or(AWS_RANGES_URL, |ranges| ranges.from.as_str());
    let mut all = vec![Wanted {
        name: AWS_RANGES,
        place: ListPlace::of(from, folder),
        headers: Ok(Vec::new()),
        refresh: ranges.map_or(Span::days(1), |ranges| ranges.refresh),
        list: None,
    }];
    all.extend(site.lists.iter().map(|list| Wanted {
        name: list.name.as_str(),
        place: ListPlace::of(&list.from, folder),
        headers: headers(list, environment),
        refresh: list.refresh,
        list: Some(list),
    }));
    all
}

fn headers(
    list: &ListSetting,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, String> {
    let value = |(name, variable): (&String, &yagura_content::Placed<String>)| {
        let value = environment.get(variable.as_str());
        let missing = || format!("the environment variable `{variable}` is not set");
        Ok((name.clone(), value.ok_or_else(missing)?.clone()))
    };
    list.headers.iter().map(value).collect()
}

async fn refresh_one(
    shelf: &Shelf,
    wanted: &Wanted<'_>,
    asked: &RefreshAsked<'_>,
    fetcher: &Fetcher,
) -> Refreshed {
    let now = asked.now;
    let from = wanted.place.shown();
    let outcome = |state, note: Option<&KeptNote>| Refreshed {
        name: wanted.name.to_owned(),
        from: from.clone(),
        state,
        fetched_at: note.and_then(|note| note.fetched_at),
    };
    // A copy that is damaged, or of another place, is as good as none.
    let kept = shelf.copy(wanted.name).ok().flatten().map(|kept| kept.note);
    let kept = kept.filter(|note| note.from == from);
    if !asked.force && kept.as_ref().is_some_and(|note| is_young(note, wanted.refresh, now)) {
        return outcome(RefreshState::Fresh, kept.as_ref());
    }
    match replace(shelf, wanted, kept.as_ref(), &from, now, fetcher).await {
        Ok(state) => {
            let note = shelf.note(wanted.name).ok().flatten();
            outcome(state, note.as_ref())
        }
        Err(reason) => {
            let mut note = kept.clone().unwrap_or_else(|| KeptNote::new(&from));
            note.failure = Some(Failure { at: now, reason: reason.clone() });
            // What stays of an older place stays readable: only the note of the same place is
            // replaced. A note that cannot be written is told by the failure itself.
            let other = shelf.note(wanted.name).ok().flatten().filter(|note| note.from != from);
            if other.is_none() {
                let _ = shelf.put_note(wanted.name, &note);
            }
            outcome(RefreshState::Failed { reason }, kept.as_ref())
        }
    }
}

fn is_young(note: &KeptNote, refresh: Span, now: Timestamp) -> bool {
    let Some(checked) = note.checked_at.filter(|_| note.sha256.is_some()) else { return false };
    let age = now.duration_since(checked);
    // A time that lies ahead comes of a clock that was wrong.
    age >= SignedDuration::ZERO && age < SignedDuration::from_micros(refresh.micros())
}

async fn replace(
    shelf: &Shelf,
    wanted: &Wanted<'_>,
    kept: Option<&KeptNote>,
    from: &str,
    now: Timestamp,
    fetcher: &Fetcher,
) -> Result<RefreshState, String> {
    let headers = wanted.headers.as_ref().map_err(Clone::clone)?;
    let fetched = fetcher.fetch(&wanted.place, headers, kept).await;
    let fetched = fetched.map_err(|error| with_causes(&error))?;
    let (bytes, etag, modified) = match (fetched, kept) {
        (Fetched::Bytes { bytes, etag, modified }, _) => (bytes, etag, modified),
        (Fetched::Unchanged, Some(kept)) => {
            let note = KeptNote { checked_at: Some(now), failure: None, ..kept.clone() };
            shelf.put_note(wanted.name, &note).map_err(|error| with_causes(&error))?;
            return Ok(RefreshState::Unchanged);
        }
        (Fetched::Unchanged, None) => {
            return Err("the server says that nothing has changed, but there is no copy".into());
        }
    };
    let state = looked_at(wanted, &bytes)?;
    let note = KeptNote {
        fetched_at: Some(now),
        checked_at: Some(now),
        etag,
        modified,
        ..KeptNote::new(from)
    };
    shelf.put(wanted.name, note, &bytes).map_err(|error| with_causes(&error))?;
    Ok(state)
}

/// Whether the bytes are a list of the format. A page of an error that comes with a status of
/// success must not take the place of a list.
fn looked_at(wanted: &Wanted<'_>, bytes: &[u8]) -> Result<RefreshState, String> {
    let Some(list) = wanted.list else {
        let ranges = read_aws_ranges(bytes).map_err(|fault| fault.to_string())?;
        let (entries, bad) = (ranges.ranges.len(), ranges.bad_total);
        return Ok(RefreshState::Replaced { entries, bad, cut: false });
    };
    let read = read_list(bytes, &options(list)).map_err(|fault| fault.to_string())?;
    let entries = read.entries.len();
    if read.bad_total > entries as u64 {
        return Err(not_a_list(&read));
    }
    Ok(RefreshState::Replaced { entries, bad: read.bad_total, cut: read.cut })
}

fn not_a_list(read: &ListRead) -> String {
    let (bad, entries) = (read.bad_total, read.entries.len());
    let first = read.bad.first();
    let first = first.map_or_else(String::new, |bad| format!(" (`{}`: {})", bad.text, bad.fault));
    format!("{bad} entries cannot be used and only {entries} can{first}: not taken for a list")
}

/// How a list of a site is read.
pub(super) fn options(list: &ListSetting) -> ListOptions {
    ListOptions {
        format: list.format,
        csv: list.csv.clone().unwrap_or_default(),
        exact_domains: list.exact_domains,
    }
}
