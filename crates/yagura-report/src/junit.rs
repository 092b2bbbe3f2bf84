//! JUnit XML for build servers: a suite per control, a case per resource.
//! Source: the schema of Jenkins' xUnit plugin for JUnit 10, seen 2026-11.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use yagura_model::Verdict;

use crate::clean::{clean, clean_lines};
use crate::error::ReportError;
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, resource_name, worst_first};
use crate::words::words;

pub(crate) fn write(report: &ScanReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut suites: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for verdict in report.verdicts {
        suites.entry(&verdict.control).or_default().push(verdict);
    }
    let all = Counts::of(report.verdicts.iter());
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    writeln!(out, "<testsuites name=\"Yagura\" {}>", all.attributes())?;
    for (control, mut verdicts) in suites {
        verdicts.sort_by(|a, b| worst_first(a, b));
        suite(report, control, &verdicts, out)?;
    }
    out.write_all(b"</testsuites>\n")?;
    Ok(())
}

fn suite(
    report: &ScanReport<'_>,
    control: &str,
    verdicts: &[&Verdict],
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let title = report.catalog.title(control, report.lang);
    let name = escaped(&format!("{control}: {title}"));
    let counts = Counts::of(verdicts.iter().copied());
    let time = report.scan.started.strftime("%Y-%m-%dT%H:%M:%S");
    writeln!(out, "  <testsuite name=\"{name}\" {} timestamp=\"{time}\">", counts.attributes())?;
    for verdict in verdicts {
        case(report, verdict, out)?;
    }
    out.write_all(b"  </testsuite>\n")?;
    Ok(())
}

fn case(
    report: &ScanReport<'_>,
    verdict: &Verdict,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let words = words(report.lang);
    let account = report.scan.account_name(&verdict.account);
    let name = format!("{} ({account} {})", resource_name(verdict), verdict.region);
    write!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\" time=\"0\"",
        escaped(&name),
        escaped(&verdict.control)
    )?;
    let message = escaped(&phrases::message(words, report, verdict));
    let body = escaped_lines(&body(report, verdict));
    let severity = verdict.severity.as_str();
    // An unknown is an error and not a skip: build servers paint skipped cases green, and what
    // could not be read is never clean.
    match Standing::of(verdict) {
        Standing::Fail => write!(
            out,
            ">\n      <failure message=\"{message}\" type=\"{severity}\">{body}</failure>\n    \
             </testcase>\n"
        )?,
        Standing::Unknown => write!(
            out,
            ">\n      <error message=\"{message}\" type=\"unknown\">{body}</error>\n    \
             </testcase>\n"
        )?,
        Standing::Accepted | Standing::NotApplicable => {
            write!(out, ">\n      <skipped message=\"{message}\"/>\n    </testcase>\n")?;
        }
        Standing::Pass => out.write_all(b"/>\n")?,
    }
    Ok(())
}

/// What stands in a case: the resource, the evidence, the fix.
fn body(report: &ScanReport<'_>, verdict: &Verdict) -> String {
    let words = words(report.lang);
    let mut body = verdict.key.clone();
    let evidence = phrases::evidence(verdict, 500);
    if !evidence.is_empty() {
        let _ = write!(body, "\n{evidence}");
    }
    let Some(entry) = report.catalog.controls.get(&verdict.control) else { return body };
    if !entry.fix.cli.trim().is_empty() && Standing::of(verdict) == Standing::Fail {
        let fix = words.get("report.problem.fix");
        let _ = write!(body, "\n{fix}{}\n{}", words.get("report.colon"), entry.fix.cli.trim());
    }
    body
}

struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Self {
        let mut counts = Self { tests: 0, failures: 0, errors: 0, skipped: 0 };
        for verdict in verdicts {
            counts.tests += 1;
            match Standing::of(verdict) {
                Standing::Fail => counts.failures += 1,
                Standing::Unknown => counts.errors += 1,
                Standing::Accepted | Standing::NotApplicable => counts.skipped += 1,
                Standing::Pass => {}
            }
        }
        counts
    }

    fn attributes(&self) -> String {
        let Self { tests, failures, errors, skipped } = self;
        format!(
            "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\""
        )
    }
}

fn escaped(text: &str) -> String {
    escape(&clean(text))
}

fn escaped_lines(text: &str) -> String {
    escape(&clean_lines(text))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}
