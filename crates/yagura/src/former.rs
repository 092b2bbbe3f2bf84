//! The earlier scan of a comparison: the last one, one by number, by time, or from a file.
//! What counts as new or fixed is decided by `yagura-report`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_model::{Lang, Verdict};
use yagura_report::Comparison;
use yagura_store::{Location, Scan, ScanId, Store};

use crate::context::Context;
use crate::output::Hinted;
use crate::river::{self, Judging, Seen};

/// An earlier scan with its open verdicts.
pub(crate) struct Former {
    id: String,
    started: Timestamp,
    controls: Vec<String>,
    verdicts: Vec<Verdict>,
}

impl Former {
    /// Compares, for the controls that both scans judged.
    pub(crate) fn compared(mut self, controls: &[String], latter: &[Verdict]) -> Comparison {
        self.verdicts.retain(|verdict| controls.contains(&verdict.control));
        let latter: Vec<Verdict> = latter
            .iter()
            .filter(|verdict| self.controls.contains(&verdict.control))
            .cloned()
            .collect();
        let mut comparison = Comparison::between(&self.verdicts, &latter);
        comparison.former_id = self.id;
        comparison.former_started = self.started;
        comparison
    }
}

/// Finds the scan that `--compare` names. Called before the new scan begins.
pub(crate) async fn find(
    store: &Store,
    text: &str,
    context: &Context,
    content: &Content,
    controls: &[&Arc<Control>],
) -> anyhow::Result<Former> {
    let file = Path::new(text);
    if file.is_file() {
        return of_file(file, content, controls).await;
    }
    let scan = stored(store, text, context.lang).await?;
    let verdicts = river::open_verdicts(store, scan.id).await?;
    Ok(Former {
        id: scan.id.to_string(),
        started: scan.start.started,
        controls: scan.start.controls,
        verdicts,
    })
}

async fn stored(store: &Store, text: &str, lang: Lang) -> anyhow::Result<Scan> {
    let lists = match lang {
        Lang::En => "`yagura resources scans` lists what is stored",
        Lang::Ja => "`yagura resources scans` で保存済みのスキャンを確認できます",
    };
    let found = if text == "last" {
        store.latest_scan().await?
    } else if let Ok(number) = text.parse::<i64>() {
        Some(store.scan(ScanId(number)).await?)
    } else {
        store.latest_scan_at(parse_time(text)?).await?
    };
    let Some(scan) = found else {
        bail!(Hinted::new(format!("there is no earlier scan to compare with (`{text}`)"), lists));
    };
    Ok(scan)
}

/// A time as people write it: a day (its end, UTC), or a point in time with its offset.
pub(crate) fn parse_time(text: &str) -> anyhow::Result<Timestamp> {
    text.parse::<yagura_content::format::Expiry>().map(|expiry| expiry.0).map_err(|_| {
        anyhow::Error::new(Hinted::new(
            format!("`{text}` is no time, no scan's number, and no file"),
            "write 2026-11-01, 2026-11-01T09:00:00+09:00, a number, a file's name, or `last`",
        ))
    })
}

/// Judges an exported file with today's controls.
async fn of_file(
    file: &Path,
    content: &Content,
    controls: &[&Arc<Control>],
) -> anyhow::Result<Former> {
    let folder = tempfile::tempdir().context("could not make a temporary folder")?;
    let store = Store::open(&Location::in_folder(folder.path())).await?;
    let scan = import(&store, file).await?;
    let seen = Seen::Scan(scan.id);
    let judging = Judging {
        content,
        controls,
        now: scan.start.started,
        accounts: river::accounts_stored(&store, seen, &scan.start.accounts).await?,
        all: false,
        into: None,
    };
    let judgement = river::judge(&store, seen, judging).await?;
    store.close().await;
    Ok(Former {
        id: String::new(),
        started: scan.start.started,
        controls: controls.iter().map(|control| control.id.clone()).collect(),
        verdicts: judgement.verdicts,
    })
}

/// Reads an exported file into a store, whole or not at all.
pub(crate) async fn import(store: &Store, file: &Path) -> anyhow::Result<Scan> {
    let shown = file.display();
    let reader = std::fs::File::open(file)
        .with_context(|| format!("could not open the exported file `{shown}`"))?;
    let imported = store
        .import(std::io::BufReader::new(reader))
        .await
        .with_context(|| format!("could not read the exported file `{shown}`"))?;
    Ok(store.scan(imported.scan).await?)
}
