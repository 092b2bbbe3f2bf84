//! Tests: lines of text: headers, quotes, brackets, continuation, syslog.

use serde_json::json;

use super::*;

fn field(got: &Run, place: usize, name: &str) -> Option<serde_json::Value> {
    got.json()[place].get(name).cloned()
}

#[test]
fn vpc_flow_fields_follow_the_header_of_the_file() {
    let text =
        "account-id action srcaddr vpc-id\n111122223333 REJECT 10.0.0.1 vpc-1\n- ACCEPT - -\n";
    let got = run("vpc_flow", ANY_KEY, text.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(
        got.json()[0],
        json!({"account-id":"111122223333","action":"REJECT","srcaddr":"10.0.0.1","vpc-id":"vpc-1"})
    );
    assert_eq!(field(&got, 1, "srcaddr"), Some(json!(null)));
    assert_eq!(got.raws()[0], "111122223333 REJECT 10.0.0.1 vpc-1");
}

#[test]
fn a_file_put_together_has_its_header_more_than_once() {
    let part = "version account-id action\n2 1 ACCEPT\n";
    let got = run("vpc_flow", ANY_KEY, &[gzip(part.as_bytes()), gzip(part.as_bytes())].concat());
    assert_eq!(got.raws(), ["2 1 ACCEPT", "2 1 ACCEPT"]);
    let other = "action version\nREJECT 2\n";
    let got = run("vpc_flow", ANY_KEY, format!("{part}{other}").as_bytes());
    assert_eq!(field(&got, 1, "action"), Some(json!("REJECT")));
}

#[test]
fn without_a_header_the_default_fields_hold() {
    let line = "2 111122223333 eni-1 10.0.0.1 10.0.0.2 443 5000 6 1 40 1 2 ACCEPT OK";
    let got = run("vpc_flow", ANY_KEY, line.as_bytes());
    assert_eq!(field(&got, 0, "log-status"), Some(json!("OK")));
    assert_eq!(got.json()[0].as_object().unwrap().len(), 14);
}

const S3: &str = r#"79a5 amzn-s3-demo [06/Feb/2026:00:00:38 +0000] 192.0.2.3 79a5 3E57 REST.GET.OBJECT a/b.txt "GET /a/b.txt HTTP/1.1" 200 - 113 113 7 5 "-" "UA" - host= SigV4 TLS_AES AuthHeader amzn-s3-demo.s3.amazonaws.com TLSv1.3 - -"#;

#[test]
fn s3_access_lines_keep_quotes_within_quotes() {
    let usual = S3.replace("UA", "S3Console/0.4");
    let forged = S3.replace("UA", r#"a" "b"#);
    let inner = S3.replace("UA", r#"say "hi" (x)"#);
    let got = run("s3_access", ANY_KEY, format!("{usual}\n{forged}\n{inner}\n").as_bytes());
    assert_eq!(got.bad, []);
    let agents: Vec<_> = (0..3).map(|place| field(&got, place, "user_agent").unwrap()).collect();
    assert_eq!(agents, [json!("S3Console/0.4"), json!(r#"a" "b"#), json!(r#"say "hi" (x)"#)]);
    for place in 0..3 {
        assert_eq!(field(&got, place, "time"), Some(json!("06/Feb/2026:00:00:38 +0000")));
        assert_eq!(field(&got, place, "host_id"), Some(json!("host=")));
        assert_eq!(field(&got, place, "tls_version"), Some(json!("TLSv1.3")));
        assert_eq!(field(&got, place, "referer"), Some(json!(null)));
    }
}

#[test]
fn older_and_newer_lines_have_fewer_and_more_fields() {
    let words: Vec<&str> = S3.split(' ').collect();
    let older = words[..words.len() - 6].join(" ");
    let got = run("s3_access", ANY_KEY, older.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(field(&got, 0, "auth_type"), None);
    let newer = format!("{S3} us-east-1 something-new");
    let got = run("s3_access", ANY_KEY, newer.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(got.raws(), [newer]);
    assert_eq!(field(&got, 0, "user_agent"), Some(json!("UA")));
    let broken = "79a5 amzn-s3-demo [06/Feb/2026:00:00:38 +0000] 192.0.2.3";
    let got = run("s3_access", ANY_KEY, format!("{S3}\n{broken}\n{S3}").as_bytes());
    assert_eq!(got.raws().len(), 2);
    assert_eq!(got.reasons(), [BadReason::MalformedLine]);
    assert_eq!(got.bad[0].offset, S3.len() as u64 + 1);
}

#[test]
fn cloudfront_fields_follow_the_directive() {
    let text = "#Version: 1.0\n#Fields: date time cs-method cs(User-Agent)\n\
                2026-11-21\t05:00:00\tGET\tcurl%2F8\n";
    let got = run("cloudfront", ANY_KEY, text.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(
        got.json(),
        [
            json!({"date":"2026-11-21","time":"05:00:00","cs-method":"GET","cs(User-Agent)":"curl%2F8"})
        ]
    );
}

#[test]
fn lines_before_any_header_are_told() {
    let source = source("cloudfront");
    let yagura_content::format::RecordFormat::Delimited(format) = source
        .formats
        .iter()
        .find(|format| matches!(format, yagura_content::format::RecordFormat::Delimited(_)))
        .unwrap()
    else {
        panic!("cloudfront has a delimited format")
    };
    let nameless = yagura_content::format::Delimited { columns: Vec::new(), ..format.clone() };
    let mut reader = super::super::delimited::DelimitedReader::new(&nameless, Vec::new());
    let (limits, mut bad) = (Limits::default(), Vec::new());
    let mut sink = |decoded| {
        bad.push(decoded);
        ControlFlow::Continue(())
    };
    let mut out = super::super::output::Output::new(std::sync::Arc::default(), &limits, &mut sink);
    assert!(reader.line("2026-11-21\t05:00:00", 7, &mut out).is_ok());
    let [Decoded::Bad(piece)] = bad.as_slice() else { panic!("{bad:?}") };
    assert_eq!((piece.reason, piece.offset), (BadReason::MissingHeader, 7));
}

#[test]
fn invalid_utf8_spoils_only_its_line() {
    let text =
        [b"2 1 \xff\n".as_slice(), b"2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK\n"];
    let got = run("vpc_flow", ANY_KEY, &text.concat());
    assert_eq!(got.raws().len(), 1);
    assert_eq!(got.reasons(), [BadReason::InvalidUtf8]);
}

#[test]
fn a_line_beyond_the_limit_is_set_aside_whole() {
    let limits = Limits { record_bytes_max: 1000, chunk_bytes: 256, ..Limits::default() };
    let good = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK";
    let text = format!("{good}\n{}\n{good}\n", "x".repeat(100_000));
    let got = run_with("vpc_flow", ANY_KEY, text.as_bytes(), &limits);
    assert_eq!(got.raws(), [good, good]);
    assert_eq!(got.reasons(), [BadReason::RecordTooLarge]);
    assert_eq!(got.bad[0].length, 100_000);
}

#[test]
fn a_line_that_compression_cut_is_not_a_record() {
    let line = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK\n";
    let bytes = gzip(line.repeat(50).as_bytes());
    let got = run("vpc_flow", ANY_KEY, &bytes[..bytes.len() - 12]);
    assert!(got.reasons().contains(&BadReason::TruncatedCompression));
    assert!(got.raws().iter().all(|raw| *raw == line.trim_end()));
}

#[test]
fn audit_lines_of_databases_unescape_their_statements() {
    let line = r#"1795237200123456,db-1,admin,10.0.0.5,7,42,QUERY,app,'select \'a\', b',0"#;
    let got = run("rds_audit", ANY_KEY, line.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(field(&got, 0, "object"), Some(json!("select 'a', b")));
    assert_eq!(field(&got, 0, "retcode"), Some(json!("0")));
}

#[test]
fn lines_that_do_not_begin_a_record_go_on_with_the_one_before() {
    let first = "2026-11-21 05:00:00 UTC:10.0.0.5(5000):app@shop:[77]:LOG:  statement: select 1";
    let second = "2026-11-21 05:00:01 UTC:10.0.0.5(5000):app@shop:[77]:ERROR:  no";
    let text = format!("stray\n{first}\n\tfrom x\n\n where y\n{second}\n");
    let got = run("postgresql", ANY_KEY, text.as_bytes());
    assert_eq!(got.reasons(), [BadReason::MalformedLine]);
    assert_eq!(got.raws(), [format!("{first}\n\tfrom x\n\n where y"), second.to_owned()]);
    assert_eq!(field(&got, 0, "message"), Some(json!("statement: select 1\n\tfrom x\n\n where y")));
    assert_eq!(field(&got, 1, "level"), Some(json!("ERROR")));
}

const RFC5424: &str = "<165>1 2026-11-21T05:01:12.003Z host-1 su 77 ID47 \
                       [example@32473 iut=\"3\" text=\"a \\\"b\\\" \\]\"][x@1] it failed";

#[test]
fn syslog_messages_are_taken_apart() {
    let got = run("syslog", ANY_KEY, RFC5424.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(
        got.json(),
        [json!({
            "facility": "20", "severity": "5", "timestamp": "2026-11-21T05:01:12.003Z",
            "hostname": "host-1", "app_name": "su", "proc_id": "77", "msg_id": "ID47",
            "structured_data": {"example@32473": {"iut": "3", "text": "a \"b\" ]"}, "x@1": {}},
            "message": "it failed",
        })]
    );
    let older = "<34>Oct 11 22:14:15 host-2 sshd[811]: Accepted key for root";
    let got = run("syslog", ANY_KEY, older.as_bytes());
    assert_eq!(field(&got, 0, "app_name"), Some(json!("sshd")));
    assert_eq!(field(&got, 0, "proc_id"), Some(json!("811")));
    assert_eq!(field(&got, 0, "message"), Some(json!("Accepted key for root")));
    let file = "2026-11-21T05:01:12.5+09:00 host-3 kernel: up";
    let got = run("syslog", ANY_KEY, file.as_bytes());
    assert_eq!(field(&got, 0, "hostname"), Some(json!("host-3")));
    assert_eq!(field(&got, 0, "severity"), None);
}

#[test]
fn counted_frames_and_lines_may_alternate() {
    let multi = RFC5424.replace("it failed", "it\nfailed");
    let text = format!("{} {multi}{RFC5424}\n{} {RFC5424}", multi.len(), RFC5424.len());
    let got = run("syslog", ANY_KEY, text.as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(got.raws(), [&*multi, RFC5424, RFC5424]);
    let cut = run("syslog", ANY_KEY, format!("{} {RFC5424}", RFC5424.len() + 5).as_bytes());
    assert_eq!(cut.reasons(), [BadReason::TruncatedRecord]);
}

#[test]
fn what_is_not_syslog_is_told() {
    for text in ["no time here", "<165>1 2026-11-21T05:01:12Z host", "<1>1 - - - - - [x"] {
        let got = run("syslog", ANY_KEY, format!("{RFC5424}\n{text}\n").as_bytes());
        assert_eq!(got.raws().len(), 1, "{text}");
        assert_eq!(got.reasons(), [BadReason::MalformedSyslog], "{text}");
    }
}

#[test]
fn application_logs_are_json_lines() {
    let text = "{\"level\":\"info\",\"a\":1}\n{\"level\":\"warn\"}\n";
    assert_eq!(run("json_lines", ANY_KEY, text.as_bytes()).raws().len(), 2);
}
