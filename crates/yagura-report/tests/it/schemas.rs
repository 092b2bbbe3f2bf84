//! OCSF, ASFF and SARIF against the parts of their schemas that we use (`schemas/`, each naming
//! its source), and that the schemas refuse what they should.
//! What the files look like is in `formats.rs`.

use serde_json::{Value, json};
use yagura_model::{Lang, VerdictStatus};
use yagura_report::Format;

use crate::fixture::Fixture;

pub(crate) const OCSF: &str = include_str!("schemas/ocsf_compliance_finding.json");
pub(crate) const ASFF: &str = include_str!("schemas/asff.json");
pub(crate) const SARIF: &str = include_str!("schemas/sarif.json");

fn errors(schema: &str, document: &Value) -> Vec<String> {
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let path = |error: &jsonschema::ValidationError<'_>| error.instance_path().to_string();
    validator.iter_errors(document).map(|error| format!("{}: {error}", path(&error))).collect()
}

pub(crate) fn check(schema: &str, document: &Value) {
    let errors = errors(schema, document);
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

/// The fixture with everything at its longest.
fn long() -> Fixture {
    let mut fixture = Fixture::new();
    for control in fixture.catalog.controls.values_mut() {
        control.title.en = "長い title ".repeat(60);
        control.why.en = "why ".repeat(900);
        control.fix.cli = "aws command \\\n".repeat(200);
        control.maps.insert("cis_5_0".to_owned(), (0..60).map(|n| format!("1.{n}")).collect());
    }
    for verdict in &mut fixture.verdicts {
        verdict.evidence = vec![("p".repeat(500), json!("v".repeat(9000)))];
        verdict.name.clear();
        if let Some(exception) = &mut verdict.exception {
            exception.reason = "reason ".repeat(300);
        }
    }
    fixture
}

/// The fixture with everything at its shortest.
fn short() -> Fixture {
    let mut fixture = Fixture::new();
    for control in fixture.catalog.controls.values_mut() {
        control.why.en.clear();
        control.fix = yagura_report::FixEntry::default();
        control.maps.clear();
        control.references.clear();
    }
    for verdict in &mut fixture.verdicts {
        verdict.evidence.clear();
        verdict.unread.clear();
    }
    fixture
}

fn lines(fixture: &Fixture, format: Format, lang: Lang) -> Vec<Value> {
    let text = fixture.written(format, lang);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_ocsf_event_is_valid() {
    for fixture in [Fixture::new(), long(), short()] {
        for lang in Lang::ALL {
            let events = lines(&fixture, Format::Ocsf, lang);
            assert_eq!(events.len(), fixture.verdicts.len());
            for event in events {
                check(OCSF, &event);
            }
        }
    }
}

#[test]
fn every_import_request_is_valid() {
    for fixture in [Fixture::new(), long(), short()] {
        for lang in Lang::ALL {
            for request in lines(&fixture, Format::Asff, lang) {
                check(ASFF, &request);
                for finding in request["Findings"].as_array().unwrap() {
                    // Security Hub refuses a finding above 240 KB.
                    assert!(finding.to_string().len() < 240_000);
                }
            }
        }
    }
}

#[test]
fn every_sarif_log_is_valid() {
    for fixture in [Fixture::new(), long(), short()] {
        for lang in Lang::ALL {
            let log: Value = serde_json::from_str(&fixture.written(Format::Sarif, lang)).unwrap();
            check(SARIF, &log);
            let run = &log["runs"][0];
            let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
            for result in run["results"].as_array().unwrap() {
                let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
                assert_eq!(rule["id"], result["ruleId"]);
            }
        }
    }
}

#[test]
fn unknown_is_never_told_as_pass_or_fail() {
    let mut fixture = Fixture::new();
    fixture.verdicts.retain(|verdict| verdict.status == VerdictStatus::Unknown);
    for event in lines(&fixture, Format::Ocsf, Lang::En) {
        assert_eq!(event["compliance"]["status_id"], 0);
        assert_eq!(event["status_id"], 0);
        assert!(!event["compliance"]["status_detail"].as_str().unwrap().is_empty());
    }
    for request in lines(&fixture, Format::Asff, Lang::En) {
        for finding in request["Findings"].as_array().unwrap() {
            assert_eq!(finding["Compliance"]["Status"], "NOT_AVAILABLE");
            assert!(finding["Compliance"]["StatusReasons"][0]["Description"].is_string());
        }
    }
    let log: Value = serde_json::from_str(&fixture.written(Format::Sarif, Lang::En)).unwrap();
    for result in log["runs"][0]["results"].as_array().unwrap() {
        assert_eq!((&result["kind"], &result["level"]), (&json!("open"), &json!("none")));
    }
    let junit = fixture.written(Format::Junit, Lang::En);
    assert_eq!(junit.matches("<error ").count(), 2);
    assert!(!junit.contains("<skipped") && junit.contains("failures=\"0\" errors=\"2\""));
}

#[test]
fn an_accepted_failure_stays_a_failure_and_is_suppressed() {
    let mut fixture = Fixture::new();
    fixture.verdicts.retain(|verdict| verdict.exception.is_some());
    let event = &lines(&fixture, Format::Ocsf, Lang::En)[0];
    assert_eq!((&event["compliance"]["status_id"], &event["status_id"]), (&json!(3), &json!(3)));
    let finding = &lines(&fixture, Format::Asff, Lang::En)[0]["Findings"][0];
    assert_eq!(finding["Compliance"]["Status"], "FAILED");
    assert_eq!(finding["Workflow"]["Status"], "SUPPRESSED");
    let log: Value = serde_json::from_str(&fixture.written(Format::Sarif, Lang::En)).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["suppressions"][0]["status"], "accepted");
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let refuse = |schema: &str, document: &Value, pointer: &str, value: Value| {
        let mut wrong = document.clone();
        *wrong.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        assert!(!errors(schema, &wrong).is_empty(), "{pointer} was accepted");
    };
    let fixture = Fixture::new();
    let event = &lines(&fixture, Format::Ocsf, Lang::En)[0];
    for (pointer, value) in [
        ("/class_uid", json!(2004)),
        ("/severity_id", json!("High")),
        ("/time", json!(1_795_255_242)),
        ("/compliance/standards", json!([])),
        ("/metadata", json!({"version": "1.5.0"})),
        ("/resources/0", json!({"id": "x"})),
    ] {
        refuse(OCSF, event, pointer, value);
    }
    let request = &lines(&fixture, Format::Asff, Lang::En)[0];
    for (pointer, value) in [
        ("/Findings", json!([])),
        ("/Findings/0/Title", json!("x".repeat(257))),
        ("/Findings/0/Description", json!(" ")),
        ("/Findings/0/Compliance/Status", json!("UNKNOWN")),
        ("/Findings/0/ProductArn", json!("arn:aws:s3:::x")),
        ("/Findings/0/Resources", json!([{"Id": "x"}])),
    ] {
        refuse(ASFF, request, pointer, value);
    }
    let log: Value = serde_json::from_str(&fixture.written(Format::Sarif, Lang::En)).unwrap();
    for (pointer, value) in [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/kind", json!("unknown")),
        ("/runs/0/results/0/message", json!({})),
        ("/runs/0/tool", json!({})),
    ] {
        refuse(SARIF, &log, pointer, value);
    }
}
