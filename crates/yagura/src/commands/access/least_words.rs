//! What `least-privilege` says in words: the difference to the present policies, and the notes on
//! what logs cannot show. Nothing is computed here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use yagura_analyze::access::least::{Blind, StatementUse, SurplusAction, UsageLedger, UsedAction};
use yagura_analyze::access::usage::ActionLevel;
use yagura_model::Lang;
use yagura_report::access::reason;

use super::least_privilege::Told;

/// Names that are written out of a longer list.
const NAMES_MAX: usize = 12;
/// Silences that are named.
const GAPS_MAX: usize = 3;

/// A time in full.
pub(super) fn time(us: i64) -> String {
    Timestamp::from_microsecond(us).map(|time| time.to_string()).unwrap_or_default()
}

/// A time as a table has it.
pub(super) fn minute(us: i64) -> String {
    let time = Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Some resources on a line.
pub(super) fn resources(lang: Lang, resources: &BTreeSet<String>) -> String {
    let first = resources.first().cloned().unwrap_or_default();
    match (resources.len(), lang) {
        (0 | 1, _) => first,
        (all, Lang::En) => format!("{first} and {} more", all - 1),
        (all, Lang::Ja) => format!("{first} ほか {} 件", all - 1),
    }
}

/// What to know of one use.
pub(super) fn note(lang: Lang, used: &UsedAction, passed_to: Option<&str>) -> String {
    let mut notes = Vec::new();
    if let Some(service) = passed_to {
        notes.push(match lang {
            Lang::En => format!("to {service}"),
            Lang::Ja => format!("渡し先は {service}"),
        });
    }
    if !used.told {
        notes.push(match lang {
            Lang::En => "the record does not tell every resource".to_owned(),
            Lang::Ja => "レコードに現れないリソースがあります".to_owned(),
        });
    }
    if let Some(error) = &used.failed {
        notes.push(match lang {
            Lang::En => format!("only ever failed: {error}"),
            Lang::Ja => format!("失敗のみ: {error}"),
        });
    }
    let between = if lang == Lang::Ja { "、" } else { "; " };
    notes.join(between)
}

/// Of what was refused.
pub(super) fn refused(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "refused: not in the policy",
        Lang::Ja => "拒否された呼び出し（ポリシーに含めません）",
    }
}

fn level(lang: Lang, level: ActionLevel) -> &'static str {
    match (lang, level) {
        (Lang::En, level) => level.as_str(),
        (Lang::Ja, ActionLevel::List) => "リスト",
        (Lang::Ja, ActionLevel::Read) => "読み取り",
        (Lang::Ja, ActionLevel::Tagging) => "タグ付け",
        (Lang::Ja, ActionLevel::Write) => "書き込み",
        (Lang::Ja, ActionLevel::Permissions) => "アクセス許可の管理",
    }
}

/// Why something cannot be known.
pub(super) fn blind(lang: Lang, blind: Blind) -> &'static str {
    match (lang, blind) {
        (Lang::En, Blind::NoRecords) => "the log has nothing of the account",
        (Lang::En, Blind::NotLogged) => "no trail shows it",
        (Lang::En, Blind::DataEventsOff) => "the log has no data events of the service",
        (Lang::En, Blind::DataEventsPartly) => {
            "data events are on, but not known to be on for every resource"
        }
        (Lang::En, Blind::ReadsOff) => "the log has no reading calls",
        (Lang::En, Blind::ServiceLeftOut) => {
            "the log has nothing of the service, which a trail may leave out"
        }
        (Lang::Ja, Blind::NoRecords) => "このアカウントの記録がありません",
        (Lang::Ja, Blind::NotLogged) => "証跡に残らない操作です",
        (Lang::Ja, Blind::DataEventsOff) => "このサービスのデータイベントがログにありません",
        (Lang::Ja, Blind::DataEventsPartly) => {
            "データイベントはありますが、全リソースが対象とは確認できません"
        }
        (Lang::Ja, Blind::ReadsOff) => "読み取りの呼び出しがログにありません",
        (Lang::Ja, Blind::ServiceLeftOut) => "証跡から除外できるサービスで、ログに記録がありません",
    }
}

