//! `yagura costs`: what is spent, what is unusual about it, and reading it anew.
//! The wiring is in `crate::spending`.

mod jumps;
mod refresh;
mod show;

use clap::{Args, Subcommand, ValueEnum};

use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowFormat;

#[derive(Args)]
pub(crate) struct CostsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Refresh(refresh::RefreshArgs),
    Show(show::ShowArgs),
    Jumps(jumps::JumpsArgs),
}

/// How figures are written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum CostFormat {
    Table,
    Plain,
    Json,
    Csv,
}

impl CostFormat {
    /// The format of rows; `None` for CSV.
    fn rows(self) -> Option<RowFormat> {
        match self {
            Self::Table => Some(RowFormat::Table),
            Self::Plain => Some(RowFormat::Plain),
            Self::Json => Some(RowFormat::Json),
            Self::Csv => None,
        }
    }
}

pub(crate) async fn run(context: &Context, args: &CostsArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Refresh(args) => refresh::run(context, args).await,
        What::Show(args) => show::run(context, args).await,
        What::Jumps(args) => jumps::run(context, args).await,
    }
}
