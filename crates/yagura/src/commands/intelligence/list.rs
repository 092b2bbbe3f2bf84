//! `yagura intelligence list`: which lists there are, how many entries, how old, what is wrong.
//! Nothing is fetched.

use clap::Args;
use serde_json::{Value, json};
use yagura_collect::intelligence::{AWS_RANGES, Loaded, LoadedList, Trouble};
use yagura_content::format::ListSetting;
use yagura_model::Lang;
use yagura_model::indicator::ListKind;
use yagura_report::grouped;

use crate::context::Context;
use crate::exit::Exit;
use crate::intelligence::{self, told};
use crate::options::{RowFormat, RowOptions};
use crate::rows::{Rows, WordList};

/// How a list is.
const STATES: WordList = &[
    ("ready", "利用可能"),
    ("missing", "未取得"),
    ("old", "更新期限切れ"),
    ("unusable", "使用不可"),
];

#[derive(Args)]
pub(super) struct ListArgs {
    #[arg(long)]
    bad: bool,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) fn run(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let loaded = intelligence::read(context, &content)?;
    for trouble in &loaded.troubles {
        context.remark(&told(trouble, context.lang));
    }
    if args.bad {
        bad(&loaded, context.lang).write(args.rows.format)?;
        return Ok(Exit::Done);
    }
    let settings = &content.site.intelligence.lists;
    if settings.is_empty() {
        context.remark_in(
            "no lists: name them in `intelligence.yaml` of the site folder",
            "リストがありません。サイトフォルダーの `intelligence.yaml` に記述してください",
        );
    }
    table(settings, &loaded, args.rows.format, context.lang).write(args.rows.format)?;
    Ok(Exit::Done)
}

fn table(settings: &[ListSetting], loaded: &Loaded, format: RowFormat, lang: Lang) -> Rows {
    let columns = [
        ("name", "名前"),
        ("kind", "種類"),
        ("category", "分類"),
        ("format", "形式"),
        ("state", "状態"),
        ("entries", "項目数"),
        ("bad", "不良"),
        ("fetched_at", "取得日時"),
        ("licence", "ライセンス"),
        ("from", "取得元"),
    ];
    let mut rows = Rows::new(lang, &columns)
        .worded("kind", super::LIST_KINDS)
        .worded("category", super::THREAT_CATEGORIES)
        .worded("state", STATES);
    let number = |number: u64| match format {
        RowFormat::Json => json!(number),
        _ => json!(grouped(number)),
    };
    let state = |name: &str| {
        let trouble = loaded.troubles.iter().find(|trouble| trouble.name() == name);
        match trouble {
            None => "ready",
            Some(Trouble::Missing { .. }) => "missing",
            Some(Trouble::Stale { .. }) => "old",
            Some(Trouble::Unusable { .. }) => "unusable",
        }
    };
    let ranges = loaded.aws_ranges.as_ref();
    rows.push(vec![
        json!(AWS_RANGES),
        Value::Null,
        Value::Null,
        Value::Null,
        json!(state(AWS_RANGES)),
        ranges.map_or(Value::Null, |ranges| number(ranges.ranges.len() as u64)),
        ranges.map_or(Value::Null, |ranges| number(ranges.bad_total)),
        json!(loaded.aws_ranges_at),
        Value::Null,
        Value::Null,
    ]);
    for setting in settings {
        let found = loaded.lists.iter().find(|one| one.list.name == setting.name.value);
        let entries = |list: &LoadedList| number(list.list.entries.len() as u64);
        let category = setting.category.filter(|_| setting.kind == ListKind::Threat);
        rows.push(vec![
            json!(setting.name.value),
            json!(setting.kind.as_str()),
            json!(category.map(yagura_model::indicator::ThreatCategory::as_str)),
            json!(setting.format.as_str()),
            json!(state(&setting.name)),
            found.map_or(Value::Null, entries),
            found.map_or(Value::Null, |list| number(list.bad_total)),
            json!(found.and_then(|list| list.list.fetched_at)),
            json!(setting.licence),
            json!(found.map(|list| &list.list.source)),
        ]);
    }
    rows
}

/// The entries that are not used, with place and reason.
fn bad(loaded: &Loaded, lang: Lang) -> Rows {
    use yagura_analyze::intelligence::EntryPlace;
    let columns = [("name", "名前"), ("place", "位置"), ("text", "内容"), ("reason", "理由")];
    let mut rows = Rows::new(lang, &columns);
    for list in &loaded.lists {
        for bad in &list.bad {
            let place = |lang| match (bad.place, lang) {
                (EntryPlace::Line(line), Lang::En) => format!("line {line}"),
                (EntryPlace::Line(line), Lang::Ja) => format!("{line} 行目"),
                (EntryPlace::Object(object), Lang::En) => format!("object {object}"),
                (EntryPlace::Object(object), Lang::Ja) => format!("{object} 番目のオブジェクト"),
            };
            let name = json!(list.list.name);
            let why = json!(reason(bad, Lang::En));
            let cells = vec![name, json!(place(Lang::En)), json!(bad.text), why];
            rows.push_said(cells, vec![("place", place(lang)), ("reason", reason(bad, lang))]);
        }
    }
    rows
}

fn reason(bad: &yagura_analyze::intelligence::BadEntry, lang: Lang) -> String {
    use yagura_analyze::intelligence::EntryFault;
    if lang == Lang::En {
        return bad.fault.to_string();
    }
    let text = match bad.fault {
        EntryFault::Unknown => "アドレス、範囲、ドメイン、URL、ハッシュ値のいずれでもありません",
        EntryFault::Range => "アドレス範囲として正しくありません（長さまたは順序）",
        EntryFault::Wide => "/8（IPv6 は /16）より広く、ほぼすべてに一致してしまいます",
        EntryFault::Words => "複数の語があります",
        EntryFault::Long => "4096 バイトを超えています",
        EntryFault::Encoding => "UTF-8 ではありません",
        EntryFault::Column => "該当する列がありません",
        EntryFault::Row => "行を読み取れません",
        EntryFault::Object => "パターンのないオブジェクトです",
        EntryFault::Language => "STIX 以外の言語で書かれたパターンです",
        EntryFault::Pattern => "パターンを読み取れません",
        EntryFault::Beyond => "一つの値では判断できないパターンです（否定、順序、複数の条件など）",
        EntryFault::Time => "有効期間が日時ではありません",
        EntryFault::Condition => "条件が Equals でも InclusiveBetween でもありません",
        EntryFault::Full => "一つのリストに収まるテキスト量を超えています",
    };
    text.to_owned()
}