/// Actions of one service and level on a line, a long list cut.
fn names(lang: Lang, actions: &[&SurplusAction]) -> String {
    let name = |one: &&SurplusAction| {
        one.action.split_once(':').map_or(one.action.as_ref(), |(_, name)| name).to_owned()
    };
    let mut shown: Vec<String> = actions.iter().take(NAMES_MAX).map(name).collect();
    let left = actions.len() - shown.len();
    if left > 0 {
        shown.push(match lang {
            Lang::En => format!("and {left} more"),
            Lang::Ja => format!("ほか {left} 件"),
        });
    }
    shown.join(", ")
}

/// The present policies, statement by statement, riskiest first.
pub(super) fn diff(lang: Lang, told: &Told) -> Vec<String> {
    let mut lines = vec![told.principal.clone()];
    let Some((grants, excess)) = &told.present else {
        lines.push(match lang {
            Lang::En => "  it is not in the inventory: there is nothing to compare with".to_owned(),
            Lang::Ja => "  インベントリにないため、比較できません".to_owned(),
        });
        return lines;
    };
    for one in &excess.statements {
        lines.push(String::new());
        lines.push(heading(lang, one));
        statement(lang, one, &told.ledger, &mut lines);
    }
    for (policy, number, _) in &grants.denials {
        lines.push(String::new());
        let number = number + 1;
        lines.push(match lang {
            Lang::En => format!("= `{policy}`, statement {number}: it denies, and stays"),
            Lang::Ja => format!("= 「{policy}」の {number} 番目: 拒否のため、そのまま残します"),
        });
    }
    lines
}

fn heading(lang: Lang, one: &StatementUse) -> String {
    let number = one.number + 1;
    let sid = one.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    let (used, unused, unknown) = (one.used.len(), one.surplus.len(), one.unknown.len());
    match lang {
        Lang::En => format!(
            "`{}`, statement {number}{sid}: {used} used, {unused} unused, {unknown} unknown{}",
            one.policy,
            if one.anywhere { ", on any resource" } else { "" }
        ),
        Lang::Ja => format!(
            "「{}」の {number} 番目{sid}: 使用 {used}、未使用 {unused}、不明 {unknown}{}",
            one.policy,
            if one.anywhere { "、全リソース対象" } else { "" }
        ),
    }
}

fn statement(lang: Lang, one: &StatementUse, ledger: &UsageLedger, lines: &mut Vec<String>) {
    let mut groups: BTreeMap<(std::cmp::Reverse<ActionLevel>, &str), Vec<&SurplusAction>> =
        BTreeMap::new();
    for surplus in &one.surplus {
        let service = surplus.action.split(':').next().unwrap_or_default();
        groups.entry((std::cmp::Reverse(surplus.level), service)).or_default().push(surplus);
    }
    for ((of, service), actions) in groups {
        let (level, names) = (level(lang, of.0), names(lang, &actions));
        lines.push(format!("  - {service} {level}: {names}"));
    }
    let mut unknown: BTreeMap<(Blind, &str), Vec<&SurplusAction>> = BTreeMap::new();
    for (surplus, why) in &one.unknown {
        let service = surplus.action.split(':').next().unwrap_or_default();
        unknown.entry((*why, service)).or_default().push(surplus);
    }
    for ((why, service), actions) in unknown {
        let (why, names) = (blind(lang, why), names(lang, &actions));
        lines.push(match lang {
            Lang::En => format!("  ? {service}: {names} ({why})"),
            Lang::Ja => format!("  ? {service}: {names}（{why}）"),
        });
    }
    for action in &one.used {
        let on: BTreeSet<String> =
            ledger.uses_of(action).flat_map(|used| used.resources.iter().cloned()).collect();
        lines.push(format!("  = {action} {}", resources(lang, &on)));
    }
}

