//! The moto server as an independent peer that speaks AWS's protocols, started for one test.
//! It is installed by `cargo xtask test`; what it implements, and how well, is its own affair.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// The account that moto gives to every access key it does not know.
pub const MOTO_ACCOUNT: &str = "123456789012";
/// Python starts slowly on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// What it says once it listens; the port follows.
const READY: &str = "Running on http://127.0.0.1:";

/// The running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    _child: Child,
}

/// Why moto does not run.
#[derive(Debug, thiserror::Error)]
pub enum MotoError {
    /// It is not installed.
    #[error("no moto server at `{}`; run `cargo xtask test`, which installs it", .0.display())]
    Missing(PathBuf),
    /// It did not start.
    #[error("the moto server did not start")]
    Start(#[source] std::io::Error),
    /// It ended before it listened.
    #[error("the moto server ended with {status}: {said}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// What it wrote before.
        said: String,
    },
    /// It started but does not answer.
    #[error("the moto server gave no answer within {} s", START_TIMEOUT.as_secs())]
    Silent,
}

/// Where `cargo xtask test` installs moto.
///
/// # Errors
/// [`MotoError::Missing`] with the remedy.
pub fn require_moto() -> Result<PathBuf, MotoError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = root.join("target/venv/bin/moto_server");
    if program.is_file() { Ok(program) } else { Err(MotoError::Missing(program)) }
}

impl Moto {
    /// Starts a server with empty accounts on a free port of 127.0.0.1, and waits until it
    /// answers.
    ///
    /// # Errors
    /// When moto is not installed, does not start or does not answer.
    pub async fn start() -> Result<Self, MotoError> {
        let program = require_moto()?;
        // A file, not a pipe: it notes every request, and nobody reads while the test runs.
        let notes = tempfile::NamedTempFile::new().map_err(MotoError::Start)?;
        let mut child = Command::new(&program)
            // The server takes a free port by itself. One that we had found free would be taken
            // by another test's server at times, and that one's answers for this one's.
            .args(["-H", "127.0.0.1", "-p", "0"])
            // Otherwise 1,301 public snapshots and images appear in every region.
            .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env_remove("AWS_ENDPOINT_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(notes.reopen().map_err(MotoError::Start)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(MotoError::Start)?;
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let ended = child.try_wait().map_err(MotoError::Start)?;
            let said = std::fs::read_to_string(notes.path()).map_err(MotoError::Start)?;
            if let Some(status) = ended {
                return Err(MotoError::Ended { status, said });
            }
            if let Some(port) = port_said(&said)
                && answers(port).await
            {
                return Ok(Self { port, _child: child });
            }
            // A process of another language gives no other sign of being ready.
            sleep(Duration::from_millis(50)).await;
        }
        Err(MotoError::Silent)
    }

    /// The address, for `--endpoint-url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// The port in what the server wrote, once the line is whole.
fn port_said(said: &str) -> Option<u16> {
    let (port, _) = said.split_once(READY)?.1.split_once('\n')?;
    port.trim_end().parse().ok()
}

async fn answers(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = b"GET /moto-api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut status = [0_u8; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(status)
    };
    matches!(ask.await, Ok(status) if status.starts_with(b"HTTP/1.1 200"))
}
