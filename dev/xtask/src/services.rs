//! What the tests talk to: moto, DuckDB and Spark in a virtual environment, PostgreSQL on loopback.
//! Everything lands under `target/`; nothing of the machine is changed but missing packages.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// Cargo, in the repository's folder, as a person would start it.
///
/// `cargo run` sets `CARGO_MANIFEST_*` and `CARGO_PKG_*` for the program it starts. Passed on, they
/// would reach build scripts that ask to be run again when one of them changes (`ring`'s does), and
/// every switch between `cargo` and `cargo xtask` would build DataFusion anew.
pub(crate) fn cargo(root: &Utf8Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let inherited = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_")
        });
        if inherited {
            command.env_remove(name);
        }
    }
    command
}

/// Pinned: the traps of this moto are known (docs/internals/moto.md), and `DuckDB` is the peer of
/// the lake's benchmark and the second reader of its files.
const PACKAGES: [&str; 4] =
    ["moto[server]==5.2.5", "boto3==1.44.5", "duckdb==2.0.0", "pytz==2026.6"];
/// Half a gigabyte, and it needs a Java: installed on demand only.
const SPARK: &str = "pyspark==4.1.4";

/// A running PostgreSQL of our own; it stops when dropped.
pub(crate) struct Postgres {
    server: Child,
    folder: Utf8PathBuf,
    /// A connection URL for its maintenance database.
    pub(crate) url: String,
}

impl Postgres {
    /// The variable that names a server to tests and benchmarks.
    pub(crate) const VARIABLE: &str = "YAGURA_TEST_POSTGRES_URL";
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A clean shutdown is not worth the wait: the folder is thrown away. The children notice
        // the end of their parent by themselves.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Makes sure `target/venv` holds the pinned moto server and `DuckDB`.
pub(crate) fn install_python(root: &Utf8Path) -> anyhow::Result<()> {
    install_packages(root, "yagura-stamp", &PACKAGES)
}

/// Makes sure `target/venv` holds the pinned `PySpark`.
pub(crate) fn install_spark(root: &Utf8Path) -> anyhow::Result<()> {
    install_packages(root, "yagura-spark-stamp", &[SPARK])
}

fn install_packages(root: &Utf8Path, stamp: &str, packages: &[&str]) -> anyhow::Result<()> {
    let venv = root.join("target/venv");
    let stamp = venv.join(stamp);
    let wanted = format!("{}\n", packages.join(" "));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if !venv.join("bin/pip").exists() {
        make_venv(&venv)?;
    }
    run(Command::new(venv.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(packages))
    .with_context(|| format!("could not install {} from PyPI", packages.join(", ")))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("could not write `{stamp}`"))
}

/// Debian's Python comes without `ensurepip`; as root the missing package is installed.
fn make_venv(venv: &Utf8Path) -> anyhow::Result<()> {
    let make = || run(Command::new("python3").args(["-m", "venv", "--clear", venv.as_str()]));
    if make().is_ok() {
        return Ok(());
    }
    if is_root()? {
        install_debian("python3-venv")?;
    }
    make().context("could not make a virtual environment (Debian: apt-get install python3-venv)")
}

/// Installs a package of Debian, as root.
pub(crate) fn install_debian(name: &str) -> anyhow::Result<()> {
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    run(Command::new("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends", name])
        .env("DEBIAN_FRONTEND", "noninteractive"))
    .with_context(|| format!("could not install `{name}`"))
}