/// What a person must know: the span, and what the log cannot show.
pub(super) fn notes(lang: Lang, told: &Told, strict: bool) -> Vec<String> {
    let ledger = &told.ledger;
    let (days, calls, actions) = (told.asked.days(), ledger.all.count, ledger.used.len());
    let mut notes = vec![match lang {
        Lang::En => format!("{calls} calls in {days} days used {actions} actions"),
        Lang::Ja => {
            format!("{days} 日間に {calls} 回の呼び出し、使用したアクションは {actions} 種類")
        }
    }];
    notes.extend(span(lang, told));
    let refused = ledger.refused.len();
    if refused > 0 {
        let some: Vec<&str> = ledger.refused.keys().take(NAMES_MAX).map(AsRef::as_ref).collect();
        let some = some.join(", ");
        notes.push(match lang {
            Lang::En => format!("refused, and so not in the policy: {refused} actions ({some})"),
            Lang::Ja => {
                format!("拒否されたためポリシーに含めないアクション: {refused} 種類（{some}）")
            }
        });
    }
    for ((source, name), tally) in ledger.unnamed.iter().take(NAMES_MAX) {
        let count = tally.count;
        notes.push(match lang {
            Lang::En => format!("no action is known for {name} of {source} ({count} calls)"),
            Lang::Ja => format!("{source} の {name}（{count} 回）は、対応するアクションが不明です"),
        });
    }
    if let Some((grants, excess)) = &told.present {
        let unknown: usize = excess.statements.iter().map(|one| one.unknown.len()).sum();
        notes.extend(kept(lang, unknown, told.draft.left_out.len(), strict));
        for missing in &grants.missing {
            let (of, reason) = (&missing.of, reason(lang, missing.unread.reason));
            notes.push(match lang {
                Lang::En => format!("a present policy was not read: {of} ({reason})"),
                Lang::Ja => format!("読み取れなかった現在のポリシー: {of}（{reason}）"),
            });
        }
    }
    notes
}

/// What became of grants that cannot be judged.
fn kept(lang: Lang, unknown: usize, left_out: usize, strict: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if unknown == 0 {
        return notes;
    }
    notes.push(match (lang, strict) {
        (Lang::En, true) => {
            format!("{unknown} granted actions would show in no log: left out by --strict")
        }
        (Lang::Ja, true) => {
            format!("許可中の {unknown} アクションはログに現れません。--strict により除外しました")
        }
        (Lang::En, false) => format!(
            "{} of {unknown} granted actions that would show in no log are kept (--strict leaves \
             them out)",
            unknown.saturating_sub(left_out)
        ),
        (Lang::Ja, false) => format!(
            "ログに現れない許可 {unknown} アクションのうち {} を残しました（--strict で除外）",
            unknown.saturating_sub(left_out)
        ),
    });
    if left_out > 0 && !strict {
        notes.push(match lang {
            Lang::En => format!(
                "{left_out} of them are not kept: of services that it was not seen to use and that \
                 no statement names (--format json lists them)"
            ),
            Lang::Ja => format!(
                "残していない {left_out} アクションは、利用の形跡がなく、\
                 ステートメントにも名前のないサービスのものです（一覧は --format json）"
            ),
        });
    }
    notes
}

/// What of the asked time the log does not have.
fn span(lang: Lang, told: &Told) -> Vec<String> {
    const DAY_US: i64 = 86_400_000_000;
    let mut notes = Vec::new();
    let evidence = &told.evidence;
    let since_us = told.asked.since.as_microsecond();
    if let Some((first, last)) = evidence.seen_us
        && first - since_us > DAY_US
    {
        let (first, last) = (minute(first), minute(last));
        notes.push(match lang {
            Lang::En => format!("the log of the account begins later than asked: {first} … {last}"),
            Lang::Ja => format!("ログは指定より後から始まっています: {first} … {last}"),
        });
    }
    if evidence.gap_hours > 0 {
        let gap = |(from, until): &(i64, i64)| format!("{} … {}", minute(*from), minute(*until));
        let gaps: Vec<String> = evidence.gaps_us.iter().take(GAPS_MAX).map(gap).collect();
        let (hours, gaps) = (evidence.gap_hours, gaps.join(", "));
        notes.push(match lang {
            Lang::En => format!("hours without any record of the account: {hours} ({gaps})"),
            Lang::Ja => format!("アカウントの記録がない時間: {hours} 時間（{gaps}）"),
        });
    }
    let regions: Vec<&str> = evidence.regions.iter().map(String::as_str).collect();
    if let [only] = regions.as_slice() {
        notes.push(match lang {
            Lang::En => format!(
                "the log has records of {only} alone: what happens in other Regions may be missing"
            ),
            Lang::Ja => {
                format!("ログには {only} の記録しかありません。ほかのリージョンの利用は見えない可能性があります")
            }
        });
    }
    if told.unread > 0 {
        let unread = told.unread;
        notes.push(match lang {
            Lang::En => format!("{unread} objects or records could not be read"),
            Lang::Ja => format!("{unread} 件のオブジェクトまたはレコードを読み取れませんでした"),
        });
    }
    notes
}
