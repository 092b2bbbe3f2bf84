//! What changed between versions of a resource, as a template lays it out.
//! What is a change is decided in the store.

use serde::Serialize;
use serde_json::Value;
use yagura_store::{Change, Version};

use super::tree::shortened;

/// Changes of one version that are shown.
const CHANGES_MAX: usize = 100;

/// One change.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ChangeView {
    path: String,
    /// `added`, `removed` or `changed`.
    kind: &'static str,
    before: Option<String>,
    after: Option<String>,
}

/// The changes of one step.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Changes {
    shown: Vec<ChangeView>,
    more: usize,
}

/// One version of a resource.
#[derive(Debug, Serialize)]
pub(super) struct VersionView {
    number: i64,
    first_us: i64,
    last_us: i64,
    scan: i64,
    deleted: bool,
    runtime_only: bool,
    /// Whether it is the first one that is known, or the first after a deletion.
    begins: bool,
    changes: Changes,
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => shortened(text),
        Value::Object(_) | Value::Array(_) => {
            shortened(&serde_json::to_string_pretty(value).unwrap_or_default())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn change(change: &Change) -> ChangeView {
    ChangeView {
        path: change.path.to_string(),
        kind: match (&change.before, &change.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        },
        before: change.before.as_ref().map(text_of),
        after: change.after.as_ref().map(text_of),
    }
}

pub(super) fn changes(all: &[Change]) -> Changes {
    Changes {
        shown: all.iter().take(CHANGES_MAX).map(change).collect(),
        more: all.len().saturating_sub(CHANGES_MAX),
    }
}

/// Versions, newest first, each with what differs from the one before.
pub(super) fn versions(all: &[Version]) -> Vec<VersionView> {
    let view = |(at, version): (usize, &Version)| VersionView {
        number: version.number,
        first_us: version.first_seen.as_microsecond(),
        last_us: version.last_seen.as_microsecond(),
        scan: version.first_scan.0,
        deleted: version.deleted,
        runtime_only: version.runtime_only,
        begins: version.changes.is_empty()
            && !version.deleted
            && all.get(at + 1).is_none_or(|before| before.deleted),
        changes: changes(&version.changes),
    };
    all.iter().enumerate().map(view).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_says_what_came_what_went_and_what_became_of_it() {
        let check = |before: Option<Value>, after: Option<Value>, kind: &str| {
            let path = "properties.Rules[0]".parse().unwrap();
            let view = change(&Change { path, before, after });
            assert_eq!((view.kind, &*view.path), (kind, "properties.Rules[0]"));
        };
        check(None, Some(json!({"Id": "a"})), "added");
        check(Some(json!([1])), None, "removed");
        check(Some(json!(null)), Some(json!("x")), "changed");
    }

    #[test]
    fn more_changes_than_are_shown_are_counted() {
        let one = Change { path: "a".parse().unwrap(), before: None, after: Some(json!(1)) };
        let all = changes(&vec![one; CHANGES_MAX + 7]);
        assert_eq!((all.shown.len(), all.more), (CHANGES_MAX, 7));
    }
}
