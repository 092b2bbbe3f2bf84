//! `yagura costs jumps`: the days on which much more than usual was spent, from what is stored.
//! How that is judged is `yagura-judge`'s.

use clap::Args;
use serde_json::json;
use yagura_model::spend::{ALL_SERVICES, Micros};

use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;
use crate::spending::{self, day_of};

#[derive(Args)]
pub(super) struct JumpsArgs {
    #[arg(long, value_name = "N", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) async fn run(context: &Context, args: &JumpsArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let today = day_of(context.now());
    let (jumps, newest) = spending::jumps(&store, today, args.days, args.account.clone()).await?;
    let columns = [
        ("day", "日付"),
        ("account", "アカウント"),
        ("service", "サービス"),
        ("amount", "金額"),
        ("usual", "通常"),
        ("limit", "上限"),
        ("currency", "通貨"),
        ("times", "倍率"),
        ("new", "新規"),
        ("learned_days", "学習日数"),
        ("before", "それまでの金額"),
    ];
    let mut rows = Rows::new(context.lang, &columns).worded("service", &[("(all)", "（すべて）")]);
    for jump in &jumps {
        let service = if jump.service == ALL_SERVICES { "(all)" } else { &jump.service };
        let times = (jump.usual > Micros::default())
            .then(|| format!("{:.1}", jump.amount.as_f64() / jump.usual.as_f64()));
        let before: Vec<String> =
            jump.before.iter().map(|(_, amount)| amount.to_string()).collect();
        rows.push(vec![
            json!(jump.day.to_string()),
            json!(jump.account),
            json!(service),
            json!(jump.amount.to_string()),
            json!(jump.usual.to_string()),
            json!(jump.limit.to_string()),
            json!(jump.currency),
            json!(times),
            json!(jump.is_new),
            json!(jump.learned_days),
            json!(before.join(" ")),
        ]);
    }
    rows.write(args.rows.format)?;
    match (newest.is_empty(), jumps.is_empty()) {
        (true, _) => context.remark_in(
            "no figures are stored; `yagura costs refresh` reads them",
            "金額は保存されていません。`yagura costs refresh` で読み取れます",
        ),
        (false, true) => context
            .remark_in("no day stands out from what is usual", "通常と大きく異なる日はありません"),
        (false, false) => {}
    }
    Ok(Exit::Done)
}
