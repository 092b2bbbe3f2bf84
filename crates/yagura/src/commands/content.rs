//! `yagura content`: holds content, ours and the user's, to the same discipline.
//! What is checked is in `yagura-content`; cases are run by judge and collect.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use miette::{GraphicalReportHandler, GraphicalTheme};
use yagura_content::{Content, Place, Problem, glob, scaffold};
use yagura_model::Lang;

use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Hinted};
use crate::{settings, tables};

#[derive(Args)]
pub(crate) struct ContentArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Test(TestArgs),
    Lint,
    New(NewArgs),
}

#[derive(Args)]
struct TestArgs {
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
}

#[derive(Args)]
struct NewArgs {
    #[arg(value_enum)]
    kind: Kind,
    id: String,
    #[arg(long = "type", value_name = "TYPE", default_value = "AWS::Service::Type")]
    type_name: String,
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// What can be started from a scaffold.
#[derive(clap::ValueEnum, Clone, Copy)]
enum Kind {
    Control,
    Resource,
    Source,
    Query,
    Detection,
}

pub(crate) fn run(context: &Context, args: &ContentArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Test(args) => test(context, args),
        What::Lint => {
            let content = load(context)?;
            let errors = lint(context, &content)?;
            Ok(if errors == 0 { Exit::Done } else { Exit::Findings })
        }
        What::New(args) => new(context, args),
    }
}

fn load(context: &Context) -> anyhow::Result<Content> {
    Ok(Content::load(settings::site_folder(&context.global)?.as_deref()))
}

/// Prints what lint says; returns how many errors there were.
fn lint(context: &Context, content: &Content) -> anyhow::Result<usize> {
    let facts = tables::Facts::open()?;
    let problems = content.lint(Some(&facts));
    for problem in &problems {
        output::say(&shown(context, problem)?);
    }
    Ok(problems.iter().filter(|problem| problem.is_error()).count())
}

/// A problem with the lines around it, without color; one line where stderr is no terminal.
fn shown(context: &Context, problem: &Problem) -> anyhow::Result<String> {
    let problem = &problem.clone().said(|text| context.told(text));
    if output::stderr_is_terminal() {
        let mut text = String::new();
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_width(output::width())
            .render_report(&mut text, problem)?;
        return Ok(text);
    }
    let mut text = problem.to_string();
    if !problem.hint.is_empty() {
        let words = yagura_report::words(context.lang);
        text.push_str("\n  ");
        text.push_str(&words.fill("output.hint", &[("what", &problem.hint)]));
    }
    Ok(output::printable(&text))
}

fn test(context: &Context, args: &TestArgs) -> anyhow::Result<Exit> {
    let content = load(context)?;
    let mut errors = lint(context, &content)?;
    let wanted = |id: &str| args.only.as_ref().is_none_or(|only| glob::matches(only, id));
    let (mut passed, mut failed) = (0_u64, 0_u64);
    let (judged, unusable) = cases_of_judge(&content, &wanted);
    for problem in unusable.iter().filter(|problem| problem.is_error()) {
        output::say(&shown(context, problem)?);
        errors += 1;
    }
    for (place, case, failure) in judged {
        if let Some(failure) = failure {
            failed += 1;
            let failure = format!("{place}: case `{case}`: {failure}");
            output::say(&output::printable(&context.told(failure)));
        } else {
            passed += 1;
        }
    }
    for case in yagura_respond::channels::cases::run(&content, &wanted) {
        if let Some(failure) = case.failure {
            failed += 1;
            let (at, what, name) = (case.place, case.channel, case.case);
            let place = format!("channels/{what}:{}:{}", at.line, at.column);
            let failure = format!("{place}: case `{name}`: {failure}");
            output::say(&output::printable(&context.told(failure)));
        } else {
            passed += 1;
        }
    }
    for (what, case, problems) in cases_of_collect(&content, &wanted) {
        if problems.is_empty() {
            passed += 1;
        } else {
            failed += 1;
            let problems = problems.join("; ");
            let failure = format!("{what}: case `{case}`: {problems}");
            output::say(&output::printable(&context.told(failure)));
        }
    }
    remark(context, &content);
    output::line(&match context.lang {
        Lang::En => format!("{passed} passed, {failed} failed"),
        Lang::Ja => format!("合格 {passed} 件、不合格 {failed} 件"),
    })?;
    if errors > 0 {
        context.remark_in(
            &format!("{errors} errors in content files"),
            &format!("コンテンツファイルに {errors} 件の誤りがあります"),
        );
    }
    Ok(if failed == 0 && errors == 0 { Exit::Done } else { Exit::Findings })
}

