//! Saved queries on the command line: the list, one of them whole, and its values.
//! The queries themselves are `content/queries/` and the site's own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::json;
use yagura_content::Content;
use yagura_content::format::{ParameterKind, QueryValue, SavedQuery};
use yagura_content::glob;
use yagura_lake::query::{Parameter, TableInfo, TableKind};
use yagura_model::Lang;

use super::Question;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowFormat;
use crate::output::{self, Hinted};
use crate::rows::Rows;

/// Lists the saved queries.
pub(super) fn list(
    context: &Context,
    pattern: Option<&str>,
    format: RowFormat,
) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let columns = [("id", "ID"), ("title", "タイトル"), ("sources", "ソース")];
    let mut rows = Rows::new(context.lang, &columns);
    for (id, query) in &content.queries {
        if pattern.is_none_or(|pattern| glob::matches(pattern, id)) {
            rows.push(vec![
                json!(id),
                json!(query.title.value.get(context.lang)),
                json!(reads(query).join(", ")),
            ]);
        }
    }
    if rows.is_empty() {
        context.remark_in("no saved query fits", "該当する保存済みクエリはありません");
    }
    rows.write(format)?;
    Ok(Exit::Done)
}

/// What a query reads.
fn reads(query: &SavedQuery) -> Vec<&str> {
    let sources = query.sources.iter().map(|source| source.value.as_str());
    sources.chain(query.inventory.then_some("resources")).collect()
}

fn find<'c>(content: &'c Content, id: &str) -> anyhow::Result<&'c SavedQuery> {
    let query = content.queries.get(id).context(Hinted::new(
        format!("there is no saved query `{id}`"),
        "`yagura query list` shows the ids",
    ))?;
    Ok(query)
}

/// Shows one query whole.
pub(super) fn show(context: &Context, id: &str) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let query = find(&content, id)?;
    let lang = context.lang;
    let mut text = format!("{id}\n{}\n\n", query.title.value.get(lang).trim());
    writeln!(text, "{}\n", query.question.value.get(lang).trim())?;
    writeln!(text, "{}\n", query.reading.value.get(lang).trim())?;
    if !query.parameters.0.is_empty() {
        writeln!(text, "{}", pick(lang, "parameters:", "パラメータ:"))?;
        for (name, parameter) in &query.parameters.0 {
            let title = parameter.title.value.get(lang).trim();
            let kind = kind_words(parameter.kind, lang);
            let default = match &parameter.default {
                Some(default) => {
                    format!("{} {}", pick(lang, "default", "既定"), default.value)
                }
                None => pick(lang, "must be given", "必須").to_owned(),
            };
            writeln!(text, "  {}: {title} ({kind}, {default})", name.value)?;
        }
        writeln!(text)?;
    }
    writeln!(text, "{}", pick(lang, "columns:", "列:"))?;
    for (name, prose) in &query.columns.0 {
        writeln!(text, "  {}: {}", name.value, prose.value.get(lang).trim())?;
    }
    writeln!(text, "\n{}", query.sql.value.trim())?;
    output::line(&output::printable(text.trim_end()))?;
    Ok(Exit::Done)
}

fn pick(lang: Lang, en: &'static str, ja: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

fn kind_words(kind: ParameterKind, lang: Lang) -> &'static str {
    match kind {
        ParameterKind::Text => pick(lang, "text", "文字列"),
        ParameterKind::Integer => pick(lang, "whole number", "整数"),
        ParameterKind::Real => pick(lang, "number", "数値"),
        ParameterKind::Time => pick(lang, "time", "日時"),
    }
}

/// A saved query with the values that were given.
pub(super) fn question(
    context: &Context,
    content: &Content,
    id: &str,
    params: &[(String, String)],
) -> anyhow::Result<Question> {
    let query = find(content, id)?;
    let given: BTreeMap<String, String> = params.iter().cloned().collect();
    let values = query.values(&given, context.now()).map_err(|fault| {
        let hint =
            format!("`yagura query show {id}` tells what it takes; write --param NAME=VALUE");
        anyhow::Error::new(fault.clone()).context(Hinted::new(fault.to_string(), hint))
    })?;
    let value = |value| match value {
        QueryValue::Text(text) => Parameter::Text(text),
        QueryValue::Integer(number) => Parameter::Integer(number),
        QueryValue::Real(number) => Parameter::Real(number),
        QueryValue::Time(time) => Parameter::Time(time),
    };
    let parameters = values.into_iter().map(|(name, one)| (name, value(one))).collect();
    Ok(Question { sql: query.sql.value.clone(), parameters })
}

/// Lists what can be asked: a row for each column.
pub(super) fn tables(
    infos: &[TableInfo],
    pattern: Option<&str>,
    format: RowFormat,
    lang: Lang,
) -> anyhow::Result<()> {
    let columns = [("table", "テーブル"), ("kind", "種類"), ("column", "列"), ("type", "型")];
    let kinds = &[("logs", "ログ"), ("view", "ビュー"), ("inventory", "インベントリ")];
    let mut rows = Rows::new(lang, &columns).worded("kind", kinds);
    for info in infos {
        if pattern.is_some_and(|pattern| !glob::matches(pattern, &info.name)) {
            continue;
        }
        let kind = match info.kind {
            TableKind::Logs => "logs",
            TableKind::View => "view",
            TableKind::Inventory => "inventory",
        };
        if info.columns.is_empty() {
            rows.push(vec![json!(info.name), json!(kind), json!(null), json!(null)]);
        }
        for column in &info.columns {
            rows.push(vec![json!(info.name), json!(kind), json!(column.name), json!(column.kind)]);
        }
    }
    rows.write(format)
}
