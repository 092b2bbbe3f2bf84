//! `yagura mcp`: read tools for an assistant on this machine, over standard input and output.
//! The tools are `yagura-console`'s; over HTTP `yagura serve` answers at `/mcp`.

use std::sync::Arc;

use clap::Args;
use yagura_console::{Console, Entrance, Parts, SignIn, assist};

use crate::commands::ingest::clock;
use crate::console;
use crate::context::Context;
use crate::daemon::desk::{Book, ContentNow, Desk};
use crate::exit::Exit;
use crate::options::{AwsOptions, LakeChoice};

#[derive(Args)]
pub(crate) struct McpArgs {
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(crate) async fn run(context: &Context, args: &McpArgs) -> anyhow::Result<Exit> {
    let content = Arc::new(context.content()?);
    let store = context.store().await?;
    let now: ContentNow = Arc::new(move || Arc::clone(&content));
    let (lake, aws) = (args.lake.clone(), args.aws.clone());
    let desk = Desk::new(context.clone(), store.clone(), lake, aws, Arc::clone(&now));
    let options = console::Options::default();
    let zone = console::zone(&now(), &options)?;
    let console = Console::new(Parts {
        store: store.clone(),
        content: now,
        desk: Some(Arc::new(desk)),
        guide: None,
        actions: Arc::new(Book::open()?),
        clock: clock(),
        entrance: Entrance::SignIn,
        sign_in: SignIn::default(),
        lake: None,
        address: "http://127.0.0.1".to_owned(),
        zone,
        proxies: Vec::new(),
        demo: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    assist(&console, tokio::io::stdin(), tokio::io::stdout()).await?;
    store.close().await;
    Ok(Exit::Done)
}
