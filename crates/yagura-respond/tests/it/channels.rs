//! Channels against real servers on loopback: what arrives, what is made of every kind of answer, and
//! that hostile names stay text.

use serde_json::json;
use yagura_content::Content;
use yagura_content::format::Judged;
use yagura_model::Severity;
use yagura_model::finding::Scope;
use yagura_respond::channels::cases;
use yagura_respond::outbox;
use yagura_store::outbox::DeliveryFilter;

use crate::mail_server::MailServer;
use crate::receiver::{Behavior, Receiver, ok, status};
use crate::site::Site;

#[test]
fn the_cases_of_every_channel_come_out_as_they_say() {
    let content = Content::builtin();
    let runs = cases::run(content, &|_| true);
    let failed: Vec<String> = runs
        .iter()
        .filter_map(|run| Some(format!("{} {}: {}", run.channel, run.case, run.failure.as_ref()?)))
        .collect();
    assert_eq!(failed, Vec::<String>::new());
    assert!(runs.len() >= 30, "{}", runs.len());
    assert_eq!(content.channels.len(), 8);
}

#[test]
fn built_in_channels_hold_to_the_rules_for_channels() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content");
    let here = std::path::Path::new(folder);
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("channels")).unwrap();
    for entry in std::fs::read_dir(here.join("channels")).unwrap() {
        let path = entry.unwrap().path();
        let to = copy.path().join("channels").join(path.file_name().unwrap());
        std::fs::copy(&path, to).unwrap();
    }
    let problems: Vec<String> =
        Content::from_folder(copy.path()).lint(None).iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
}

fn slack(url: &str) -> String {
    format!(
        "console_url: https://yagura.example.com\n\
         targets:\n  chat:\n    channel: slack_bot\n    settings:\n      \
         {{token: 'env:TOKEN', channel: C1, api_url: '{url}'}}\n\
         routes:\n- {{id: all, targets: [chat]}}\n"
    )
}

const POSTED: &str = r#"{"ok": true, "ts": "1.2"}"#;

#[tokio::test]
async fn every_kind_of_failure_is_tried_again_and_the_message_arrives_once() {
    let receiver = Receiver::start(ok(POSTED)).await;
    let site = Site::with_secrets(&slack(receiver.url()), &[("TOKEN", "xoxb-secret")]).await;
    receiver.then([
        status(500),
        ok(r#"{"ok": false, "error": "internal_error"}"#),
        Behavior::Close,
        Behavior::BreakOff(200, r#"{"ok": tr"#.into()),
        status(302),
    ]);
    site.observe(&[site.seen("reports", Severity::High)]).await;
    assert_eq!(site.both().await.retried, 1);
    for _ in 0..3 {
        assert_eq!(site.deliver().await.retried, 0, "not before its time");
        site.later(600);
        assert_eq!(site.deliver().await.retried, 1);
    }
    // A redirection is neither followed nor success.
    site.later(600);
    let done = site.deliver().await;
    assert_eq!((done.sent, done.dead), (0, 1));
    assert_eq!(receiver.received().len(), 5);
    site.later(2);
    assert_eq!(site.store.outbox().retry_dead(None, site.now()).await.unwrap(), 1);
    assert_eq!(site.deliver().await.sent, 1);
    assert_eq!(site.deliver().await.sent, 0);
    let received = receiver.received();
    assert_eq!(received.len(), 6);
    let last = received.last().unwrap();
    assert_eq!(last.path, "/chat.postMessage");
    assert_eq!(last.header("authorization"), "Bearer xoxb-secret");
    assert!(last.body.contains("reports is public"), "{}", last.body);
    let all = site.store.outbox().deliveries(&DeliveryFilter::default(), 100).await.unwrap();
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|one| !one.detail.contains("xoxb-secret")));
}

#[tokio::test]
async fn a_target_that_asks_to_be_left_alone_is() {
    let receiver = Receiver::start(ok(POSTED)).await;
    let site = Site::with_secrets(&slack(receiver.url()), &[("TOKEN", "t0")]).await;
    let wait = vec![("retry-after", "120".to_owned())];
    receiver.then([Behavior::Answer(429, wait, String::new())]);
    site.observe(&[site.seen("a", Severity::High), site.seen("b", Severity::High)]).await;
    site.both().await;
    site.later(60);
    assert_eq!(site.deliver().await.sent, 0);
    assert_eq!(receiver.received().len(), 1);
    site.later(61);
    let mut sent = site.deliver().await.sent;
    site.later(2);
    sent += site.deliver().await.sent;
    assert_eq!((sent, receiver.received().len()), (2, 3));
}

