//! `yagura prune`: takes away what is kept no longer, after showing what that is.
//! How long things are kept is in `crate::retention`.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use yagura_model::Lang;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::retention::{self, Gone, Keep};
use crate::rows::Rows;

#[derive(Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    keep: Keep,
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &PruneArgs) -> anyhow::Result<Exit> {
    let (store, now) = (context.store().await?, context.now());
    let gone = match args.yes {
        true => Some(retention::prune(&store, &args.keep, now).await?),
        false => None,
    };
    table(context, &args.keep, now, gone).write(args.rows.format)?;
    if gone.is_none() {
        context.remark_in(
            "nothing was deleted; --yes does it",
            "まだ削除していません。--yes を付けると実行します",
        );
    }
    Ok(Exit::Done)
}

fn table(context: &Context, keep: &Keep, now: Timestamp, gone: Option<Gone>) -> Rows {
    let words = |en: &str, ja: &str| match context.lang {
        Lang::En => en.to_owned(),
        Lang::Ja => ja.to_owned(),
    };
    // For programs the time, or the word that `--keep-…` takes; for people in words.
    let since = |before: Option<Timestamp>| match before {
        Some(before) => (before.to_string(), before.to_string()),
        None => ("forever".to_owned(), words("for ever", "無期限")),
    };
    let newest = format!("the newest {}", keep.keep_scans);
    let newest_words = words(&newest, &format!("最新の {} 件", keep.keep_scans));
    let columns = [("what", "対象"), ("kept_since", "保持の起点"), ("deleted", "削除件数")];
    let mut rows = Rows::new(context.lang, &columns);
    let all = [
        (
            "findings",
            words("resolved findings and their history", "解決済みの検出結果と履歴"),
            since(keep.keep_findings.before(now)),
            gone.map(|gone| gone.findings),
        ),
        (
            "deliveries",
            words("messages and proofs of delivery", "通知と配信の記録"),
            since(keep.keep_deliveries.before(now)),
            gone.map(|gone| gone.deliveries),
        ),
        (
            "scans",
            words("what scans saw and judged", "スキャンの観測と判定"),
            (newest, newest_words),
            gone.map(|gone| gone.scans),
        ),
        (
            "versions",
            words("old versions of resources", "リソースの古いバージョン"),
            since(keep.keep_versions.before(now)),
            gone.map(|gone| gone.versions),
        ),
    ];
    for (code, what, (kept, kept_words), deleted) in all {
        let cells = vec![json!(code), json!(kept), json!(deleted)];
        rows.push_said(cells, vec![("what", what), ("kept_since", kept_words)]);
    }
    rows
}
