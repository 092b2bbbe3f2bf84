//! `yagura restore`: puts a backup in the place of nothing, or of what is there if so asked.
//! Everything is verified and put together beside first; the last step is a list of moves that is
//! finished even if it is killed (`crate::archive::pending`).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use jiff::SignedDuration;
use yagura_report::grouped;
use yagura_store::backup::Loading;
use yagura_store::{DATABASE_FILE, Location, Options, Store};

use crate::archive::pending::{self, Moves};
use crate::archive::{Entry, FOLDERS, Name, Reader};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::Hinted;
use crate::secrets::{KEY_FILE, Master};
use crate::settings;

/// A worker that was heard of within this time is alive.
const ALIVE: SignedDuration = SignedDuration::from_secs(90);

#[derive(Args)]
pub(crate) struct RestoreArgs {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[arg(long)]
    replace: bool,
}

pub(crate) async fn run(context: &Context, args: &RestoreArgs) -> anyhow::Result<Exit> {
    let folder = context.data_folder()?;
    settings::make_data_folder(&folder)?;
    pending::finish(&folder)?;
    let location = context.location().await?;
    // Cheap refusals before the file is read to its end.
    check_free(context, &location, args.replace).await?;
    let mut backup = Reader::open(&args.file)?;
    let stage = pending::stage(&folder)?;
    let target = Target::of(&location, &stage);
    let mut moves = moves(context, &location, &backup, args.replace)?;
    fill(&mut backup, &target, &stage, args.replace).await?;
    if let Location::Sqlite(file) = &location {
        release(file).await?;
        moves.deleted = beside(file);
    }
    pending::commit(&folder, &moves)?;
    told(context, &backup, &location);
    Ok(Exit::Done)
}

/// Where the rows go first: a file of the stage, or the server itself, in one transaction.
struct Target {
    location: Location,
    /// On a server the transaction replaces; a file of the stage is fresh.
    in_place: bool,
}

impl Target {
    fn of(location: &Location, stage: &Path) -> Self {
        match location {
            Location::Sqlite(_) => Self { location: Location::in_folder(stage), in_place: false },
            Location::Postgres(_) => Self { location: location.clone(), in_place: true },
        }
    }
}

/// Refuses a place where something is, or where a worker lives.
async fn check_free(context: &Context, location: &Location, replace: bool) -> anyhow::Result<()> {
    let there = match Store::is_there(location, &Options::default()).await {
        // What is damaged is a reason to restore; it is replaced if so asked.
        Err(error) if replace && matches!(location, Location::Sqlite(_)) => {
            tracing::warn!(code = "restore_over_damage", %error, "the database cannot be read");
            return Ok(());
        }
        there => there?,
    };
    if !there {
        return Ok(());
    }
    ensure!(
        replace,
        Hinted::new(
            format!("there is a database in `{location}` already"),
            "restore into an empty --data-dir, or replace everything with --replace",
        )
    );
    let store = Store::open(location).await?;
    let now = context.now();
    let workers = store.jobs().workers().await?;
    store.close().await;
    let alive = workers.iter().find(|worker| now.duration_since(worker.seen) < ALIVE);
    if let Some(worker) = alive {
        bail!(Hinted::new(
            format!("`yagura serve` is at work on `{location}` (`{}`)", worker.holder),
            "stop it first; it is taken for alive until 90 seconds after its last word",
        ));
    }
    Ok(())
}

