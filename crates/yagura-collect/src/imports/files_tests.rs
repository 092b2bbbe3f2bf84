//! Files of findings: every format is known by itself, and bad input is told and never fatal.
//! Products read through the API are tested in `tests.rs`.

use std::io::Write as _;

use serde_json::json;
use yagura_model::Severity;
use yagura_model::imported::ImportedState;

use super::*;

/// 2026-11-22T00:00:00Z.
const NOW_US: i64 = 1_795_305_600_000_000;

const PROWLER_CSV: &str = "AUTH_METHOD;TIMESTAMP;ACCOUNT_UID;FINDING_UID;PROVIDER;CHECK_ID;\
    CHECK_TITLE;STATUS;STATUS_EXTENDED;MUTED;SEVERITY;RESOURCE_UID;RESOURCE_NAME;REGION;\
    COMPLIANCE;REMEDIATION_RECOMMENDATION_TEXT;REMEDIATION_RECOMMENDATION_URL\n\
    profile;2026-11-21 10:00:00;111122223333;prowler-aws-s3_bucket_public-1;aws;\
    s3_bucket_public;Bucket is public;FAIL;Bucket site is public.;False;critical;\
    arn:aws:s3:::site;site;eu-west-1;CIS-5.0: 2.1.4 | ISO27001: A.5;Close it.;https://example.com\n\
    profile;2026-11-21 10:00:00;111122223333;prowler-aws-s3_bucket_public-2;aws;\
    s3_bucket_public;Bucket is public;PASS;Fine.;False;critical;arn:aws:s3:::ok;ok;eu-west-1;;;\n\
    profile;2026-11-21 10:00:00;111122223333;;aws;s3;;FAIL;;False;low;;;;;;\n";

fn read(bytes: &[u8]) -> (FileRead, Vec<Imported>) {
    let mut findings = Vec::new();
    let read = read_file(Box::new(bytes), "findings", NOW_US, &mut |finding| {
        findings.push(finding);
        ControlFlow::Continue(())
    });
    (read.unwrap(), findings)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn prowler_ocsf(uid: &str, status: &str) -> Value {
    json!({
        "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2,
        "activity_id": 1, "type_uid": 200_401, "time": 1_795_255_200,
        "severity_id": 5, "severity": "Critical", "status_id": 1, "status": "New",
        "status_code": status, "status_detail": "Bucket site is public.",
        "message": "Bucket site is public.",
        "metadata": {"event_code": "s3_bucket_public", "version": "1.5.0",
            "product": {"name": "Prowler", "vendor_name": "Prowler", "version": "5.14.0"}},
        "finding_info": {"uid": uid, "title": "Bucket is public", "desc": "Public.",
            "created_time": 1_795_255_200},
        "cloud": {"provider": "aws", "region": "eu-west-1",
            "account": {"uid": "111122223333", "type_id": 10}},
        "resources": [{"uid": "arn:aws:s3:::site", "name": "site", "type": "AwsS3Bucket"}],
        "remediation": {"desc": "Close it.", "references": ["https://example.com"]},
        "unmapped": {"compliance": {"CIS-5.0": ["2.1.4"]}},
    })
}

#[test]
fn prowler_says_the_same_in_both_of_its_formats() {
    let (csv, of_csv) = read(PROWLER_CSV.as_bytes());
    assert_eq!(csv.formats, [FileFormat::ProwlerCsv]);
    assert_eq!((csv.findings, csv.bad), (2, 1));
    assert_eq!(csv.bad_told, [("3".to_owned(), BadFinding::Missing("FINDING_UID"))]);
    let list = json!([
        prowler_ocsf("prowler-aws-s3_bucket_public-1", "FAIL"),
        prowler_ocsf("prowler-aws-s3_bucket_public-2", "PASS"),
    ]);
    let (ocsf, of_ocsf) = read(list.to_string().as_bytes());
    assert_eq!(ocsf.formats, [FileFormat::Ocsf]);
    for (csv, ocsf) in of_csv.iter().zip(&of_ocsf) {
        assert_eq!(csv.original_hash(), ocsf.original_hash());
        assert_eq!(csv.content(), ocsf.content());
        assert_eq!(csv.severity, Severity::Critical);
        assert_eq!(csv.state, ocsf.state);
    }
    assert_eq!(of_csv[0].resources[0].key, of_ocsf[0].resources[0].key);
    assert_eq!(of_csv[0].state, ImportedState::Active);
    assert_eq!(of_csv[1].state, ImportedState::Resolved, "what passes is over");
    assert_eq!(of_csv[0].requirements, ["CIS-5.0: 2.1.4", "ISO27001: A.5"]);
}

#[test]
fn a_list_lines_and_wrappers_are_one_and_the_same() {
    let one = prowler_ocsf("a", "FAIL");
    let two = prowler_ocsf("b", "FAIL");
    let asff: Value = serde_json::from_str(include_str!("answers/securityhub.json")).unwrap();
    let asff = &asff["securityhub:GetFindings"];
    let event = json!({"detail-type": "Security Hub Findings - Imported", "source":
        "aws.securityhub", "detail": asff.get("Findings").map(|all| json!({"findings": all}))});
    let check = |text: String, format: FileFormat, count: usize| {
        for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
            let (read, findings) = read(&bytes);
            assert_eq!((read.bad, &*read.formats), (0, &[format][..]), "{:?}", read.bad_told);
            assert_eq!(findings.len(), count);
        }
    };
    check(json!([one, two]).to_string(), FileFormat::Ocsf, 2);
    check(format!("{one}\n{two}\n"), FileFormat::Ocsf, 2);
    check(asff.to_string(), FileFormat::Asff, 3);
    check(asff["Findings"].to_string(), FileFormat::Asff, 3);
    check(event.to_string(), FileFormat::Asff, 3);
}

