//! `yagura access unused`: users, passwords, keys and roles that nobody uses, and permissions that
//! were granted and never used; what cannot be known is said to be unknown.
//! The computation is analyze's; logs are read in `used`, IAM is asked in `last_accessed`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde_json::{Value, json};
use yagura_analyze::access::least::{Excess, GrantReader, UsageLedger};
use yagura_analyze::access::unused::{Idle, IdleKind, ServiceUse, idle, services};
use yagura_analyze::access::usage::{ActionLevel, Naming, data_recorded_wholly};
use yagura_analyze::access::{World, is_service_linked};
use yagura_lake::usage::UsageOf;
use yagura_model::usage::UsedCall;
use yagura_model::{Lang, Resource};
use yagura_report::access::reason;

use super::last_accessed::{self, IdleServices};
use super::least_words;
use super::used::{self, Asked, LogArgs, LogQuestion, Seen};
use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place;
use crate::options::{RowFormat, RowOptions};
use crate::output;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct UnusedArgs {
    principal: Option<String>,
    #[arg(long, value_name = "TIME", default_value = "90d")]
    since: String,
    #[arg(long)]
    credentials_only: bool,
    #[arg(long, conflicts_with = "credentials_only")]
    last_accessed: bool,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    rows: RowOptions,
}

/// What was found.
struct Found {
    credentials: Vec<Idle>,
    services: Vec<IdleServices>,
    permissions: Vec<Permissions>,
}

/// What a principal's policies grant and what of it was used.
struct Permissions {
    principal: String,
    services: Vec<ServiceUse>,
}

pub(super) async fn run(context: &Context, args: &UnusedArgs) -> anyhow::Result<Exit> {
    let asked = Asked::read(context, &args.since, None)?;
    let further = ["AWS::CloudTrail::Trail"].map(str::to_owned).to_vec();
    let (world, resources) = super::inventory(context, None, further).await?;
    let principal = args
        .principal
        .as_deref()
        .map(|asked| world.principal_of(asked).unwrap_or(asked).to_owned());
    let mut credentials = idle(&resources, asked.since);
    if let Some(principal) = &principal {
        credentials.retain(|one| one.principal == *principal);
    }
    let mut permissions = Vec::new();
    let mut unread = 0;
    let has_log = !args.credentials_only && log_is_there(context, args)?;
    if has_log {
        let of = principal.as_deref();
        (permissions, unread) = of_log(context, args, asked, &world, &resources, of).await?;
    } else if !args.credentials_only {
        context.remark_in(
            "there is no log lake: permissions are not judged (`yagura ingest cloudtrail PATH…` \
             begins one, --logs PATH reads files)",
            "ログレイクがないため、アクセス許可は判定しません（`yagura ingest cloudtrail PATH…` \
             で作成、--logs PATH でファイルを直接読み取り）",
        );
    }
    let of = principal.as_deref();
    let asked_of = match args.last_accessed {
        true => last_accessed::ask(&args.log.aws, &resources, asked.since, of).await?,
        false => Vec::new(),
    };
    let found = Found { credentials, services: asked_of, permissions };
    write(context, args.rows.format, &found)?;
    let credentials = &found.credentials;
    let unknown = found.services.iter().any(|one| one.idle.is_err());
    let blind = unread > 0 || unknown || credentials.iter().any(|one| one.unknown);
    Ok(if blind { Exit::PartlyBlind } else { Exit::Done })
}

/// A lake that was named and is not there is an error; the usual one may be missing.
fn log_is_there(context: &Context, args: &UnusedArgs) -> anyhow::Result<bool> {
    if !args.log.logs.is_empty() || args.log.lake.lake.is_some() {
        return Ok(true);
    }
    Ok(match lake_place::Place::of(context, &args.log.lake)? {
        lake_place::Place::Folder(folder) => folder.is_dir(),
        lake_place::Place::Bucket { .. } => true,
    })
}

