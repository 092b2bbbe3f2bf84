//! `yagura findings push`: our findings told to services that gather findings.
//! What is told, and when again, is decided in `yagura-respond`.

use clap::{Args, ValueEnum};
use serde_json::json;
use yagura_respond::push::security_hub::{ACTION, CALLS, PushOutcome};

use super::choose::FilterOptions;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::AwsOptions;
use crate::{importing, output, reach, river};

#[derive(Args)]
pub(crate) struct PushArgs {
    #[arg(value_enum, value_name = "SERVICE")]
    to: Service,
    #[command(flatten)]
    filter: FilterOptions,
    #[arg(long)]
    dry_run: bool,
    #[arg(long, conflicts_with = "dry_run")]
    policy: bool,
    #[command(flatten)]
    aws: AwsOptions,
}

/// Services that gather findings.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    #[value(name = "securityhub")]
    SecurityHub,
}

pub(crate) async fn run(context: &Context, args: &PushArgs) -> anyhow::Result<Exit> {
    let Service::SecurityHub = args.to;
    if args.policy {
        let statement = json!({
            "Sid": "PushFindings",
            "Effect": "Allow",
            "Action": [ACTION],
            "Resource": "arn:aws:securityhub:*:*:product/*/default",
        });
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        output::line(&serde_json::to_string_pretty(&policy)?)?;
        return Ok(Exit::Done);
    }
    // What is over is told, too: as archived.
    let filter = args.filter.filter(&[], context.now())?;
    let content = context.content()?;
    let store = context.store().await?;
    let (lang, now) = (context.lang, context.now());
    let outcome = if args.dry_run {
        importing::to_security_hub(&content, &store, None, &filter, lang, now).await?
    } else {
        let cancel = river::cancel_on_interrupt(|| {});
        let aws = reach::aws(&args.aws).await?;
        // Whose credentials these are is found out before anything is told.
        reach::home(&aws).await?;
        let client = aws.write(CALLS, cancel);
        importing::to_security_hub(&content, &store, Some(&client), &filter, lang, now).await?
    };
    store.close().await;
    tell(context, &outcome, args.dry_run)?;
    let failed = outcome.refused > 0 || outcome.unreached > 0;
    Ok(Exit::of_scan(outcome.interrupted, false, failed))
}

fn tell(context: &Context, outcome: &PushOutcome, dry_run: bool) -> anyhow::Result<()> {
    let PushOutcome { told, archived, unchanged, left_out, refused, unreached, .. } = outcome;
    let line = match (context.lang, dry_run) {
        (yagura_model::Lang::En, _) => format!(
            "{}: {told} ({archived} as over), unchanged: {unchanged}, left out: {left_out}, \
             refused: {refused}, not reached: {unreached}",
            if dry_run { "would be told" } else { "told" }
        ),
        (yagura_model::Lang::Ja, _) => format!(
            "{}: {told} 件（うち解決済み {archived} 件）、変更なし: {unchanged} 件、\
             対象外: {left_out} 件、拒否: {refused} 件、到達不可: {unreached} 件",
            if dry_run { "送信予定" } else { "送信" }
        ),
    };
    output::line(&line)?;
    for refusal in &outcome.refusals {
        let text = format!("{}: {} {}", refusal.finding, refusal.code, refusal.message);
        context.remark(&text.replace('\n', " "));
    }
    for place in &outcome.places {
        let text = format!("{} {}: {}", place.account, place.region, place.reason);
        context.remark(&text.replace('\n', " "));
    }
    if !outcome.places.is_empty() {
        context.remark_in(
            "hint: Security Hub must be in use there, and the role must allow what \
             `yagura findings push securityhub --policy` prints (choose the role with --role)",
            "ヒント: 対象のアカウントとリージョンで Security Hub が有効であること、ロールが \
             `yagura findings push securityhub --policy` の内容を許可していることを確認してください\
             （ロールは --role で指定します）",
        );
    }
    Ok(())
}
