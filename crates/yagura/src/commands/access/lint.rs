//! `yagura access lint`: what is wrong or risky in policies, of files or of the whole inventory.
//! What is looked for is `iam-policy`'s; here it is put into words.

use std::collections::BTreeMap;

use anyhow::Context as _;
use iam_policy::{KnownActions, Oddity, PolicyKind, Remark, RemarkKind, RemarkWeight, review};
use serde_json::json;
use yagura_analyze::access::{WrittenPolicy, written_policies};
use yagura_model::Lang;
use yagura_report::grouped;

use super::{LintArgs, LintKind, inventory};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::Hinted;
use crate::rows::{Rows, WordList};
use crate::tables;

/// The names of all actions by service, in lower case as policies may write it.
pub(super) struct Known(BTreeMap<String, Vec<String>>);

impl KnownActions for Known {
    fn of_service(&self, service: &str) -> Vec<&str> {
        let names = self.0.get(&service.to_ascii_lowercase());
        names.into_iter().flatten().map(String::as_str).collect()
    }
}

/// Reviews files, or every policy of the inventory.
pub(super) async fn run(context: &Context, args: &LintArgs) -> anyhow::Result<Exit> {
    let known = known_actions()?;
    let policies = match args.files.is_empty() {
        true => {
            let (_, resources) = inventory(context, args.at.as_deref(), Vec::new()).await?;
            written_policies(&resources)
        }
        false => files(args)?,
    };
    let columns = [
        ("weight", "重さ"),
        ("code", "コード"),
        ("of", "対象"),
        ("policy", "ポリシー"),
        ("statement", "ステートメント"),
        ("line", "行"),
        ("remark", "指摘"),
    ];
    let mut rows = Rows::new(context.lang, &columns).worded("weight", WEIGHTS);
    let mut worst = None;
    for policy in &policies {
        for remark in review(&policy.text, policy.kind, Some(&known)) {
            let weight = remark.kind.weight();
            worst = worst.min(Some(weight)).or(Some(weight));
            if weight > args.least.weight() {
                continue;
            }
            let cells = vec![
                json!(weight_code(weight)),
                json!(remark.kind.code()),
                json!(policy.of),
                json!(policy.name),
                json!(remark.statement.map(|number| number + 1)),
                json!(remark.position.line),
                json!(words(Lang::En, &remark)),
            ];
            rows.push_said(cells, vec![("remark", words(context.lang, &remark))]);
        }
    }
    let (number, of) = (grouped(rows.len() as u64), grouped(policies.len() as u64));
    rows.write(args.rows.format)?;
    context.remark_in(
        &format!("{number} remarks on {of} policies"),
        &format!("{of} 件のポリシーに {number} 件の指摘"),
    );
    let fails = args.fail_on.is_some_and(|limit| worst.is_some_and(|it| it <= limit.weight()));
    Ok(if fails { Exit::Findings } else { Exit::Done })
}

pub(super) fn known_actions() -> anyhow::Result<Known> {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for action in tables::actions()?.all() {
        if let Some((service, name)) = action.name.split_once(':') {
            known.entry(service.to_ascii_lowercase()).or_default().push(name.to_owned());
        }
    }
    Ok(Known(known))
}

fn files(args: &LintArgs) -> anyhow::Result<Vec<WrittenPolicy>> {
    let read = |path: &std::path::PathBuf| {
        let shown = path.display();
        let text = if path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(path)
        };
        let text = text.with_context(|| {
            Hinted::new(format!("could not read the policy `{shown}`"), "name a file, or `-`")
        })?;
        let (of, name) = (shown.to_string(), String::new());
        Ok(WrittenPolicy { of, name, kind: args.kind.policy_kind(), text })
    };
    args.files.iter().map(read).collect()
}

impl LintKind {
    fn policy_kind(self) -> PolicyKind {
        match self {
            Self::Identity => PolicyKind::Identity,
            Self::Resource => PolicyKind::Resource,
            Self::Trust => PolicyKind::Trust,
            Self::Scp => PolicyKind::ServiceControl,
            Self::Rcp => PolicyKind::ResourceControl,
            Self::Endpoint => PolicyKind::Endpoint,
        }
    }
}

/// The words that `--least` and `--fail-on` take.
fn weight_code(weight: RemarkWeight) -> &'static str {
    match weight {
        RemarkWeight::Error => "error",
        RemarkWeight::Security => "security",
        RemarkWeight::Warning => "warning",
        RemarkWeight::Suggestion => "suggestion",
    }
}

/// What people read instead.
const WEIGHTS: WordList = &[
    ("error", "エラー"),
    ("security", "セキュリティ"),
    ("warning", "警告"),
    ("suggestion", "提案"),
];

/// A remark in words.
pub(super) fn words(lang: Lang, remark: &Remark) -> String {
    let about = &remark.about;
    match lang {
        Lang::En => english(remark.kind, about),
        Lang::Ja => match &remark.oddity {
            Some(oddity) => japanese_oddity(oddity),
            None => japanese(remark.kind, about),
        },
    }
}