async fn of_log(
    context: &Context,
    args: &UnusedArgs,
    asked: Asked,
    world: &World,
    resources: &[Resource],
    principal: Option<&str>,
) -> anyhow::Result<(Vec<Permissions>, u64)> {
    let content = Arc::new(context.content()?);
    let naming = Arc::new(used::naming(&content, resources)?);
    let ledgers = Arc::new(Mutex::new(BTreeMap::<String, UsageLedger>::new()));
    let sink = {
        let (ledgers, naming) = (Arc::clone(&ledgers), Arc::clone(&naming));
        move |call: &UsedCall| {
            let who = call.issuer.as_ref().unwrap_or(&call.actor);
            let mut ledgers = ledgers.lock().unwrap_or_else(PoisonError::into_inner);
            match ledgers.get_mut(who) {
                Some(ledger) => ledger.take(&naming, call),
                None => ledgers.entry(who.clone()).or_default().take(&naming, call),
            }
        }
    };
    let question = LogQuestion {
        of: principal.map_or(UsageOf::Everybody, used::of_principal),
        asked,
        parameters: None,
        columns: Vec::new(),
        account: None,
    };
    let sink = Arc::new(Mutex::new(sink));
    let mut seen = used::calls(context, &content, &args.log, question, sink).await?;
    let ledgers = ledgers.lock().unwrap_or_else(PoisonError::into_inner);
    for (account, evidence) in &mut seen.evidence {
        evidence.data_whole = data_recorded_wholly(resources, account);
    }
    let found = compare(world, &naming, &ledgers, &seen, principal);
    Ok((found, seen.unread))
}

fn compare(
    world: &World,
    naming: &Naming,
    ledgers: &BTreeMap<String, UsageLedger>,
    seen: &Seen,
    principal: Option<&str>,
) -> Vec<Permissions> {
    let mut reader = GrantReader::new(naming.table());
    let (nothing, nobody) = (UsageLedger::default(), yagura_model::usage::Evidence::default());
    let wanted = world.principals().filter(|arn| principal.is_none_or(|only| only == *arn));
    // AWS's own roles cannot be changed.
    let own = wanted.filter(|arn| !is_service_linked(arn));
    own.filter_map(|arn| {
        let grants = world.granted_to(arn, &mut reader)?;
        let account = arn.split(':').nth(4).unwrap_or_default();
        let evidence = seen.evidence.get(account).unwrap_or(&nobody);
        let ledger = ledgers.get(arn).unwrap_or(&nothing);
        let services = services(&Excess::of(&grants, ledger, naming, evidence));
        Some(Permissions { principal: arn.to_owned(), services })
    })
    .collect()
}

fn write(context: &Context, format: RowFormat, found: &Found) -> anyhow::Result<()> {
    let Found { credentials, services, permissions } = found;
    if format == RowFormat::Json {
        for one in credentials {
            output::line(&credential_json(one).to_string())?;
        }
        for one in services {
            output::line(&one.json().to_string())?;
        }
        for one in permissions {
            output::line(&permissions_json(one).to_string())?;
        }
        return Ok(());
    }
    let lang = context.lang;
    let columns = [
        ("kind", "種類"),
        ("principal", "プリンシパル"),
        ("verdict", "判定"),
        ("last_used", "最終使用"),
        ("detail", "詳細"),
    ];
    let mut rows = Rows::new(lang, &columns);
    for one in credentials {
        let (verdict, detail) = credential_words(lang, one);
        let last = one.last.map(|time| least_words::minute(time.as_microsecond()));
        rows.push(vec![
            json!(kind_word(lang, one.kind)),
            json!(one.principal),
            json!(verdict),
            json!(last),
            json!(detail),
        ]);
    }
    for one in services.iter().filter(|one| one.is_worth_a_row()) {
        let (verdict, detail) = (word(lang, one.idle.is_err()), one.words(lang));
        let kind = match lang {
            Lang::En => json!("services"),
            Lang::Ja => json!("サービス"),
        };
        let last = one.newest().map(|time| least_words::minute(time.as_microsecond()));
        rows.push(vec![kind, json!(one.principal), json!(verdict), json!(last), json!(detail)]);
    }
    for one in permissions {
        let unused: usize = one.services.iter().map(ServiceUse::unused_count).sum();
        let unknown: usize = one.services.iter().flat_map(|it| it.unknown.values()).sum();
        if unused + unknown == 0 {
            continue;
        }
        let verdict = if unused > 0 { word(lang, false) } else { word(lang, true) };
        let detail = permission_words(lang, one, unused, unknown);
        let kind = match lang {
            Lang::En => json!("permissions"),
            Lang::Ja => json!("アクセス許可"),
        };
        rows.push(vec![kind, json!(one.principal), json!(verdict), Value::Null, json!(detail)]);
    }
    if rows.is_empty() {
        context.remark_in("nothing lies unused", "未使用のものはありません");
        return Ok(());
    }
    rows.write(format)
}

