//! `yagura routes deliveries`: every attempt to deliver and what came of it: the proof that
//! somebody was notified.
//! What is proven for the checklist is `crate::notified`'s.

use clap::Args;
use serde_json::json;
use yagura_store::outbox::DeliveryFilter;

use crate::context::Context;
use crate::exit::Exit;
use crate::moment;
use crate::options::RowOptions;
use crate::rows::{Rows, cut};

#[derive(Args)]
pub(super) struct DeliveriesArgs {
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    #[arg(long, value_name = "ID")]
    finding: Option<String>,
    #[arg(long, value_parser = ["delivered", "retry", "refused", "skipped"])]
    outcome: Option<String>,
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) async fn run(context: &Context, args: &DeliveriesArgs) -> anyhow::Result<Exit> {
    let since = moment::read_some(args.since.as_deref(), context.now())?;
    let store = context.store().await?;
    let finding = match &args.finding {
        Some(id) => Some(super::explain::named(&store, id).await?.id),
        None => None,
    };
    let filter = DeliveryFilter {
        target: args.target.clone(),
        finding,
        outcome: args.outcome.clone(),
        since,
    };
    let mut found = store.outbox().deliveries(&filter, args.limit.saturating_add(1)).await?;
    store.close().await;
    let more = cut(&mut found, args.limit);
    let columns = [
        ("number", "番号"),
        ("at", "日時"),
        ("target", "通知先"),
        ("kind", "種類"),
        ("finding", "検出結果"),
        ("findings", "検出結果数"),
        ("attempt", "試行"),
        ("outcome", "結果"),
        ("status", "ステータス"),
        ("answer", "応答"),
    ];
    let mut rows = Rows::new(context.lang, &columns)
        .worded_in("kind", super::MESSAGE_KINDS)
        .worded_in("outcome", "console_routes.outcomes.")
        .told("answer");
    for one in &found {
        rows.push(vec![
            json!(one.number),
            json!(one.at),
            json!(one.target),
            json!(one.kind),
            json!(one.finding),
            json!(one.items),
            json!(one.attempt),
            json!(one.outcome),
            json!(one.status),
            json!(one.detail),
        ]);
    }
    rows.write_cut(context, args.rows.format, more)?;
    Ok(Exit::Done)
}
