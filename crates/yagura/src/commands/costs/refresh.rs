//! `yagura costs refresh`: reads the bill anew, from AWS or from report files.
//! What is shown of it is in the files beside.

use std::sync::Arc;

use clap::Args;
use tokio_util::sync::CancellationToken;
use yagura_model::UnreadReason;
use yagura_report::grouped;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::AwsOptions;
use crate::reach;
use crate::spending::{self, Refreshed};

#[derive(Args)]
pub(super) struct RefreshArgs {
    #[arg(long, value_name = "PATH|URL", conflicts_with = "days")]
    report: Option<String>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=420))]
    days: Option<u32>,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(super) async fn run(context: &Context, args: &RefreshArgs) -> anyhow::Result<Exit> {
    let content = Arc::new(context.content()?);
    let (store, now) = (context.store().await?, context.now());
    let refreshed = match &args.report {
        Some(place) => {
            let cancel = CancellationToken::new();
            spending::take_place(&store, place, &args.aws, content, &cancel, now).await?
        }
        None => {
            let client = reach::client(&args.aws, CancellationToken::new()).await?;
            spending::refresh(&store, &client, content, args.days, now).await?
        }
    };
    tell(context, &refreshed);
    let blind = refreshed.read.is_none()
        || refreshed.unread.iter().any(|one| one.reason != UnreadReason::Unsupported);
    Ok(if blind { Exit::PartlyBlind } else { Exit::Done })
}

fn tell(context: &Context, refreshed: &Refreshed) {
    for unread in &refreshed.unread {
        let (call, reason, detail) = (&unread.call, unread.reason.as_str(), &unread.detail);
        let action = &unread.action;
        context.remark_in(
            &format!("unknown: `{call}` could not be read ({reason}; needs `{action}`): {detail}"),
            &format!(
                "不明: `{call}` を読み取れません（{reason}、必要な権限 `{action}`）: {detail}"
            ),
        );
    }
    match refreshed.read {
        Some((source, figures)) => {
            let (source, figures) = (source.as_str(), grouped(figures));
            let (jumps, budgets) = (refreshed.jumps.len(), refreshed.budgets);
            let opened = refreshed.folded.opened + refreshed.folded.reopened;
            context.remark_in(
                &format!(
                    "{figures} figures from {source}, {budgets} budgets; {jumps} unusual days, \
                     {opened} new findings"
                ),
                &format!(
                    "{source} から {figures} 件の金額と {budgets} 件の予算を読み取りました。\
                     通常と異なる日は {jumps} 件、新しい検出結果は {opened} 件です"
                ),
            );
        }
        None => context.remark_in(
            "nothing could be read, which is not to say that nothing was spent",
            "料金を読み取れませんでした（利用がなかったという意味ではありません）",
        ),
    }
}
