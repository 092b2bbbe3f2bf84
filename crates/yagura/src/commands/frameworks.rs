//! `yagura frameworks`: looks frameworks up, requirement by requirement, with the controls that
//! serve each and whose part it is. How well they are met is said by `yagura scan`.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use yagura_content::Content;
use yagura_content::format::Assessment;
use yagura_model::Lang;
use yagura_report::{FrameworkEntry, RequirementEntry};

use crate::catalog;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::output::{self, Hinted};
use crate::rows::{Rows, WordList};

/// How a requirement is assessed, as the columns of `frameworks list` call it.
const ASSESSMENTS: WordList = &[
    ("automated", "自動"),
    ("partial", "一部自動"),
    ("manual", "手動"),
    ("not_covered", "未対応"),
];

#[derive(Args)]
pub(crate) struct FrameworksArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Show(ShowArgs),
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct ShowArgs {
    id: String,
    requirement: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) fn run(context: &Context, args: &FrameworksArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::List(args) => list(context, args),
        What::Show(args) => show(context, args),
    }
}

fn list(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let columns = [
        ("id", "ID"),
        ("title", "タイトル"),
        ("version", "バージョン"),
        ("requirements", "要件数"),
        ("automated", "自動"),
        ("partial", "一部自動"),
        ("manual", "手動"),
        ("not_covered", "未対応"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    for entry in catalog::of(&content).frameworks {
        let count = |assessment: Assessment| {
            let of = |one: &&RequirementEntry| one.assessment == assessment.as_str();
            json!(entry.requirements.iter().filter(of).count())
        };
        rows.push(vec![
            json!(entry.id),
            json!(entry.title.get(context.lang)),
            json!(entry.version),
            json!(entry.requirements.len()),
            count(Assessment::Automated),
            count(Assessment::Partial),
            count(Assessment::Manual),
            count(Assessment::NotCovered),
        ]);
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}

fn show(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let entry = entry(&content, &args.id)?;
    let Some(wanted) = &args.requirement else {
        requirements(&content, &entry, context.lang).write(args.rows.format)?;
        return Ok(Exit::Done);
    };
    let Some(requirement) = entry.requirements.iter().find(|one| one.id == *wanted) else {
        bail!(Hinted::new(
            format!("`{}` has no requirement `{wanted}`", entry.id),
            format!("`yagura frameworks show {}` lists them", entry.id),
        ));
    };
    let serving = content.controls_for(&entry.id, &requirement.id);
    if args.rows.format == RowFormat::Json {
        output::line(&as_json(requirement, serving).to_string())?;
    } else {
        output::line(as_text(&content, &entry, requirement, context.lang).trim_end())?;
    }
    Ok(Exit::Done)
}

/// A framework as reports know it.
fn entry(content: &Content, id: &str) -> anyhow::Result<FrameworkEntry> {
    let found = catalog::of(content).frameworks.into_iter().find(|entry| entry.id == id);
    let Some(entry) = found else {
        let known: Vec<&str> = content.frameworks.keys().map(String::as_str).collect();
        let known = format!("known are {}", known.join(", "));
        bail!(Hinted::new(format!("there is no framework `{id}`"), known));
    };
    Ok(entry)
}

fn requirements(content: &Content, entry: &FrameworkEntry, lang: Lang) -> Rows {
    let columns = [
        ("id", "ID"),
        ("assessment", "判定方法"),
        ("responsible", "責任"),
        ("controls", "コントロール数"),
        ("title", "タイトル"),
    ];
    let mut rows = Rows::new(lang, &columns)
        .worded("assessment", ASSESSMENTS)
        .worded_in("responsible", "report.responsible.");
    for one in &entry.requirements {
        rows.push(vec![
            json!(one.id),
            json!(one.assessment),
            json!(one.responsible),
            json!(content.controls_for(&entry.id, &one.id).len()),
            json!(one.title.get(lang)),
        ]);
    }
    rows
}

fn as_json(requirement: &RequirementEntry, serving: &[String]) -> serde_json::Value {
    json!({
        "id": requirement.id,
        "title": requirement.title,
        "group": requirement.group,
        "level": requirement.level,
        "assessment": requirement.assessment,
        "responsible": requirement.responsible,
        "aws_part": requirement.aws_part,
        "note": requirement.note,
        "controls": serving,
    })
}

/// A requirement for a person.
fn as_text(
    content: &Content,
    entry: &FrameworkEntry,
    requirement: &RequirementEntry,
    lang: Lang,
) -> String {
    let words = yagura_report::words(lang);
    let heading = |key: &str| words.get(&format!("control.requirement.{key}")).to_owned();
    let mut text = format!("{} {}\n{}\n\n", entry.title.get(lang), requirement.id, {
        requirement.title.get(lang)
    });
    let assessment = format!("control.requirement.{}", requirement.assessment);
    let responsible = format!("report.responsible.{}", requirement.responsible);
    let facts = [
        ("assessed", words.get(&assessment)),
        ("who", words.get(&responsible)),
        ("aws_part", requirement.aws_part.as_ref().map_or("", |part| part.get(lang))),
        ("note", requirement.note.as_ref().map_or("", |note| note.get(lang))),
    ];
    for (key, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{}: {value}\n", heading(key)));
    }
    let serving = content.controls_for(&entry.id, &requirement.id);
    if !serving.is_empty() {
        text.push_str(&format!("\n{}\n", heading("controls")));
    }
    for id in serving {
        let title = content.controls.get(id).map_or("", |control| control.title.value.get(lang));
        text.push_str(&format!("  {id}  {title}\n"));
    }
    text
}
