//! The verdicts as the page's script reads them: each text once, each verdict a short row.
//! The prose of controls is not here: it stands on the page, and rows link to it.

use std::collections::HashMap;

use serde_json::{Value, json};
use yagura_model::{Severity, Verdict};

use super::Both;
use crate::clean::clean;
use crate::error::ReportError;
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, resource_name, worst_first};

/// Characters of evidence in one row.
const EVIDENCE_CHARS_MAX: usize = 240;

/// Texts that occur in many rows, each kept once and named by its place.
#[derive(Default)]
struct Texts {
    places: HashMap<String, usize>,
    texts: Vec<Value>,
}

impl Texts {
    fn place(&mut self, identity: &str, text: impl FnOnce() -> Value) -> usize {
        if let Some(place) = self.places.get(identity) {
            return *place;
        }
        let place = self.texts.len();
        self.places.insert(identity.to_owned(), place);
        self.texts.push(text());
        place
    }
}

/// The rows and their texts as a JSON document that is safe inside a `script` element.
pub(super) fn json(report: &ScanReport<'_>) -> Result<String, ReportError> {
    let mut verdicts: Vec<&Verdict> = report.verdicts.iter().collect();
    verdicts.sort_by(|a, b| worst_first(a, b));
    let mut controls = Texts::default();
    let mut accounts = Texts::default();
    let mut regions = Texts::default();
    let mut types = Texts::default();
    let mut whys = Texts::default();
    let rows: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            let standing = Standing::of(verdict);
            let control = controls.place(&verdict.control, || control(report, verdict));
            let account = accounts.place(&verdict.account, || {
                json!([clean(&verdict.account), report.scan.account_name(&verdict.account)])
            });
            let region = regions.place(&verdict.region, || json!(clean(&verdict.region)));
            let kind = types.place(&verdict.type_name, || json!(clean(&verdict.type_name)));
            let why = match standing {
                Standing::Unknown => {
                    let why = Both::of(|words| phrases::why_verdict_unknown(words, verdict));
                    json!(whys.place(&why.en, || json!([why.en, why.ja])))
                }
                _ => json!(phrases::evidence(verdict, EVIDENCE_CHARS_MAX)),
            };
            let severity = Severity::ALL.iter().position(|s| *s == verdict.severity);
            let standing = Standing::ALL.iter().position(|s| *s == standing);
            let name = resource_name(verdict);
            let key = clean(&verdict.key);
            // Most names are the end of their key.
            let name =
                if key.ends_with(&*name) { json!(name.chars().count()) } else { json!(name) };
            json!([control, standing, severity, account, region, kind, key, name, why])
        })
        .collect();
    let severities = Severity::ALL.map(|severity| {
        let word = Both::of(|words| phrases::severity(words, severity).to_owned());
        json!([severity.as_str(), word.en, word.ja])
    });
    let standings = Standing::ALL.map(|standing| {
        let word = Both::of(|words| phrases::standing(words, standing).to_owned());
        json!([standing.as_str(), word.en, word.ja])
    });
    let data = json!({
        "controls": controls.texts,
        "accounts": accounts.texts,
        "regions": regions.texts,
        "types": types.texts,
        "whys": whys.texts,
        "severities": severities,
        "standings": standings,
        "rows": rows,
    });
    Ok(script_safe(&serde_json::to_string(&data)?))
}

fn control(report: &ScanReport<'_>, verdict: &Verdict) -> Value {
    let title = |lang| clean(report.catalog.title(&verdict.control, lang));
    json!([clean(&verdict.control), title(yagura_model::Lang::En), title(yagura_model::Lang::Ja)])
}

/// JSON in which no character can end the element or open a comment. They occur only inside
/// strings, where an escape means the same.
fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    safe
}
