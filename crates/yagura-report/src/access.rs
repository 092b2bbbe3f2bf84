//! Answers about access in words, English and Japanese: what was decided, by which statement, under
//! which condition, and what is not known. The command line and the console say the same.
//! Deciding is analyze's.

use iam_policy::{Effect, Layer, Remaining, StatementRef};
use yagura_analyze::access::{Answer, Ask, Verdict, gap};
use yagura_model::{Lang, UnreadReason};

use crate::words::words;

/// The answer in a word.
pub fn verdict(lang: Lang, verdict: Verdict) -> &'static str {
    match (lang, verdict) {
        (Lang::En, Verdict::Allowed) => "allowed",
        (Lang::En, Verdict::Denied) => "denied",
        (Lang::En, Verdict::Depends) => "depends",
        (Lang::En, Verdict::Unknown) => "unknown",
        (Lang::Ja, Verdict::Allowed) => "許可",
        (Lang::Ja, Verdict::Denied) => "拒否",
        (Lang::Ja, Verdict::Depends) => "条件次第",
        (Lang::Ja, Verdict::Unknown) => "不明",
    }
}

/// Whether a principal belongs to the organization.
pub fn place(lang: Lang, is_inside: bool) -> &'static str {
    match (lang, is_inside) {
        (Lang::En, true) => "inside",
        (Lang::En, false) => "outside",
        (Lang::Ja, true) => "内部",
        (Lang::Ja, false) => "外部",
    }
}

/// Why something could not be read.
pub fn reason(lang: Lang, reason: UnreadReason) -> String {
    words(lang).get(&format!("report.reason.{}", reason.as_str())).to_owned()
}

/// What else is said of it; what AWS answered stays as AWS says it.
fn detail(lang: Lang, text: &str) -> &str {
    match (lang, text) {
        (Lang::Ja, gap::RESOURCE) => "リソースがインベントリにありません",
        (Lang::Ja, gap::POLICY) => "ポリシーがインベントリにありません",
        (Lang::Ja, gap::GROUP) => "グループがインベントリにありません",
        (Lang::Ja, gap::DOCUMENT) => "ポリシーにドキュメントがありません",
        (Lang::Ja, gap::CONTENT) => "ポリシーに内容がありません",
        (Lang::Ja, gap::ROOT) => "組織のルートを読み取れていません",
        (Lang::Ja, gap::UNITS) => "アカウントの上位の組織単位に、読み取れていないものがあります",
        (_, text) => text,
    }
}

/// The whole question with its answer, on a line.
pub fn verdict_line(lang: Lang, ask: &Ask<'_>, answer: &Answer) -> String {
    let word = verdict(lang, answer.verdict);
    let (principal, action, resource) = (ask.principal, ask.action, ask.resource);
    format!("{word}: {principal} → {action} → {resource}")
}

/// A kind of policy, as a person calls it.
pub fn layer(lang: Lang, layer: Layer) -> &'static str {
    match (lang, layer) {
        (Lang::En, Layer::Scp) => "service control policy",
        (Lang::En, Layer::Rcp) => "resource control policy",
        (Lang::En, Layer::Endpoint) => "VPC endpoint policy",
        (Lang::En, Layer::Resource) => "the resource's policy",
        (Lang::En, Layer::Identity) => "the principal's policies",
        (Lang::En, Layer::Boundary) => "permissions boundary",
        (Lang::En, Layer::Session) => "session policy",
        (Lang::En, Layer::BlockPublicAccess) => "S3 Block Public Access",
        (Lang::Ja, Layer::Scp) => "サービスコントロールポリシー",
        (Lang::Ja, Layer::Rcp) => "リソースコントロールポリシー",
        (Lang::Ja, Layer::Endpoint) => "VPC エンドポイントポリシー",
        (Lang::Ja, Layer::Resource) => "リソースのポリシー",
        (Lang::Ja, Layer::Identity) => "プリンシパルのポリシー",
        (Lang::Ja, Layer::Boundary) => "アクセス許可の境界",
        (Lang::Ja, Layer::Session) => "セッションポリシー",
        (Lang::Ja, Layer::BlockPublicAccess) => "S3 のブロックパブリックアクセス",
    }
}

/// Which statement of which policy, as a person would look for it.
fn statement(lang: Lang, answer: &Answer, reference: &StatementRef) -> String {
    let name = answer
        .policies
        .iter()
        .find(|name| {
            (name.layer, &name.level, name.policy)
                == (reference.layer, &reference.level, reference.policy)
        })
        .map(|name| name.name.as_str())
        .unwrap_or_default();
    let number = reference.statement + 1;
    let sid = reference.sid.as_ref().map(|sid| format!(" `{sid}`")).unwrap_or_default();
    let kind = layer(lang, reference.layer);
    match (lang, &reference.level) {
        (Lang::En, Some(level)) => format!("{kind} `{name}` at `{level}`, statement {number}{sid}"),
        (Lang::En, None) => format!("{kind} (`{name}`), statement {number}{sid}"),
        (Lang::Ja, Some(level)) => {
            format!("{kind}「{name}」(適用先「{level}」)の {number} 番目のステートメント{sid}")
        }
        (Lang::Ja, None) => format!("{kind}「{name}」の {number} 番目のステートメント{sid}"),
    }
}

