//! The scans before the recording: the sample organization as it was then, judged and folded like
//! any scan. What was different then is content (`content/demo/past/scans.yaml`).

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_judge::AccountKnown;
use yagura_model::{Coverage, Resource};
use yagura_store::{ScanOutcome, ScanStart, Store};

use super::read;
use crate::findings;
use crate::river::{self, Judging, Seen};

const SCANS: &str = include_str!("../../../../content/demo/past/scans.yaml");
/// Resources that go to the store together.
const BATCH: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Past {
    /// Days before the recording on which there was a scan, the earliest first.
    pub(super) scans: Vec<i64>,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// It was so until this many days before the recording.
    until: i64,
    #[serde(rename = "type")]
    type_name: String,
    /// The end of the resource's key.
    key: String,
    /// It was not there yet.
    #[serde(default)]
    absent: bool,
    /// Members of its properties that had another value, by path.
    #[serde(default)]
    set: Map<String, Value>,
}

/// The organization as the recording shows it: what earlier scans differ from.
pub(super) struct Now {
    pub(super) resources: Vec<Resource>,
    pub(super) coverage: Vec<Coverage>,
    pub(super) start: ScanStart,
    pub(super) accounts: std::collections::BTreeMap<String, AccountKnown>,
}

/// Reads what was different.
///
/// # Errors
/// Where the content is broken, or names a resource that the recording does not have.
pub(super) fn past(now: &Now) -> anyhow::Result<Past> {
    let past: Past = read("scans.yaml", SCANS)?;
    for change in &past.changes {
        let fits = now.resources.iter().filter(|one| change.fits(one)).count();
        ensure!(fits == 1, "the demo's past names `{}`, which fits {fits} resources", change.key);
    }
    Ok(past)
}

impl Change {
    fn fits(&self, resource: &Resource) -> bool {
        resource.type_name == self.type_name && resource.key.ends_with(&self.key)
    }
}

/// Lays one earlier scan.
///
/// # Errors
/// Where the store cannot be written or a change does not fit its resource.
pub(super) async fn lay(
    store: &Store,
    content: &Arc<Content>,
    controls: &[&Arc<Control>],
    now: &Now,
    past: &Past,
    days: i64,
    recorded: Timestamp,
) -> anyhow::Result<Timestamp> {
    let at = recorded - SignedDuration::from_hours(24 * days);
    let start = ScanStart { started: at, ..now.start.clone() };
    let scan = store.begin_scan(&start).await?;
    let mut resources = Vec::new();
    for resource in &now.resources {
        resources.extend(as_it_was(resource, &past.changes, days)?);
    }
    for batch in resources.chunks(BATCH) {
        store.put_resources(scan, batch).await?;
    }
    store.put_coverage(scan, &now.coverage).await?;
    store.finish_scan(scan, ScanOutcome::Complete, at).await?;
    let judging = Judging {
        content,
        controls,
        now: at,
        accounts: now.accounts.clone(),
        all: false,
        into: Some(scan),
    };
    river::judge(store, Seen::Scan(scan), judging).await?;
    findings::fold_scan(content, store, scan, at).await?;
    Ok(at)
}

/// The resource so many days before the recording; none where it was not there yet.
fn as_it_was(
    resource: &Resource,
    changes: &[Change],
    days: i64,
) -> anyhow::Result<Option<Resource>> {
    let mut was = resource.clone();
    for change in changes.iter().filter(|change| days >= change.until && change.fits(resource)) {
        if change.absent {
            return Ok(None);
        }
        for (path, value) in &change.set {
            put(&mut was.properties, path, value)
                .with_context(|| format!("the demo's past of `{}`", change.key))?;
        }
    }
    Ok(Some(was))
}

/// Sets a member by its path: names with full stops between; null removes it.
fn put(members: &mut Map<String, Value>, path: &str, value: &Value) -> anyhow::Result<()> {
    let Some((first, rest)) = path.split_once('.') else {
        match value {
            Value::Null => {
                members.shift_remove(path);
            }
            value => {
                members.insert(path.to_owned(), value.clone());
            }
        }
        return Ok(());
    };
    let inner = members.entry(first).or_insert_with(|| Value::Object(Map::new()));
    match inner.as_object_mut() {
        Some(inner) => put(inner, rest, value),
        None => bail!("`{first}` has no members"),
    }
}

/// A folder for the reading that tells how the organization is, beside the demo's own.
pub(super) fn scratch(folder: &Path) -> std::path::PathBuf {
    folder.join("reading")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_set_or_removed_by_its_path() {
        let mut members = json!({"a": {"b": 1, "c": 2}}).as_object().unwrap().clone();
        put(&mut members, "a.b", &json!(3)).unwrap();
        put(&mut members, "a.c", &Value::Null).unwrap();
        put(&mut members, "d.e", &json!(true)).unwrap();
        assert_eq!(Value::Object(members.clone()), json!({"a": {"b": 3}, "d": {"e": true}}));
        assert!(put(&mut members, "a.b.c", &json!(1)).is_err());
    }
}
