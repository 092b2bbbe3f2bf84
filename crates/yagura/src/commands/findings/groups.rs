//! `yagura findings groups`: findings of one cause together.
//! How the groups look is the report's.

use clap::Args;
use yagura_model::finding::FindingState;
use yagura_report::GroupRow;
use yagura_store::findings::{GroupPage, PAGE_MAX};

use super::choose::{self, FilterOptions};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::output;

#[derive(Args)]
pub(crate) struct GroupsArgs {
    #[command(flatten)]
    filter: FilterOptions,
    #[arg(long)]
    all: bool,
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &GroupsArgs) -> anyhow::Result<Exit> {
    let usual: &[FindingState] = if args.all { &[] } else { &FindingState::OPEN };
    let filter = args.filter.filter(usual, context.now())?;
    let store = context.store().await?;
    let page = GroupPage { limit: args.limit.min(PAGE_MAX), offset: 0 };
    let found = choose::findings(&store).groups(&filter, page).await?;
    store.close().await;
    let rows: Vec<GroupRow<'_>> = found
        .groups
        .iter()
        .map(|group| GroupRow {
            cause: &group.cause,
            count: group.count,
            open: group.open,
            severity: group.severity,
            rank: group.rank,
            first_seen_us: group.first_seen_us,
            last_seen_us: group.last_seen_us,
            example: &group.example,
        })
        .collect();
    match args.rows.format {
        RowFormat::Json => output::data(|out| {
            rows.iter().try_for_each(|row| yagura_report::group_line(row, context.lang, out))
        })?,
        format => {
            let terminal = context.terminal(args.limit, true);
            let plain = format == RowFormat::Plain;
            let text =
                yagura_report::finding_groups(&rows, found.total, context.lang, plain, &terminal);
            output::line(text.trim_end())?;
        }
    }
    Ok(Exit::Done)
}
