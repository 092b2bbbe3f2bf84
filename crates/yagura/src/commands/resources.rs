//! `yagura resources`: looks up what was read, its history, and carries it elsewhere.
//! Judging is `yagura scan` and `yagura controls evaluate`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use futures::TryStreamExt;
use serde_json::{Value, json};
use yagura_model::Lang;
use yagura_store::{ResourceFilter, SnapshotOf, Store, Version};

use crate::context::Context;
use crate::exit::Exit;
use crate::former::{import, parse_time};
use crate::options::{RowFormat, RowOptions};
use crate::output::{self, Hinted};
use crate::rows::Rows;
use crate::whole_file::WholeFile;

#[derive(Args)]
pub(crate) struct ResourcesArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Show(KeyArgs),
    History(HistoryArgs),
    Scans(ScansArgs),
    Export(ExportArgs),
    Import(ImportArgs),
}

#[derive(Args)]
struct ListArgs {
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct KeyArgs {
    key: String,
}

#[derive(Args)]
struct HistoryArgs {
    key: String,
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct ScansArgs {
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct ExportArgs {
    file: PathBuf,
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Args)]
struct ImportArgs {
    file: PathBuf,
}

pub(crate) async fn run(context: &Context, args: &ResourcesArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    match &args.what {
        What::List(args) => list(context, &store, args).await?,
        What::Show(args) => show(&store, args).await?,
        What::History(args) => history(context, &store, args).await?,
        What::Scans(args) => scans(context, &store, args).await?,
        What::Export(args) => export(context, &store, args).await?,
        What::Import(args) => {
            let scan = import(&store, &args.file).await?;
            let (n, id) = (scan.resources, scan.id);
            context.remark_in(
                &format!("imported {n} resources as scan {id}"),
                &format!("リソース {n} 件をスキャン {id} として取り込みました"),
            );
        }
    }
    store.close().await;
    Ok(Exit::Done)
}

async fn list(context: &Context, store: &Store, args: &ListArgs) -> anyhow::Result<()> {
    let filter = ResourceFilter {
        types: args.type_name.iter().cloned().collect(),
        accounts: args.account.iter().cloned().collect(),
        regions: args.region.iter().cloned().collect(),
    };
    let at = match &args.at {
        Some(text) => parse_time(text)?,
        None => context.now(),
    };
    let mut stream = store.resources_at(at, &filter);
    let columns = [
        ("type", "タイプ"),
        ("account", "アカウント"),
        ("region", "リージョン"),
        ("name", "名前"),
        ("key", "キー"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    let mut count = 0;
    while let Some(resource) = stream.try_next().await? {
        if count == args.limit {
            let limit = args.limit;
            context.remark_in(
                &format!("only the first {limit} are shown; raise --limit for more"),
                &format!("先頭の {limit} 件だけを表示しました。続きは --limit を増やしてください"),
            );
            break;
        }
        count += 1;
        rows.push(vec![
            json!(resource.type_name),
            json!(resource.account),
            json!(resource.region),
            json!(resource.name),
            json!(resource.key),
        ]);
    }
    rows.write(args.rows.format)
}

async fn show(store: &Store, args: &KeyArgs) -> anyhow::Result<()> {
    let key = find(store, &args.key).await?;
    let known = store.resource(&key).await?;
    let known = known.with_context(|| format!("`{key}` is no longer known"))?;
    let mut value = serde_json::to_value(&known.resource)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("first_seen".into(), json!(known.first_seen));
        map.insert("last_seen".into(), json!(known.last_seen));
        map.insert("deleted".into(), json!(known.deleted));
    }
    output::line(&serde_json::to_string_pretty(&value)?)
}

/// The key of a resource: as given, or the only one that contains the text.
async fn find(store: &Store, text: &str) -> anyhow::Result<String> {
    const SHOWN_MAX: usize = 6;
    if store.resource(text).await?.is_some() {
        return Ok(text.to_owned());
    }
    let mut found = store.find_keys(text, SHOWN_MAX).await?;
    match found.len() {
        0 => bail!(Hinted::new(
            format!("no resource is known as `{text}`"),
            "`yagura resources list` shows the keys",
        )),
        1 => Ok(found.remove(0)),
        _ => bail!(Hinted::new(
            format!("several resources fit `{text}`"),
            format!("name one of them: {}", found.join(", ")),
        )),
    }
}

async fn history(context: &Context, store: &Store, args: &HistoryArgs) -> anyhow::Result<()> {
    let key = find(store, &args.key).await?;
    let history = store.history(&key, args.limit).await?;
    let history = history.with_context(|| format!("`{key}` has no history"))?;
    if args.rows.format == RowFormat::Json {
        for version in &history.versions {
            output::line(&version_json(version).to_string())?;
        }
        return Ok(());
    }
    output::line(&output::printable(&key))?;
    for version in &history.versions {
        output::line(&version_text(version, context.lang))?;
    }
    if history.more {
        context.remark_in(
            "there are older versions; raise --limit for more",
            "さらに古い版があります。--limit を増やしてください",
        );
    }
    Ok(())
}

fn version_json(version: &Version) -> Value {
    json!({
        "version": version.number,
        "first_seen": version.first_seen,
        "last_seen": version.last_seen,
        "scan": version.first_scan.0,
        "deleted": version.deleted,
        "changes": version.changes,
    })
}

fn version_text(version: &Version, lang: Lang) -> String {
    let number = version.number;
    let what = match (lang, version.deleted, version.changes.is_empty()) {
        (Lang::En, true, _) => "gone",
        (Lang::Ja, true, _) => "削除された",
        (Lang::En, _, true) => "first seen",
        (Lang::Ja, _, true) => "初めて確認",
        (Lang::En, ..) => "changed",
        (Lang::Ja, ..) => "変更された",
    };
    let mut text = format!("\n{number}  {}  {what}", version.first_seen);
    for change in &version.changes {
        let side = |value: &Option<Value>| value.as_ref().map_or("—".to_owned(), short);
        text.push_str(&format!(
            "\n   {}: {} → {}",
            change.path,
            side(&change.before),
            side(&change.after)
        ));
    }
    output::printable(&text)
}

/// A value on one line, cut where it is long; `--format json` has it whole.
fn short(value: &Value) -> String {
    const CHARS_MAX: usize = 200;
    let text = value.to_string();
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    text.chars().take(CHARS_MAX).chain(['…']).collect()
}

async fn scans(context: &Context, store: &Store, args: &ScansArgs) -> anyhow::Result<()> {
    let columns = [
        ("scan", "スキャン"),
        ("started", "開始"),
        ("state", "状態"),
        ("accounts", "アカウント数"),
        ("regions", "リージョン数"),
        ("resources", "リソース数"),
        ("imported", "取り込み"),
    ];
    let mut rows =
        Rows::new(context.lang, &columns).worded_in("state", "console_settings.health.states.");
    for scan in store.scans(args.limit).await? {
        rows.push(vec![
            json!(scan.id.0),
            json!(scan.start.started),
            json!(scan.state.as_str()),
            json!(scan.start.accounts.len()),
            json!(scan.start.regions.len()),
            json!(scan.resources),
            json!(scan.imported),
        ]);
    }
    rows.write(args.rows.format)
}

async fn export(context: &Context, store: &Store, args: &ExportArgs) -> anyhow::Result<()> {
    let of = match &args.at {
        Some(text) => SnapshotOf::Time(parse_time(text)?),
        None => {
            let latest = store.latest_scan().await?;
            let scan = latest.context(Hinted::new(
                "there is nothing to export yet",
                "`yagura scan` reads your accounts",
            ))?;
            SnapshotOf::Scan(scan.id)
        }
    };
    let n = write_snapshot(store, of, &args.file).await?;
    let shown = args.file.display();
    context.remark_in(
        &format!("wrote {n} resources to {shown}"),
        &format!("リソース {n} 件を {shown} に書き出しました"),
    );
    Ok(())
}

/// Writes a snapshot to a file; answers the number of resources.
async fn write_snapshot(store: &Store, of: SnapshotOf, file: &Path) -> anyhow::Result<u64> {
    let attempt = || format!("could not write the snapshot `{}`", file.display());
    let mut whole = WholeFile::begin(file).with_context(attempt)?;
    let resources = store.export(of, whole.out()).await.with_context(attempt)?;
    whole.keep().with_context(attempt)?;
    Ok(resources)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use yagura_store::{Location, ScanId};

    use super::*;

    #[tokio::test]
    async fn a_file_appears_whole_or_not_at_all() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(&Location::in_folder(home.path())).await.unwrap();
        let file = folder.path().join("inventory.yagura");
        let now = SnapshotOf::Time(Timestamp::UNIX_EPOCH);
        assert_eq!(write_snapshot(&store, now, &file).await.unwrap(), 0);
        let whole = std::fs::read(&file).unwrap();
        let missing = SnapshotOf::Scan(ScanId(99));
        assert!(write_snapshot(&store, missing, &file).await.is_err());
        assert_eq!(std::fs::read(&file).unwrap(), whole);
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "no partial file is left");
    }
}
