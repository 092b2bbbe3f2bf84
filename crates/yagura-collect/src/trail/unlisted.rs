//! Files in the folders of logs that no digest lists: additions, or files that still wait for
//! their digest. What the absence from digests means is decided in `yagura_analyze::trail`.

use futures::StreamExt;
use yagura_analyze::trail::{LogName, Reason, Verdict};

use super::group::{Group, start_of};
use super::{ObjectKind, ObjectVerdict, Session};

/// Tells of the files in the folders of logs that no digest lists.
pub(super) async fn run(session: &mut Session, group: &mut Group, kind: &str) {
    let folder = format!("{}{kind}/{}/", group.folder, group.region);
    let archive = session.archive.clone();
    let mut files = archive.files(&folder, start_of(&folder, session.selection.since));
    while let Some(entry) = files.next().await {
        let key = match entry {
            Ok(entry) => entry.key,
            Err(fault) => {
                session.blind(format!("list `{}`", archive.location(&folder)), &fault);
                break;
            }
        };
        if key.ends_with('/') || !group.claim(&key) {
            continue;
        }
        let (verdict, reason) = match LogName::parse(&key) {
            Some(name) if !session.is_selected(name.delivered, name.delivered) => continue,
            Some(name) if kind != "CloudTrail" && !group.kinds.contains(&name.kind) => {
                (Verdict::Pending, Reason::KindNotListed)
            }
            Some(name) => group.coverage.unlisted(name.delivered, session.options.now),
            // CloudTrail writes no such names.
            None => (Verdict::Unlisted, Reason::NotListed),
        };
        let location = archive.location(&key);
        let (kind, detail) = (ObjectKind::Log, String::new());
        let digest = None;
        session.tell(ObjectVerdict { location, kind, verdict, reason, detail, digest }).await;
    }
}