/// Starts a PostgreSQL on a free loopback port, in a fresh folder under `target/`.
pub(crate) fn start_postgres(root: &Utf8Path) -> anyhow::Result<Postgres> {
    let binaries = find_postgres(root)?;
    // Not under `target/`: the server may run as another user, who cannot walk down to it, and a
    // socket's path may be at most 107 bytes.
    let base = Utf8PathBuf::from_path_buf(std::env::temp_dir())
        .map_err(|path| anyhow::anyhow!("`{}` is not UTF-8", path.display()))?
        .join(format!("yagura-postgres-{}", std::process::id()));
    std::fs::create_dir_all(&base).with_context(|| format!("could not make `{base}`"))?;
    let user = unprivileged_user()?;
    if let Some(user) = &user {
        run(Command::new("chown").args([user.as_str(), base.as_str()]))?;
    }
    let data = base.join("data");
    run(as_user(user.as_deref(), &binaries.join("initdb"))
        .args(["-D", data.as_str(), "-U", "yagura", "-A", "trust", "-E", "UTF8", "--locale=C"])
        .current_dir(&base)
        .stdout(Stdio::null()))
    .context("initdb failed")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let log = std::fs::File::create(root.join("target/postgres.log"))?;
    let server = as_user(user.as_deref(), &binaries.join("postgres"))
        .args(["-D", data.as_str(), "-p", &port.to_string(), "-k", base.as_str()])
        .current_dir(&base)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("could not start PostgreSQL")?;
    let url = format!("postgres://yagura@127.0.0.1:{port}/postgres");
    let postgres = Postgres { server, folder: base, url };
    wait_for_port(port, Duration::from_secs(60))?;
    Ok(postgres)
}

/// The folder with `initdb` and `postgres`: on the path, in Debian's place, installed, or unpacked.
fn find_postgres(root: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    if let Some(found) = installed_postgres(Utf8Path::new("/usr/lib/postgresql")) {
        return Ok(found);
    }
    let unpacked = root.join("target/debian/usr/lib/postgresql");
    if let Some(found) = installed_postgres(&unpacked) {
        return Ok(found);
    }
    if is_root()? {
        install_debian("postgresql")?;
        return installed_postgres(Utf8Path::new("/usr/lib/postgresql"))
            .context("PostgreSQL was installed but its programs were not found");
    }
    let wanted = |name: &str| name.starts_with("postgresql") || name.starts_with("libpq");
    unpack_debian(root, "postgresql", wanted)?;
    installed_postgres(&unpacked)
        .context("PostgreSQL was unpacked under target/debian but its programs were not found")
}

fn installed_postgres(base: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut versions: Vec<Utf8PathBuf> = base
        .read_dir_utf8()
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    versions.sort();
    versions.pop()
}

/// Without root: fetches those of the packages that a package needs, and unpacks them under
/// `target/debian`. What is only a name of others cannot be fetched and is passed over.
pub(crate) fn unpack_debian(
    root: &Utf8Path,
    package: &str,
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    let folder = root.join("target/debian");
    std::fs::create_dir_all(&folder)?;
    let output = Command::new("apt-cache")
        .args(["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts"])
        .args(["--no-breaks", "--no-replaces", "--no-enhances", package])
        .output()
        .context("could not run apt-cache")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let named = |line: &str| !line.starts_with([' ', '<', '|']);
    for name in text.lines().filter(|line| named(line) && wanted(line)) {
        let fetched =
            Command::new("apt-get").args(["download", "-qq", name]).current_dir(&folder).output();
        let fetched = fetched.context("could not run apt-get")?.status.success();
        if name == package && !fetched {
            bail!("could not fetch `{name}`");
        }
    }
    for entry in folder.read_dir_utf8()?.filter_map(Result::ok) {
        if entry.path().extension() == Some("deb") {
            run(Command::new("dpkg-deb").args(["-x", entry.path().as_str(), folder.as_str()]))?;
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// PostgreSQL refuses to run as root; then it runs as an existing service user.
fn unprivileged_user() -> anyhow::Result<Option<String>> {
    if !is_root()? {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("could not read the user list")?;
    for name in ["postgres", "nobody"] {
        if users.lines().any(|line| line.split(':').next() == Some(name)) {
            return Ok(Some(name.to_owned()));
        }
    }
    bail!("PostgreSQL cannot run as root, and neither `postgres` nor `nobody` exists as a user")
}

pub(crate) fn is_root() -> anyhow::Result<bool> {
    let output = Command::new("id").arg("-u").output().context("could not run `id`")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

fn as_user(user: Option<&str>, program: &Utf8Path) -> Command {
    let Some(user) = user else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--clear-groups", "--", program.as_str()]);
    command
}

fn wait_for_port(port: u16, limit: Duration) -> anyhow::Result<()> {
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if started.elapsed() > limit {
            bail!("nothing answered on port {port} within {limit:?}; see target/postgres.log");
        }
        #[expect(clippy::disallowed_methods, reason = "a chore may wait for a server to start")]
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Runs a command and fails with its name when it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("could not run {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}
