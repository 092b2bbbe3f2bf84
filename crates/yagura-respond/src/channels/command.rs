//! A program of the site: it gets the message as JSON on its standard input. No shell is involved,
//! and nothing of the message is ever an argument.
//! What the program does is its own business; how it ends tells whether it has the message.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use yagura_content::format::{Judged, Span};

use super::{Sent, Settings};

/// How long a program may take where the target says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that a target may say.
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Bytes of what a program says that are kept; the rest is read and dropped, so that it is not
/// stopped by a full pipe.
const OUTPUT_BYTES_MAX: usize = 4 * 1024;
/// "Try again later", as `sysexits.h` of BSD has it; the other codes from 64 to 78 say that trying
/// again does not help.
const TEMPORARY: i32 = 75;

/// Runs the program.
pub(super) async fn send(settings: &Settings, input: &Value) -> Sent {
    let Some(program) = settings.text("program") else {
        return Sent::refused("`program` is missing");
    };
    let timeout = match settings.text("timeout") {
        None => TIMEOUT,
        Some(text) => match Span::read(&text) {
            Some(span) => {
                let micros = u64::try_from(span.micros()).unwrap_or_default();
                Duration::from_micros(micros).min(TIMEOUT_MAX)
            }
            None => return Sent::refused(format!("`{text}` is not a length of time (`30s`)")),
        },
    };
    let mut command = Command::new(&program);
    command
        .args(settings.list("arguments"))
        // What this program's environment holds (credentials) is not the other's.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SystemRoot"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(secret) = settings.text("secret") {
        command.env("YAGURA_SECRET", secret);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Sent::retry(format!("`{program}` cannot be started: {error}")),
    };
    match tokio::time::timeout(timeout, run(child, format!("{input}\n"))).await {
        // Dropping the child has ended it.
        Err(_) => Sent::retry(format!("it was ended after {} seconds", timeout.as_secs())),
        Ok(Err(error)) => Sent::retry(error.to_string()),
        Ok(Ok((code, said))) => judged(code, said),
    }
}

async fn run(mut child: Child, input: String) -> std::io::Result<(Option<i32>, String)> {
    let stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A program that does not care to read to the end is no failure.
            let _ = stdin.write_all(input.as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
    };
    let ((), out, err) = tokio::join!(feed, heard(stdout), heard(stderr));
    let status = child.wait().await?;
    let said = [out, err].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Ok((status.code(), said.join(" ").trim().to_owned()))
}

/// The first bytes of what is said; all of it is read.
async fn heard(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut buffer = [0; 4096];
    while let Ok(count) = pipe.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
        kept.extend(buffer.iter().copied().take(count.min(room)));
    }
    kept
}

fn judged(code: Option<i32>, said: String) -> Sent {
    let judged = match code {
        Some(0) => Judged::Accepted,
        Some(TEMPORARY) | None => Judged::Retry,
        Some(64..=78) => Judged::Refused,
        Some(_) => Judged::Retry,
    };
    let status = code.and_then(|code| u16::try_from(code).ok());
    let said = if code.is_none() { format!("it was ended by a signal {said}") } else { said };
    Sent::new(judged, status, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_program_ends_tells_whether_it_has_the_message() {
        let check = |code: Option<i32>, expected: Judged| {
            assert_eq!(judged(code, String::new()).judged, expected, "{code:?}");
        };
        check(Some(0), Judged::Accepted);
        check(Some(1), Judged::Retry);
        check(Some(75), Judged::Retry);
        check(Some(65), Judged::Refused);
        check(Some(127), Judged::Retry);
        check(None, Judged::Retry);
    }
}
