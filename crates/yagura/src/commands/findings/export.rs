//! `yagura findings export`: findings for other products, to a file or to stdout.
//! How they are written is `yagura-report`'s.

use std::io::{BufWriter, Seek as _, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use yagura_model::finding::FindingState;
use yagura_report::{Export, ExportContext, ExportFormat};
use yagura_store::findings::{FindingFilter, FindingOrder, Findings, PAGE_MAX, Page};

use super::choose::{self, FilterOptions};
use crate::context::Context;
use crate::exit::Exit;
use crate::whole_file::WholeFile;
use crate::{catalog, detection, output};

#[derive(Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    filter: FilterOptions,
    #[arg(long)]
    all: bool,
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: ExportFormat,
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn format(text: &str) -> Result<ExportFormat, String> {
    text.parse::<ExportFormat>().map_err(|error| error.to_string())
}

pub(crate) async fn run(context: &Context, args: &ExportArgs) -> anyhow::Result<Exit> {
    let usual: &[FindingState] = if args.all { &[] } else { &FindingState::OPEN };
    let filter = args.filter.filter(usual, context.now())?;
    let content = context.content()?;
    let store = context.store().await?;
    let catalog = catalog::of(&content);
    let entries = detection::told::entries_of_all(&content);
    let about = ExportContext {
        catalog: &catalog,
        entries: &entries,
        accounts: Vec::new(),
        at: context.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lang: context.lang,
    };
    let attempt = || match &args.output {
        Some(place) => format!("could not write the findings to `{}`", place.display()),
        None => "could not write the findings".to_owned(),
    };
    let mut whole =
        args.output.as_deref().map(WholeFile::begin).transpose().with_context(attempt)?;
    // What goes to stdout waits until all of it is there.
    let mut aside = None;
    let out: &mut dyn Write = match &mut whole {
        Some(whole) => whole.out(),
        None => aside.insert(BufWriter::new(tempfile::tempfile().with_context(attempt)?)),
    };
    let findings = choose::findings(&store);
    let (written, left_out) = write(&findings, &filter, &about, args.format, out).await?;
    store.close().await;
    if let Some(whole) = whole {
        whole.keep().with_context(attempt)?;
    }
    if let Some(aside) = aside {
        let mut aside = aside.into_inner().with_context(attempt)?;
        aside.rewind()?;
        output::data(|out| std::io::copy(&mut aside, out).map(drop))?;
    }
    context.remark_in(
        &format!("{written} findings written"),
        &format!("検出結果 {written} 件を書き出しました"),
    );
    if left_out > 0 {
        context.remark_in(
            &format!("{left_out} findings left out: they belong to no account"),
            &format!("{left_out} 件はアカウントに属さないため書き出していません"),
        );
    }
    Ok(Exit::Done)
}

/// Writes page by page: what is exported need not fit into memory.
async fn write(
    findings: &Findings,
    filter: &FindingFilter,
    about: &ExportContext<'_>,
    format: ExportFormat,
    out: &mut dyn std::io::Write,
) -> anyhow::Result<(u64, u64)> {
    let mut export = Export::begin(about, format, out)?;
    let mut page = Page { order: FindingOrder::FirstSeen, limit: PAGE_MAX, after: None };
    loop {
        let found = findings.list(filter, &page).await?;
        for finding in &found.findings {
            export.finding(finding)?;
        }
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    Ok(export.end()?)
}