/// Where everything of the backup goes.
fn moves(
    context: &Context,
    location: &Location,
    backup: &Reader,
    replace: bool,
) -> anyhow::Result<Moves> {
    let mut moved = Vec::new();
    if let Location::Sqlite(file) = location {
        moved.push((DATABASE_FILE.to_owned(), std::path::absolute(file)?));
    }
    let has = |wanted: &str| {
        let prefix = format!("files/{wanted}/");
        backup.manifest().entries.iter().any(|entry| entry.name.starts_with(&prefix))
    };
    for folder in FOLDERS.into_iter().filter(|folder| has(folder)) {
        let place = match (folder, &context.global.site) {
            ("site", Some(site)) => site.clone(),
            _ => context.data_folder()?.join(folder),
        };
        let occupied = std::fs::read_dir(&place).is_ok_and(|mut list| list.next().is_some());
        ensure!(
            replace || !occupied,
            Hinted::new(
                format!("there is something in `{}` already", place.display()),
                "move it away, or replace everything with --replace",
            )
        );
        moved.push((folder.to_owned(), std::path::absolute(place)?));
    }
    if backup.head().has_master_key {
        let Master::File(place) = Master::of(context)? else {
            bail!(Hinted::new(
                "the backup has a key file, but --master-key names a key of KMS",
                "leave --master-key out for this restore",
            ));
        };
        ensure!(
            replace || !place.exists(),
            Hinted::new(
                format!("there is a key file `{}` already", place.display()),
                "move it away, or replace everything with --replace",
            )
        );
        moved.push((KEY_FILE.to_owned(), std::path::absolute(place)?));
    }
    Ok(Moves { deleted: Vec::new(), moved })
}

/// Puts the content of a backup into the stage, and on a server into the database.
async fn fill(
    backup: &mut Reader,
    target: &Target,
    stage: &Path,
    replace: bool,
) -> anyhow::Result<()> {
    let picture = backup.manifest().picture.clone();
    let replace = replace && target.in_place;
    let mut loading =
        Store::begin_loading(&target.location, &Options::default(), picture.schema, replace)
            .await?;
    backup.entries(async |entry: Entry| put(&mut loading, stage, entry).await).await?;
    loading.finish(&picture).await?;
    if !target.in_place {
        // The stage's database leaves no log beside itself that would be lost by the move.
        let store = Store::open(&target.location).await?;
        store.close().await;
    }
    Ok(())
}

async fn put(loading: &mut Loading, stage: &Path, entry: Entry) -> anyhow::Result<()> {
    match entry.name {
        Name::Rows { table } => Ok(loading.put(&table, &entry.bytes).await?),
        Name::File { folder, path } => write(&stage.join(folder).join(path), &entry.bytes),
        Name::MasterKey => write(&stage.join(KEY_FILE), &entry.bytes),
        Name::Head | Name::Manifest => Ok(()),
    }
}

/// Writes a file that was not there, readable by its owner only.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let attempt = || format!("could not write `{}`", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(attempt)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(attempt)?;
    file.write_all(bytes).with_context(attempt)?;
    file.sync_all().with_context(attempt)
}

/// `SQLite`'s files beside a database.
fn beside(file: &Path) -> Vec<PathBuf> {
    let with = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        std::path::absolute(PathBuf::from(name)).ok()
    };
    ["-wal", "-shm"].into_iter().filter_map(with).collect()
}

/// Sees that nobody has the old database open: the last one to close it takes its log away.
async fn release(file: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    if let Ok(store) = Store::open(&Location::Sqlite(file.to_owned())).await {
        store.close().await;
        // Whatever is in it: also an idle process keeps it.
        let held = beside(file).iter().any(|path| path.exists());
        ensure!(
            !held,
            Hinted::new(
                format!("another process has `{}` open", file.display()),
                "stop it first; nothing was changed",
            )
        );
    }
    Ok(())
}

fn told(context: &Context, backup: &Reader, location: &Location) {
    let (head, manifest) = (backup.head(), backup.manifest());
    let rows = grouped(manifest.picture.tables.iter().map(|table| table.rows).sum());
    let (made, lake) = (&head.made, &head.lake);
    context.remark_in(
        &format!("{rows} rows of {made} are in `{location}`"),
        &format!("{made} 時点の {rows} 行を `{location}` に復元しました"),
    );
    context.remark_in(
        &format!("the log lake is where it was (`{lake}`); nothing of it is in a backup"),
        &format!("ログレイクはバックアップに含まれません。元の場所（`{lake}`）をそのまま使います"),
    );
    if !head.has_master_key {
        context.remark_in(
            "stored secrets need the master key of that time, which is not in the backup",
            "保存したシークレットには当時のマスターキーが必要です（バックアップには含まれません）",
        );
    }
}
