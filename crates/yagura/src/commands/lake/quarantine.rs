//! `yagura lake quarantine`: what could not be read as records, and why.
//! The pieces lie in the lake, the reasons of whole objects in the ledger.

use clap::Args;
use serde_json::json;
use yagura_store::ledger::{EntryFilter, ObjectState};

use super::Which;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct QuarantineArgs {
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    #[arg(long)]
    bytes: bool,
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rows: RowOptions,
}

/// Bytes of a piece that are shown.
const BYTES_SHOWN: usize = 200;

pub(super) async fn run(context: &Context, args: &QuarantineArgs) -> anyhow::Result<Exit> {
    let lake = args.which.open(context).await?;
    let wanted = |reason: &str| args.reason.as_deref().is_none_or(|wanted| wanted == reason);
    let (pieces, more) = lake.pieces(args.limit, &wanted).await?;
    let mut rows = Rows::new(&["kind", "source", "object", "offset", "reason", "detail"]);
    for piece in &pieces {
        let shown = piece.bytes.get(..BYTES_SHOWN).unwrap_or(&piece.bytes);
        let shown = args.bytes.then(|| String::from_utf8_lossy(shown).into_owned());
        rows.push(vec![
            json!("piece"),
            json!(piece.source),
            json!(piece.object),
            json!(piece.offset),
            json!(piece.reason),
            json!(shown),
        ]);
    }
    let store = context.store().await?;
    let filter = EntryFilter { state: Some(ObjectState::Quarantined), ..EntryFilter::default() };
    for entry in store.ledger().entries(&filter, args.limit).await? {
        let reason = entry.reason.unwrap_or_default();
        if wanted(&reason) {
            rows.push(vec![
                json!("object"),
                json!(entry.source),
                json!(entry.object.location),
                json!(null),
                json!(reason),
                json!(entry.detail),
            ]);
        }
    }
    store.close().await;
    if rows.is_empty() {
        context.remark_in("nothing is in quarantine", "隔離されたものはありません");
    }
    if more {
        let limit = args.limit;
        context.remark_in(
            &format!("only the first {limit} pieces are shown; raise --limit for more"),
            &format!("先頭の {limit} 件だけを表示しました。続きは --limit を増やしてください"),
        );
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}
