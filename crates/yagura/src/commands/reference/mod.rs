//! `yagura reference`: the pages of the reference, printed by the program itself.
//! They go into both books (`cargo xtask reference`) and are checked to be fresh.

mod detections;
mod metrics;

use std::fmt::Write as _;

use clap::{Args, Command};
use yagura_content::Content;
use yagura_model::Lang;
use yagura_report::RequirementEntry;

use crate::cli::{argument_key, described, setting_name, variable};
use crate::configuration::sections::documented;
use crate::exit::Exit;
use crate::{catalog, output};

#[derive(Args)]
pub(crate) struct ReferenceArgs {
    #[arg(value_enum)]
    page: Page,
}

/// The pages.
#[derive(clap::ValueEnum, Clone, Copy)]
enum Page {
    Commands,
    Configuration,
    Controls,
    Resources,
    Frameworks,
    Detections,
    Escalations,
    Metrics,
}

pub(crate) fn run(args: &ReferenceArgs, lang: Lang) -> anyhow::Result<Exit> {
    let mut text = String::new();
    match args.page {
        Page::Commands => commands(&mut text, lang)?,
        Page::Configuration => configuration(&mut text, lang)?,
        Page::Controls => controls(&mut text, lang)?,
        Page::Resources => resources(&mut text, lang)?,
        Page::Frameworks => frameworks(&mut text, lang)?,
        Page::Detections => detections::detections(&mut text, lang)?,
        Page::Escalations => detections::escalations(&mut text, lang)?,
        Page::Metrics => metrics::metrics(&mut text, lang)?,
    }
    output::data(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}

/// One of two texts, by language.
fn in_lang(lang: Lang, en: &'static str, ja: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

fn commands(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    writeln!(text, "# {}\n", in_lang(lang, "Commands", "コマンド"))?;
    let mut root = described(lang)?;
    root.build();
    command(text, &root, "yagura", lang)
}

fn command(text: &mut String, command_: &Command, path: &str, lang: Lang) -> anyhow::Result<()> {
    if command_.is_hide_set() || command_.get_name() == "help" {
        return Ok(());
    }
    writeln!(text, "## `{path}`\n")?;
    if let Some(about) = command_.get_about() {
        writeln!(text, "{about}\n")?;
    }
    let own = |argument: &&clap::Arg| {
        let global = argument.is_global_set() && path != "yagura";
        !global && !matches!(argument.get_id().as_str(), "help" | "version")
    };
    let arguments: Vec<&clap::Arg> = command_.get_arguments().filter(own).collect();
    if !arguments.is_empty() {
        let (flag, means) = (in_lang(lang, "argument", "引数"), in_lang(lang, "means", "意味"));
        writeln!(text, "| {flag} | {means} |\n| --- | --- |")?;
        for argument in arguments {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            writeln!(text, "| `{}` | {} |", argument_key(argument), cell(&help))?;
        }
        writeln!(text)?;
    }
    if let Some(after) = command_.get_after_help() {
        writeln!(text, "```text\n{}\n```\n", after.to_string().trim())?;
    }
    for child in command_.get_subcommands() {
        command(text, child, &format!("{path} {}", child.get_name()), lang)?;
    }
    Ok(())
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

fn configuration(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    writeln!(text, "# {}\n", in_lang(lang, "Configuration", "設定"))?;
    writeln!(
        text,
        "{}\n",
        in_lang(
            lang,
            "Each setting is a flag, an environment variable and a key of `config.toml`. \
             What is typed goes before the environment, the environment before the file. \
             In the file a key stands alone, or in a table named after the command it is for.",
            "どの設定も、フラグ・環境変数・`config.toml` のキーのいずれでも指定できます。\
             フラグが環境変数に優先し、環境変数がファイルに優先します。\
             ファイルでは、キーを単独で書くか、対象のコマンド名のテーブルに書きます。"
        )
    )?;
    writeln!(text, "```toml\nregions = [\"ap-northeast-1\", \"us-east-1\"]\n")?;
    writeln!(text, "[scan]\nfail-on = \"high\"\n```\n")?;
    let (key, variable_, means) = (
        in_lang(lang, "key", "キー"),
        in_lang(lang, "variable", "環境変数"),
        in_lang(lang, "means", "意味"),
    );
    writeln!(text, "| {key} | {variable_} | {means} |\n| --- | --- | --- |")?;
    let mut settings = std::collections::BTreeMap::new();
    gather(&described(lang)?, &mut settings);
    for (name, help) in settings {
        writeln!(text, "| `{name}` | `{}` | {} |", variable(&name), cell(&help))?;
    }
    tables(text, lang)
}

/// Keys of tables that are no flags, and how secrets are written.
fn tables(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    let title = in_lang(lang, "Tables that are no flags", "フラグのないテーブル");
    let lead = in_lang(
        lang,
        "`[]` stands for each entry of a list: `[[serve.schedules]]`.",
        "`[]` は並びの各要素（`[[serve.schedules]]`）を表します。",
    );
    writeln!(text, "\n## {title}\n\n{lead}\n")?;
    let (key, means) = (in_lang(lang, "key", "キー"), in_lang(lang, "means", "意味"));
    writeln!(text, "| {key} | {means} |\n| --- | --- |")?;
    for one in documented() {
        writeln!(text, "| `{}` | {} |", one.path, cell(one.means(lang)))?;
    }
    let title = in_lang(lang, "References to secrets", "シークレットの参照");
    let lead = in_lang(
        lang,
        "Where a secret belongs, its place is written, never the secret itself. `database` may be \
         such a reference too.",
        "シークレットを書く場所には、値そのものではなく保管場所を書きます。`database` にも使えます。",
    );
    writeln!(text, "\n## {title}\n\n{lead}\n")?;
    let reference = in_lang(lang, "reference", "参照");
    writeln!(text, "| {reference} | {means} |\n| --- | --- |")?;
    for (reference, en, ja) in REFERENCES {
        writeln!(text, "| `{reference}` | {} |", in_lang(lang, en, ja))?;
    }
    Ok(())
}

/// How a secret can be referred to, and what is read.
const REFERENCES: [(&str, &str, &str); 6] = [
    ("env:NAME", "an environment variable", "環境変数"),
    (
        "file:PATH",
        "a file that other users of the machine cannot read",
        "マシンのほかのユーザーが読めないファイル",
    ),
    (
        "secretsmanager:ID",
        "a secret of AWS Secrets Manager, by name or ARN",
        "AWS Secrets Manager のシークレット（名前または ARN）",
    ),
    (
        "secretsmanager:ID#KEY",
        "that member of the JSON object it holds",
        "シークレットの JSON オブジェクトのうち、そのキーの値",
    ),
    (
        "ssm:NAME",
        "a parameter of Parameter Store, decrypted",
        "Parameter Store のパラメータ（復号して読み取ります）",
    ),
    (
        "stored:NAME",
        "kept encrypted in Yagura's database by `yagura secrets set`",
        "`yagura secrets set` で Yagura のデータベースに暗号化して保存したもの",
    ),
];

fn gather(command: &Command, settings: &mut std::collections::BTreeMap<String, String>) {
    if command.is_hide_set() {
        return;
    }
    for argument in command.get_arguments() {
        if let Some(name) = setting_name(argument) {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            settings.entry(name).or_insert(help);
        }
    }
    for child in command.get_subcommands() {
        gather(child, settings);
    }
}

fn controls(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    let content = Content::builtin();
    let words = yagura_report::words(lang);
    writeln!(text, "# {}\n", in_lang(lang, "Controls", "コントロール"))?;
    let n = content.controls.len();
    match lang {
        Lang::En => writeln!(text, "{n} controls. `yagura controls show ID` shows one whole.\n")?,
        Lang::Ja => writeln!(
            text,
            "{n} 個のコントロールがあります。`yagura controls show ID` で詳細を表示できます。\n"
        )?,
    }
    let mut service = "";
    for (id, control) in &content.controls {
        let own = crate::choice::service_of(id);
        if own != service {
            service = own;
            let c = in_lang(lang, "control", "コントロール");
            let (s, g) = (words.get("control.severity"), words.get("control.guidance"));
            writeln!(text, "\n## {service}\n\n| {c} | {s} | {g} |\n| --- | --- | --- |")?;
        }
        let severity = format!("report.severity.{}", control.severity.as_str());
        let severity = words.get(&severity);
        let guidance = format!("control.{}", control.guidance.as_str());
        let title = cell(control.title.value.get(lang));
        writeln!(text, "| `{id}`<br>{title} | {severity} | {} |", words.get(&guidance))?;
    }
    Ok(())
}

fn resources(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    let content = Content::builtin();
    writeln!(text, "# {}\n", in_lang(lang, "Resource types", "リソースタイプ"))?;
    let (t, m) = (in_lang(lang, "type", "タイプ"), in_lang(lang, "is", "内容"));
    writeln!(text, "| {t} | {m} |\n| --- | --- |")?;
    for (name, resource) in &content.resources {
        writeln!(text, "| `{name}` | {} |", cell(resource.title.value.get(lang)))?;
    }
    Ok(())
}

/// Controls listed for one requirement; `yagura frameworks show` lists all.
const CONTROLS_MAX: usize = 10;

/// What stands where a requirement has no control.
fn unserved(requirement: &RequirementEntry, lang: Lang) -> Option<&'static str> {
    Some(match (requirement.responsible.as_str(), requirement.assessment.as_str()) {
        ("aws", _) => in_lang(lang, "AWS's part", "AWS の責任"),
        (_, "manual") => in_lang(lang, "manual", "手動"),
        _ => in_lang(lang, "not covered", "未対応"),
    })
}

fn frameworks(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    let content = Content::builtin();
    writeln!(text, "# {}\n", in_lang(lang, "Frameworks", "フレームワーク"))?;
    for entry in catalog::of(content).frameworks {
        writeln!(text, "## {} ({})\n", entry.title.get(lang), entry.id)?;
        let (r, c) =
            (in_lang(lang, "requirement", "要件"), in_lang(lang, "controls", "コントロール"));
        writeln!(text, "| {r} | {c} |\n| --- | --- |")?;
        for one in &entry.requirements {
            let all = content.controls_for(&entry.id, &one.id);
            let shown = all.iter().take(CONTROLS_MAX);
            let mut serving: Vec<String> = shown.map(|id| format!("`{id}`")).collect();
            let more = all.len().saturating_sub(CONTROLS_MAX);
            if more > 0 {
                serving.push(match lang {
                    Lang::En => format!("and {more} more"),
                    Lang::Ja => format!("ほか {more} 件"),
                });
            }
            let served = unserved(one, lang).filter(|_| serving.is_empty());
            let served = served.map_or_else(|| serving.join(" "), str::to_owned);
            writeln!(text, "| {} {} | {served} |", one.id, cell(one.title.get(lang)))?;
        }
        writeln!(text)?;
    }
    Ok(())
}
