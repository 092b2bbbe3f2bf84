//! `yagura query`: SQL over logs and inventory, typed, from a file, or saved as content.
//! Planning and reading are `yagura-lake`'s; saved queries are in `content/queries/`.

mod answer;
mod saved;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use yagura_content::Content;
use yagura_lake::query::{Engine, Parameter, QueryError, QueryOptions};
use yagura_store::Store;

use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice, RowOptions, Span};
use crate::output::{self, Hinted};
use crate::{moment, river};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct QueryArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    ask: AskArgs,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Show(ShowArgs),
    Tables(TablesArgs),
}

#[derive(Args)]
struct ListArgs {
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct ShowArgs {
    id: String,
}

#[derive(Args)]
struct TablesArgs {
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct AskArgs {
    #[arg(value_name = "SQL", conflicts_with_all = ["file", "saved"])]
    sql: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with = "saved")]
    file: Option<PathBuf>,
    #[arg(long, value_name = "ID")]
    saved: Option<String>,
    #[arg(long = "param", value_name = "NAME=VALUE", requires = "saved", value_parser = parameter)]
    params: Vec<(String, String)>,
    #[command(flatten)]
    span: Span,
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    #[arg(long)]
    explain: bool,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = answer::Format::Table)]
    format: answer::Format,
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    aws: AwsOptions,
}

/// Rows that a terminal is given where nobody says how many.
const TABLE_ROWS: u64 = 1_000;

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) async fn run(context: &Context, args: &QueryArgs) -> anyhow::Result<Exit> {
    match &args.what {
        Some(What::List(args)) => saved::list(context, args.pattern.as_deref(), args.rows.format),
        Some(What::Show(args)) => saved::show(context, &args.id),
        Some(What::Tables(args)) => tables(context, args).await,
        None => ask(context, &args.ask).await,
    }
}

/// A question and the values of its parameters.
struct Question {
    sql: String,
    parameters: Vec<(String, Parameter)>,
}

async fn ask(context: &Context, args: &AskArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let question = question(context, &content, args)?;
    let bench = Bench::open(context, &content, &args.lake, &args.aws).await?;
    let now = context.now();
    let unlimited = args.format != answer::Format::Table || args.output.is_some();
    let default = (!unlimited).then_some(TABLE_ROWS);
    let mut options = QueryOptions {
        row_limit: args.limit.or(default),
        as_of: moment::read_some(args.as_of.as_deref(), now)?,
        since: moment::read_some(args.span.since.as_deref(), now)?,
        until: moment::read_some(args.span.until.as_deref(), now)?,
        parameters: question.parameters,
        ..QueryOptions::default()
    };
    if let Some(bytes) = args.lake.memory {
        options.memory_bytes = usize::try_from(bytes)?;
    }
    if args.explain {
        let explained = bench.engine.explain(&question.sql, &options).await;
        let explained = explained.map_err(|error| explain_error(error, &question.sql))?;
        output::line(&output::printable(explained.text(context.lang).trim_end()))?;
        return bench.close(Exit::Done).await;
    }
    let cancel = river::cancel_on_interrupt(|| {});
    let answered = bench.engine.run(&question.sql, &options).await;
    let answered = answered.map_err(|error| explain_error(error, &question.sql))?;
    let to = answer::To { format: args.format, file: args.output.as_deref() };
    match answer::write(context, answered, &to, cancel).await {
        Err(QueryError::Cancelled) => bench.close(Exit::Interrupted).await,
        Err(error) => Err(explain_error(error, &question.sql)),
        Ok(()) => bench.close(Exit::Done).await,
    }
}

/// The SQL: typed, from a file, from standard input (`-`), or saved.
fn question(context: &Context, content: &Content, args: &AskArgs) -> anyhow::Result<Question> {
    if let Some(id) = &args.saved {
        return saved::question(context, content, id, &args.params);
    }
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) if sql == "-" => std::io::read_to_string(std::io::stdin())
            .context("could not read SQL from standard input")?,
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("could not read `{}`", file.display()))?,
        (None, None) => bail!(Hinted::new(
            "there is no question",
            "type SQL, name a --file or a --saved query; `yagura query list` shows the saved ones, \
             `yagura query tables` what can be asked",
        )),
    };
    Ok(Question { sql, parameters: Vec::new() })
}

/// Lake, inventory and engine, opened for questions.
struct Bench {
    engine: Engine,
    store: Store,
}

impl Bench {
    async fn open(
        context: &Context,
        content: &Content,
        lake: &LakeChoice,
        aws: &AwsOptions,
    ) -> anyhow::Result<Self> {
        let lake = lake_place::open(context, content, lake, aws, Use::READ).await?;
        let store = context.store().await?;
        let types = content.resources.keys().cloned().collect();
        let rows: Arc<dyn yagura_model::RowSource> = store.rows(types);
        let engine = Engine::new(lake, Some(rows)).with_ocsf(crate::ocsf::views(content));
        Ok(Self { engine, store })
    }

    async fn close(self, exit: Exit) -> anyhow::Result<Exit> {
        self.store.close().await;
        Ok(exit)
    }
}

/// An error of a question, with where it is in the SQL and what helps.
fn explain_error(error: QueryError, sql: &str) -> anyhow::Error {
    let mut message = error.to_string();
    if let Some(pointer) = error.pointer()
        && let Some(line) = sql.lines().nth(usize::try_from(pointer.line).unwrap_or(1).max(1) - 1)
    {
        let before = usize::try_from(pointer.column).unwrap_or(1).max(1) - 1;
        message.push_str(&format!("\n  {line}\n  {}^", " ".repeat(before)));
    }
    match error.remedy() {
        Some(hint) => anyhow::Error::new(error).context(Hinted::new(message, hint)),
        None => anyhow::Error::new(error).context(message),
    }
}

async fn tables(context: &Context, args: &TablesArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let bench = Bench::open(context, &content, &args.lake, &args.aws).await?;
    let infos = bench.engine.tables().await.map_err(|error| explain_error(error, ""))?;
    saved::tables(&infos, args.pattern.as_deref(), args.rows.format, context.lang)?;
    bench.close(Exit::Done).await
}
