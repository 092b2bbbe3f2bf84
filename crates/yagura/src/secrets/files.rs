//! Secrets in files: read whole, and only where other users of the machine cannot read them.
//! Files of master keys are checked by the same rule; what is in them is in `key_file`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use yagura_model::secret::{Secret, SecretFault};
use zeroize::Zeroizing;

/// The largest secret: a service account's key file of JSON has some 3 KB.
const BYTES_MAX: u64 = 65_536;

/// The text of a file, without the line break at its end.
pub(super) fn read(path: &Path) -> Result<Secret, SecretFault> {
    let text = text(path)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Err(SecretFault::Empty) } else { Ok(Secret::new(text)) }
}

/// All of a file that only its owner (or a group) can read.
pub(super) fn text(path: &Path) -> Result<Zeroizing<String>, SecretFault> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SecretFault::Absent,
        io::ErrorKind::PermissionDenied => SecretFault::Denied(error.to_string()),
        _ => SecretFault::Failed(error.to_string()),
    };
    let file = File::open(path).map_err(failed)?;
    // Asked of the open file, so that what is checked is what is read.
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(SecretFault::Failed("it is a folder".into()));
    }
    check_mode(path, &metadata)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(SecretFault::Failed(format!("it is larger than {BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| SecretFault::NotText)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A file that everybody can read is refused. One that a group can read is used, with a warning:
/// that is how Kubernetes mounts a secret for a process that is not root.
#[cfg(unix)]
fn check_mode(path: &Path, metadata: &std::fs::Metadata) -> Result<(), SecretFault> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    // Pipes of a shell (`<(…)`) carry no meaningful mode.
    if !metadata.is_file() || mode & 0o077 == 0 {
        return Ok(());
    }
    if mode & 0o027 != 0 {
        return Err(SecretFault::Open { mode });
    }
    let (file, mode) = (path.display().to_string(), format!("{mode:o}"));
    tracing::warn!(code = "secret_file_group_readable", file, mode, "a group can read a secret");
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &std::fs::Metadata) -> Result<(), SecretFault> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn check(content: &[u8], mode: u32) -> Result<String, SecretFault> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        read(&path).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn a_file_is_read_without_the_line_break_at_its_end() {
        assert_eq!(check(b"hunter2\n", 0o600), Ok("hunter2".into()));
        assert_eq!(check(b"hunter2\r\n", 0o400), Ok("hunter2".into()));
        assert_eq!(check(b" a\nb \n\n", 0o600), Ok(" a\nb \n".into()));
    }

    #[test]
    fn a_file_that_others_can_read_or_a_group_can_change_is_refused() {
        for mode in [0o644, 0o604, 0o660, 0o666, 0o602] {
            assert_eq!(check(b"hunter2", mode), Err(SecretFault::Open { mode }), "{mode:o}");
        }
        assert_eq!(check(b"hunter2", 0o440), Ok("hunter2".into()));
    }

    #[test]
    fn what_is_no_secret_is_said() {
        assert_eq!(check(b"\n", 0o600), Err(SecretFault::Empty));
        assert_eq!(check(b"\xff", 0o600), Err(SecretFault::NotText));
        let large = vec![b'a'; 65_537];
        assert!(matches!(check(&large, 0o600), Err(SecretFault::Failed(_))));
        assert_eq!(read(Path::new("/no/such/file")), Err(SecretFault::Absent));
        assert!(matches!(read(Path::new("/")), Err(SecretFault::Failed(_))));
    }
}
