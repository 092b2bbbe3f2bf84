//! The earlier scan of a comparison: the last one, one by number, by time, or from a file.
//! What counts as new or fixed is decided by `yagura-report`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_model::{Coverage, GLOBAL_REGION, Lang, UnreadReason, Verdict};
use yagura_report::Comparison;
use yagura_store::{Location, Scan, ScanId, Store};

use crate::context::Context;
use crate::output::Hinted;
use crate::river::{self, Judgement, Judging, Seen};

/// An earlier scan with its open verdicts.
pub(crate) struct Former {
    id: String,
    started: Timestamp,
    controls: Vec<String>,
    asked: Asked,
    verdicts: Vec<Verdict>,
}

/// What a scan was asked to list, by type, account and region: false for what it left out.
struct Asked(HashMap<(String, String, String), bool>);

impl Asked {
    fn of(coverage: &[Coverage]) -> Self {
        let asked = |one: &Coverage| {
            let unread = one.state.unread();
            unread.is_none_or(|unread| unread.reason != UnreadReason::NotRequested)
        };
        let place =
            |one: &Coverage| (one.type_name.clone(), one.account.clone(), one.region.clone());
        Self(coverage.iter().map(|one| (place(one), asked(one))).collect())
    }

    /// Whether the scan was asked about the place of a verdict.
    fn covers(&self, verdict: &Verdict) -> bool {
        let place =
            |region: &str| (verdict.type_name.clone(), verdict.account.clone(), region.to_owned());
        let own = self.0.get(&place(&verdict.region));
        own.or_else(|| self.0.get(&place(GLOBAL_REGION))).copied().unwrap_or(false)
    }
}

impl Former {
    /// Compares, for the controls that both scans judged and the places that both were asked
    /// about: what one of them left out is neither new nor fixed.
    pub(crate) fn compared(mut self, controls: &[String], latter: &Judgement) -> Comparison {
        let asked = Asked::of(&latter.coverage);
        self.verdicts
            .retain(|verdict| controls.contains(&verdict.control) && asked.covers(verdict));
        let comparable = |verdict: &&Verdict| {
            self.controls.contains(&verdict.control) && self.asked.covers(verdict)
        };
        // Mostly the two scans are alike: nothing is copied then.
        let latter = match latter.verdicts.iter().all(|verdict| comparable(&verdict)) {
            true => Cow::Borrowed(latter.verdicts.as_slice()),
            false => Cow::Owned(latter.verdicts.iter().filter(comparable).cloned().collect()),
        };
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
        asked: Asked::of(&store.coverage(scan.id).await?),
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

async fn of_file(
    file: &Path,
    content: &Content,
    controls: &[&Arc<Control>],
) -> anyhow::Result<Former> {
    let (scan, judgement) = judged_file(file, content, controls, false).await?;
    Ok(Former {
        id: String::new(),
        started: scan.start.started,
        controls: controls.iter().map(|control| control.id.clone()).collect(),
        asked: Asked::of(&judgement.coverage),
        verdicts: judgement.verdicts,
    })
}

/// Judges an exported file with today's controls, as of its own time, in a store of its own that
/// goes away with it. `all` keeps passes and not-applicables too.
pub(crate) async fn judged_file(
    file: &Path,
    content: &Content,
    controls: &[&Arc<Control>],
    all: bool,
) -> anyhow::Result<(Scan, Judgement)> {
    let folder = tempfile::tempdir().context("could not make a temporary folder")?;
    let store = Store::open(&Location::in_folder(folder.path())).await?;
    let scan = import(&store, file).await?;
    let seen = Seen::Scan(scan.id);
    let judging = Judging {
        content,
        controls,
        now: scan.start.started,
        accounts: river::accounts_stored(&store, seen, &scan.start.accounts).await?,
        all,
        into: None,
    };
    let judgement = river::judge(&store, seen, judging).await?;
    store.close().await;
    Ok((scan, judgement))
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

#[cfg(test)]
mod tests {
    use yagura_model::{CoverageState, Path, Severity, Unread, VerdictStatus};

    use super::*;

    fn failure(name: &str, region: &str) -> Verdict {
        Verdict {
            control: "ec2.x".into(),
            status: VerdictStatus::Fail,
            severity: Severity::High,
            key: name.into(),
            type_name: "AWS::EC2::Volume".into(),
            account: "111122223333".into(),
            region: region.into(),
            name: name.into(),
            evidence: Vec::new(),
            unread: Vec::new(),
            exception: None,
        }
    }

    /// Volumes listed in these regions, the others left out.
    fn asked(regions: &[&str], rest_left_out: bool) -> Vec<Coverage> {
        let word = |region: &str, state| Coverage {
            account: "111122223333".into(),
            region: region.into(),
            type_name: "AWS::EC2::Volume".into(),
            state,
            count: 0,
        };
        let unread = Unread::of(Path::default(), UnreadReason::NotRequested);
        let rest = rest_left_out.then(|| word(GLOBAL_REGION, CoverageState::Unread(unread)));
        regions.iter().map(|region| word(region, CoverageState::Complete)).chain(rest).collect()
    }

    fn check(former: &[Coverage], latter: &[Coverage], fixed: &[&str], new: &[&str]) {
        let before = Former {
            id: "1".into(),
            started: Timestamp::UNIX_EPOCH,
            controls: vec!["ec2.x".into()],
            asked: Asked::of(former),
            verdicts: vec![failure("old-a", "us-east-1"), failure("old-b", "eu-west-1")],
        };
        let judgement = Judgement {
            tally: yagura_report::Tally::default(),
            scores: Vec::new(),
            coverage: latter.to_vec(),
            verdicts: vec![failure("new-a", "us-east-1"), failure("new-b", "eu-west-1")],
            resources: 2,
        };
        let comparison = before.compared(&["ec2.x".into()], &judgement);
        let keys = |verdicts: &[Verdict]| -> Vec<String> {
            verdicts.iter().map(|verdict| verdict.key.clone()).collect()
        };
        assert_eq!(keys(&comparison.fixed), fixed, "fixed");
        assert_eq!(keys(&comparison.new), new, "new");
    }

    #[test]
    fn what_one_of_two_scans_left_out_is_neither_new_nor_fixed() {
        let whole = asked(&["eu-west-1", "us-east-1"], false);
        let cut = asked(&["us-east-1"], true);
        check(&whole, &whole, &["old-b", "old-a"], &["new-b", "new-a"]);
        check(&whole, &cut, &["old-a"], &["new-b", "new-a"]);
        check(&cut, &whole, &["old-b", "old-a"], &["new-a"]);
        check(&whole, &[], &[], &["new-b", "new-a"]);
    }
}
