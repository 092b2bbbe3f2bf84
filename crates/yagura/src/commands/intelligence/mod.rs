//! `yagura intelligence`: threat and trusted lists, and AWS's address ranges: fetch them, show
//! what is there, look something up.
//! Lists are described in the site's `intelligence.yaml`.

mod list;
mod look;
pub(crate) mod refresh;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::Exit;

#[derive(Args)]
pub(crate) struct IntelligenceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Refresh(refresh::RefreshArgs),
    List(list::ListArgs),
    Look(look::LookArgs),
}

pub(crate) async fn run(context: &Context, args: &IntelligenceArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Refresh(args) => refresh::run(context, args).await,
        What::List(args) => list::run(context, args),
        What::Look(args) => look::run(context, args),
    }
}
