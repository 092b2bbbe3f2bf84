//! `yagura findings import`: findings of other products, through the AWS API or out of files.
//! What is done with them is wired in `crate::importing`.

use std::path::Path;

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yagura_collect::imports::{PlaceState, Product};
use yagura_collect::{Extent, Notice, NoticeKind};
use yagura_content::Content;
use yagura_model::Lang;
use yagura_respond::findings::imports::ImportsFolded;
use yagura_store::Store;

use crate::context::Context;
use crate::exit::Exit;
use crate::importing::{self, FromAws, ImportedFromAws};
use crate::options::{AwsOptions, Reach, RowOptions};
use crate::output;
use crate::rows::Rows;
use crate::{findings, reach, river};

/// What stands for the AWS API in the place of a file.
const AWS: &str = "aws";
/// Remarks that are shown one by one.
const SHOWN_MAX: usize = 20;

#[derive(Args)]
pub(crate) struct ImportArgs {
    #[arg(value_name = "aws|FILE", required = true)]
    from: Vec<String>,
    #[arg(long, value_name = "PRODUCTS", value_delimiter = ',')]
    product: Vec<Product>,
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &ImportArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let store = context.store().await?;
    let columns = [
        ("from", "取り込み元"),
        ("state", "状態"),
        ("places", "場所の数"),
        ("findings", "検出結果数"),
        ("bad", "不良"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    let mut exit = Exit::Done;
    for from in &args.from {
        let one = match from.as_str() {
            AWS => import_aws(context, &content, &store, args, &mut rows).await?,
            file => import_file(context, &content, &store, file.as_ref(), &mut rows).await?,
        };
        exit = worse(exit, one);
        if exit == Exit::Interrupted {
            break;
        }
    }
    store.close().await;
    rows.write(args.rows.format)?;
    Ok(exit)
}

fn worse(a: Exit, b: Exit) -> Exit {
    let weight = |exit: Exit| match exit {
        Exit::Interrupted => 3,
        Exit::Failed => 2,
        Exit::PartlyBlind => 1,
        Exit::Done | Exit::Findings => 0,
    };
    if weight(b) > weight(a) { b } else { a }
}

async fn import_aws(
    context: &Context,
    content: &Content,
    store: &Store,
    args: &ImportArgs,
    rows: &mut Rows,
) -> anyhow::Result<Exit> {
    let lang = context.lang;
    let cancel: CancellationToken = river::cancel_on_interrupt(move || {
        output::say(match lang {
            Lang::En => "interrupted: keeping what was read (once more to stop at once)",
            Lang::Ja => "中断します。読み取った分は保存します（もう一度押すとすぐに終了）",
        });
    });
    let client = reach::client(&args.aws, cancel).await?;
    let organization = yagura_collect::organization(&client, Extent::Everything).await;
    let mut organization = organization.map_err(reach::explained)?;
    organization.select(&args.reach.accounts).map_err(reach::explained)?;
    let regions = yagura_collect::regions(&client, &organization, &args.reach.regions).await;
    let regions = regions.map_err(reach::explained)?;
    let mut products = args.product.clone();
    if products.is_empty() {
        products = Product::ALL.to_vec();
    }
    products.sort_unstable();
    products.dedup();
    let from = FromAws {
        organization: &organization,
        regions: &regions,
        products: &products,
        whole: args.full,
    };
    let imported = importing::from_aws(content, store, &client, &from, context.now()).await?;
    let notices: Vec<Notice> =
        organization.notices.iter().chain(&regions.notices).cloned().collect();
    tell_places(context, &imported, &products, notices, rows);
    tell_folded(context, &imported.folded);
    let blind = imported.places.iter().any(|place| match &place.state {
        PlaceState::Unread(unread) => unread.reason.is_blind(),
        PlaceState::Whole | PlaceState::Changes | PlaceState::Off => place.bad > 0,
    });
    Ok(Exit::of_scan(imported.interrupted, false, blind))
}

/// One row per product and outcome, and a remark for every place that could not be read.
fn tell_places(
    context: &Context,
    imported: &ImportedFromAws,
    products: &[Product],
    notices: Vec<Notice>,
    rows: &mut Rows,
) {
    let code = |state: &PlaceState| match state {
        PlaceState::Whole | PlaceState::Changes => "read",
        PlaceState::Off => "not_in_use",
        PlaceState::Unread(_) => "unknown",
    };
    let words = |code| match (context.lang, code) {
        (Lang::En, "not_in_use") => "not in use",
        (Lang::En, code) => code,
        (Lang::Ja, "read") => "読み取り済み",
        (Lang::Ja, "not_in_use") => "未使用",
        (Lang::Ja, _) => "不明",
    };
    for product in products {
        let mut by_state: Vec<(&str, u64, u64, u64)> = Vec::new();
        for place in imported.places.iter().filter(|place| place.product == *product) {
            let state = code(&place.state);
            let at = by_state.iter().position(|(known, ..)| *known == state);
            match at.and_then(|at| by_state.get_mut(at)) {
                Some((_, places, findings, bad)) => {
                    *places += 1;
                    *findings += place.findings;
                    *bad += place.bad;
                }
                None => by_state.push((state, 1, place.findings, place.bad)),
            }
        }
        for (state, places, findings, bad) in by_state {
            let (product, count) = (json!(product.as_str()), json!(places));
            let cells = vec![product, json!(state), count, json!(findings), json!(bad)];
            rows.push_said(cells, vec![("state", words(state).to_owned())]);
        }
    }
    let unread = imported.places.iter().filter_map(|place| match &place.state {
        PlaceState::Unread(unread) => Some(Notice {
            account: place.account.clone(),
            region: place.region.clone(),
            kind: NoticeKind::Service { service: place.product.to_string() },
            unread: (**unread).clone(),
        }),
        PlaceState::Whole | PlaceState::Changes | PlaceState::Off => None,
    });
    let remarks: Vec<String> =
        notices.into_iter().chain(unread).map(|notice| notice.text(context.lang)).collect();
    say_some(context, &remarks);
    let bad: Vec<String> = imported
        .bad
        .iter()
        .map(|(scope, why)| format!("{scope}: {}", why.text(context.lang)))
        .collect();
    say_some(context, &bad);
}

fn say_some(context: &Context, remarks: &[String]) {
    for remark in remarks.iter().take(SHOWN_MAX) {
        context.remark(remark);
    }
    let left = remarks.len().saturating_sub(SHOWN_MAX);
    if left > 0 {
        context.remark_in(&format!("… and {left} more remarks"), &format!("… ほか {left} 件"));
    }
}

async fn import_file(
    context: &Context,
    content: &Content,
    store: &Store,
    file: &Path,
    rows: &mut Rows,
) -> anyhow::Result<Exit> {
    let (read, folded) = importing::from_file(content, store, file, context.now()).await?;
    let formats: Vec<String> = read.formats.iter().map(ToString::to_string).collect();
    rows.push(vec![
        json!(file.display().to_string()),
        json!(formats.join(", ")),
        json!(null),
        json!(read.findings),
        json!(read.bad),
    ]);
    let bad: Vec<String> = read
        .bad_told
        .iter()
        .map(|(place, why)| {
            let why = why.text(context.lang);
            match context.lang {
                Lang::En => format!("{}, record {place}: {why}", file.display()),
                Lang::Ja => format!("{} のレコード {place}: {why}", file.display()),
            }
        })
        .collect();
    say_some(context, &bad);
    tell_folded(context, &folded);
    Ok(if read.bad > 0 { Exit::PartlyBlind } else { Exit::Done })
}

/// What folding changed, and what it left alone.
fn tell_folded(context: &Context, done: &ImportsFolded) {
    findings::say(context, &done.folded);
    let ImportsFolded { unchanged, linked, own, settled, .. } = done;
    context.remark_in(
        &format!(
            "imports: {unchanged} unchanged, {linked} said by a control of ours too, \
             {settled} already settled there, {own} written by Yagura"
        ),
        &format!(
            "インポート: 変更なし {unchanged} 件、自前のコントロールと同じ内容 {linked} 件、\
             取り込み元で対応済み {settled} 件、Yagura が出力したもの {own} 件"
        ),
    );
}
