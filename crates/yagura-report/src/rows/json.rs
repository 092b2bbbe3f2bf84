//! JSON lines of our own: the scan, its accounts, its scores, each control once, then the
//! verdicts, each below 1 KB, then the changes. A stored format: additions only, or a new version.
//! Formats that others define are beside this file.

use std::io::Write;

use serde_json::{Map, Value, json};
use yagura_model::{Unread, Verdict, VerdictCounts};

use super::json_line;
use crate::catalog::ControlEntry;
use crate::clean::shortened;
use crate::error::ReportError;
use crate::scan_report::{ScanReport, Standing, verdict_id};

/// The version of these lines.
const VERSION: u64 = 1;

/// Bytes that a verdict's line stays below, unless its key alone is longer.
const VERDICT_BYTES_MAX: usize = 1000;

/// Characters kept of one value of the evidence.
const VALUE_CHARS_MAX: usize = 160;

/// Unread parts named in one line; how many more there are is said.
const UNREAD_MAX: usize = 3;

/// Everything before the verdicts.
pub(super) fn head(report: &ScanReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let scan = &report.scan;
    json_line(
        out,
        &json!({
            "kind": "scan",
            "version": VERSION,
            "id": scan.id,
            "started": scan.started.to_string(),
            "finished": scan.finished.to_string(),
            "partial": scan.partial,
            "demo": scan.demo,
            "accounts": scan.accounts.len(),
            "regions": scan.regions,
            "resources": scan.resources,
            "calls": scan.calls,
            "yagura": scan.version,
            "verdicts": counts(&report.tally.counts),
        }),
    )?;
    for account in &scan.accounts {
        let line = json!({
            "kind": "account", "id": account.id, "name": account.name, "ou": account.ou,
        });
        json_line(out, &line)?;
    }
    for score in report.scores {
        json_line(out, &framework(score))?;
    }
    for (id, tally) in &report.tally.controls {
        if let Some(entry) = report.catalog.controls.get(id) {
            json_line(out, &control(entry, tally))?;
        }
    }
    Ok(())
}

fn counts(counts: &VerdictCounts) -> Value {
    json!({
        "pass": counts.pass,
        "fail": counts.fail,
        "accepted": counts.excepted,
        "not_applicable": counts.not_applicable,
        "unknown": counts.unknown,
    })
}

fn framework(score: &yagura_model::FrameworkScore) -> Value {
    let requirements: Map<_, _> = score
        .requirements
        .iter()
        .map(|requirement| {
            let mut state = requirement.state.as_str().to_owned();
            if requirement.attested {
                state.push_str(" (attested)");
            }
            (requirement.id.clone(), state.into())
        })
        .collect();
    json!({
        "kind": "framework",
        "id": score.framework,
        "percent_met": score.states.percent_met(),
        "met": score.states.met,
        "partly": score.states.partly,
        "not_met": score.states.not_met,
        "unknown": score.states.unknown,
        "not_applicable": score.states.not_applicable,
        "attested": score.states.attested,
        "manual": score.states.manual,
        "requirements": requirements,
    })
}

fn control(entry: &ControlEntry, tally: &VerdictCounts) -> Value {
    let mut line = json!({
        "kind": "control",
        "id": entry.id,
        "type": entry.type_name,
        "severity": entry.severity.as_str(),
        "guidance": entry.guidance,
        "responsible": entry.responsible,
        "title": {"en": entry.title.en, "ja": entry.title.ja},
        "why": {"en": entry.why.en, "ja": entry.why.ja},
        "fix": {
            "console": {"en": entry.fix.console_en, "ja": entry.fix.console_ja},
            "cli": entry.fix.cli,
            "cloudformation": entry.fix.cloudformation,
            "terraform": entry.fix.terraform,
        },
        "maps": entry.maps,
        "references": entry.references,
    });
    if let Some(line) = line.as_object_mut() {
        line.insert("verdicts".to_owned(), counts(tally));
    }
    line
}