#[tokio::test]
async fn no_more_is_sent_than_a_target_takes() {
    let receiver = Receiver::start(ok("")).await;
    let routes = format!(
        "targets:\n  hook:\n    channel: webhook\n    rate: 2 per 1m\n    \
         settings: {{url: '{}'}}\nroutes:\n- {{id: all, targets: [hook]}}\n",
        receiver.url()
    );
    let site = Site::new(&routes).await;
    let seen: Vec<_> = (0..5).map(|n| site.seen(&format!("b{n}"), Severity::High)).collect();
    site.observe(&seen).await;
    assert_eq!(site.both().await.sent, 2);
    assert_eq!(site.deliver().await.sent, 0);
    site.later(30);
    assert_eq!(site.deliver().await.sent, 1);
    site.later(60);
    assert_eq!(site.deliver().await.sent, 2);
}

#[tokio::test]
async fn what_happens_later_is_told_in_the_same_thread() {
    let receiver = Receiver::start(ok(POSTED)).await;
    let site = Site::with_secrets(&slack(receiver.url()), &[("TOKEN", "t0")]).await;
    let seen = site.seen("reports", Severity::High);
    site.observe(std::slice::from_ref(&seen)).await;
    site.both().await;
    site.later(60);
    site.resolve(&seen).await;
    assert_eq!(site.both().await.sent, 1);
    let received = receiver.received();
    assert_eq!(received[0].json().get("thread_ts"), None);
    assert_eq!(received[1].json()["thread_ts"], json!("1.2"));
}

fn backlog(url: &str) -> String {
    format!(
        "targets:\n  tickets:\n    channel: backlog\n    language: ja\n    settings:\n      \
         {{url: '{url}', api_key: 'env:KEY', project_id: '1', issue_type_id: '2'}}\n\
         routes:\n- {{id: all, targets: [tickets]}}\n"
    )
}

