//! `yagura routes test`: sends a sample to a target, and says what it answered.
//! The try is recorded: it proves that the target is reached.

use anyhow::{Context as _, bail};
use clap::Args;
use yagura_content::format::Judged;
use yagura_respond::outbox;

use super::deliver::channels;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::AwsOptions;
use crate::output::{self, Hinted};

#[derive(Args)]
pub(super) struct TestArgs {
    target: String,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(super) async fn run(context: &Context, args: &TestArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let routes = &content.site.routes;
    let Some(target) = routes.target(&args.target).cloned() else {
        let names: Vec<&str> = routes.targets.0.iter().map(|(name, _)| name.as_str()).collect();
        let hint = if names.is_empty() {
            "write targets in `routes.yaml` of the site folder".to_owned()
        } else {
            format!("the targets are {}", names.join(", "))
        };
        bail!(Hinted::new(format!("there is no target `{}`", args.target), hint));
    };
    let channels = channels(context, content, &args.aws).await?;
    let store = context.store().await?;
    let clock = || context.now();
    let sent = outbox::test(&store, &channels, &args.target, &target, &clock).await;
    store.close().await;
    let sent = sent.context("the try could not be recorded")?;
    let status = sent.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let name = &args.target;
    if sent.judged == Judged::Accepted {
        output::line(&output::printable(&match context.lang {
            yagura_model::Lang::En => format!("`{name}` has it (status {status}: {})", sent.detail),
            yagura_model::Lang::Ja => {
                format!("`{name}` に届きました（ステータス {status}: {}）", sent.detail)
            }
        }))?;
        return Ok(Exit::Done);
    }
    let hint = match sent.judged {
        Judged::Refused => {
            "the target refuses this message: compare its settings with the service's own"
        }
        Judged::Retry | Judged::Accepted => {
            "a real message would be tried again; check address, credentials and network"
        }
    };
    bail!(Hinted::new(
        format!("`{name}` does not have it (status {status}: {})", sent.detail),
        hint,
    ))
}
