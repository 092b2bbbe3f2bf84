//! `yagura lake hold`, `holds` and `release`: what no retention may delete.
//! What a hold covers is decided in `yagura-lake`.

use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;
use serde_json::json;
use yagura_lake::Hold;

use super::{Which, expire};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct HoldArgs {
    name: String,
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[arg(long, value_name = "DAY", value_parser = day)]
    from_day: Option<Date>,
    #[arg(long, value_name = "DAY", value_parser = day)]
    to_day: Option<Date>,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
pub(super) struct HoldsArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
pub(super) struct ReleaseArgs {
    name: String,
    #[command(flatten)]
    which: Which,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "write a day as 2026-11-01".to_owned())
}

pub(super) async fn place(context: &Context, args: &HoldArgs) -> anyhow::Result<Exit> {
    let lake = args.which.open(context).await?;
    let hold = Hold {
        name: args.name.clone(),
        reason: args.reason.clone(),
        source: args.source.clone(),
        account: args.account.clone(),
        since: args.from_day,
        until: args.to_day,
        placed: context.now(),
    };
    lake.place_hold(&hold).await.context("could not place the legal hold")?;
    let name = &args.name;
    context.remark_in(
        &format!("the legal hold `{name}` is in force"),
        &format!("リーガルホールド `{name}` を設定しました"),
    );
    Ok(Exit::Done)
}

pub(super) async fn lift(context: &Context, args: &ReleaseArgs) -> anyhow::Result<Exit> {
    let lake = args.which.open(context).await?;
    lake.lift_hold(&args.name, context.now()).await.context("could not lift the legal hold")?;
    let name = &args.name;
    context.remark_in(
        &format!("the legal hold `{name}` is lifted"),
        &format!("リーガルホールド `{name}` を解除しました"),
    );
    Ok(Exit::Done)
}

/// Holds in force, then what retention has deleted.
pub(super) async fn list(context: &Context, args: &HoldsArgs) -> anyhow::Result<Exit> {
    let lake = args.which.open(context).await?;
    let snapshot = lake.snapshot().await?;
    let columns = [
        ("kind", "種類"),
        ("name", "名前"),
        ("source", "ソース"),
        ("account", "アカウント"),
        ("from", "開始日"),
        ("to", "終了日"),
        ("rows", "行数"),
        ("reason", "理由"),
        ("time", "日時"),
    ];
    let kinds = &[("hold", "リーガルホールド"), ("deletion", "削除")];
    let mut rows = Rows::new(context.lang, &columns).worded("kind", kinds);
    for hold in snapshot.holds() {
        rows.push(vec![
            json!("hold"),
            json!(hold.name),
            json!(hold.source),
            json!(hold.account),
            json!(hold.since),
            json!(hold.until),
            json!(null),
            json!(hold.reason),
            json!(hold.placed),
        ]);
    }
    for deletion in snapshot.deletions() {
        let cells = vec![
            json!("deletion"),
            json!(null),
            json!(deletion.source),
            json!(deletion.account),
            json!(deletion.day_min),
            json!(deletion.day_max),
            json!(deletion.rows),
            json!(deletion.reason),
            json!(deletion.time),
        ];
        rows.push_said(cells, vec![("reason", expire::reason(deletion, context.lang))]);
    }
    if rows.is_empty() {
        context.remark_in(
            "no legal hold is in force, and nothing was deleted",
            "リーガルホールドも削除の記録もありません",
        );
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}