#[tokio::test]
async fn a_ticket_is_opened_linked_and_closed_with_its_finding() {
    let receiver = Receiver::start(ok(r#"{"issueKey": "SEC-7"}"#)).await;
    let site = Site::with_secrets(&backlog(receiver.url()), &[("KEY", "k0")]).await;
    let seen = site.seen("reports", Severity::High);
    site.observe(std::slice::from_ref(&seen)).await;
    site.both().await;
    let finding = site.store.findings(Scope::All).get(&seen.id()).await.unwrap().unwrap();
    assert_eq!(finding.tickets.len(), 1);
    assert_eq!(finding.tickets[0].key, "SEC-7");
    assert_eq!(finding.tickets[0].url, format!("{}/view/SEC-7", receiver.url()));
    site.later(60);
    site.resolve(&seen).await;
    site.both().await;
    let received = receiver.received();
    let calls: Vec<(&str, &str)> =
        received.iter().map(|one| (one.method.as_str(), one.path.as_str())).collect();
    assert_eq!(
        calls,
        [("POST", "/api/v2/issues?apiKey=k0"), ("PATCH", "/api/v2/issues/SEC-7?apiKey=k0")]
    );
    assert!(received[1].body.contains("statusId=4"), "{}", received[1].body);
}

#[tokio::test]
async fn a_ticket_whose_answer_was_lost_is_found_and_not_opened_twice() {
    let receiver = Receiver::start(ok(r#"[{"issueKey": "SEC-7"}]"#)).await;
    let site = Site::with_secrets(&backlog(receiver.url()), &[("KEY", "k0")]).await;
    receiver.then([Behavior::Close]);
    site.observe(&[site.seen("reports", Severity::High)]).await;
    assert_eq!(site.both().await.retried, 1);
    site.later(600);
    assert_eq!(site.deliver().await.sent, 1);
    let received = receiver.received();
    let methods: Vec<&str> = received.iter().map(|one| one.method.as_str()).collect();
    assert_eq!(methods, ["POST", "GET"]);
    assert!(received[1].path.contains("keyword=yagura-"), "{}", received[1].path);
}

#[tokio::test]
async fn a_ticket_system_never_hears_of_the_end_of_what_it_never_heard_of() {
    let receiver = Receiver::start(ok(r#"{"issueKey": "SEC-7"}"#)).await;
    let routes = backlog(receiver.url()).replace("id: all,", "id: all, on: [resolved],");
    let site = Site::with_secrets(&routes, &[("KEY", "k0")]).await;
    let seen = site.seen("reports", Severity::High);
    site.observe(std::slice::from_ref(&seen)).await;
    site.later(60);
    site.resolve(&seen).await;
    assert_eq!(site.both().await.skipped, 1);
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn a_webhook_is_signed_over_what_arrives() {
    let receiver = Receiver::start(ok("")).await;
    let routes = format!(
        "targets:\n  hook:\n    channel: webhook\n    settings: {{url: '{}/in', secret: 'env:KEY'}}\n\
         routes:\n- {{id: all, targets: [hook]}}\n",
        receiver.url()
    );
    let site = Site::with_secrets(&routes, &[("KEY", "hunter2-hunter2")]).await;
    site.observe(&[site.seen("reports", Severity::Critical)]).await;
    site.both().await;
    let one = receiver.received().remove(0);
    let signed =
        format!("{}.{}.{}", one.header("webhook-id"), one.header("webhook-timestamp"), one.body);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"hunter2-hunter2");
    use base64::Engine as _;
    let tag =
        base64::engine::general_purpose::STANDARD.encode(ring::hmac::sign(&key, signed.as_bytes()));
    assert_eq!(one.header("webhook-signature"), format!("v1,{tag}"));
    let body = one.json();
    assert_eq!(body["finding"]["key"], json!("arn:aws:s3:::reports"));
    assert_eq!(body["change"]["word"], json!("opened"));
}

#[tokio::test]
async fn a_mail_is_encrypted_and_says_the_same_in_text_and_page() {
    let server = MailServer::start().await;
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), &server.authority_pem).unwrap();
    let routes = format!(
        "targets:\n  mail:\n    channel: email\n    language: ja\n    settings:\n      host: localhost\n      \
         port: '{}'\n      user: u\n      password: env:PASSWORD\n      from: Yagura <yagura@example.com>\n      \
         to: [a@example.com, b@example.com]\n      ca_file: {}\nroutes:\n- {{id: all, targets: [mail]}}\n",
        server.port,
        authority.path().display()
    );
    let site = Site::with_secrets(&routes, &[("PASSWORD", "p0-secret")]).await;
    server.refuse("451 greylisted\r\n");
    let mut seen = site.seen("reports", Severity::High);
    seen.title.ja = "公開バケット\r\nBcc: evil@example.com".into();
    site.observe(&[seen]).await;
    assert_eq!(site.both().await.retried, 1);
    site.later(600);
    assert_eq!(site.deliver().await.sent, 1);
    let mail = server.mails().remove(0);
    assert!(mail.encrypted);
    assert_eq!(mail.to.len(), 2);
    let (head, body) = mail.data.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("\r\nbcc:"), "{head}");
    assert!(head.contains("Subject: =?utf-8?b?"), "{head}");
    assert!(head.is_ascii());
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
    for part in ["text/plain", "text/html", "Content-Transfer-Encoding"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let all = site.store.outbox().deliveries(&DeliveryFilter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(|one| one.status).collect::<Vec<_>>(), [Some(250), Some(451)]);
}

#[tokio::test]
async fn a_mail_server_with_a_certificate_of_nobody_gets_no_mail() {
    let server = MailServer::start().await;
    let routes = format!(
        "targets:\n  mail:\n    channel: email\n    settings: {{host: localhost, port: '{}', \
         from: y@example.com, to: a@example.com}}\nroutes:\n- {{id: all, targets: [mail]}}\n",
        server.port
    );
    let site = Site::new(&routes).await;
    site.observe(&[site.seen("reports", Severity::High)]).await;
    assert_eq!(site.both().await.sent, 0);
    assert_eq!(server.mails().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_gets_json_and_a_file_gets_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, lines) = (folder.path().join("copy"), folder.path().join("lines.jsonl"));
    let routes = format!(
        "targets:\n  run:\n    channel: command\n    settings: {{program: /bin/sh, \
         arguments: ['-c', 'cat > \"$0\"; echo taken', '{}']}}\n  \
         file:\n    channel: file\n    settings: {{path: '{}'}}\n\
         routes:\n- {{id: all, targets: [run, file]}}\n",
        copy.display(),
        lines.display()
    );
    let site = Site::new(&routes).await;
    site.observe(&[site.seen("$(reboot)`x`", Severity::High)]).await;
    assert_eq!(site.both().await.sent, 2);
    for path in [copy, lines] {
        let text = std::fs::read_to_string(path).unwrap();
        let value: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(value["finding"]["key"], json!("arn:aws:s3:::$(reboot)`x`"));
    }
}

#[tokio::test]
async fn a_try_says_what_the_target_answers_and_is_on_record() {
    let receiver = Receiver::start(ok(POSTED)).await;
    let site = Site::with_secrets(&slack(receiver.url()), &[("TOKEN", "t0")]).await;
    let (name, target) = site.content.site.routes.targets.0[0].clone();
    let clock = || site.now();
    let sent = outbox::test(&site.store, &site.channels(), &name, &target, &clock).await.unwrap();
    assert_eq!(sent.judged, Judged::Accepted);
    assert!(receiver.received()[0].body.contains("Test message"));
    let all = site.store.outbox().deliveries(&DeliveryFilter::default(), 10).await.unwrap();
    assert_eq!((all.len(), all[0].outcome.as_str()), (1, "delivered"));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_told_by_its_name_only() {
    let receiver = Receiver::start(ok(POSTED)).await;
    let site = Site::new(&slack(receiver.url())).await;
    site.observe(&[site.seen("reports", Severity::High)]).await;
    assert_eq!(site.both().await.retried, 1);
    let all = site.store.outbox().deliveries(&DeliveryFilter::default(), 10).await.unwrap();
    assert!(all[0].detail.contains("env:TOKEN"), "{}", all[0].detail);
    assert_eq!(receiver.received().len(), 0);
}
