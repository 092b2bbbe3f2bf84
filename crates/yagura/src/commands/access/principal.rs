//! `yagura access principal`: what a principal's own side lets it do, by service and access level,
//! with the permissions that change who may do what named one by one.
//! Resources' own policies are asked with `can`, one at a time.

use std::collections::BTreeMap;

use serde_json::json;
use yagura_analyze::access::{Ask, AskError, Verdict, World};
use yagura_aws::api::{AccessLevel, Action};

use super::{PrincipalArgs, world};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowFormat;
use crate::output::{self, Hinted};
use crate::rows::Rows;
use crate::tables;

/// The levels in the order of what they put at risk.
const LEVELS: [(AccessLevel, &str); 5] = [
    (AccessLevel::List, "list"),
    (AccessLevel::Read, "read"),
    (AccessLevel::Tagging, "tagging"),
    (AccessLevel::Write, "write"),
    (AccessLevel::Permissions, "permissions"),
];

/// More names than this are counted instead of written on a terminal; JSON has them all.
const NAMES_SHOWN_MAX: usize = 40;

/// What was found for one service.
#[derive(Default)]
struct Found {
    allowed: BTreeMap<&'static str, usize>,
    total: usize,
}

pub(super) async fn show(context: &Context, args: &PrincipalArgs) -> anyhow::Result<Exit> {
    let world = world(context, args.at.as_deref()).await?;
    let actions = tables::actions()?;
    let (mut services, mut risky, mut unknown) = (BTreeMap::new(), Vec::new(), 0usize);
    for action in actions.all() {
        let verdict = verdict(&world, &args.principal, action).map_err(|error| {
            anyhow::Error::new(error).context(Hinted::new(
                "the principal cannot be shown",
                "`yagura resources list --type AWS::IAM::Role` shows what was read",
            ))
        })?;
        let service = action.name.split(':').next().unwrap_or_default().to_owned();
        let found: &mut Found = services.entry(service).or_default();
        found.total += 1;
        unknown += usize::from(verdict == Verdict::Unknown);
        if !matches!(verdict, Verdict::Allowed | Verdict::Depends) {
            continue;
        }
        let level = LEVELS.iter().find(|(level, _)| *level == action.access_level);
        *found.allowed.entry(level.map_or("other", |(_, name)| name)).or_default() += 1;
        if action.access_level == AccessLevel::Permissions {
            let mark = if verdict == Verdict::Depends { " (…)" } else { "" };
            risky.push(format!("{}{mark}", action.name));
        }
    }
    services.retain(|_, found| !found.allowed.is_empty());
    write(context, args, &services, &risky, unknown)?;
    Ok(if unknown > 0 { Exit::PartlyBlind } else { Exit::Done })
}

fn write(
    context: &Context,
    args: &PrincipalArgs,
    services: &BTreeMap<String, Found>,
    risky: &[String],
    unknown: usize,
) -> anyhow::Result<()> {
    let columns = [
        ("service", "サービス"),
        ("list", "リスト"),
        ("read", "読み取り"),
        ("tagging", "タグ付け"),
        ("write", "書き込み"),
        ("permissions", "アクセス許可の管理"),
        ("of", "全アクション数"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    for (service, found) in services {
        let mut cells = vec![json!(service)];
        cells.extend(
            LEVELS.iter().map(|(_, name)| json!(found.allowed.get(name).copied().unwrap_or(0))),
        );
        cells.push(json!(found.total));
        rows.push(cells);
    }
    rows.write(args.rows.format)?;
    if matches!(args.rows.format, RowFormat::Json) {
        output::line(&json!({"permissions_management": risky, "unknown": unknown}).to_string())?;
        return Ok(());
    }
    let (count, shown) = (risky.len(), risky.len().min(NAMES_SHOWN_MAX));
    context.remark_in(
        &format!("{count} permissions change who may do what:"),
        &format!("権限そのものを変えられるアクション: {count} 件"),
    );
    for name in risky.iter().take(shown) {
        context.remark(&format!("  {name}"));
    }
    let left = count - shown;
    if left > 0 {
        context.remark_in(
            &format!("  and {left} more (--format json has all)"),
            &format!("  ほか {left} 件(--format json ですべて出力)"),
        );
    }
    if unknown > 0 {
        context.remark_in(
            &format!("of {unknown} actions it is not known: something was not read"),
            &format!("{unknown} 件は不明です。読み取れなかったポリシーがあります"),
        );
    }
    Ok(())
}

/// The best answer over the forms of resources that the action works on.
fn verdict(world: &World, principal: &str, action: &Action) -> Result<Verdict, AskError> {
    let account = principal.split(':').nth(4).unwrap_or_default();
    let mut forms: Vec<String> = action
        .resource_types
        .iter()
        .filter_map(|kind| kind.arn.as_deref())
        .map(|arn| form(arn, account))
        .collect();
    if forms.is_empty() {
        forms.push("*".to_owned());
    }
    let mut best = Verdict::Denied;
    for resource in &forms {
        let ask = Ask {
            principal,
            action: &action.name,
            resource,
            resource_account: Some(account),
            context: Vec::new(),
        };
        let verdict = world.ask(&ask)?.verdict;
        best = match (best, verdict) {
            (Verdict::Allowed, _) | (_, Verdict::Allowed) => Verdict::Allowed,
            (Verdict::Depends, _) | (_, Verdict::Depends) => Verdict::Depends,
            (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
            (Verdict::Denied, Verdict::Denied) => Verdict::Denied,
        };
    }
    Ok(best)
}

/// `arn:${Partition}:s3:::${BucketName}` as a form over the principal's own account.
fn form(arn: &str, account: &str) -> String {
    let mut form = String::with_capacity(arn.len());
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        form.push_str(before);
        form.push_str(match name {
            "Partition" => "aws",
            "Account" => account,
            _ => "*",
        });
        rest = behind;
    }
    form + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_the_account_and_stars() {
        let arn = "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}";
        assert_eq!(form(arn, "111122223333"), "arn:aws:ec2:*:111122223333:instance/*");
        assert_eq!(form("*", "1"), "*");
    }
}
