//! Findings as one SARIF log: a rule per content, a result per finding, as the scan's writer says
//! them, and beside it where the finding stands. Results are written as they come; the rules, of
//! which there are few, after them.
//! Source: as in `sarif.rs` of this crate.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use yagura_model::escape_unsafe;
use yagura_model::finding::{Finding, FindingKind, FindingState};

use super::export::{Shared, own, verdict_of};
use crate::clean::clean;
use crate::error::ReportError;
use crate::sarif::{SCHEMA, result, rule};

/// A log under way.
pub(super) struct Log {
    rules: Vec<Value>,
    index: BTreeMap<String, usize>,
    begun: bool,
}

impl Log {
    pub(super) fn begin(out: &mut dyn Write) -> Result<Self, ReportError> {
        let schema = serde_json::to_string(SCHEMA)?;
        write!(out, "{{\"$schema\":{schema},\"version\":\"2.1.0\",\"runs\":[{{\"results\":[")?;
        Ok(Self { rules: Vec::new(), index: BTreeMap::new(), begun: false })
    }

    pub(super) fn finding(
        &mut self,
        finding: &Finding,
        shared: &Shared<'_>,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let seen = &finding.observation;
        let verdict = verdict_of(finding);
        let title = clean(seen.title.get(shared.context.lang)).into_owned();
        let named = seen.kind != FindingKind::Control && !title.trim().is_empty();
        let at = match self.index.get(&seen.content) {
            Some(at) => *at,
            None => {
                let mut rule = rule(&shared.report, &verdict);
                if let Some(members) = rule.as_object_mut().filter(|_| named) {
                    members.insert("shortDescription".to_owned(), json!({"text": title}));
                }
                self.rules.push(rule);
                self.index.insert(seen.content.clone(), self.rules.len() - 1);
                self.rules.len() - 1
            }
        };
        let mut result = result(&shared.report, &verdict, Some(at));
        if let Some(members) = result.as_object_mut() {
            members.insert(
                "partialFingerprints".to_owned(),
                json!({"yaguraFindingId/v1": finding.id}),
            );
            if named {
                members.insert("message".to_owned(), json!({"text": title}));
            }
            // SARIF: a result that was there before and is no more.
            if finding.state == FindingState::Resolved {
                members.insert("baselineState".to_owned(), "absent".into());
            }
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                properties.insert("yagura".to_owned(), Value::Object(own(finding)));
            }
        }
        let comma = if self.begun { "," } else { "" };
        self.begun = true;
        let text = serde_json::to_string(&result)?;
        write!(out, "{comma}\n{}", escape_unsafe(&text))?;
        Ok(())
    }

    pub(super) fn end(self, shared: &Shared<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
        let at = shared.context.at.to_string();
        let driver = json!({
            "name": "Yagura",
            "version": shared.context.version,
            "language": shared.context.lang.code(),
            "rules": self.rules,
        });
        let invocation = json!({"executionSuccessful": true, "endTimeUtc": at});
        let text = serde_json::to_string(&json!({"driver": driver}))?;
        let tool = escape_unsafe(&text);
        write!(out, "\n],\"tool\":{tool},\"invocations\":[{invocation}],")?;
        writeln!(out, "\"columnKind\":\"unicodeCodePoints\"}}]}}")?;
        Ok(())
    }
}