fn english(kind: RemarkKind, about: &str) -> String {
    match kind {
        RemarkKind::NotAPolicy => format!("this is no policy: {about}"),
        RemarkKind::Odd => about.to_owned(),
        RemarkKind::ActionUnknown => format!("no service has the action `{about}`"),
        RemarkKind::PrincipalNotAllowed => {
            format!("`{about}` does not belong into this kind of policy")
        }
        RemarkKind::PrincipalMissing => "the statement does not say for whom".to_owned(),
        RemarkKind::ResourceMissing => "the statement names no resource".to_owned(),
        RemarkKind::TooLong => format!("it has more characters than AWS takes ({about})"),
        RemarkKind::EverythingAllowed => "everything is allowed on everything".to_owned(),
        RemarkKind::PassRoleAnywhere => {
            format!("`{about}` hands any role to any service; name roles and iam:PassedToService")
        }
        RemarkKind::AllButSomeActions => {
            format!("everything but `{about}` is allowed, also what AWS adds tomorrow")
        }
        RemarkKind::AllButSomePrincipals => {
            "everybody but those named is allowed, strangers too".to_owned()
        }
        RemarkKind::Everybody => "everybody is allowed, and no condition says who".to_owned(),
        RemarkKind::ServiceForAnybody => {
            format!("`{about}` may act on behalf of anybody's account; add aws:SourceAccount")
        }
        RemarkKind::ForAllValuesWithoutKey => {
            format!("ForAllValues also holds when `{about}` is absent; add Null: false")
        }
        RemarkKind::MfaIfExists => {
            "access keys have no such key in their requests, so they are let in; use Bool"
                .to_owned()
        }
        RemarkKind::PrivateSourceAddress => {
            format!("aws:SourceIp is never `{about}`; through an endpoint use aws:VpcSourceIp")
        }
        RemarkKind::VariableUnderOldVersion => {
            format!("`{about}` stays as it is written; set Version to 2012-10-17")
        }
        RemarkKind::VersionMissing => format!("no Version: the old language counts; set {about}"),
        RemarkKind::SidTwice => format!("two statements have the Sid `{about}`"),
        RemarkKind::ActionCovered => format!("another action of the statement covers `{about}`"),
        RemarkKind::Empty => format!("`{about}` is empty"),
    }
}

fn japanese_oddity(oddity: &Oddity) -> String {
    match oddity {
        Oddity::PolicyElement(name) => format!("`{name}` はポリシーの要素ではありません"),
        Oddity::StatementElement(name) => {
            format!("`{name}` はステートメントの要素ではありません")
        }
        Oddity::BarePrincipal(text) => {
            format!("プリンシパル `{text}` に種類（`AWS` など）がありません")
        }
        Oddity::PrincipalKind(kind) => format!("`{kind}` というプリンシパルの種類はありません"),
        Oddity::PrincipalWildcard => {
            "プリンシパルの一部に書いたワイルドカードは、何にも一致しません".to_owned()
        }
        Oddity::Action(text) => format!("アクション `{text}` は何にも一致しません"),
        Oddity::Operator(text) => format!("条件演算子 `{text}` はありません"),
        Oddity::Value { value, operator } => format!("`{value}` は `{operator}` の値になりません"),
    }
}

fn japanese(kind: RemarkKind, about: &str) -> String {
    match kind {
        RemarkKind::NotAPolicy => {
            format!("ポリシーとして読めません: {}", yagura_report::error_in(Lang::Ja, about))
        }
        RemarkKind::Odd => format!("AWS が受け付けない、または一致しない記述です: {about}"),
        RemarkKind::ActionUnknown => format!("アクション `{about}` はどのサービスにもありません"),
        RemarkKind::PrincipalNotAllowed => {
            format!("この種類のポリシーに `{about}` は書けません")
        }
        RemarkKind::PrincipalMissing => "誰に対するステートメントかが書かれていません".to_owned(),
        RemarkKind::ResourceMissing => "リソースが書かれていません".to_owned(),
        RemarkKind::TooLong => format!("AWS の上限より長いポリシーです（{about} 文字）"),
        RemarkKind::EverythingAllowed => {
            "すべてのリソースへのすべての操作が許可されています".to_owned()
        }
        RemarkKind::PassRoleAnywhere => format!(
            "`{about}` で任意のロールを任意のサービスに渡せます。ロールと iam:PassedToService で絞ります"
        ),
        RemarkKind::AllButSomeActions => {
            format!("`{about}` 以外のすべてが許可され、AWS が今後追加する操作も含まれます")
        }
        RemarkKind::AllButSomePrincipals => {
            "名前を挙げた者以外の全員が許可され、見知らぬ相手も含まれます".to_owned()
        }
        RemarkKind::Everybody => "全員が許可されており、相手を絞る条件がありません".to_owned(),
        RemarkKind::ServiceForAnybody => format!(
            "`{about}` は、どのアカウントのためにでも動作できます。aws:SourceAccount で絞ります"
        ),
        RemarkKind::ForAllValuesWithoutKey => {
            format!("ForAllValues は `{about}` がないときも成り立ちます。Null: false を加えます")
        }
        RemarkKind::MfaIfExists => {
            "アクセスキーのリクエストにはこのキーがないため、許可されます。Bool を使います"
                .to_owned()
        }
        RemarkKind::PrivateSourceAddress => format!(
            "aws:SourceIp が `{about}` になることはありません。エンドポイント経由なら aws:VpcSourceIp を使います"
        ),
        RemarkKind::VariableUnderOldVersion => {
            format!("`{about}` は変数として扱われません。Version を 2012-10-17 にします")
        }
        RemarkKind::VersionMissing => {
            format!("Version がないため古い言語で解釈されます。{about} を指定します")
        }
        RemarkKind::SidTwice => format!("Sid `{about}` が重複しています"),
        RemarkKind::ActionCovered => {
            format!("`{about}` は同じステートメントの別のアクションに含まれます")
        }
        RemarkKind::Empty => format!("`{about}` が空です"),
    }
}
