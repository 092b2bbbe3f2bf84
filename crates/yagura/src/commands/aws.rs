//! `yagura aws`: one read call, as a debugging aid. What is not a read is refused before sending.
//! Scans do not pass here.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use yagura_aws::{Refusal, Target};
use yagura_model::Lang;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::{AwsOptions, RowOptions};
use crate::output::{self, Hinted};
use crate::rows::Rows;
use crate::{reach, tables};

#[derive(Args)]
pub(crate) struct AwsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Call(Box<CallArgs>),
    Services(ServicesArgs),
}

#[derive(Args)]
struct CallArgs {
    service: String,
    operation: String,
    #[arg(long, value_name = "JSON", default_value = "{}")]
    input: String,
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[arg(long)]
    pages: bool,
    #[command(flatten)]
    aws: AwsOptions,
}

#[derive(Args)]
struct ServicesArgs {
    service: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &AwsArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Call(args) => call(args).await,
        What::Services(args) => services(context.lang, args),
    }
}

async fn call(args: &CallArgs) -> anyhow::Result<Exit> {
    let input: Value = serde_json::from_str(&args.input).context(Hinted::new(
        "the input is not JSON",
        "for example --input '{\"Bucket\": \"name\"}'",
    ))?;
    let client = reach::client(&args.aws, CancellationToken::new()).await?;
    client.api().service(&args.service)?.operation(&args.operation)?;
    if let Some(refusal) = client.refusal(&args.service, &args.operation) {
        let why = match refusal {
            Refusal::NotARead => "it is not a read",
            Refusal::CustomerData => "it returns customer data or credentials",
            Refusal::NotHandedOver => "it is none of this client's calls",
        };
        let message = format!("`{}:{}` is refused: {why}", args.service, args.operation);
        anyhow::bail!(Hinted::new(
            message,
            "`yagura aws call` only reads; use the AWS CLI to write"
        ));
    }
    let account = match &args.account {
        Some(account) => account.clone(),
        None => client.caller_identity().await?.account.clone(),
    };
    let region = args.region.clone().unwrap_or_else(|| client.region().to_owned());
    let target = Target::new(account, region);
    let answer = if args.pages {
        client.call_all(&target, &args.service, &args.operation, &input).await
    } else {
        client.call(&target, &args.service, &args.operation, &input).await
    };
    let answer = answer.map_err(|error| {
        let message = format!("`{}:{}` did not answer", args.service, args.operation);
        anyhow::Error::new(error)
            .context(Hinted::new(message, "`yagura aws services SERVICE` lists the operations"))
    })?;
    output::line(&serde_json::to_string_pretty(&answer)?)?;
    Ok(Exit::Done)
}

fn services(lang: Lang, args: &ServicesArgs) -> anyhow::Result<Exit> {
    let api = tables::api()?;
    let Some(name) = &args.service else {
        let columns = [("service", "サービス")];
        let mut rows = Rows::new(lang, &columns);
        for service in api.services() {
            rows.push(vec![json!(service)]);
        }
        rows.write(args.rows.format)?;
        return Ok(Exit::Done);
    };
    let service = api.service(name)?;
    let columns = [("operation", "オペレーション"), ("paged", "ページ分割")];
    let mut rows = Rows::new(lang, &columns);
    for operation in service.operations() {
        let paged = operation.paginator().is_some();
        let word = match (paged, lang) {
            (false, _) => "",
            (true, Lang::En) => "paged",
            (true, Lang::Ja) => "あり",
        };
        let cells = vec![json!(operation.name()), json!(paged)];
        rows.push_said(cells, vec![("paged", word.to_owned())]);
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}
