//! Findings written for other products, one after another: OCSF, ASFF, SARIF, CSV, and our own
//! JSON lines, which lose nothing. The first four say of a control what a scan's outputs say of
//! its verdict (`rows/`, `sarif.rs`), and beside it where the finding stands.
//! Which findings are written, and where to, is the caller's business.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use yagura_model::finding::{Finding, FindingKind, FindingState};
use yagura_model::{Exception, Lang, Verdict, VerdictStatus};

use super::{asff, csv_rows, ocsf, sarif};
use crate::alerts::{AlertEntry, AlertMeta};
use crate::catalog::Catalog;
use crate::error::ReportError;
use crate::rows::json_line;
use crate::scan_report::{AccountMeta, ScanMeta, ScanReport, Tally};

/// What a line of our own format calls itself.
pub(crate) const OWN_FORMAT: &str = "yagura.finding/1";

/// A format of findings for other products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// Open Cybersecurity Schema Framework: compliance and detection findings, one a line.
    Ocsf,
    /// Inputs of Security Hub's `BatchImportFindings`, one a line.
    Asff,
    /// One SARIF log.
    Sarif,
    /// Rows for a spreadsheet.
    Csv,
    /// Our own, whole, one a line.
    Jsonl,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ocsf, Self::Asff, Self::Sarif, Self::Csv, Self::Jsonl];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocsf => "ocsf",
            Self::Asff => "asff",
            Self::Sarif => "sarif",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

impl std::str::FromStr for ExportFormat {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| ReportError::unknown_format(text, Self::ALL.iter().map(|f| f.as_str())))
    }
}

/// What is the same for all findings of an export.
pub struct ExportContext<'a> {
    /// Titles, reasons, fixes and requirements of controls.
    pub catalog: &'a Catalog,
    /// What is known of content that raises alerts, by its id.
    pub entries: &'a BTreeMap<String, AlertEntry>,
    /// The accounts, for their names.
    pub accounts: Vec<AccountMeta>,
    /// When this is written.
    pub at: Timestamp,
    /// The version of Yagura.
    pub version: String,
    /// The reader's language.
    pub lang: Lang,
}

/// An export under way.
pub struct Export<'r> {
    pub(super) shared: Shared<'r>,
    out: &'r mut dyn Write,
    shape: Shape,
    written: u64,
    left_out: u64,
}

enum Shape {
    Ocsf,
    Asff(asff::Requests),
    Sarif(sarif::Log),
    Csv,
    Jsonl,
}

/// The context, and the report of a scan that writers of verdicts want.
pub(super) struct Shared<'r> {
    pub(super) context: &'r ExportContext<'r>,
    pub(super) report: ScanReport<'r>,
    pub(super) alerts: AlertMeta,
}

impl<'r> Shared<'r> {
    pub(super) fn new(context: &'r ExportContext<'r>) -> Self {
        let scan = ScanMeta {
            id: String::new(),
            started: context.at,
            finished: context.at,
            partial: false,
            demo: false,
            accounts: context.accounts.clone(),
            regions: Vec::new(),
            resources: 0,
            calls: 0,
            version: context.version.clone(),
        };
        let report = ScanReport {
            scan,
            catalog: context.catalog,
            scores: &[],
            tally: Tally::default(),
            verdicts: &[],
            coverage: &[],
            comparison: None,
            lang: context.lang,
        };
        let alerts = AlertMeta {
            version: context.version.clone(),
            made: context.at,
            ..AlertMeta::default()
        };
        Self { context, report, alerts }
    }
}

