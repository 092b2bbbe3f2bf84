//! Reference pages of what finds attacks: detections, intelligence, behaviors and sequences; and
//! of escalations.
//! The other pages are beside.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use yagura_content::Content;
use yagura_model::{Lang, Prose, Severity};

use super::{cell, in_lang};

/// One row of a table.
struct Entry<'c> {
    id: &'c str,
    title: &'c Prose,
    severity: Severity,
    weak: bool,
    tags: Vec<&'c str>,
}

/// Everything that raises signals.
pub(super) fn detections(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    let content = Content::builtin();
    let groups = groups(content);
    let n: usize = groups.values().map(Vec::len).sum();
    writeln!(text, "# {}\n", in_lang(lang, "Detections", "検出ルール"))?;
    match lang {
        Lang::En => writeln!(
            text,
            "{n} detections, rules of intelligence, behaviors and sequences. A weak one feeds \
             sequences and never alerts alone.\n"
        )?,
        Lang::Ja => writeln!(
            text,
            "検出ルール、インテリジェンスのルール、振る舞い、シーケンスを合わせて {n} 個あります。\
             「弱」はシーケンスの材料になるだけで、単独ではアラートになりません。\n"
        )?,
    }
    for (group, entries) in &groups {
        let what = in_lang(lang, "what happened", "何が起きたか");
        let severity = yagura_report::words(lang).get("control.severity");
        writeln!(text, "## {group}\n\n| {what} | {severity} | ATT&CK |\n| --- | --- | --- |")?;
        for entry in entries {
            row(text, lang, entry)?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn row(text: &mut String, lang: Lang, entry: &Entry<'_>) -> anyhow::Result<()> {
    let severity = format!("report.severity.{}", entry.severity.as_str());
    let severity = yagura_report::words(lang).get(&severity);
    let weak = if entry.weak { in_lang(lang, ", weak", "・弱") } else { "" };
    let technique = |tag: &&str| {
        let name = tag.strip_prefix("attack.")?.to_ascii_uppercase();
        let numbered = name.starts_with('T') && name.chars().nth(1)?.is_ascii_digit();
        numbered.then_some(name)
    };
    let techniques: Vec<String> = entry.tags.iter().filter_map(technique).collect();
    let (id, title) = (entry.id, cell(entry.title.get(lang)));
    writeln!(text, "| `{id}`<br>{title} | {severity}{weak} | {} |", techniques.join(" "))?;
    Ok(())
}

/// By log source, and by kind where they are of no single one.
fn groups(content: &Content) -> BTreeMap<&str, Vec<Entry<'_>>> {
    let mut groups: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for detection in content.detections.values() {
        let source = detection.id.split('.').next().unwrap_or_default();
        for head in &detection.parts().heads {
            groups.entry(source).or_default().push(Entry {
                id: &detection.id,
                title: &head.title,
                severity: head.severity,
                weak: head.weak,
                tags: head.tags.iter().map(String::as_str).collect(),
            });
        }
    }
    for it in content.intelligence.values() {
        groups.entry("intelligence").or_default().push(Entry {
            id: &it.id,
            title: &it.title.value,
            severity: it.level,
            weak: it.weak,
            tags: it.tags.iter().map(|tag| tag.value.as_str()).collect(),
        });
    }
    for it in content.behaviors.values() {
        groups.entry("behaviors").or_default().push(Entry {
            id: &it.id,
            title: &it.title.value,
            severity: it.level,
            weak: it.weak,
            tags: it.tags.iter().map(|tag| tag.value.as_str()).collect(),
        });
    }
    for it in content.sequences.values() {
        groups.entry("sequences").or_default().push(Entry {
            id: &it.id,
            title: &it.title.value,
            severity: it.level,
            weak: false,
            tags: it.tags.iter().map(|tag| tag.value.as_str()).collect(),
        });
    }
    groups
}

/// Ways from few permissions to many.
pub(super) fn escalations(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    let content = Content::builtin();
    let n = content.escalations.len();
    writeln!(text, "# {}\n", in_lang(lang, "Escalations", "権限昇格の経路"))?;
    match lang {
        Lang::En => writeln!(
            text,
            "{n} ways. `yagura access escalations` says which are open, and to whom.\n"
        )?,
        Lang::Ja => writeln!(
            text,
            "{n} 個の経路があります。どれが誰に開いているかは `yagura access escalations` で分かります。\n"
        )?,
    }
    let (way, needs) = (in_lang(lang, "way", "経路"), in_lang(lang, "needs", "必要な権限"));
    writeln!(text, "| {way} | {needs} |\n| --- | --- |")?;
    for (id, escalation) in &content.escalations {
        let title = cell(escalation.title.value.get(lang));
        let how = cell(escalation.how.value.get(lang));
        let needs: Vec<String> =
            escalation.needs.iter().map(|need| format!("`{}`", need.value.action)).collect();
        writeln!(text, "| `{id}`<br>{title}<br>{how} | {} |", needs.join(" "))?;
    }
    Ok(())
}
