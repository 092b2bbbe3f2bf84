//! `yagura hunt`: detections over the lake, back over years; and what a rule would have raised
//! before it is switched on.
//! How rows become records again is in `rows.rs`, in which order days come in `stretches.rs`; files
//! alone are `yagura detect`.

mod backtest;
mod clues;
mod rows;
mod stretches;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{bail, ensure};
use clap::Args;
use jiff::Timestamp;
use yagura_content::Content;
use yagura_judge::detections::DetectOptions;
use yagura_lake::Snapshot;
use yagura_lake::query::Engine;
use yagura_model::Prose;

use super::detect::{say_blind, say_interrupted};
use crate::context::Context;
use crate::detection::choice::{Chosen, DetectionChoice};
use crate::detection::tap::Judging;
use crate::detection::told::{AlertOptions, Found, blind_of};
use crate::exit::Exit;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice, Span};
use crate::output::{self, Hinted};
use crate::progress::QueryBar;
use crate::{findings, moment, river};
use backtest::Backtest;
use rows::Hunt;

#[derive(Args)]
pub(crate) struct HuntArgs {
    #[command(flatten)]
    span: Span,
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    source: Vec<String>,
    #[arg(long = "rule", value_name = "FILE", conflicts_with_all = ["rules", "detections"])]
    rule: Vec<PathBuf>,
    #[command(flatten)]
    choice: DetectionChoice,
    #[arg(long)]
    no_group: bool,
    #[arg(long, conflicts_with_all = ["rule", "no_group"])]
    keep: bool,
    #[command(flatten)]
    told: AlertOptions,
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(crate) async fn run(context: &Context, args: &HuntArgs) -> anyhow::Result<Exit> {
    let content = Arc::new(context.content()?);
    let now = context.now();
    let since = moment::read_some(args.span.since.as_deref(), now)?;
    let until = moment::read_some(args.span.until.as_deref(), now)?;
    let lang = context.lang;
    let cancel = river::cancel_on_interrupt(move || say_interrupted(lang));
    let backtest = (!args.rule.is_empty()).then(|| Arc::new(Backtest::default()));
    let chosen = choose(context, args, &content, now)?;
    let mut judging = Judging::begin(chosen.detector.clone(), None)?;
    if let Some(backtest) = &backtest {
        let backtest = Arc::clone(backtest);
        judging = judging.heard_by(move |judged| backtest.hear(judged));
    }
    let judging = Arc::new(judging);
    let lake = lake_place::open(context, &content, &args.lake, &args.aws, Use::READ).await?;
    let snapshot = lake.snapshot().await?;
    let sources = sources(args, &content, &chosen, &snapshot)?;
    let hunt = Hunt {
        engine: Engine::new(lake, None),
        content: Arc::clone(&content),
        judging: Arc::clone(&judging),
        conditions: sources
            .iter()
            .map(|source| (Arc::clone(source), clues::of(&chosen, &content, source)))
            .collect(),
        memory_bytes: args.lake.memory,
        cancel: cancel.clone(),
    };
    let stretches = stretches::of(&snapshot, &sources, (since, until));
    let bad = hunt.run(&stretches, &QueryBar::new(lang, context.global.quiet)).await?;
    let judged = judging.finish()?;
    let mut blind = blind_of(&judged.counters);
    if bad > 0 {
        blind.push(Prose {
            en: format!("{bad} rows of the lake could not be read as records again"),
            ja: format!("レコードとして読み直せなかったレイクの行: {bad} 件"),
        });
    }
    let interrupted = cancel.is_cancelled();
    let is_blind = !blind.is_empty();
    if args.keep {
        let store = context.store().await?;
        let kept = store.alerts().keep(&judged.alerts, context.now()).await?;
        let folded = findings::fold_alerts(&content, &store, context.now()).await?;
        store.close().await;
        let (new, grown) = (kept.new.len(), kept.grown);
        context.remark_in(
            &format!("kept: {new} new alerts, {grown} that have grown"),
            &format!("保存しました: 新しいアラート {new} 件、更新 {grown} 件"),
        );
        findings::say(context, &folded);
    }
    let failing = args.told.fails(&judged.alerts);
    if let (Some(backtest), yagura_report::AlertFormat::Table) = (&backtest, args.told.format) {
        output::line(&backtest.table(&judged.alerts, lang))?;
    }
    if args.told.format != yagura_report::AlertFormat::Table {
        say_blind(context, &blind);
    }
    let records = Some(judged.counters.records);
    let found = Found { alerts: judged.alerts, records, blind, more: false };
    args.told.write(context, &content, &chosen.rules, found)?;
    Ok(Exit::of_scan(interrupted, failing, is_blind))
}

/// The detections of this hunt: of a backtest the rule alone, with nothing that remembers more.
fn choose(
    context: &Context,
    args: &HuntArgs,
    content: &Content,
    now: Timestamp,
) -> anyhow::Result<Chosen> {
    let options = DetectOptions { grouped: !args.no_group, ..DetectOptions::at(now) };
    let choice = match args.rule.as_slice() {
        [] => args.choice.clone(),
        rules => DetectionChoice::only(rules),
    };
    choice.compile(context, content, options)
}

/// The sources to read: those that were asked for, else all that have records and detections.
fn sources(
    args: &HuntArgs,
    content: &Content,
    chosen: &Chosen,
    snapshot: &Snapshot,
) -> anyhow::Result<Vec<Arc<str>>> {
    for source in &args.source {
        ensure!(
            content.sources.contains_key(source),
            Hinted::new(
                format!("there is no log source `{source}`"),
                "`yagura lake status` lists those of the lake",
            )
        );
    }
    let filled: BTreeSet<&Arc<str>> = snapshot.files().map(|file| &file.source).collect();
    let wanted = |source: &&Arc<str>| {
        let asked = args.source.is_empty() || args.source.iter().any(|one| **one == ***source);
        asked && content.sources.contains_key(&***source) && clues::is_judged(chosen, source)
    };
    let sources: Vec<Arc<str>> = filled.into_iter().filter(wanted).cloned().collect();
    if sources.is_empty() && !args.source.is_empty() {
        bail!(Hinted::new(
            format!("nothing of {} is judged", args.source.join(", ")),
            "the lake has no record of it, or no detection is about it",
        ));
    }
    Ok(sources)
}