impl<'r> Export<'r> {
    /// Writes what stands before the first finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn begin(
        context: &'r ExportContext<'r>,
        format: ExportFormat,
        out: &'r mut dyn Write,
    ) -> Result<Self, ReportError> {
        let shape = match format {
            ExportFormat::Ocsf => Shape::Ocsf,
            ExportFormat::Asff => Shape::Asff(asff::Requests::default()),
            ExportFormat::Sarif => Shape::Sarif(sarif::Log::begin(out)?),
            ExportFormat::Csv => {
                csv_rows::head(context.lang, out)?;
                Shape::Csv
            }
            ExportFormat::Jsonl => Shape::Jsonl,
        };
        Ok(Self { shared: Shared::new(context), out, shape, written: 0, left_out: 0 })
    }

    /// Writes a finding.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn finding(&mut self, finding: &Finding) -> Result<(), ReportError> {
        self.written += 1;
        match &mut self.shape {
            Shape::Ocsf => json_line(self.out, &ocsf::finding(finding, &self.shared)),
            Shape::Csv => csv_rows::row(finding, self.shared.context.lang, self.out),
            Shape::Sarif(log) => log.finding(finding, &self.shared, self.out),
            Shape::Jsonl => json_line(self.out, &json!({"format": OWN_FORMAT, "finding": finding})),
            Shape::Asff(requests) => match asff::finding(finding, &self.shared) {
                Some(one) => match requests.add(one) {
                    Some(full) => json_line(self.out, &full),
                    None => Ok(()),
                },
                // ASFF has no place for what belongs to no account.
                None => {
                    self.written -= 1;
                    self.left_out += 1;
                    Ok(())
                }
            },
        }
    }

    /// Writes what stands after the last finding. Answers how many findings were written, and how
    /// many the format has no place for.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn end(self) -> Result<(u64, u64), ReportError> {
        match self.shape {
            Shape::Asff(requests) => {
                for request in requests.rest() {
                    json_line(self.out, &request)?;
                }
            }
            Shape::Sarif(log) => log.end(&self.shared, self.out)?,
            Shape::Ocsf | Shape::Csv | Shape::Jsonl => {}
        }
        self.out.flush()?;
        Ok((self.written, self.left_out))
    }
}

/// The verdict behind a finding: a control's own, else one that says the same of whatever was
/// found, so that all are written by one hand.
pub(super) fn verdict_of(finding: &Finding) -> Verdict {
    let seen = &finding.observation;
    let own = match seen.kind {
        FindingKind::Control => serde_json::from_value::<Verdict>(seen.evidence.clone()).ok(),
        FindingKind::Alert | FindingKind::Import | FindingKind::Spend => None,
    };
    let verdict = own.unwrap_or_else(|| Verdict {
        control: seen.content.clone(),
        status: VerdictStatus::Fail,
        severity: finding.severity,
        key: seen.key.clone(),
        type_name: seen.resource_type.clone().unwrap_or_else(|| "Other".to_owned()),
        account: seen.account.clone(),
        region: seen.region.clone(),
        name: seen.resource_name.clone().unwrap_or_default(),
        evidence: Vec::new(),
        unread: Vec::new(),
        exception: None,
    });
    let suppressed = finding.suppression.as_ref();
    let suppressed = suppressed.filter(|_| finding.state == FindingState::Suppressed);
    let exception = suppressed.map(|by| Exception {
        owner: by.owner.clone(),
        reason: by.reason.clone(),
        expires: time(by.until_us),
    });
    Verdict { severity: finding.severity, exception, ..verdict }
}

/// What our own reader needs to know a finding again, by names that stand in every format.
/// `yagura-collect` reads it (`imports/told.rs`); a served format.
pub(super) fn own(finding: &Finding) -> Map<String, Value> {
    let seen = &finding.observation;
    let mut own = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            own.insert(name.to_owned(), value.into());
        }
    };
    put("kind", Some(seen.kind.as_str().to_owned()));
    put("content", Some(seen.content.clone()));
    put("key", Some(seen.key.clone()));
    put("sub_key", Some(seen.sub_key.clone()));
    put("state", Some(finding.state.as_str().to_owned()));
    put("severity", Some(finding.severity.as_str().to_owned()));
    put("rank", Some(seen.rank.points.to_string()));
    put("assignee", finding.assignee.clone());
    let suppressed = finding.suppression.as_ref();
    let suppressed = suppressed.filter(|_| finding.state == FindingState::Suppressed);
    put("suppressed_until", suppressed.map(|by| time(by.until_us).to_string()));
    put("suppressed_by", suppressed.map(|by| by.owner.clone()));
    put("suppressed_reason", suppressed.map(|by| by.reason.clone()));
    own
}

/// Whether it is about what should be so, rather than about what happened.
pub(super) fn is_compliance(finding: &Finding) -> bool {
    let content = &finding.observation.content;
    match finding.observation.kind {
        FindingKind::Control => true,
        FindingKind::Import => {
            let product = content.split('/').next().unwrap_or_default();
            ["config", "prowler", "securityhub"].contains(&product)
        }
        FindingKind::Alert | FindingKind::Spend => false,
    }
}

pub(super) fn time(at_us: i64) -> Timestamp {
    Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH)
}
