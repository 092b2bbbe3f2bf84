//! Prowler's CSV of findings: semicolons between the columns, one row per check and resource.
//! Its OCSF is read in `ocsf`; both name a finding alike, so that the two are one.
//! Source: Prowler documentation, "Reporting", seen 2026-11.

use std::io::{self, Read};
use std::ops::ControlFlow;

use csv::StringRecord;
use serde_json::{Map, Value};
use yagura_model::imported::{Imported, ImportedState};

use super::keys;
use super::told::{self, BadFinding, Draft, severity_word};

/// The product's word.
const PRODUCT: &str = "prowler";
/// Columns without which a row says nothing.
const REQUIRED: [&str; 4] = ["FINDING_UID", "CHECK_ID", "STATUS", "SEVERITY"];

/// Whether a text begins as Prowler's CSV does.
pub(super) fn is_header(begin: &str) -> bool {
    let line = begin.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    let columns: Vec<String> = line.split(';').map(column).collect();
    REQUIRED.iter().all(|required| columns.iter().any(|column| column == required))
}

fn column(text: &str) -> String {
    text.trim().trim_matches('"').to_ascii_uppercase()
}

/// Reads the rows; answers how many findings there were, and whether the receiver wanted no more.
pub(super) fn read(
    input: Box<dyn Read + '_>,
    sink: &mut dyn FnMut(Imported) -> ControlFlow<()>,
    bad: &mut dyn FnMut(String, BadFinding),
) -> io::Result<(u64, bool)> {
    let mut rows = csv::ReaderBuilder::new().delimiter(b';').flexible(true).from_reader(input);
    let headers = rows.headers()?;
    let columns: Vec<String> =
        headers.iter().map(|name| column(name.trim_start_matches('\u{feff}'))).collect();
    let mut findings = 0;
    let mut row = StringRecord::new();
    let mut number = 0_u64;
    loop {
        number += 1;
        match rows.read_record(&mut row) {
            Ok(false) => return Ok((findings, false)),
            Ok(true) => {}
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(error) => {
                bad(number.to_string(), BadFinding::Damaged(error.to_string()));
                continue;
            }
        }
        match map(&columns, &row) {
            Err(why) => bad(number.to_string(), why),
            Ok(finding) => {
                findings += 1;
                if sink(finding).is_break() {
                    return Ok((findings, true));
                }
            }
        }
    }
}

fn map(columns: &[String], row: &StringRecord) -> Result<Imported, BadFinding> {
    let cell = |name: &str| {
        let at = columns.iter().position(|column| column == name)?;
        row.get(at).map(str::trim).filter(|cell| !cell.is_empty())
    };
    let uid = cell("FINDING_UID").ok_or(BadFinding::Missing("FINDING_UID"))?;
    let check = cell("CHECK_ID").ok_or(BadFinding::Missing("CHECK_ID"))?;
    let status = cell("STATUS").ok_or(BadFinding::Missing("STATUS"))?;
    let said = cell("SEVERITY").ok_or(BadFinding::Missing("SEVERITY"))?;
    let severity = severity_word(said).ok_or(BadFinding::Missing("SEVERITY"))?;
    let owner = told::account(cell("ACCOUNT_UID")).unwrap_or_default();
    let region = cell("REGION").unwrap_or_default();
    let seen = cell("TIMESTAMP").and_then(told::time_of);
    let muted = cell("MUTED").is_some_and(|muted| muted.eq_ignore_ascii_case("true"));
    let name = cell("RESOURCE_UID").or_else(|| cell("RESOURCE_NAME"));
    let raw: Map<String, Value> = columns
        .iter()
        .zip(row)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(column, cell)| (column.clone(), cell.into()))
        .collect();
    let raw = Value::Object(raw);
    let draft = Draft {
        product: PRODUCT,
        original: uid,
        type_name: check,
        title: cell("CHECK_TITLE").unwrap_or(check),
        description: cell("STATUS_EXTENDED").or_else(|| cell("DESCRIPTION")).unwrap_or_default(),
        severity,
        severity_said: said.to_owned(),
        account: owner,
        region,
        resources: name.map(|name| keys::of_typed(name, None, owner, region)).into_iter().collect(),
        first_us: seen,
        last_us: seen,
        updated_us: seen,
        state: match status {
            "PASS" => ImportedState::Resolved,
            _ if muted => ImportedState::Suppressed,
            _ => ImportedState::Active,
        },
        raw: &raw,
    };
    let requirements = cell("COMPLIANCE").into_iter().flat_map(|all| all.split(" | "));
    Ok(Imported {
        requirements: requirements.take(200).map(str::trim).map(str::to_owned).collect(),
        remedy: told::remedy(
            cell("REMEDIATION_RECOMMENDATION_TEXT"),
            cell("REMEDIATION_RECOMMENDATION_URL"),
        ),
        ..draft.finish()
    })
}
