//! Saved results of CloudTrail Lake queries, proven by the sign file beside them.
//! What the sign file signs is decided in `yagura_analyze::trail`.

use ring::digest::{Context, SHA256};
use yagura_analyze::trail::{Keys, LakeResultFault, SignedResult};

use super::{Archive, ObjectKind, ObjectVerdict, ReadFault, Reason, Verdict};

/// The sign file's name.
pub const SIGN_FILE: &str = "result_sign.json";
const SIGN_FILE_BYTES_MAX: usize = 16 << 20;
const RESULT_FILE_BYTES_MAX: usize = 1 << 30;

/// Why results could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The sign file is not there.
    #[error("`{0}` is not there")]
    Missing(String),
    /// The sign file cannot be read.
    #[error("cannot read `{location}`: {fault}")]
    Read {
        /// The sign file.
        location: String,
        /// Why.
        fault: ReadFault,
    },
    /// The sign file proves nothing.
    #[error("`{location}` proves nothing")]
    Sign {
        /// The sign file.
        location: String,
        /// Why.
        #[source]
        source: LakeResultFault,
    },
}

/// Verifies the result files that the sign file in a folder lists. The hashes are those of the
/// files as they are stored.
///
/// # Errors
/// When the sign file is not there, cannot be read, or proves nothing.
pub async fn verify_results(
    archive: &dyn Archive,
    folder: &str,
    keys: &Keys,
) -> Result<Vec<ObjectVerdict>, ResultsError> {
    let key = format!("{folder}{SIGN_FILE}");
    let sign_location = archive.location(&key);
    let whole = archive.read(&key, SIGN_FILE_BYTES_MAX).await;
    let whole =
        whole.map_err(|fault| ResultsError::Read { location: sign_location.clone(), fault })?;
    let whole = whole.ok_or_else(|| ResultsError::Missing(sign_location.clone()))?;
    let proves_nothing = |source| ResultsError::Sign { location: sign_location.clone(), source };
    let signed = SignedResult::parse(&whole.body).map_err(proves_nothing)?;
    signed.verify(keys).map_err(proves_nothing)?;
    let mut verdicts = Vec::with_capacity(signed.files.len());
    for file in &signed.files {
        let key = format!("{folder}{}", file.file_name);
        let mut detail = String::new();
        let (verdict, reason) = match archive.read(&key, RESULT_FILE_BYTES_MAX).await {
            Ok(Some(whole)) => {
                match hash(&whole.body).eq_ignore_ascii_case(&file.file_hash_value) {
                    true => (Verdict::Verified, Reason::ListedHash),
                    false => (Verdict::HashMismatch, Reason::HashWrong),
                }
            }
            Ok(None) => (Verdict::Missing, Reason::NotThere),
            Err(fault) => {
                detail = fault.detail;
                (Verdict::Pending, Reason::Unread)
            }
        };
        verdicts.push(ObjectVerdict {
            location: archive.location(&key),
            kind: ObjectKind::Log,
            verdict,
            reason,
            detail,
            digest: Some(sign_location.clone()),
        });
    }
    Ok(verdicts)
}

fn hash(body: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(body);
    hex::encode(context.finish())
}
