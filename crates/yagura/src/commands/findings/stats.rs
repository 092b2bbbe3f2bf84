//! `yagura findings stats`: how many findings there are, by what is asked for.
//! Single findings are `list.rs`.

use clap::Args;
use serde_json::json;
use yagura_model::finding::FindingState;
use yagura_store::findings::GroupBy;

use super::choose::{self, FilterOptions};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    filter: FilterOptions,
    #[arg(long)]
    all: bool,
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "severity,state,kind")]
    count_by: Vec<GroupBy>,
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &StatsArgs) -> anyhow::Result<Exit> {
    let usual: &[FindingState] = if args.all { &[] } else { &FindingState::OPEN };
    let filter = args.filter.filter(usual, context.now())?;
    let store = context.store().await?;
    let findings = choose::findings(&store);
    let columns = [("by", "集計単位"), ("value", "値"), ("count", "件数")];
    let mut rows = Rows::new(context.lang, &columns);
    let mut cut = 0;
    for by in &args.count_by {
        let counts = findings.count_by(&filter, *by).await?;
        cut += counts.values.saturating_sub(args.limit as u64);
        for count in counts.counts.into_iter().take(args.limit) {
            rows.push(vec![json!(by.as_str()), json!(count.value), json!(count.count)]);
        }
    }
    store.close().await;
    if rows.is_empty() {
        context.remark_in("no findings", "検出結果はありません");
    }
    rows.write(args.rows.format)?;
    if cut > 0 {
        context.remark_in(
            &format!("{cut} more values: --limit shows more"),
            &format!("ほかに {cut} 個の値があります。--limit で増やせます"),
        );
    }
    Ok(Exit::Done)
}
