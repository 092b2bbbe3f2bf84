//! `yagura findings list`: the most urgent first.
//! How the list looks is the report's.

use clap::Args;
use yagura_model::Severity;
use yagura_model::finding::FindingState;
use yagura_report::FindingList;
use yagura_store::findings::{
    Counts, FindingFilter, FindingOrder, FindingPage, Findings, GroupBy, PAGE_MAX, Page,
};

use super::choose::{self, FilterOptions};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions, severity};
use crate::output;

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: FilterOptions,
    #[arg(long)]
    all: bool,
    #[arg(long, value_enum, default_value_t = Order::Rank)]
    order: Order,
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,
    #[command(flatten)]
    rows: RowOptions,
}

/// In which order findings come.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Rank,
    Severity,
    LastSeen,
    FirstSeen,
    Due,
}

impl From<Order> for FindingOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Rank => Self::Rank,
            Order::Severity => Self::Severity,
            Order::LastSeen => Self::LastSeen,
            Order::FirstSeen => Self::FirstSeen,
            Order::Due => Self::Due,
        }
    }
}

pub(crate) async fn run(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let usual: &[FindingState] = if args.all { &[] } else { &FindingState::OPEN };
    let filter = args.filter.filter(usual, context.now())?;
    let store = context.store().await?;
    let findings = choose::findings(&store);
    let counts = findings.count_by(&filter, GroupBy::Severity).await?;
    let page = read(&findings, &filter, args.order.into(), args.limit, context, args).await?;
    store.close().await;
    if let Some(page) = page {
        let list = FindingList {
            findings: &page.findings,
            total: page.total.count,
            exact: page.total.exact,
            by_severity: Some(by_severity(&counts)),
            lang: context.lang,
        };
        let text = match args.rows.format {
            RowFormat::Plain => yagura_report::findings_plain(&list),
            _ => yagura_report::findings_table(&list, &context.terminal(args.limit, true)),
        };
        output::line(text.trim_end())?;
    }
    let failing = args.fail_on.is_some_and(|least| {
        let worse = Severity::ALL.into_iter().zip(by_severity(&counts));
        worse.into_iter().any(|(severity, count)| severity >= least && count > 0)
    });
    Ok(Exit::of_scan(false, failing, false))
}

/// Reads up to `limit` findings: one page for eyes; for programs page by page, written at once.
async fn read(
    findings: &Findings,
    filter: &FindingFilter,
    order: FindingOrder,
    limit: usize,
    context: &Context,
    args: &ListArgs,
) -> anyhow::Result<Option<FindingPage>> {
    let for_programs = args.rows.format == RowFormat::Json;
    let mut all = FindingPage::default();
    let mut left = limit;
    let mut page = Page { order, limit: left.min(PAGE_MAX), after: None };
    loop {
        let found = findings.list(filter, &page).await?;
        left = left.saturating_sub(found.findings.len());
        if for_programs {
            output::data(|out| {
                found
                    .findings
                    .iter()
                    .try_for_each(|one| yagura_report::finding_line(one, context.lang, out))
            })?;
        } else {
            all.findings.extend(found.findings);
        }
        all.total = found.total;
        page.after = found.next;
        page.limit = left.min(PAGE_MAX);
        if found.next.is_none() || left == 0 {
            break;
        }
    }
    if for_programs && page.after.is_some() {
        context.remark_in(
            &format!("only the first {limit} of {}: --limit shows more", all.total.count),
            &format!("{} 件中の先頭 {limit} 件です。--limit で増やせます", all.total.count),
        );
    }
    Ok((!for_programs).then_some(all))
}

/// How many of each severity, from informational to critical.
fn by_severity(counts: &Counts) -> [u64; 5] {
    Severity::ALL.map(|severity| {
        let own = counts.counts.iter().find(|count| count.value == severity.as_str());
        own.map_or(0, |count| count.count)
    })
}