#[test]
fn results_of_sarif_are_findings_of_their_tool() {
    let log = json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "Template Scanner", "rules": [
            {"id": "T1", "shortDescription": {"text": "Open to all"},
             "helpUri": "https://example.com/T1",
             "properties": {"security-severity": "9.1", "tags": ["security", "cis/2.1"]}},
        ]}},
        "results": [
            {"ruleId": "T1", "ruleIndex": 0, "message": {"text": "bucket is open"},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "main.tf"},
                "region": {"startLine": 4}}}]},
            {"ruleId": "T1", "message": {"text": "bucket is open"},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "main.tf"},
                "region": {"startLine": 9}}}], "suppressions": [{"kind": "inSource"}]},
            {"ruleId": "T1", "kind": "pass", "message": {"text": "closed"}},
            {"message": {"text": "no rule"}},
        ],
    }]});
    let (read, findings) = read(log.to_string().as_bytes());
    assert_eq!(read.formats, [FileFormat::Sarif]);
    assert_eq!(read.bad_told, [("run 1, result 4".to_owned(), BadFinding::Missing("ruleId"))]);
    let states: Vec<ImportedState> = findings.iter().map(|one| one.state).collect();
    assert_eq!(states, [ImportedState::Active, ImportedState::Suppressed, ImportedState::Resolved]);
    let first = &findings[0];
    assert_eq!(first.content(), "template-scanner/T1");
    assert_eq!((first.title.as_str(), first.severity), ("Open to all", Severity::Critical));
    assert_eq!((first.resources[0].key.as_str(), first.distinction.as_str()), ("main.tf", "4"));
    assert_eq!(first.last_us, NOW_US, "a log without a time was true when it was read");
    assert_ne!(first.original, findings[1].original, "two places are two findings");
}

#[test]
fn a_damaged_file_gives_what_is_whole_and_tells_the_rest() {
    let lines = format!(
        "{}\n{{\"class_uid\": 2004,\n{}\n",
        prowler_ocsf("a", "FAIL"),
        prowler_ocsf("b", "FAIL")
    );
    let (read_lines, findings) = read(lines.as_bytes());
    assert!(findings.iter().any(|finding| finding.original == "a"));
    assert!(read_lines.bad >= 1);
    let mut cut =
        gzip(json!([prowler_ocsf("a", "FAIL"), prowler_ocsf("b", "FAIL")]).to_string().as_bytes());
    cut.truncate(cut.len() - 40);
    let (read_cut, _) = read(&cut);
    assert!(read_cut.bad >= 1, "a file that breaks off says so");
}

#[test]
fn members_of_other_types_are_no_findings_and_no_panic() {
    let whole = prowler_ocsf("a", "FAIL");
    let wrong = [json!(null), json!(1), json!("x"), json!([]), json!({}), json!(-1e300)];
    let mut count = 0;
    for name in whole.as_object().unwrap().keys() {
        for value in &wrong {
            let mut broken = whole.clone();
            broken[name] = value.clone();
            let (read, findings) = read(json!([broken]).to_string().as_bytes());
            assert_eq!(read.bad + findings.len() as u64, 1, "{name} = {value}");
            count += 1;
        }
    }
    assert!(count > 80);
    let (read, findings) = read(br#"[1, "x", null, {"a": 1}, {"class_uid": 6003}]"#);
    assert_eq!((findings.len(), read.bad), (0, 5), "{:?}", read.bad_told);
}

#[test]
fn what_is_neither_json_nor_prowlers_is_refused() {
    let read = |text: &str| {
        let mut none = |_| ControlFlow::Continue(());
        read_file(Box::new(text.as_bytes()), "f", NOW_US, &mut none).map(|read| read.findings)
    };
    assert!(matches!(read("hello"), Err(FileError::NoFindings { .. })));
    assert!(matches!(read("A;B;C\n1;2;3\n"), Err(FileError::NoFindings { .. })));
    assert_eq!(read("").unwrap(), 0);
}

#[test]
fn whoever_wants_no_more_gets_no_more() {
    let mut count = 0;
    let read = read_file(Box::new(PROWLER_CSV.as_bytes()), "f", NOW_US, &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert!(read.unwrap().stopped);
    assert_eq!(count, 1);
}
