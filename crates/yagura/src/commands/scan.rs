//! `yagura scan`: inventories accounts and judges them, or judges an exported file.
//! The stages are wired in `crate::river`; results are written by `yagura-report`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use yagura_collect::{Notice, Plan, Wanted};
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_model::{Lang, OTHER_ACCOUNTS, Severity, Verdict};
use yagura_report::{Comparison, ScanMeta, ScanReport};
use yagura_store::ScanState;

use crate::choice::ControlChoice;
use crate::context::Context;
use crate::exit::Exit;
use crate::former;
use crate::options::{AwsOptions, Reach, ResultOptions};
use crate::output;
use crate::progress::Bar;
use crate::river::{self, Judgement, Judging, Seen};
use crate::whole_file::write_report;
use crate::{catalog, findings, reach};

#[derive(Args)]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    choice: ControlChoice,
    #[arg(long, conflicts_with = "snapshot")]
    full: bool,
    #[command(flatten)]
    result: ResultOptions,
    #[arg(long, value_name = "SCAN")]
    compare: Option<String>,
    // A profile or an endpoint may stand in the environment for good: with a file, none is used.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, args: &ScanArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let controls = args.choice.of(&content)?;
    let framework = args.choice.framework.as_deref();
    let results = Results { context, content: &content, options: &args.result, framework };
    if let Some(file) = &args.snapshot {
        return judge_file(&results, &controls, file, args.compare.as_deref()).await;
    }
    let cancel = river::cancel_on_interrupt({
        let lang = context.lang;
        move || {
            output::say(match lang {
                Lang::En => "interrupted: keeping what was read (once more to stop at once)",
                Lang::Ja => "中断します。読み取った分は保存します（もう一度押すとすぐに終了）",
            });
        }
    });
    let client = reach::client(&args.aws, cancel).await?;
    let wanted: Vec<&Control> = controls.iter().map(AsRef::as_ref).collect();
    let wanted = if args.full { Wanted::Everything } else { Wanted::Controls(&wanted) };
    let plan = Plan::new(&content, &wanted);
    let store = context.store().await?;
    let started = context.now();
    let ground = reach::ground(&client, &plan, &args.reach, started).await?;
    let start = river::start(&ground, &controls, args.full);
    let former = match &args.compare {
        Some(text) => Some(former::find(&store, text, context, &content, &controls).await?),
        None => None,
    };
    let bar = Bar::new(context.lang, context.global.quiet);
    let read = river::read(&client, &plan, &ground, &start, &store, &bar).await?;
    let finished = context.now();
    river::finish(&store, &read, finished).await?;
    say_notices(context, &read.notices);
    let judging = Judging {
        content: &content,
        controls: &controls,
        now: started,
        accounts: river::accounts_known(&ground.organization),
        all: args.result.all,
        into: Some(read.scan),
    };
    let judgement = river::judge(&store, Seen::Scan(read.scan), judging).await?;
    let folded = findings::fold_scan(&content, &store, read.scan, context.now()).await;
    let mut meta = river::meta(&start, Some(read.scan), finished);
    meta.calls = client.counts().calls;
    meta.partial = read.outcome.interrupted;
    let comparison = former.map(|former| former.compared(&start.controls, &judgement));
    store.close().await;
    results.write(meta, &judgement, comparison.as_ref())?;
    findings::say(context, &folded?);
    let blind = read.outcome.blind > 0 || is_blind(&judgement);
    Ok(results.exit(read.outcome.interrupted, blind, &judgement))
}

fn say_notices(context: &Context, notices: &[Notice]) {
    const SHOWN_MAX: usize = 20;
    for notice in notices.iter().take(SHOWN_MAX) {
        context.remark(&notice.text(context.lang));
    }
    let left = notices.len().saturating_sub(SHOWN_MAX);
    if left > 0 {
        context.remark_in(&format!("… and {left} more remarks"), &format!("… ほか {left} 件"));
    }
}

/// Judges an exported file instead of reading AWS.
async fn judge_file(
    results: &Results<'_>,
    controls: &[&std::sync::Arc<Control>],
    file: &Path,
    compare: Option<&str>,
) -> anyhow::Result<Exit> {
    let Results { context, content, options, .. } = results;
    let former = match compare {
        Some(text) => {
            let main = context.store().await?;
            Some(former::find(&main, text, context, content, controls).await?)
        }
        None => None,
    };
    let (scan, judgement) = former::judged_file(file, content, controls, options.all).await?;
    let ids: Vec<String> = controls.iter().map(|control| control.id.clone()).collect();
    let comparison = former.map(|former| former.compared(&ids, &judgement));
    let mut meta = river::meta(&scan.start, None, scan.finished.unwrap_or(scan.start.started));
    meta.partial = scan.state != ScanState::Complete;
    let blind = is_blind(&judgement);
    results.write(meta, &judgement, comparison.as_ref())?;
    Ok(results.exit(false, blind, &judgement))
}

/// Whether a listing that should have answered did not.
pub(crate) fn is_blind(judgement: &Judgement) -> bool {
    // Of accounts that could not be listed the verdicts say where it matters.
    let named = judgement.coverage.iter().filter(|one| one.account != OTHER_ACCOUNTS);
    let listings = named.filter_map(|one| one.state.unread());
    let verdicts = judgement.verdicts.iter().flat_map(|verdict| &verdict.unread);
    listings.chain(verdicts).any(|unread| unread.reason.is_blind())
}

/// Where and how a result is written; shared by all commands that judge.
pub(crate) struct Results<'a> {
    pub(crate) context: &'a Context,
    pub(crate) content: &'a Content,
    pub(crate) options: &'a ResultOptions,
    /// The one framework whose score is shown, where one was asked for.
    pub(crate) framework: Option<&'a str>,
}

impl Results<'_> {
    /// Writes the report to the file or to stdout.
    pub(crate) fn write(
        &self,
        meta: ScanMeta,
        judgement: &Judgement,
        comparison: Option<&Comparison>,
    ) -> anyhow::Result<()> {
        let catalog = catalog::of(self.content);
        let mut scores = catalog::in_order(&catalog, &judgement.scores);
        scores.retain(|score| self.framework.is_none_or(|asked| score.framework == asked));
        let scan = ScanMeta { resources: judgement.resources, ..meta };
        let report = ScanReport {
            comparison,
            ..judgement.report(scan, &catalog, &scores, self.context.lang)
        };
        let format = self.options.format;
        let terminal = self.context.terminal(self.options.limit, self.options.output.is_none());
        let write = |out: &mut dyn Write| yagura_report::write(&report, format, &terminal, out);
        match &self.options.output {
            Some(file) => {
                let attempt = format!("could not write the report `{}`", file.display());
                write_report(self.context, file, &attempt, write)
            }
            None => output::data(write),
        }
    }

    /// The exit status of a result.
    pub(crate) fn exit(&self, interrupted: bool, blind: bool, judgement: &Judgement) -> Exit {
        let failing = self.options.fail_on.is_some_and(|severity| {
            judgement.verdicts.iter().any(|verdict| is_open_failure(verdict, severity))
        });
        Exit::of_scan(interrupted, failing, blind)
    }
}

fn is_open_failure(verdict: &Verdict, at_least: Severity) -> bool {
    verdict.status == yagura_model::VerdictStatus::Fail
        && verdict.exception.is_none()
        && verdict.severity >= at_least
}
