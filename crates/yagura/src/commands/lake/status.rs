//! `yagura lake status`: size, rows, span, missing hours, what is to be merged, what it costs.
//! The figures are from the lake's manifest; no file is opened.

use clap::Args;
use serde_json::{Value, json};
use yagura_lake::{LakeStatus, SourceStatus, StoragePrice};
use yagura_model::Lang;
use yagura_report::grouped;

use super::Which;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::output::{self, printable, size};
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct StatusArgs {
    #[arg(long, value_name = "USD")]
    price: Option<f64>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rows: RowOptions,
}

/// Gaps of a source that a person is shown.
const GAPS_SHOWN: usize = 10;

pub(super) async fn run(context: &Context, args: &StatusArgs) -> anyhow::Result<Exit> {
    let lake = args.which.open(context).await?;
    let price = match args.price {
        Some(usd_per_gb_month) => StoragePrice { usd_per_gb_month, source: "--price".to_owned() },
        None => StoragePrice::default(),
    };
    let status = lake.status(price).await?;
    if args.rows.format == RowFormat::Json {
        output::line(&as_json(&status, &lake.location().url).to_string())?;
        return Ok(Exit::Done);
    }
    output::line(&printable(&heading(&status, &lake.location().url, context.lang)))?;
    if !status.sources.is_empty() {
        output::line("")?;
        table(&status, context.lang).write(args.rows.format)?;
    }
    let gaps = gaps(&status, context.lang);
    if !gaps.is_empty() {
        output::line(&printable(&gaps))?;
    }
    Ok(Exit::Done)
}

fn heading(status: &LakeStatus, url: &str, lang: Lang) -> String {
    let (files, rows, bytes) = (grouped(status.files), grouped(status.rows), size(status.bytes));
    let (usd, price) = (status.usd_per_month, status.price.usd_per_gb_month);
    let (pieces, held) = (grouped(status.quarantine_pieces), status.holds.len());
    let (waiting, of) = (grouped(status.files_awaiting_deletion), &status.price.source);
    match lang {
        Lang::En => format!(
            "{url}\n{rows} rows in {files} files, {bytes}; commit {} of {}\n\
             storage: {usd:.2} USD a month at {price} USD per GB ({of})\n\
             quarantine: {pieces} pieces; legal holds: {held}; files that wait for deletion: \
             {waiting}",
            status.commit, status.time
        ),
        Lang::Ja => format!(
            "{url}\n{files} ファイルに {rows} 行、{bytes}。コミット {}（{}）\n\
             保管費用: 月 {usd:.2} USD（1 GB あたり {price} USD。{of}）\n\
             隔離: {pieces} 件、リーガルホールド: {held} 件、削除待ちのファイル: {waiting}",
            status.commit, status.time
        ),
    }
}

fn table(status: &LakeStatus, lang: Lang) -> Rows {
    let columns = [
        ("source", "ソース"),
        ("rows", "行数"),
        ("size", "サイズ"),
        ("files", "ファイル数"),
        ("to_merge", "結合待ち"),
        ("accounts", "アカウント数"),
        ("first", "最初"),
        ("last", "最後"),
        ("missing_hours", "欠落時間数"),
    ];
    let mut rows = Rows::new(lang, &columns);
    for source in &status.sources {
        rows.push(vec![
            json!(source.source),
            json!(grouped(source.rows)),
            json!(size(source.bytes)),
            json!(grouped(source.files)),
            json!(grouped(source.files_to_merge)),
            json!(source.accounts.len()),
            json!(minute(source.first)),
            json!(minute(source.last)),
            json!(grouped(source.gap_hours)),
        ]);
    }
    rows
}

fn minute(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The longest gaps of each source.
fn gaps(status: &LakeStatus, lang: Lang) -> String {
    let mut text = String::new();
    for source in status.sources.iter().filter(|source| !source.gaps.is_empty()) {
        let name = &source.source;
        text.push_str(&match lang {
            Lang::En => format!("\n{name}: hours without a record, the longest first\n"),
            Lang::Ja => format!("\n{name}: レコードのない時間帯（長い順）\n"),
        });
        for gap in source.gaps.iter().take(GAPS_SHOWN) {
            let region = if gap.region.is_empty() { "—" } else { &gap.region };
            let (from, until) = (minute(gap.from), minute(gap.until));
            let hours = gap.hours();
            text.push_str(&match lang {
                Lang::En => format!("  {} {region}: {from} … {until} ({hours} h)\n", gap.account),
                Lang::Ja => {
                    format!("  {} {region}: {from} … {until}（{hours} 時間）\n", gap.account)
                }
            });
        }
        let shown = source.gaps.len().min(GAPS_SHOWN);
        let left = (source.gaps.len() - shown) as u64 + source.gaps_omitted;
        if left > 0 {
            text.push_str(&match lang {
                Lang::En => format!("  … and {left} more (--format json has the first hundred)\n"),
                Lang::Ja => {
                    format!("  … ほか {left} 件（--format json で 100 件まで確認できます）\n")
                }
            });
        }
    }
    text.trim_end().to_owned()
}

fn as_json(status: &LakeStatus, url: &str) -> Value {
    let source = |source: &SourceStatus| {
        let gaps: Vec<Value> = source
            .gaps
            .iter()
            .map(|gap| {
                json!({
                    "account": gap.account, "region": gap.region, "from": gap.from,
                    "until": gap.until, "hours": gap.hours(),
                })
            })
            .collect();
        json!({
            "source": source.source, "rows": source.rows, "bytes": source.bytes,
            "files": source.files, "files_to_merge": source.files_to_merge,
            "partitions": source.partitions, "accounts": source.accounts, "first": source.first,
            "last": source.last, "gaps": gaps, "gaps_omitted": source.gaps_omitted,
            "gap_hours": source.gap_hours,
        })
    };
    json!({
        "lake": url, "commit": status.commit, "time": status.time, "files": status.files,
        "rows": status.rows, "bytes": status.bytes,
        "files_awaiting_deletion": status.files_awaiting_deletion,
        "sources": status.sources.iter().map(source).collect::<Vec<_>>(),
        "quarantine_files": status.quarantine_files,
        "quarantine_pieces": status.quarantine_pieces, "holds": status.holds,
        "deletions": status.deletions, "usd_per_month": status.usd_per_month,
        "usd_per_gb_month": status.price.usd_per_gb_month, "price_source": status.price.source,
    })
}
