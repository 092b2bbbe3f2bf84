//! `yagura routes`: who is told of findings: the routes and targets of the site, tries,
//! explanations, deliveries and what could not be delivered.
//! What a route decides and how a message travels is `yagura-respond`'s.

mod dead;
mod deliver;
mod deliveries;
mod explain;
mod list;
mod test;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::Exit;

/// Where the words for kinds of messages are.
const MESSAGE_KINDS: &str = "console_routes.kind.";

#[derive(Args)]
pub(crate) struct RoutesArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(list::ListArgs),
    Test(Box<test::TestArgs>),
    Explain(explain::ExplainArgs),
    Deliver(Box<deliver::DeliverArgs>),
    Dead(dead::DeadArgs),
    Deliveries(deliveries::DeliveriesArgs),
}

pub(crate) async fn run(context: &Context, args: &RoutesArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::List(args) => list::run(context, args).await,
        What::Test(args) => test::run(context, args).await,
        What::Explain(args) => explain::run(context, args).await,
        What::Deliver(args) => deliver::run(context, args).await,
        What::Dead(args) => dead::run(context, args).await,
        What::Deliveries(args) => deliveries::run(context, args).await,
    }
}
