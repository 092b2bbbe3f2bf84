//! `yagura lake quarantine`: what could not be read as records, and why.
//! The pieces lie in the lake, the reasons of whole objects in the ledger.

use clap::Args;
use serde_json::json;
use yagura_collect::sources::decode::BadReason;
use yagura_lake::RefusedReason;
use yagura_model::Lang;
use yagura_store::ledger::{EntryFilter, ObjectState};

use super::Which;
use crate::commands::ingest::summary::reason_words;
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
    let columns = [
        ("kind", "種類"),
        ("source", "ソース"),
        ("object", "オブジェクト"),
        ("offset", "オフセット"),
        ("reason", "理由"),
        ("detail", "詳細"),
    ];
    let kinds = &[("piece", "断片"), ("object", "オブジェクト")];
    let mut rows = Rows::new(context.lang, &columns).worded("kind", kinds);
    for piece in &pieces {
        let shown = piece.bytes.get(..BYTES_SHOWN).unwrap_or(&piece.bytes);
        let shown = args.bytes.then(|| String::from_utf8_lossy(shown).into_owned());
        let cells = vec![
            json!("piece"),
            json!(piece.source),
            json!(piece.object),
            json!(piece.offset),
            json!(piece.reason),
            json!(shown),
        ];
        rows.push_said(cells, vec![("reason", told(&piece.reason, context.lang))]);
    }
    let store = context.store().await?;
    let filter = EntryFilter { state: Some(ObjectState::Quarantined), ..EntryFilter::default() };
    for entry in store.ledger().entries(&filter, args.limit).await? {
        let reason = entry.reason.unwrap_or_default();
        if wanted(&reason) {
            let cells = vec![
                json!("object"),
                json!(entry.source),
                json!(entry.object.location),
                json!(null),
                json!(reason),
                json!(entry.detail),
            ];
            rows.push_said(cells, vec![("reason", told(&reason, context.lang))]);
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

/// A reason for a person. Its code stays beside the words: it is what `--reason` takes.
fn told(reason: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return reason.to_owned();
    }
    let of_piece = BadReason::ALL.into_iter().find(|known| known.id() == reason);
    let of_row = RefusedReason::ALL.into_iter().find(|known| known.name() == reason);
    let words = match (of_piece, of_row) {
        (Some(known), _) => known.words(lang),
        (_, Some(RefusedReason::NoTime)) => "読み取れる日時がありません",
        (_, Some(RefusedReason::TooEarly)) => "日時が 2006 年より前です",
        (_, Some(RefusedReason::TooLate)) => "日時が 1 日以上先です",
        (None, None) => reason_words(reason, lang),
    };
    format!("{reason}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_with_the_code_that_is_asked_for() {
        assert_eq!(told("malformed_json", Lang::En), "malformed_json");
        for (reason, japanese) in [
            ("malformed_json", "malformed_json: JSON として正しくありません"),
            ("no_time", "no_time: 読み取れる日時がありません"),
            ("not_recognized", "not_recognized: 該当するログソースがない"),
        ] {
            assert_eq!(told(reason, Lang::Ja), japanese);
        }
    }
}
