//! Commits that bring no rows: built from the newest state, and built again where another
//! writer was quicker. What they say is up to the caller.

use jiff::Timestamp;

use crate::LakeError;
use crate::lake::Lake;
use crate::manifest::{Commit, CommitId, CommitKind, State, Tried};
use crate::write::{COMMIT_ATTEMPTS_MAX, writer_name};

/// Commits what `build` makes of the newest state; nothing where it makes none.
pub(crate) async fn amend(
    lake: &Lake,
    kind: CommitKind,
    now: Timestamp,
    mut build: impl FnMut(&State) -> Result<Option<Commit>, LakeError>,
) -> Result<Option<CommitId>, LakeError> {
    let writer = writer_name();
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let mut state = lake.state().await?;
        let Some(commit) = build(&state)? else { return Ok(None) };
        let commit = Commit {
            id: state.commit.saturating_add(1),
            kind,
            // A clock that went backwards must not make the history do so.
            time: now.max(state.time),
            writer: writer.clone(),
            ..commit
        };
        match lake.log().put(&commit).await? {
            Tried::Done => {
                std::sync::Arc::make_mut(&mut state).apply(&commit);
                lake.moved_on(state).await;
                return Ok(Some(commit.id));
            }
            Tried::Taken => {}
        }
    }
    Err(LakeError::Contended { attempts: COMMIT_ATTEMPTS_MAX })
}
