//! The account folders of an archive: where CloudTrail keeps its logs and digests.
//! What is in them is judged in `group`.

use super::{ReadFault, Session, group};

/// How deep below the named place the account folders may lie.
const DEPTH_MAX: usize = 8;
/// Folders listed in search of them.
const LISTINGS_MAX: usize = 20_000;

/// Verifies every account folder below the archive's root.
pub(super) async fn run(session: &mut Session) {
    let root = enclosing(session.archive.root());
    let mut waiting = vec![(root.clone(), 0)];
    let (mut found, mut listings) = (false, 0);
    while let Some((folder, depth)) = waiting.pop() {
        listings += 1;
        if listings > LISTINGS_MAX {
            let fault = ReadFault {
                reason: yagura_model::UnreadReason::Failed,
                detail: format!("more than {LISTINGS_MAX} folders: name a folder further down"),
                too_large: false,
            };
            session.blind(format!("look below `{root}`"), &fault);
            break;
        }
        let folders = match session.archive.folders(&folder).await {
            Ok(folders) => folders,
            Err(fault) => {
                session.blind(list_of(session, &folder), &fault);
                continue;
            }
        };
        let names: Vec<&str> = folders.iter().map(|one| last(one)).collect();
        if names.iter().any(|name| matches!(*name, "CloudTrail" | "CloudTrail-Digest")) {
            found = true;
            account(session, &folder, &folders).await;
        } else if depth < DEPTH_MAX {
            let logs = names.contains(&"AWSLogs");
            let below = folders.iter().filter(|one| !logs || last(one) == "AWSLogs");
            waiting.extend(below.rev().map(|one| (one.clone(), depth + 1)));
        }
    }
    if !found && session.summary.blind.is_empty() {
        let detail = "there is no folder `CloudTrail-Digest` below it: name the place that holds \
                      `AWSLogs`";
        let fault = ReadFault {
            reason: yagura_model::UnreadReason::Failed,
            detail: detail.to_owned(),
            too_large: false,
        };
        let place = session.archive.location(&root);
        session.blind(format!("find digests in `{place}`"), &fault);
    }
}

/// The place itself, or the account folder that it lies in.
fn enclosing(root: &str) -> String {
    let inside = ["/CloudTrail-Digest/", "/CloudTrail/"];
    let cut = inside.iter().filter_map(|mark| root.find(mark)).min();
    let account = cut.and_then(|at| root.get(..=at));
    account.unwrap_or(root).to_owned()
}

fn last(folder: &str) -> &str {
    folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn list_of(session: &Session, folder: &str) -> String {
    format!("list `{}`", session.archive.location(folder))
}

/// Verifies the regions of an account folder.
async fn account(session: &mut Session, folder: &str, folders: &[String]) {
    let id = last(folder);
    let selected = &session.selection.accounts;
    if !selected.is_empty() && !selected.iter().any(|account| account == id) {
        return;
    }
    let mut kinds: Vec<&str> = folders.iter().map(|one| last(one)).collect();
    kinds.retain(|name| name.starts_with("CloudTrail"));
    let mut regions = Vec::new();
    for kind in &kinds {
        let place = format!("{folder}{kind}/");
        match session.archive.folders(&place).await {
            Ok(found) => regions.extend(found.iter().map(|one| last(one).to_owned())),
            Err(fault) => session.blind(list_of(session, &place), &fault),
        }
    }
    regions.sort_unstable();
    regions.dedup();
    for region in regions {
        let selected = &session.selection.regions;
        if selected.is_empty() || selected.contains(&region) {
            group::run(session, folder, &kinds, &region).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_inside_an_account_folder_stands_for_the_folder() {
        let account = "p/AWSLogs/111122223333/";
        for inside in ["CloudTrail-Digest/us-east-1/2026/", "CloudTrail/us-east-1/"] {
            assert_eq!(enclosing(&format!("{account}{inside}")), account);
        }
        for whole in ["", "p/", account] {
            assert_eq!(enclosing(whole), whole);
        }
    }
}
