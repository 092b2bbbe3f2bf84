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
use crate::rows::{Rows, WordList};

/// Whose an address is: what it is for, AWS's or not, and where.
const NETWORKS: WordList = &[
    ("unspecified", "未指定アドレス"),
    ("loopback", "ループバック"),
    ("private", "プライベートアドレス"),
    ("shared", "通信事業者の共用アドレス"),
    ("link_local", "リンクローカル"),
    ("multicast", "マルチキャスト"),
    ("documentation", "文書の例示用"),
    ("reserved", "予約済み"),
    ("inside", "AWS の範囲内"),
    ("outside", "AWS の範囲外"),
    ("country", "国"),
    ("asn", "AS 番号"),
];

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
    let columns = [
        ("what", "対象"),
        ("told_by", "情報源"),
        ("verdict", "判定"),
        ("detail", "詳細"),
        ("entry", "一致した項目"),
        ("until", "有効期限"),
    ];
    let mut rows = Rows::new(context.lang, &columns)
        .worded("verdict", super::LIST_KINDS)
        .worded("verdict", NETWORKS)
        .worded("detail", super::THREAT_CATEGORIES);
    let mut listed = false;
    for what in &args.what {
        let lists = intelligence.lists_of(what);
        listed |= !lists.is_empty();
        for list in &lists {
            rows.push(of_list(what, list));
        }
        if let Ok(address) = what.trim().parse::<IpAddr>() {
            of_network(what, address, &intelligence, context.lang, &mut rows);
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

fn of_network(
    what: &str,
    address: IpAddr,
    intelligence: &Intelligence,
    lang: Lang,
    rows: &mut Rows,
) {
    let nothing = || json!(null);
    let mut tell = |by: &str, verdict: &str, detail: String| {
        let cells = [json!(what), json!(by), json!(verdict), json!(detail), nothing(), nothing()];
        // Said here and not as a word of the column, where a list of the site may have that name.
        let source = match (lang, by) {
            (Lang::Ja, "iana") => "IANA",
            (Lang::Ja, "aws_ranges") => "AWS の IP アドレス範囲",
            (Lang::Ja, "geo") => "GeoIP",
            (_, by) => by,
        };
        rows.push_said(cells.to_vec(), vec![("told_by", source.to_owned())]);
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
