//! The lock of ids: a content id, once published, is a promise; it may be added, never removed.
//! What a removed control becomes (deprecated, replaced) is the content format's business.

use std::collections::BTreeSet;

use super::{Tree, golden};

const LOCK: &str = "content/ids.lock";

/// Folders of `content/` whose files are content with an id.
const KINDS: [&str; 4] = ["controls", "frameworks", "resources", "themes"];

pub(super) fn lock(tree: &Tree, fix: bool) -> anyhow::Result<Vec<String>> {
    let found: BTreeSet<String> = tree
        .files
        .iter()
        .filter_map(|path| path.as_str().strip_prefix("content/"))
        .filter_map(|path| path.strip_suffix(".yaml"))
        .filter(|path| KINDS.contains(&path.split('/').next().unwrap_or_default()))
        .map(|path| path.replacen('/', " ", 1).replace('/', "."))
        .collect();
    let locked: BTreeSet<String> = tree
        .text(LOCK.into())
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let gone: Vec<String> = locked
        .difference(&found)
        .map(|id| format!("`{id}` is locked but its file is gone; ids are promises"))
        .collect();
    if !gone.is_empty() {
        return Ok(gone);
    }
    let mut text = String::from("# Published content ids. Lines are added, never removed.\n");
    for id in &found {
        text.push_str(id);
        text.push('\n');
    }
    golden(tree, LOCK, &text, fix)
}
