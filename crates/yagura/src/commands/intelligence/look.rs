//! `yagura intelligence look`: which lists an address, domain, URL or digest is on, and whose
//! network an address is of.
//! Nothing is fetched, and nothing leaves the machine.

use std::net::IpAddr;

use clap::Args;
use serde_json::json;
use yagura_judge::intelligence::{AwsPlace, Intelligence, OnList, SpecialRange};
use yagura_model::Lang;
use yagura_model::indicator::ListKind;

use crate::context::Context;
use crate::exit::Exit;
use crate::intelligence::{self, told};
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct LookArgs {
    #[arg(required = true, value_name = "WHAT")]
    what: Vec<String>,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) fn run(context: &Context, args: &LookArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let loaded = intelligence::read(context, &content)?;
    for trouble in &loaded.troubles {
        context.remark(&told(trouble, context.lang));
    }
    let blind = !loaded.troubles.is_empty();
    let geo = intelligence::geo(context, &content)?;
    let intelligence = intelligence::compile(context, &content, loaded, geo);
    let mut rows = Rows::new(&["what", "told_by", "verdict", "detail", "entry", "until"]);
    let mut listed = false;
    for what in &args.what {
        let lists = intelligence.lists_of(what);
        listed |= !lists.is_empty();
        for list in &lists {
            rows.push(of_list(what, list));
        }
        if let Ok(address) = what.trim().parse::<IpAddr>() {
            of_network(what, address, &intelligence, &mut rows);
        }
    }
    if !listed {
        match context.lang {
            Lang::En => context.remark("on no list that is there"),
            Lang::Ja => context.remark("手元のどのリストにもありません"),
        }
    }
    rows.write(args.rows.format)?;
    // "On no list" is no answer where a list could not be asked.
    Ok(if blind && !listed { Exit::PartlyBlind } else { Exit::Done })
}

fn of_list(what: &str, list: &OnList) -> Vec<serde_json::Value> {
    let detail = (list.kind == ListKind::Threat).then(|| list.category.as_str());
    let until = list.until_s.and_then(|until| jiff::Timestamp::from_second(until.into()).ok());
    vec![
        json!(what),
        json!(list.name),
        json!(list.kind.as_str()),
        json!(detail),
        json!(list.entry),
        json!(until),
    ]
}

fn of_network(what: &str, address: IpAddr, intelligence: &Intelligence, rows: &mut Rows) {
    let nothing = || json!(null);
    let mut tell = |by: &str, verdict: &str, detail: String| {
        let cells = [json!(what), json!(by), json!(verdict), json!(detail), nothing(), nothing()];
        rows.push(cells.to_vec());
    };
    if let Some(special) = SpecialRange::of(address) {
        tell("iana", special.as_str(), String::new());
    }
    let network = intelligence.network_of(address);
    match &network.aws {
        Some(AwsPlace::Inside { service, region }) => {
            tell("aws_ranges", "inside", format!("{service} {region}"));
        }
        Some(AwsPlace::Outside) => tell("aws_ranges", "outside", String::new()),
        None => {}
    }
    if let Some(country) = &network.country {
        tell("geo", "country", country.to_string());
    }
    if let Some(asn) = network.asn {
        let organization = network.organization.as_deref().unwrap_or_default();
        tell("geo", "asn", format!("AS{asn} {organization}").trim_end().to_owned());
    }
}
