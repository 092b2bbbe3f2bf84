//! `yagura backup`: the whole state but the log lake as one file, while everything goes on.
//! The file's layout is in `crate::archive`; rows are read by `yagura-store`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use yagura_report::grouped;

use crate::archive::{FOLDERS, FORMAT, Head, Writer};
use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::Place;
use crate::options::LakeChoice;
use crate::output::{self, Hinted};
use crate::secrets::{KEY_FILE, Master};
use crate::settings;

#[derive(Args)]
pub(crate) struct BackupArgs {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[arg(long)]
    with_master_key: bool,
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    lake: LakeChoice,
}

/// What a backup has.
pub(crate) struct Made {
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) files: u64,
    pub(crate) lake: String,
}

pub(crate) async fn run(context: &Context, args: &BackupArgs) -> anyhow::Result<Exit> {
    ensure!(
        args.replace || !args.file.exists(),
        Hinted::new(
            format!("there is a file `{}` already", args.file.display()),
            "name another one, or replace it with --replace",
        )
    );
    let made = make(context, &args.file, &args.lake, args.with_master_key, args.replace).await?;
    let (rows, files) = (grouped(made.rows), grouped(made.files));
    let (size, shown, lake) = (output::size(made.bytes), args.file.display(), &made.lake);
    context.remark_in(
        &format!("{rows} rows and {files} files are in `{shown}` ({size})"),
        &format!("{rows} 行と {files} ファイルを `{shown}` に保存しました（{size}）"),
    );
    context.remark_in(
        &format!(
            "not in it: the log lake (`{lake}`; see the guide on operating), config.toml{}",
            if args.with_master_key { "" } else { ", the master key of stored secrets" }
        ),
        &format!(
            "含まれないもの: ログレイク（`{lake}`。運用のガイドを参照してください）、config.toml{}",
            if args.with_master_key {
                ""
            } else {
                "、保存したシークレットのマスターキー"
            }
        ),
    );
    if args.with_master_key {
        context.remark_in(
            "warning: whoever has this file can read the stored secrets; keep it accordingly",
            "警告: このファイルがあれば保存したシークレットを読み取れます。相応の場所に保管してください",
        );
    }
    Ok(Exit::Done)
}

/// Makes a backup. Killed or failed at any point, it leaves what was at `place`.
pub(crate) async fn make(
    context: &Context,
    place: &Path,
    lake: &LakeChoice,
    with_master_key: bool,
    replace: bool,
) -> anyhow::Result<Made> {
    let store = context.store().await?;
    let lake = Place::of(context, lake)?.url();
    let head = Head {
        what: "yagura backup".to_owned(),
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: context.now().to_string(),
        database: store.place().to_owned(),
        has_master_key: with_master_key,
        lake: lake.clone(),
    };
    let mut writer = Writer::begin(place, &head)?;
    // Files before rows: what a file held and the lake took meanwhile is known to the ledger's
    // rows, and not taken twice; the other way round it would be missed.
    let mut files = 0;
    for folder in FOLDERS {
        if let Some(path) = folder_of(context, folder)? {
            files += writer.folder(folder, &path)?.0;
        }
    }
    if with_master_key {
        let path = key_file(context)?;
        let bytes = std::fs::read(&path)
            .with_context(|| format!("could not read the key file `{}`", path.display()))?;
        writer.bytes(KEY_FILE, &bytes)?;
    }
    let mut take = |table: &str, piece: &[u8]| writer.rows(table, piece);
    let picture = store.dump(&mut take).await?;
    let rows = picture.tables.iter().map(|table| table.rows).sum();
    let bytes = writer.finish(picture, replace)?;
    Ok(Made { bytes, rows, files, lake })
}

/// Where a folder of the backup is, where it is.
pub(super) fn folder_of(context: &Context, folder: &str) -> anyhow::Result<Option<PathBuf>> {
    if folder == "site" {
        return settings::site_folder(&context.global);
    }
    let path = context.data_folder()?.join(folder);
    Ok(path.is_dir().then_some(path))
}

fn key_file(context: &Context) -> anyhow::Result<PathBuf> {
    match Master::of(context)? {
        Master::File(path) => Ok(path),
        Master::Kms(arn) => anyhow::bail!(Hinted::new(
            format!("the master key is in KMS (`{arn}`), and never leaves it"),
            "leave out --with-master-key",
        )),
    }
}
