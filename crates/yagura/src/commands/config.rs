//! `yagura config`: whether the configuration is sound, and what is in effect and why.
//! How the file is read and checked is in `crate::configuration`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use yagura_model::Lang;

use crate::configuration::effective::{Inputs, Origin, effective};
use crate::configuration::{Checked, Source};
use crate::context::Context;
use crate::daemon;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Check,
    Print(PrintArgs),
}

#[derive(Args)]
struct PrintArgs {
    #[arg(long)]
    unset: bool,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) fn run(context: &Context, args: &ConfigArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Check => check(context),
        What::Print(args) => print(context, args),
    }
}

fn file(context: &Context) -> anyhow::Result<Option<(Source, Checked)>> {
    let typed = context.global.config.as_ref().map(|path| path.display().to_string());
    let Some(source) = Source::find(typed)? else { return Ok(None) };
    let checked = source.checked(&crate::cli::described(context.lang)?)?;
    Ok(Some((source, checked)))
}

fn check(context: &Context) -> anyhow::Result<Exit> {
    let Some((source, checked)) = file(context)? else {
        context.remark_in(
            "there is no configuration file; every setting has its default",
            "設定ファイルはありません。すべての設定が既定値です",
        );
        return Ok(Exit::Done);
    };
    let shown = source.path.display();
    // What a table means beyond its types: times of schedules, places of watchers.
    daemon::settings::Settings::read(&context.global, &[], context.now())
        .with_context(|| format!("`{shown}` cannot be used as a configuration"))?;
    warn_of_password(context, &source, &checked);
    let n = checked.keys.len();
    context.remark_in(
        &format!("`{shown}` is sound ({n} settings)"),
        &format!("`{shown}` に問題はありません（設定 {n} 件）"),
    );
    Ok(Exit::Done)
}

/// A password in a file that others can read is one that others have.
fn warn_of_password(context: &Context, source: &Source, checked: &Checked) {
    let has_password = checked.keys.iter().any(|key| {
        let texts = key.value.texts();
        let shows = |text: &String| {
            let location = text.parse::<yagura_store::Location>();
            location.is_ok_and(|location| location.to_string() != *text)
        };
        key.name == "database" && texts.iter().any(shows)
    });
    if has_password {
        let shown = source.path.display();
        context.remark_in(
            &format!(
                "warning: `{shown}` holds a password; `database = \"env:NAME\"` (or `file:`, \
                 `secretsmanager:`, `ssm:`) keeps it out of the file"
            ),
            &format!(
                "警告: `{shown}` にパスワードが書かれています。`database = \"env:NAME\"`\
                 （または `file:`、`secretsmanager:`、`ssm:`）にすると、ファイルに書かずに済みます"
            ),
        );
    }
}

fn print(context: &Context, args: &PrintArgs) -> anyhow::Result<Exit> {
    let file = file(context)?;
    let command = crate::cli::described(context.lang)?;
    let arguments: Vec<_> = std::env::args_os().collect();
    let typed = command.clone().try_get_matches_from(arguments).ok();
    let all = effective(&Inputs {
        command: &command,
        file: file.as_ref().map(|(source, checked)| (source, checked)),
        typed: typed.as_ref(),
        variable: &|name| std::env::var(name).ok(),
    });
    let columns =
        [("setting", "設定"), ("value", "値"), ("from", "出どころ"), ("commands", "コマンド")];
    let mut rows = Rows::new(context.lang, &columns);
    for one in all.iter().filter(|one| args.unset || one.value.is_some()) {
        let from = |lang| origin(&one.origin, file.as_ref(), lang);
        let commands = json!(one.commands.join(", "));
        let cells = vec![json!(one.setting), json!(one.value), json!(from(Lang::En)), commands];
        rows.push_said(cells, vec![("from", from(context.lang))]);
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}

fn origin(origin: &Origin, file: Option<&(Source, Checked)>, lang: Lang) -> String {
    let words = |en: &str, ja: &str| match lang {
        Lang::En => en.to_owned(),
        Lang::Ja => ja.to_owned(),
    };
    match origin {
        Origin::Flag => words("flag", "フラグ"),
        Origin::Environment(name) => format!("{} {name}", words("environment", "環境変数")),
        Origin::File(line) => {
            let path = file.map(|(source, _)| source.path.display().to_string());
            format!("{}:{line}", path.unwrap_or_default())
        }
        Origin::Default => words("default", "既定値"),
    }
}