/// One verdict. Evidence and unread parts are shortened, and what was left out is said; identity
/// never is.
pub(super) fn verdict(verdict: &Verdict) -> Value {
    let mut line = Map::new();
    line.insert("kind".to_owned(), "verdict".into());
    fields(&mut line, verdict);
    let bare = line.clone();
    let evidence: Map<_, _> =
        verdict.evidence.iter().map(|(path, value)| (path.clone(), short_value(value))).collect();
    if !evidence.is_empty() {
        line.insert("evidence".to_owned(), Value::Object(evidence));
    }
    let unread: Vec<_> = verdict.unread.iter().take(UNREAD_MAX).map(short_unread).collect();
    if !unread.is_empty() {
        line.insert("unread".to_owned(), Value::Array(unread));
    }
    let more = verdict.unread.len().saturating_sub(UNREAD_MAX);
    if more > 0 {
        line.insert("unread_more".to_owned(), more.into());
    }
    let whole = Value::Object(line);
    if whole.to_string().len() <= VERDICT_BYTES_MAX {
        return whole;
    }
    let mut bare = bare;
    if let Some(first) = verdict.unread.first() {
        let reason = json!({"reason": first.reason.as_str(), "action": first.action});
        bare.insert("unread".to_owned(), Value::Array(vec![reason]));
        bare.insert("unread_more".to_owned(), (verdict.unread.len() - 1).into());
    }
    if !verdict.evidence.is_empty() {
        bare.insert("evidence_left_out".to_owned(), verdict.evidence.len().into());
    }
    Value::Object(bare)
}

fn fields(line: &mut Map<String, Value>, verdict: &Verdict) {
    let standing = Standing::of(verdict);
    line.insert("id".to_owned(), verdict_id(verdict).into());
    line.insert("control".to_owned(), verdict.control.as_str().into());
    line.insert("status".to_owned(), verdict.status.as_str().into());
    line.insert("severity".to_owned(), verdict.severity.as_str().into());
    line.insert("account".to_owned(), verdict.account.as_str().into());
    line.insert("region".to_owned(), verdict.region.as_str().into());
    line.insert("type".to_owned(), verdict.type_name.as_str().into());
    line.insert("key".to_owned(), verdict.key.as_str().into());
    if !verdict.name.is_empty() && !verdict.key.ends_with(&verdict.name) {
        line.insert("name".to_owned(), shortened(&verdict.name, VALUE_CHARS_MAX).into());
    }
    if let Some(exception) = verdict.exception.as_ref().filter(|_| standing == Standing::Accepted) {
        line.insert(
            "exception".to_owned(),
            json!({
                "owner": shortened(&exception.owner, VALUE_CHARS_MAX),
                "reason": shortened(&exception.reason, VALUE_CHARS_MAX),
                "expires": exception.expires.to_string(),
            }),
        );
    }
}

fn short_value(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return value.clone(),
        other => other.to_string(),
    };
    if matches!(value, Value::Array(_) | Value::Object(_)) && text.len() <= VALUE_CHARS_MAX {
        return value.clone();
    }
    Value::String(shortened(&text, VALUE_CHARS_MAX).into_owned())
}

fn short_unread(unread: &Unread) -> Value {
    let mut part = Map::new();
    part.insert("path".to_owned(), shortened(&unread.path.to_string(), VALUE_CHARS_MAX).into());
    part.insert("reason".to_owned(), unread.reason.as_str().into());
    if !unread.call.is_empty() {
        part.insert("call".to_owned(), unread.call.as_str().into());
    }
    if !unread.action.is_empty() {
        part.insert("action".to_owned(), unread.action.as_str().into());
    }
    if unread.call.is_empty() && unread.action.is_empty() && !unread.detail.is_empty() {
        part.insert("detail".to_owned(), shortened(&unread.detail, VALUE_CHARS_MAX).into());
    }
    Value::Object(part)
}

/// The changes since a former scan, where the reader asked for them.
pub(super) fn tail(report: &ScanReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let Some(comparison) = report.comparison else { return Ok(()) };
    json_line(
        out,
        &json!({
            "kind": "comparison",
            "former_id": comparison.former_id,
            "former_started": comparison.former_started.to_string(),
            "new": comparison.new.len(),
            "fixed": comparison.fixed.len(),
            "changed": comparison.changed.len(),
        }),
    )?;
    for (change, verdicts) in [("new", &comparison.new), ("fixed", &comparison.fixed)] {
        for verdict in verdicts {
            json_line(out, &changed_line(change, verdict))?;
        }
    }
    for (before, now) in &comparison.changed {
        let mut line = changed_line("changed", now);
        if let Some(line) = line.as_object_mut() {
            let was = json!({
                "status": before.status.as_str(),
                "severity": before.severity.as_str(),
                "accepted": Standing::of(before) == Standing::Accepted,
            });
            line.insert("before".to_owned(), was);
        }
        json_line(out, &line)?;
    }
    Ok(())
}

fn changed_line(change: &str, verdict: &Verdict) -> Value {
    let mut line = Map::new();
    line.insert("kind".to_owned(), "change".into());
    line.insert("change".to_owned(), change.into());
    fields(&mut line, verdict);
    Value::Object(line)
}
