//! The moto server as an independent peer that speaks AWS's protocols, started for one test.
//! It is installed by `cargo xtask test`; what it implements, and how well, is its own affair.

use std::net::TcpListener;
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
/// Another process may take the free port before moto does.
const START_ATTEMPTS: u32 = 3;

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
        let mut result = Err(MotoError::Silent);
        for _ in 0..START_ATTEMPTS {
            result = Self::start_once(&program).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    async fn start_once(program: &Path) -> Result<Self, MotoError> {
        let port = free_port().map_err(MotoError::Start)?;
        let mut child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            // Otherwise 1,301 public snapshots and images appear in every region.
            .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env_remove("AWS_ENDPOINT_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(MotoError::Start)?;
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if answers(port).await {
                return Ok(Self { port, _child: child });
            }
            if let Ok(Some(status)) = child.try_wait() {
                let what = std::io::Error::other(format!("it ended with {status}"));
                return Err(MotoError::Start(what));
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

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
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
