//! `yagura findings history`: what happened to one finding, or to all of them in order.
//! The history is append-only; nothing here changes it.

use clap::Args;
use serde_json::json;
use yagura_model::finding::HistoryEntry;

use super::choose;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::output;
use crate::rows::Rows;

#[derive(Args)]
pub(crate) struct HistoryArgs {
    id: Option<String>,
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: i64,
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let findings = choose::findings(&store);
    let one_more = args.limit.saturating_add(1);
    let mut entries: Vec<HistoryEntry> = match &args.id {
        Some(id) => {
            let finding = choose::named(&findings, id).await?;
            findings.history(&finding.id, args.after, one_more).await?
        }
        None => findings.history_after(args.after, one_more).await?,
    };
    store.close().await;
    let more = entries.len() > args.limit;
    entries.truncate(args.limit);
    if args.rows.format == RowFormat::Json {
        output::data(|out| {
            entries.iter().try_for_each(|entry| yagura_report::history_line(entry, out))
        })?;
    } else {
        let columns = [
            ("number", "番号"),
            ("at", "日時"),
            ("finding", "検出結果"),
            ("who", "実行者"),
            ("what", "内容"),
        ];
        let mut rows = Rows::new(context.lang, &columns);
        for entry in &entries {
            let told = yagura_report::history_words(entry, context.lang);
            rows.push(vec![
                json!(entry.number),
                json!(told.at),
                json!(told.finding),
                json!(told.who),
                json!(told.what),
            ]);
        }
        if rows.is_empty() {
            context.remark_in("nothing has happened", "履歴はありません");
        }
        rows.write(args.rows.format)?;
    }
    if let Some(last) = entries.last().filter(|_| more) {
        let number = last.number;
        context.remark_in(
            &format!("there is more: --after {number} goes on"),
            &format!("続きがあります。--after {number} で表示します"),
        );
    }
    Ok(Exit::Done)
}
