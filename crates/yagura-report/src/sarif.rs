//! SARIF 2.1.0: one run, a rule per control with its help in the reader's language, a result per
//! verdict with the resource as logical location.
//! Source: OASIS, SARIF 2.1.0 with errata 01, seen 2026-11; the tests hold the part we use.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use serde_json::{Map, Value, json};
use yagura_model::{Severity, Verdict, escape_unsafe};

use crate::catalog::ControlEntry;
use crate::clean::{clean, clean_lines};
use crate::error::ReportError;
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, resource_name, verdict_id, worst_first};
use crate::standards::requirements;
use crate::words::words;

/// Where the format is defined.
pub(crate) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(crate) fn write(report: &ScanReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut verdicts: Vec<&Verdict> = report.verdicts.iter().collect();
    verdicts.sort_by(|a, b| worst_first(a, b));
    let mut rules = Vec::new();
    let mut index = BTreeMap::new();
    for verdict in &verdicts {
        index.entry(verdict.control.as_str()).or_insert_with(|| {
            rules.push(rule(report, verdict));
            rules.len() - 1
        });
    }
    let results: Vec<_> = verdicts
        .iter()
        .map(|verdict| result(report, verdict, index.get(verdict.control.as_str()).copied()))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Yagura",
                "version": report.scan.version,
                "language": report.lang.code(),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": !report.scan.partial,
                "startTimeUtc": report.scan.started.to_string(),
                "endTimeUtc": report.scan.finished.to_string(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log)?;
    out.write_all(escape_lines(&text).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Pretty JSON has line feeds between its tokens; they stay.
fn escape_lines(text: &str) -> String {
    text.lines().map(escape_unsafe).collect::<Vec<_>>().join("\n")
}

pub(crate) fn rule(report: &ScanReport<'_>, verdict: &Verdict) -> Value {
    let title = clean(report.catalog.title(&verdict.control, report.lang));
    let mut rule = json!({
        "id": clean(&verdict.control),
        "shortDescription": {"text": title},
        "defaultConfiguration": {"level": level(verdict.severity)},
    });
    let (Some(fields), Some(entry)) =
        (rule.as_object_mut(), report.catalog.controls.get(&verdict.control))
    else {
        return rule;
    };
    let why = clean(entry.why.get(report.lang));
    if !why.is_empty() {
        fields.insert("fullDescription".to_owned(), json!({"text": why}));
    }
    let (text, markdown) = (help(report, entry, false), help(report, entry, true));
    if !text.is_empty() {
        fields.insert("help".to_owned(), json!({"text": text, "markdown": markdown}));
    }
    if let Some(url) = entry.references.first() {
        fields.insert("helpUri".to_owned(), clean(url).into());
    }
    let mut tags = vec!["security".to_owned()];
    tags.extend(requirements(Some(entry)));
    tags.sort();
    tags.dedup();
    fields.insert(
        "properties".to_owned(),
        json!({
            // Code hosts rank by this number: critical above 9.0, high above 7.0, medium above 4.0.
            "security-severity": match entry.severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "2.5",
                Severity::Informational => "0.5",
            },
            "guidance": entry.guidance,
            "tags": tags,
        }),
    );
    rule
}

/// Why it matters and how to mend it, as text or as Markdown.
fn help(report: &ScanReport<'_>, entry: &ControlEntry, markdown: bool) -> String {
    let words = words(report.lang);
    let mut help = clean(entry.why.get(report.lang)).into_owned();
    let heading = |help: &mut String, title: &str| {
        let mark = if markdown { "## " } else { "" };
        let _ = write!(help, "\n\n{mark}{title}\n");
    };
    let steps = entry.fix.console(report.lang);
    if !steps.is_empty() {
        heading(&mut help, words.get("report.problem.console"));
        for (at, step) in steps.iter().enumerate() {
            let _ = write!(help, "\n{}. {}", at + 1, clean(step));
        }
    }
    for (title, text, language) in [
        ("AWS CLI", &entry.fix.cli, "sh"),
        ("CloudFormation", &entry.fix.cloudformation, "yaml"),
        ("Terraform", &entry.fix.terraform, "hcl"),
    ] {
        let text = clean_lines(text.trim());
        if text.is_empty() {
            continue;
        }
        heading(&mut help, title);
        let _ = match markdown {
            true => write!(help, "\n```{language}\n{text}\n```"),
            false => write!(help, "\n{text}"),
        };
    }
    help
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "note",
    }
}

pub(crate) fn result(report: &ScanReport<'_>, verdict: &Verdict, rule: Option<usize>) -> Value {
    let words = words(report.lang);
    let standing = Standing::of(verdict);
    // SARIF: `level` is `none` unless the kind is `fail`; `open` means that the information did
    // not suffice.
    let (kind, level) = match standing {
        Standing::Fail | Standing::Accepted => ("fail", level(verdict.severity)),
        Standing::Unknown => ("open", "none"),
        Standing::Pass => ("pass", "none"),
        Standing::NotApplicable => ("notApplicable", "none"),
    };
    let mut result = json!({
        "ruleId": clean(&verdict.control),
        "kind": kind,
        "level": level,
        "message": {"text": phrases::message(words, report, verdict)},
        "locations": [{"logicalLocations": [{
            "name": resource_name(verdict),
            "fullyQualifiedName": clean(&verdict.key),
            "kind": "resource",
        }]}],
        "partialFingerprints": {"yaguraFindingId/v1": verdict_id(verdict)},
        "properties": properties(verdict),
    });
    let Some(fields) = result.as_object_mut() else { return result };
    if let Some(rule) = rule {
        fields.insert("ruleIndex".to_owned(), rule.into());
    }
    if let Some(exception) = &verdict.exception {
        let until = phrases::day(exception.expires);
        let by = clean(&exception.owner);
        let reason = clean(&exception.reason);
        fields.insert(
            "suppressions".to_owned(),
            json!([{
                "kind": "external",
                "status": "accepted",
                "justification": format!("{reason} ({by}, {until})"),
            }]),
        );
    }
    result
}

fn properties(verdict: &Verdict) -> Value {
    let mut properties = Map::new();
    properties.insert("account".to_owned(), clean(&verdict.account).into());
    properties.insert("region".to_owned(), clean(&verdict.region).into());
    properties.insert("type".to_owned(), clean(&verdict.type_name).into());
    if !verdict.evidence.is_empty() {
        let evidence: Map<_, _> = verdict.evidence.iter().cloned().collect();
        properties.insert("evidence".to_owned(), Value::Object(evidence));
    }
    Value::Object(properties)
}
