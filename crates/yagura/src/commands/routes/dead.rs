//! `yagura routes dead`: messages that were given up: which, why, once more, or no more.
//! That they were not delivered stays on record.

use anyhow::ensure;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::output::{self, Hinted};
use crate::rows::{Rows, cut};

#[derive(Args)]
pub(super) struct DeadArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Retry(ChoiceArgs),
    Drop(DropArgs),
}

#[derive(Args)]
struct ListArgs {
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct ChoiceArgs {
    #[arg(value_name = "NUMBER")]
    number: Vec<i64>,
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
struct DropArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(context: &Context, args: &DeadArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::List(args) => list(context, args).await,
        What::Retry(args) => again(context, args).await,
        What::Drop(args) => forget(context, args).await,
    }
}

async fn list(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let mut dead =
        store.outbox().dead(args.target.as_deref(), args.limit.saturating_add(1)).await?;
    store.close().await;
    let more = cut(&mut dead, args.limit);
    let columns = [
        ("number", "番号"),
        ("target", "通知先"),
        ("kind", "種類"),
        ("finding", "検出結果"),
        ("attempts", "試行回数"),
        ("made", "作成日時"),
        ("given_up", "断念日時"),
        ("why", "理由"),
    ];
    let mut rows =
        Rows::new(context.lang, &columns).worded_in("kind", super::MESSAGE_KINDS).told("why");
    for one in &dead {
        rows.push(vec![
            json!(one.number),
            json!(one.target),
            json!(one.kind),
            json!(one.finding),
            json!(one.attempts),
            json!(one.made),
            json!(one.given_up),
            json!(one.detail),
        ]);
    }
    rows.write_cut(context, args.rows.format, more)?;
    Ok(Exit::Done)
}

impl ChoiceArgs {
    /// The messages that are meant; none is all of them.
    fn numbers(&self) -> anyhow::Result<Option<&[i64]>> {
        ensure!(
            self.all == self.number.is_empty(),
            Hinted::new(
                "name either some messages or all of them",
                "by their numbers, as `yagura routes dead list` shows them, or with --all",
            )
        );
        Ok(if self.all { None } else { Some(&self.number) })
    }
}

async fn again(context: &Context, args: &ChoiceArgs) -> anyhow::Result<Exit> {
    let numbers = args.numbers()?;
    let store = context.store().await?;
    let count = store.outbox().retry_dead(numbers, context.now()).await?;
    store.close().await;
    output::line(&match context.lang {
        yagura_model::Lang::En => format!("{count} messages are tried again"),
        yagura_model::Lang::Ja => format!("{count} 件のメッセージを再送します"),
    })?;
    Ok(Exit::Done)
}

async fn forget(context: &Context, args: &DropArgs) -> anyhow::Result<Exit> {
    let numbers = args.choice.numbers()?;
    ensure!(
        args.yes,
        Hinted::new(
            "nobody will be told of what these messages say",
            "look at them with `yagura routes dead list`; add --yes to drop them",
        )
    );
    let store = context.store().await?;
    let count = store.outbox().drop_dead(numbers).await?;
    store.close().await;
    output::line(&match context.lang {
        yagura_model::Lang::En => format!("{count} messages were dropped"),
        yagura_model::Lang::Ja => format!("{count} 件のメッセージを破棄しました"),
    })?;
    Ok(Exit::Done)
}
