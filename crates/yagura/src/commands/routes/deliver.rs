//! `yagura routes deliver`: routes what happened to findings and delivers what is due, once. The
//! daemon calls the same functions again and again.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yagura_content::Content;
use yagura_content::format::BuiltinChannel;
use yagura_respond::channels::Channels;
use yagura_respond::outbox;
use yagura_respond::routes::Router;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::{AwsOptions, RowOptions};
use crate::reach;
use crate::rows::Rows;
use crate::secrets::Resolver;

#[derive(Args)]
pub(super) struct DeliverArgs {
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

/// The channels of the site. AWS is asked who we are only where a target needs it.
pub(super) async fn channels(
    context: &Context,
    content: Content,
    options: &AwsOptions,
) -> anyhow::Result<Channels> {
    let sns = BuiltinChannel::Sns.as_str();
    let wanted =
        content.site.routes.targets.0.iter().any(|(_, target)| target.channel.value == sns);
    let topics = if wanted {
        let aws = reach::aws(options).await?;
        let home = reach::home(&aws).await?;
        Some(aws.topics(home, CancellationToken::new()))
    } else {
        None
    };
    let secrets = Arc::new(Resolver::new(context, options));
    Channels::new(Arc::new(content), secrets, topics).context("nothing can be sent")
}

pub(super) async fn run(context: &Context, args: &DeliverArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let router = Router::new(Arc::new(content.clone()));
    let channels = channels(context, content, &args.aws).await?;
    let store = context.store().await?;
    let clock = || context.now();
    let routed = router.route(&store, clock()).await?;
    for (route, why) in &routed.problems {
        let why = context.told(why);
        context.remark_in(
            &format!(
                "warning: the condition of route `{route}` has no result, so it was followed: {why}"
            ),
            &format!("警告: ルート `{route}` の条件を評価できないため、通知対象としました: {why}"),
        );
    }
    let holder = format!("deliver-{}", std::process::id());
    let delivered = outbox::deliver(&store, &channels, &holder, &clock).await?;
    store.close().await;
    let columns = [
        ("entries", "履歴件数"),
        ("queued", "個別通知"),
        ("gathered", "まとめ"),
        ("only_counted", "件数のみ"),
        ("storms", "大量発生"),
        ("sent", "配信済み"),
        ("to_retry", "再試行待ち"),
        ("given_up", "配信断念"),
        ("skipped", "通知内容なし"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    rows.push(vec![
        json!(routed.entries),
        json!(routed.single),
        json!(routed.gathered),
        json!(routed.counted),
        json!(routed.storms),
        json!(delivered.sent),
        json!(delivered.retried),
        json!(delivered.dead),
        json!(delivered.skipped),
    ]);
    rows.write(args.rows.format)?;
    if delivered.dead > 0 {
        context.remark_in(
            "some messages were given up; `yagura routes dead list` says why",
            "配信を断念したメッセージがあります。理由は `yagura routes dead list` で確認できます",
        );
    }
    Ok(if delivered.dead > 0 || delivered.retried > 0 { Exit::PartlyBlind } else { Exit::Done })
}
