//! `yagura controls`: looks controls up, and judges again what was read before.
//! A scan of AWS is `yagura scan`.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use yagura_content::format::{Control, Expression};
use yagura_content::{Content, glob};
use yagura_model::{Lang, Severity};

use crate::choice::ControlChoice;
use crate::commands::scan::{Results, is_blind};
use crate::context::Context;
use crate::exit::Exit;
use crate::former::parse_time;
use crate::options::{ResultOptions, RowFormat, RowOptions, severity};
use crate::output::{self, Hinted};
use crate::river::{self, Judging, Seen};
use crate::rows::Rows;

#[derive(Args)]
pub(crate) struct ControlsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Show(ShowArgs),
    Evaluate(Box<EvaluateArgs>),
}

#[derive(Args)]
struct ListArgs {
    pattern: Option<String>,
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    #[arg(long, value_name = "ID")]
    framework: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct ShowArgs {
    id: String,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct EvaluateArgs {
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    choice: ControlChoice,
    #[command(flatten)]
    result: ResultOptions,
}

pub(crate) async fn run(context: &Context, args: &ControlsArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::List(args) => list(context, args),
        What::Show(args) => show(context, args),
        What::Evaluate(args) => evaluate(context, args).await,
    }
}

fn list(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let columns = [("id", "ID"), ("severity", "重要度"), ("type", "タイプ"), ("title", "タイトル")];
    let mut rows = Rows::new(context.lang, &columns).worded_in("severity", "report.severity.");
    for (id, control) in &content.controls {
        let fits = args.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, id))
            && args.severity.is_none_or(|severity| control.severity >= severity)
            && args
                .framework
                .as_ref()
                .is_none_or(|framework| content.requirements_of(id).contains_key(framework));
        if fits {
            rows.push(vec![
                json!(id),
                json!(control.severity.as_str()),
                json!(control.type_name.value),
                json!(control.title.value.get(context.lang)),
            ]);
        }
    }
    if rows.is_empty() {
        context.remark_in("no control matches", "一致するコントロールはありません");
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}

fn show(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let Some(control) = content.controls.get(&args.id) else {
        let near: Vec<&str> = content
            .controls
            .keys()
            .map(String::as_str)
            .filter(|id| glob::matches(&format!("*{}*", args.id), id))
            .take(5)
            .collect();
        let hint = if near.is_empty() {
            "`yagura controls list` shows the ids".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        bail!(Hinted::new(format!("no control is called `{}`", args.id), hint));
    };
    if args.rows.format == RowFormat::Json {
        output::line(&as_json(&content, control).to_string())?;
    } else {
        output::line(as_text(&content, control, context.lang).trim_end())?;
    }
    Ok(Exit::Done)
}

fn as_json(content: &Content, control: &Control) -> serde_json::Value {
    let text = |text: &Option<yagura_content::Placed<String>>| {
        text.as_ref().map(|text| text.value.clone())
    };
    json!({
        "id": control.id,
        "type": control.type_name.value,
        "severity": control.severity,
        "guidance": control.guidance.as_str(),
        "title": control.title.value,
        "why": control.why.value,
        "when": control.when.as_ref().map(Expression::source),
        "require": control.require.source(),
        "parameters": control.parameters.iter()
            .map(|(name, one)| (name.clone(), one.default.clone()))
            .collect::<serde_json::Map<_, _>>(),
        "fix": {
            "console": {
                "en": control.fix.console.value.en,
                "ja": control.fix.console.value.ja,
            },
            "cli": control.fix.cli.value,
            "cloudformation": text(&control.fix.cloudformation),
            "terraform": text(&control.fix.terraform),
        },
        "maps": content.requirements_of(&control.id),
    })
}

/// A control for a person.
pub(crate) fn as_text(content: &Content, control: &Control, lang: Lang) -> String {
    let words = yagura_report::words(lang);
    let heading = |key: &str| words.get(&format!("control.{key}")).to_owned();
    let mut text = format!("{}\n{}\n\n", control.id, control.title.value.get(lang));
    let severity = format!("report.severity.{}", control.severity.as_str());
    let mut facts = vec![
        (heading("severity"), words.get(&severity).to_owned()),
        (heading("type"), control.type_name.value.clone()),
        (
            heading("guidance"),
            words.get(&format!("control.{}", control.guidance.as_str())).to_owned(),
        ),
    ];
    for (id, list) in content.requirements_of(&control.id) {
        facts.push((id.clone(), list.join(", ")));
    }
    for (name, value) in facts {
        text.push_str(&format!("{name}: {value}\n"));
    }
    let mut section = |title: String, body: &str| {
        if !body.trim().is_empty() {
            let indented: Vec<String> =
                body.trim_end().lines().map(|line| format!("  {line}")).collect();
            text.push_str(&format!("\n{title}\n{}\n", indented.join("\n")));
        }
    };
    section(heading("why"), control.why.value.get(lang));
    if let Some(when) = &control.when {
        section(heading("when"), when.source());
    }
    section(heading("require"), control.require.source());
    let steps = match lang {
        Lang::En => &control.fix.console.value.en,
        Lang::Ja => &control.fix.console.value.ja,
    };
    let numbered: Vec<String> =
        steps.iter().enumerate().map(|(n, step)| format!("{}. {step}", n + 1)).collect();
    section(heading("console"), &numbered.join("\n"));
    section("AWS CLI".to_owned(), &control.fix.cli.value);
    if let Some(snippet) = &control.fix.cloudformation {
        section("CloudFormation".to_owned(), &snippet.value);
    }
    if let Some(snippet) = &control.fix.terraform {
        section("Terraform".to_owned(), &snippet.value);
    }
    text
}

async fn evaluate(context: &Context, args: &EvaluateArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let controls = args.choice.of(&content)?;
    let store = context.store().await?;
    let (seen, scan, now) = if let Some(text) = &args.at {
        let at = parse_time(text)?;
        let scan = store.latest_scan_at(at).await?;
        let scan = scan.with_context(|| {
            Hinted::new(
                format!("nothing had been read by `{text}`"),
                "`yagura resources scans` lists what is stored",
            )
        })?;
        (Seen::Time(at), scan, at)
    } else {
        let scan = store.latest_scan().await?.context(Hinted::new(
            "nothing has been read yet",
            "`yagura scan` reads your accounts",
        ))?;
        let started = scan.start.started;
        (Seen::Scan(scan.id), scan, started)
    };
    let judging = Judging {
        content: &content,
        controls: &controls,
        now,
        accounts: river::accounts_stored(&store, seen, &scan.start.accounts).await?,
        all: args.result.all,
        into: None,
    };
    let judgement = river::judge(&store, seen, judging).await?;
    let meta = river::meta(&scan.start, Some(scan.id), scan.finished.unwrap_or(now));
    store.close().await;
    let framework = args.choice.framework.as_deref();
    let results = Results { context, content: &content, options: &args.result, framework };
    results.write(meta, &judgement, None)?;
    Ok(results.exit(false, is_blind(&judgement), &judgement))
}