fn kind_word(lang: Lang, kind: IdleKind) -> &'static str {
    match (lang, kind) {
        (Lang::En, kind) => kind.as_str(),
        (Lang::Ja, IdleKind::User) => "ユーザー",
        (Lang::Ja, IdleKind::Password) => "パスワード",
        (Lang::Ja, IdleKind::AccessKey) => "アクセスキー",
        (Lang::Ja, IdleKind::Role) => "ロール",
    }
}

fn word(lang: Lang, unknown: bool) -> &'static str {
    match (lang, unknown) {
        (Lang::En, false) => "unused",
        (Lang::En, true) => "unknown",
        (Lang::Ja, false) => "未使用",
        (Lang::Ja, true) => "不明",
    }
}

fn credential_words(lang: Lang, one: &Idle) -> (&'static str, String) {
    let number = one.key.unwrap_or_default();
    let detail = match (lang, one.kind) {
        (Lang::En, IdleKind::AccessKey) => format!("access key {number}"),
        (Lang::Ja, IdleKind::AccessKey) => format!("アクセスキー {number}"),
        _ => String::new(),
    };
    let why = one.unread.first().map(|unread| reason(lang, unread.reason));
    let why = match (lang, one.unknown, why) {
        (Lang::En, true, Some(reason)) => format!("the last use was not read ({reason})"),
        (Lang::Ja, true, Some(reason)) => format!("最終使用日を読み取れません（{reason}）"),
        (Lang::En, true, None) => "neither last use nor age is known".to_owned(),
        (Lang::Ja, true, None) => "最終使用日も作成日も不明です".to_owned(),
        (Lang::En, false, _) if one.last.is_none() => "never used".to_owned(),
        (Lang::Ja, false, _) if one.last.is_none() => "使用履歴なし".to_owned(),
        (_, false, _) => String::new(),
    };
    let between = if detail.is_empty() || why.is_empty() { "" } else { ", " };
    (word(lang, one.unknown), format!("{detail}{between}{why}"))
}

/// The services that are idle as a whole, riskiest first, and how much else.
fn permission_words(lang: Lang, one: &Permissions, unused: usize, unknown: usize) -> String {
    const NAMED_MAX: usize = 5;
    let whole: Vec<&str> =
        one.services.iter().filter(|it| it.is_idle()).map(|it| it.service.as_str()).collect();
    let risky: usize = one
        .services
        .iter()
        .filter_map(|it| it.unused.get(&ActionLevel::Permissions))
        .map(Vec::len)
        .sum();
    let shown = whole.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = whole.len().saturating_sub(NAMED_MAX);
    match lang {
        Lang::En => {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown = if shown.is_empty() { "none".to_owned() } else { shown };
            format!(
                "{unused} actions unused ({risky} manage permissions), {unknown} unknown; \
                 services never used: {shown}{more}"
            )
        }
        Lang::Ja => {
            let more = if more > 0 { format!(" ほか {more}") } else { String::new() };
            let shown = if shown.is_empty() { "なし".to_owned() } else { shown };
            format!(
                "未使用 {unused} アクション（うちアクセス許可の管理 {risky}）、不明 {unknown}。\
                 一度も使われていないサービス: {shown}{more}"
            )
        }
    }
}

/// The names of members are promises.
fn credential_json(one: &Idle) -> Value {
    json!({
        "kind": one.kind.as_str(),
        "principal": one.principal,
        "account": one.account,
        "verdict": word(Lang::En, one.unknown),
        "key": one.key,
        "last_used": one.last,
        "made": one.made,
        "unread": one.unread.iter().map(|unread| json!({
            "path": unread.path.to_string(), "reason": unread.reason.as_str(),
        })).collect::<Vec<_>>(),
    })
}

fn permissions_json(one: &Permissions) -> Value {
    let service = |it: &ServiceUse| {
        let unused: BTreeMap<&str, &Vec<String>> =
            it.unused.iter().map(|(level, names)| (level.as_str(), names)).collect();
        let unknown: BTreeMap<&str, usize> =
            it.unknown.iter().map(|(why, count)| (why.as_str(), *count)).collect();
        json!({
            "service": it.service, "granted": it.granted, "used": it.used,
            "unused": unused, "unknown": unknown, "idle": it.is_idle(),
        })
    };
    json!({
        "kind": "permissions",
        "principal": one.principal,
        "services": one.services.iter().map(service).collect::<Vec<_>>(),
    })
}
