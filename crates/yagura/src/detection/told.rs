//! Telling alerts: the flags for it, what content says about what was found, the file or stdout,
//! and the exit status. How each format looks is the report's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use yagura_content::Content;
use yagura_content::format::{Detection, DetectionHead, Steps};
use yagura_judge::detections::Counters;
use yagura_model::alert::Alert;
use yagura_model::{Prose, Severity};
use yagura_report::{AlertEntry, AlertFormat, AlertMeta, AlertReport};

use crate::context::Context;
use crate::options::severity;
use crate::output;
use crate::whole_file::write_report;

/// How alerts are written, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct AlertOptions {
    #[arg(long, value_name = "FORMAT", value_parser = format, default_value = "table")]
    pub(crate) format: AlertFormat,
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) min_level: Option<Severity>,
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

fn format(text: &str) -> Result<AlertFormat, String> {
    let words: Vec<&str> = AlertFormat::ALL.iter().map(|format| format.as_str()).collect();
    let listed = words.join(", ");
    text.parse().map_err(|_| format!("the formats are {listed}"))
}

/// What a command found, and what it could not see.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) alerts: Vec<Alert>,
    /// Records that were looked at; none where alerts come from the store.
    pub(crate) records: Option<u64>,
    /// What could not be read.
    pub(crate) blind: Vec<Prose>,
    /// Whether there are more than were asked for.
    pub(crate) more: bool,
}

impl AlertOptions {
    /// Writes what was found. What is below the asked severity is left out, and how much that is
    /// is said.
    ///
    /// # Errors
    /// When the file or stdout cannot be written.
    pub(crate) fn write(
        &self,
        context: &Context,
        content: &Content,
        rules: &[Arc<Detection>],
        found: Found,
    ) -> anyhow::Result<()> {
        let all = found.alerts.len();
        let least = self.min_level.unwrap_or(Severity::Informational);
        let alerts: Vec<Alert> =
            found.alerts.into_iter().filter(|alert| alert.severity >= least).collect();
        let meta = AlertMeta {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made: context.now(),
            records: found.records,
            blind: found.blind,
            below: (all - alerts.len()) as u64,
            more: found.more,
        };
        let entries = entries(content, rules, &alerts);
        let report =
            AlertReport { alerts: &alerts, entries: &entries, meta: &meta, lang: context.lang };
        let terminal = context.terminal(self.limit, self.output.is_none());
        let write =
            |out: &mut dyn Write| yagura_report::write_alerts(&report, self.format, &terminal, out);
        match &self.output {
            Some(file) => {
                let attempt = format!("could not write the alerts to `{}`", file.display());
                write_report(context, file, &attempt, write)
            }
            None => output::data(write),
        }
    }

    /// Whether some alert that is told is at least as bad as `--fail-on` says.
    pub(crate) fn fails(&self, alerts: &[Alert]) -> bool {
        self.fail_on.is_some_and(|least| {
            alerts
                .iter()
                .any(|alert| alert.severity >= least && alert.suppressed.is_none() && !alert.shadow)
        })
    }
}

/// What judging itself could not do, for a person.
pub(crate) fn blind_of(counters: &Counters) -> Vec<Prose> {
    let mut blind = Vec::new();
    let mut say = |count: u64, en: &str, ja: &str| {
        if count > 0 {
            let n = yagura_report::grouped(count);
            blind.push(Prose { en: format!("{n} {en}"), ja: format!("{ja}: {n} 件") });
        }
    };
    say(
        counters.left_out,
        "matches were not kept because too many alerts were open",
        "未処理のアラートが多すぎるため残せなかった一致",
    );
    say(
        counters.late,
        "records came too late to be correlated",
        "到着が遅く相関分析に使えなかったレコード",
    );
    // Where nothing came late, what was judged early was judged with all that belonged to it.
    say(
        if counters.late > 0 { counters.hurried } else { 0 },
        "records were correlated early because too many waited",
        "待機が多すぎるため早めに相関分析したレコード",
    );
    say(
        counters.dropped_groups,
        "groups of correlations were dropped because there were too many",
        "多すぎるため破棄した相関分析のグループ",
    );
    blind
}

/// What is known of the content that raised some alerts, by its id.
pub(crate) fn entries(
    content: &Content,
    rules: &[Arc<Detection>],
    alerts: &[Alert],
) -> BTreeMap<String, AlertEntry> {
    let ids: BTreeSet<&str> = alerts.iter().map(|alert| &*alert.content).collect();
    ids.into_iter().filter_map(|id| Some((id.to_owned(), entry(content, rules, id)?))).collect()
}

/// What is known of everything in the content that raises alerts, by its id.
pub(crate) fn entries_of_all(content: &Content) -> BTreeMap<String, AlertEntry> {
    let ids = content.detections.keys().chain(content.behaviors.keys());
    let ids = ids.chain(content.sequences.keys()).chain(content.intelligence.keys());
    ids.filter_map(|id| Some((id.clone(), entry(content, &[], id)?))).collect()
}

fn entry(content: &Content, rules: &[Arc<Detection>], id: &str) -> Option<AlertEntry> {
    if let Some(detection) = content.detections.get(id) {
        return detection.head().map(of_head);
    }
    if let Some(behavior) = content.behaviors.get(id) {
        let (harmless, respond) = (&behavior.falsepositives, &behavior.respond);
        return Some(of_prose(&behavior.description, harmless, respond));
    }
    if let Some(sequence) = content.sequences.get(id) {
        let (harmless, respond) = (&sequence.falsepositives, &sequence.respond);
        return Some(of_prose(&sequence.description, harmless, respond));
    }
    if let Some(rule) = content.intelligence.get(id) {
        return Some(of_prose(&rule.description, &rule.falsepositives, &rule.respond));
    }
    let known_as = |rule: &Detection, head: &DetectionHead| {
        head.uuid.as_deref() == Some(id) || format!("{}:{}", rule.path, head.place.line) == id
    };
    rules.iter().find_map(|rule| {
        let head = rule.parts().heads.iter().find(|head| known_as(rule, head))?;
        Some(of_head(head))
    })
}

fn of_head(head: &DetectionHead) -> AlertEntry {
    AlertEntry {
        uuid: head.uuid.clone().unwrap_or_default(),
        references: head.references.clone(),
        ..of_prose(&head.description, &head.falsepositives, &head.respond)
    }
}

fn of_prose(description: &Prose, falsepositives: &Steps, respond: &Steps) -> AlertEntry {
    AlertEntry {
        uuid: String::new(),
        description: description.clone(),
        falsepositives_en: falsepositives.en.clone(),
        falsepositives_ja: falsepositives.ja.clone(),
        respond_en: respond.en.clone(),
        respond_ja: respond.ja.clone(),
        references: Vec::new(),
    }
}
