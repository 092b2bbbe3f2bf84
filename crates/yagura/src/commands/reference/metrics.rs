//! The page of metrics: what `/metrics` of `yagura serve` writes.
//! The names are in `crate::daemon::metrics`.

use std::fmt::Write as _;

use yagura_model::Lang;

use super::{cell, in_lang};
use crate::daemon::metrics::names::METRICS;

pub(super) fn metrics(text: &mut String, lang: Lang) -> anyhow::Result<()> {
    writeln!(text, "# {}\n", in_lang(lang, "Metrics", "メトリクス"))?;
    writeln!(
        text,
        "{}\n",
        in_lang(
            lang,
            "What `yagura serve` writes at `/metrics`, in the text format of Prometheus. \
             Counters begin at zero with each start of a process; each process has its own.",
            "`yagura serve` が `/metrics` に Prometheus のテキスト形式で出力する値です。\
             カウンターはプロセスの起動ごとに 0 から始まり、プロセスごとに数えます。"
        )
    )?;
    let (name, kind, labels, means) = (
        in_lang(lang, "metric", "メトリクス"),
        in_lang(lang, "type", "型"),
        in_lang(lang, "labels", "ラベル"),
        in_lang(lang, "means", "意味"),
    );
    writeln!(text, "| {name} | {kind} | {labels} | {means} |\n| --- | --- | --- | --- |")?;
    for metric in METRICS {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let means = in_lang(lang, metric.en, metric.ja);
        let (name, kind, labels) = (metric.name, metric.kind.as_str(), labels.join(", "));
        writeln!(text, "| `{name}` | {kind} | {labels} | {} |", cell(means))?;
    }
    Ok(())
}
