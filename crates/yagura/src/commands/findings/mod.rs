//! `yagura findings`: the one list that a team works: looked at, worked on, accepted, counted.
//! How findings come about is `crate::findings`; how they look is `yagura-report`'s.

mod act;
mod choose;
mod export;
mod groups;
mod history;
mod import;
mod list;
mod push;
mod show;
mod stats;
mod who;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::Exit;

#[derive(Args)]
pub(crate) struct FindingsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(Box<list::ListArgs>),
    Show(show::ShowArgs),
    Groups(Box<groups::GroupsArgs>),
    Acknowledge(Box<act::MoveArgs>),
    Start(Box<act::MoveArgs>),
    Resolve(Box<act::MoveArgs>),
    Reopen(Box<act::MoveArgs>),
    Suppress(Box<act::SuppressArgs>),
    Unsuppress(Box<act::MoveArgs>),
    Assign(Box<act::AssignArgs>),
    Due(Box<act::DueArgs>),
    Comment(Box<act::CommentArgs>),
    Label(Box<act::LabelArgs>),
    Severity(Box<act::SeverityArgs>),
    Link(act::LinkArgs),
    Unlink(act::UnlinkArgs),
    History(history::HistoryArgs),
    Stats(Box<stats::StatsArgs>),
    Import(Box<import::ImportArgs>),
    Export(Box<export::ExportArgs>),
    Push(Box<push::PushArgs>),
}

pub(crate) async fn run(context: &Context, args: &FindingsArgs) -> anyhow::Result<Exit> {
    use act::Move;
    match &args.what {
        What::List(args) => list::run(context, args).await,
        What::Show(args) => show::run(context, args).await,
        What::Groups(args) => groups::run(context, args).await,
        What::Acknowledge(args) => act::go(context, args, Move::Acknowledge).await,
        What::Start(args) => act::go(context, args, Move::Start).await,
        What::Resolve(args) => act::go(context, args, Move::Resolve).await,
        What::Reopen(args) => act::go(context, args, Move::Reopen).await,
        What::Suppress(args) => act::suppress(context, args).await,
        What::Unsuppress(args) => act::go(context, args, Move::Unsuppress).await,
        What::Assign(args) => act::assign(context, args).await,
        What::Due(args) => act::due(context, args).await,
        What::Comment(args) => act::comment(context, args).await,
        What::Label(args) => act::label(context, args).await,
        What::Severity(args) => act::severity(context, args).await,
        What::Link(args) => act::link(context, args).await,
        What::Unlink(args) => act::unlink(context, args).await,
        What::History(args) => history::run(context, args).await,
        What::Stats(args) => stats::run(context, args).await,
        What::Import(args) => import::run(context, args).await,
        What::Export(args) => export::run(context, args).await,
        What::Push(args) => push::run(context, args).await,
    }
}
