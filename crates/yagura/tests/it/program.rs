//! Runs the real binary as a person would, in a home of its own and cut off from everything else.
//! What is claimed about its answers is in the other modules.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::ACCESS_KEY;

/// A run that takes longer is stuck: the machine may be slow, but not this slow.
const RUN_MAX: Duration = Duration::from_secs(240);

/// A person's home folder with Yagura's data in it.
pub(crate) struct Home {
    folder: TempDir,
    endpoint: Option<String>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// A home from where nothing of AWS can be reached.
    pub(crate) fn offline() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), endpoint: None }
    }

    /// A home whose AWS is the server at this address.
    pub(crate) fn before(url: &str) -> Self {
        Self { endpoint: Some(url.to_owned()), ..Self::offline() }
    }

    /// Where a file of this name is, or would be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders it needs.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The binary with these arguments; nothing of the tester's own environment reaches it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("YAGURA_DATA_DIR", self.data())
            .env("COLUMNS", "100")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "us-east-1")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(url) = &self.endpoint {
            command
                .env("YAGURA_ENDPOINT_URL", url)
                .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
                .env("AWS_SECRET_ACCESS_KEY", "secret");
        }
        command
    }

    /// Runs the binary to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let child = self.command(arguments).spawn().unwrap();
        ended(child).await
    }

    /// Runs a scan of one region as JSON lines, and reads what it judged.
    pub(crate) async fn scan(&self, arguments: &[&str]) -> Scanned {
        let all = ["scan", "--regions", "us-east-1", "--format", "json", "--all"];
        Scanned::of(self.run(&[&all, arguments].concat()).await)
    }

    /// The text without what differs from run to run: the home folder, the version.
    pub(crate) fn steady(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "HOME")
    }
}

/// Waits for the end of a run.
pub(crate) async fn ended(child: Child) -> Ran {
    let output = tokio::time::timeout(RUN_MAX, child.wait_with_output()).await;
    Ran::of(output.expect("the run is stuck").unwrap())
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            // A signal has no status; the shell would say 128 and more.
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Itself, after a look at the status.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// The records of JSON lines.
    pub(crate) fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A verdict as the JSON lines have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    pub(crate) control: String,
    /// The last part of the key, where people look.
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) status: String,
}

/// A scan's status and verdicts.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) ran: Ran,
    pub(crate) records: Vec<Value>,
}

impl Scanned {
    #[track_caller]
    fn of(ran: Ran) -> Self {
        assert!(ran.code != 2, "the scan could not be done: {}", ran.err);
        let records = ran.records();
        Self { ran, records }
    }

    /// The first record: what was scanned.
    pub(crate) fn head(&self) -> &Value {
        &self.records[0]
    }

    /// Records of verdicts.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = &Value> {
        self.records.iter().filter(|record| record["kind"] == "verdict")
    }

    /// What was said, sorted.
    pub(crate) fn said(&self) -> Vec<Said> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut said: Vec<Said> = self
            .verdicts()
            .map(|verdict| {
                let key = text(&verdict["key"]);
                let name = key.rsplit(['/', ':']).next().unwrap_or_default();
                Said {
                    control: text(&verdict["control"]),
                    name: name.to_owned(),
                    account: text(&verdict["account"]),
                    status: text(&verdict["status"]),
                }
            })
            .collect();
        said.sort();
        said
    }

    /// `control name status` lines, sorted.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |said: Said| format!("{} {} {}", said.control, said.name, said.status);
        self.said().into_iter().map(line).collect()
    }
}

/// Sends a signal (`INT`, `KILL`) to a running child.
pub(crate) async fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("the child ended before the signal").to_string();
    // The shell's own `kill`: nothing to install, and no unsafe code here.
    let kill = format!("kill -{name} {pid}");
    let sent = Command::new("sh").args(["-c", &kill]).status().await.unwrap();
    assert!(sent.success());
}