/// Says how much content there is.
fn remark(context: &Context, content: &Content) {
    let counts = [
        content.controls.len(),
        content.detections.len(),
        content.behaviors.len(),
        content.sequences.len(),
        content.intelligence.len(),
        content.resources.len(),
        content.frameworks.len(),
        content.sources.len(),
        content.queries.len(),
        content.channels.len(),
    ];
    let en = [
        "controls",
        "detections",
        "behaviors",
        "sequences",
        "rules of threat intelligence",
        "resource types",
        "frameworks",
        "log sources",
        "queries",
        "channels",
    ];
    let ja = [
        "コントロール",
        "検出ルール",
        "振る舞い",
        "シーケンス",
        "脅威インテリジェンスのルール",
        "リソースタイプ",
        "フレームワーク",
        "ログソース",
        "クエリ",
        "チャネル",
    ];
    let en: Vec<String> =
        counts.iter().zip(en).map(|(count, noun)| format!("{count} {noun}")).collect();
    let ja: Vec<String> =
        counts.iter().zip(ja).map(|(count, noun)| format!("{noun} {count}")).collect();
    context.remark_in(&en.join(", "), &ja.join("、"));
}

/// A case: where it stands, what it is called, and why it failed.
type CaseRun = (String, String, Option<String>);

/// The cases of controls and of everything that raises signals, and what of that cannot be used.
fn cases_of_judge(
    content: &Content,
    wanted: &dyn Fn(&str) -> bool,
) -> (Vec<CaseRun>, Vec<Problem>) {
    let at = |what: &str, place: Place| format!("{what}:{}:{}", place.line, place.column);
    let controls = yagura_judge::cases::run(content)
        .into_iter()
        .filter(|case| wanted(&case.control))
        .map(|case| (at(&case.control, case.place), case.case, case.failure));
    let (detections, unusable) = yagura_judge::detections::cases::run(content, wanted);
    let detections =
        detections.into_iter().map(|case| (at(&case.path, case.place), case.case, case.failure));
    // Cases of behaviours hold weeks of events: what is not wanted is not run.
    let mut chosen = content.clone();
    chosen.behaviors.retain(|id, _| wanted(id));
    chosen.sequences.retain(|id, _| wanted(id));
    chosen.intelligence.retain(|id, _| wanted(id));
    let behaviors = yagura_judge::behaviors::run_behavior_cases(&chosen)
        .into_iter()
        .map(|case| (at(&case.behavior, case.place), case.case, case.failure));
    let sequences = yagura_judge::sequences::run_sequence_cases(&chosen)
        .into_iter()
        .map(|case| (at(&case.sequence, case.place), case.case, case.failure));
    let intelligence = yagura_judge::intelligence::cases::run(&chosen)
        .into_iter()
        .map(|case| (at(&case.control, case.place), case.case, case.failure));
    let all = controls.chain(detections).chain(behaviors).chain(sequences).chain(intelligence);
    (all.collect(), unusable)
}

/// What of the content, which case, and what is wrong with it: of resource types and sources.
fn cases_of_collect(
    content: &Content,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<(String, String, Vec<String>)> {
    let id_of = |type_name: &str| content.resources.get(type_name).map(|file| file.id.clone());
    let resources = yagura_collect::cases::run(content)
        .into_iter()
        .filter(|case| wanted(id_of(&case.type_name).as_deref().unwrap_or(&case.type_name)))
        .map(|case| (case.type_name, case.case, case.problems));
    let samples = yagura_collect::cases::samples::run(content)
        .into_iter()
        .filter(|case| wanted(&case.source))
        .map(|case| (case.source, case.sample, case.problems));
    resources.chain(samples).collect()
}

/// A UUID of version 4. Seeds of hash maps are random, and a rule's name needs no more than that.
fn random_uuid() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let half = |part: u8| RandomState::new().hash_one(part);
    let (high, low) = (half(0), half(1));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

fn new(context: &Context, args: &NewArgs) -> anyhow::Result<Exit> {
    let folder = match (&args.into, &context.global.site) {
        (Some(folder), _) | (None, Some(folder)) => folder.clone(),
        (None, None) => settings::data_folder(&context.global)?.join("site"),
    };
    let files = match args.kind {
        Kind::Control => scaffold::control(&args.id, &args.type_name).map(|file| vec![file]),
        Kind::Resource => scaffold::resource(&args.id, &args.type_name).map(|file| vec![file]),
        Kind::Source => scaffold::source(&args.id),
        Kind::Query => scaffold::query(&args.id).map(|file| vec![file]),
        Kind::Detection => scaffold::detection(&load(context)?, &args.id, &random_uuid()),
    };
    let files = files.map_err(|error| {
        let message = error.to_string();
        anyhow::Error::new(error).context(Hinted::new(
            message,
            "an id is `service.wanted_condition` or `source.what_happened`, that of a source one \
             word, in lower case",
        ))
    })?;
    if let Some(there) = files.iter().map(|file| folder.join(&file.path)).find(|path| path.exists())
    {
        let message = format!("`{}` is there already", there.display());
        anyhow::bail!(Hinted::new(message, "choose another id"));
    }
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, file.text)?;
        output::line(&path.display().to_string())?;
    }
    context.remark_in(
        "fill it in, then run `yagura content test`",
        "内容を書いてから `yagura content test` を実行してください",
    );
    Ok(Exit::Done)
}
