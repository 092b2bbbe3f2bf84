//! OCSF Compliance Findings (class 2003), version 1.5.0, with the `cloud` profile.
//! Source: the OCSF schema (ocsf/ocsf-schema), seen 2026-11; the tests hold the part we use.

use serde_json::{Map, Value, json};
use yagura_model::{Severity, Verdict};

use crate::clean::{clean, clean_lines};
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, resource_name, verdict_id};
use crate::standards::{partition, region, requirements, standards};
use crate::words::words;

/// The version of the schema that the events follow.
pub(crate) const OCSF_VERSION: &str = "1.5.0";

pub(crate) fn finding(report: &ScanReport<'_>, verdict: &Verdict) -> Value {
    let words = words(report.lang);
    let standing = Standing::of(verdict);
    let (severity_id, severity) = severity(verdict.severity);
    let (status_id, status) = lifecycle(standing);
    let seen = report.scan.finished.as_millisecond();
    let entry = report.catalog.controls.get(&verdict.control);
    let mut finding = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200_301,
        "type_name": "Compliance Finding: Create",
        "time": seen,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": phrases::message(words, report, verdict),
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": {
                "name": "Yagura",
                "vendor_name": "Yagura",
                "version": report.scan.version,
            },
        },
        "finding_info": {
            "uid": verdict_id(verdict),
            "title": clean(report.catalog.title(&verdict.control, report.lang)),
            "types": ["Compliance"],
            "last_seen_time": seen,
            "analytic": {
                "uid": clean(&verdict.control),
                "name": clean(&verdict.control),
                "type_id": 1,
                "type": "Rule",
            },
        },
        "compliance": compliance(report, verdict, standing),
        "cloud": {
            "provider": "AWS",
            "region": region(verdict),
            "account": account(report, verdict),
        },
        "resources": [{
            "uid": clean(&verdict.key),
            "name": resource_name(verdict),
            "type": clean(&verdict.type_name),
            "region": region(verdict),
            "cloud_partition": partition(verdict),
            "owner": {"account": account(report, verdict)},
        }],
    });
    let Some(fields) = finding.as_object_mut() else { return finding };
    if let Some(entry) = entry {
        let why = clean(entry.why.get(report.lang));
        if let Some(Value::Object(info)) =
            fields.get_mut("finding_info").filter(|_| !why.is_empty())
        {
            info.insert("desc".to_owned(), why.into());
        }
        let desc = match entry.fix.cli.trim() {
            "" => entry.fix.console(report.lang).join("\n"),
            cli => cli.to_owned(),
        };
        let mut remediation = Map::new();
        remediation.insert("desc".to_owned(), clean_lines(&desc).into());
        if !entry.references.is_empty() {
            remediation.insert("references".to_owned(), json!(entry.references));
        }
        if !desc.is_empty() {
            fields.insert("remediation".to_owned(), Value::Object(remediation));
        }
    }
    let unmapped = unmapped(verdict);
    if !unmapped.is_empty() {
        fields.insert("unmapped".to_owned(), Value::Object(unmapped));
    }
    finding
}

fn compliance(report: &ScanReport<'_>, verdict: &Verdict, standing: Standing) -> Value {
    let entry = report.catalog.controls.get(&verdict.control);
    let (status_id, status) = match standing {
        Standing::Pass => (1, "Pass"),
        Standing::Fail | Standing::Accepted => (3, "Fail"),
        Standing::Unknown => (0, "Unknown"),
        Standing::NotApplicable => (99, "Not Applicable"),
    };
    let mut compliance = json!({
        "control": clean(&verdict.control),
        "standards": standards(report.catalog, entry, report.lang),
        "requirements": requirements(entry),
        "status_id": status_id,
        "status": status,
    });
    let words = words(report.lang);
    let detail = match (standing, &verdict.exception) {
        (Standing::Unknown, _) => phrases::why_verdict_unknown(words, verdict),
        (Standing::Accepted, Some(exception)) => clean(&exception.reason).into_owned(),
        _ => String::new(),
    };
    if let Some(fields) = compliance.as_object_mut().filter(|_| !detail.is_empty()) {
        fields.insert("status_detail".to_owned(), detail.into());
    }
    compliance
}

fn account(report: &ScanReport<'_>, verdict: &Verdict) -> Value {
    json!({
        "uid": clean(&verdict.account),
        "name": report.scan.account_name(&verdict.account),
        "type_id": 10,
        "type": "AWS Account",
    })
}

pub(crate) fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// Where the finding stands in its life. An unknown has none: nobody knows whether it is one.
fn lifecycle(standing: Standing) -> (u8, &'static str) {
    match standing {
        Standing::Fail => (1, "New"),
        Standing::Accepted => (3, "Suppressed"),
        Standing::Pass | Standing::NotApplicable => (4, "Resolved"),
        Standing::Unknown => (0, "Unknown"),
    }
}

fn unmapped(verdict: &Verdict) -> Map<String, Value> {
    let mut unmapped = Map::new();
    if !verdict.evidence.is_empty() {
        let evidence: Map<_, _> = verdict.evidence.iter().cloned().collect();
        unmapped.insert("evidence".to_owned(), Value::Object(evidence));
    }
    if !verdict.unread.is_empty() {
        unmapped.insert("unread".to_owned(), json!(verdict.unread));
    }
    if let Some(exception) = &verdict.exception {
        unmapped.insert("exception".to_owned(), json!(exception));
    }
    unmapped
}