/// Why: each line a reason. Without `every`, of the statements that allow only the first.
pub fn reasons(lang: Lang, answer: &Answer, every: bool) -> Vec<String> {
    let decision = &answer.decision;
    let mut lines = Vec::new();
    match answer.verdict {
        Verdict::Unknown => {
            for missing in &answer.missing {
                let kind = layer(lang, missing.layer);
                let reason = reason(lang, missing.unread.reason);
                let of = &missing.of;
                let detail = match missing.unread.detail.as_str() {
                    "" => String::new(),
                    text => format!(": {}", detail(lang, text)),
                };
                lines.push(match lang {
                    Lang::En => format!("{kind} not read for `{of}` ({reason}){detail}"),
                    Lang::Ja => format!("`{of}` の{kind}を読み取れていません({reason}){detail}"),
                });
            }
        }
        Verdict::Denied if decision.statements.is_empty() => {
            for one in &decision.blocked_by {
                let kind = layer(lang, *one);
                lines.push(match lang {
                    Lang::En => format!("not allowed by {kind}"),
                    Lang::Ja => format!("{kind}が許可していません"),
                });
            }
        }
        Verdict::Denied | Verdict::Allowed => {
            let shown = if every { usize::MAX } else { 1 };
            for reference in decision.statements.iter().take(shown) {
                let which = statement(lang, answer, reference);
                lines.push(match (lang, reference.effect) {
                    (Lang::En, Effect::Allow) => format!("allowed by {which}"),
                    (Lang::En, Effect::Deny) => format!("denied by {which}"),
                    (Lang::Ja, Effect::Allow) => format!("{which}が許可しています"),
                    (Lang::Ja, Effect::Deny) => format!("{which}が拒否しています"),
                });
            }
        }
        Verdict::Depends => {
            for left in &decision.remaining {
                lines.push(condition_line(lang, answer, left));
            }
            if decision.remaining.is_empty() {
                lines.push(match lang {
                    Lang::En => "only some of the resources asked about are allowed".to_owned(),
                    Lang::Ja => "尋ねたリソースのうち一部だけが許可されています".to_owned(),
                });
            }
        }
    }
    lines
}

fn condition_line(lang: Lang, answer: &Answer, left: &Remaining) -> String {
    let which = statement(lang, answer, &left.statement);
    let condition = condition(lang, left);
    match (lang, left.statement.effect) {
        (Lang::En, Effect::Allow) => format!("allowed if {condition} ({which})"),
        (Lang::En, Effect::Deny) => format!("denied if {condition} ({which})"),
        (Lang::Ja, Effect::Allow) => format!("{condition}場合に許可({which})"),
        (Lang::Ja, Effect::Deny) => format!("{condition}場合に拒否({which})"),
    }
}

/// A condition in words. The operator is AWS's; what it asks is said plainly.
fn condition(lang: Lang, left: &Remaining) -> String {
    let key = &left.key;
    let lower = left.operator.to_ascii_lowercase();
    let values = left.values.join(", ");
    let plain = lower.rsplit(':').next().unwrap_or_default().trim_end_matches("ifexists");
    let optional = lower.ends_with("ifexists");
    let negated = plain.contains("not");
    let text = match (lang, plain) {
        (Lang::En, "null") => match values.eq_ignore_ascii_case("true") {
            true => format!("`{key}` is absent"),
            false => format!("`{key}` is present"),
        },
        (Lang::Ja, "null") => match values.eq_ignore_ascii_case("true") {
            true => format!("`{key}` がない"),
            false => format!("`{key}` がある"),
        },
        (Lang::En, _) => {
            let verb = match (comparison(plain), negated) {
                (Some((en, _)), _) => en,
                (None, true) => "is none of",
                (None, false) if left.values.len() > 1 => "is one of",
                (None, false) => "is",
            };
            format!("`{key}` {verb} {values}")
        }
        (Lang::Ja, _) => match (comparison(plain), negated) {
            (Some((_, ja)), _) => format!("`{key}` が {values} {ja}"),
            (None, true) => format!("`{key}` が {values} のいずれでもない"),
            (None, false) if left.values.len() > 1 => {
                format!("`{key}` が {values} のいずれかである")
            }
            (None, false) => format!("`{key}` が {values} である"),
        },
    };
    match (lang, optional) {
        (Lang::En, true) => format!("{text} (or `{key}` is absent)"),
        (Lang::Ja, true) => format!("{text}(または `{key}` がない)"),
        (_, false) => text,
    }
}

/// Verbs of the operators that compare by size or range.
fn comparison(plain: &str) -> Option<(&'static str, &'static str)> {
    Some(match plain {
        "numericlessthan" => ("is less than", "より小さい"),
        "datelessthan" => ("is before", "より前である"),
        "numericlessthanequals" => ("is at most", "以下である"),
        "datelessthanequals" => ("is not after", "以前である"),
        "numericgreaterthan" => ("is greater than", "より大きい"),
        "dategreaterthan" => ("is after", "より後である"),
        "numericgreaterthanequals" => ("is at least", "以上である"),
        "dategreaterthanequals" => ("is not before", "以後である"),
        "ipaddress" => ("is within", "の範囲にある"),
        "notipaddress" => ("is outside", "の範囲にない"),
        _ => return None,
    })
}
