//! Findings end to end: brought up to date by scans and ingestion, worked on by people, in both
//! languages. How folding decides is claimed in `yagura-respond`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::account::{Account, small};
use crate::prepared;
use crate::program::{Home, Ran};

const CONTROLS: &str = "s3.bucket_versioned,s3.bucket_not_publicly_readable,iam.user_mfa_enabled";

/// An account whose leaky bucket gets versions with the second scan, and loses them with the third.
async fn changing() -> Account {
    let mut answers = small();
    let this = || json!({"Bucket": "leaky"});
    answers.to("s3:GetBucketVersioning", this(), json!({"Status": "Enabled"}));
    answers.to("s3:GetBucketVersioning", this(), json!({}));
    Account::of(answers).await
}

async fn scan(home: &Home) -> Ran {
    let ran = home.run(&["scan", "--controls", CONTROLS, "--regions", "us-east-1"]).await;
    assert!(ran.code != 2, "{}", ran.err);
    ran
}

/// What `yagura findings` answers, as a person called sea.
async fn findings(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["findings"], arguments, &["--by", "sea"]].concat()).await
}

/// All findings by content and name.
async fn listed(home: &Home) -> BTreeMap<String, Value> {
    let ran = home.run(&["findings", "list", "--all", "--format", "json", "--limit", "1000"]).await;
    let name = |one: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!("{} {}", text(&one["content"]), text(&one["resource"]["name"]))
    };
    ran.exits(0).records().into_iter().map(|one| (name(&one), one)).collect()
}

fn id(finding: &Value) -> String {
    finding["finding_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn scans_open_close_and_open_again() {
    let account = changing().await;
    let home = Home::before(&account.faults.url());
    let ran = scan(&home).await;
    assert!(ran.err.contains("findings: 3 new, 0 still open, 0 resolved"), "{}", ran.err);
    let ran = scan(&home).await;
    assert!(ran.err.contains("findings: 0 new, 2 still open, 1 resolved"), "{}", ran.err);
    let versioned = "s3.bucket_versioned leaky";
    assert_eq!(listed(&home).await[versioned]["state"], "resolved");
    let ran = scan(&home).await;
    assert!(
        ran.err.contains("findings: 0 new, 1 seen again, 2 still open, 0 resolved"),
        "{}",
        ran.err
    );
    let all = listed(&home).await;
    assert_eq!(all[versioned]["state"], "new");
    assert_eq!(all.len(), 3, "one for each what and where: {:?}", all.keys());
    let versioned = id(&all[versioned]);
    let history = home.run(&["findings", "history", &versioned, "--format", "json"]).await;
    let changes: Vec<Value> = history.records();
    let words: Vec<&str> = changes.iter().map(|one| one["change"].as_str().unwrap()).collect();
    assert_eq!(words, ["opened", "resolved", "reopened"]);
    assert_eq!(changes[1]["details"]["reason"], "passed");
    assert_eq!(changes[1]["actor"], json!({"kind": "yagura", "name": "scan"}));
    account.was_complete();
}

#[tokio::test]
async fn the_id_of_a_finding_is_the_one_that_the_scan_printed() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let scanned = home.scan(&["--controls", "s3.bucket_versioned"]).await;
    let printed = scanned.verdicts().find(|one| one["status"] == "fail");
    let printed = printed.unwrap_or_else(|| panic!("{:?}", scanned.records));
    let all = listed(&home).await;
    assert_eq!(id(&all["s3.bucket_versioned leaky"]), printed["id"].as_str().unwrap());
}

#[tokio::test]
async fn what_is_suppressed_stays_so_and_leaves_the_list() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    scan(&home).await;
    let leaky = id(&listed(&home).await["s3.bucket_not_publicly_readable leaky"]);
    let short = &leaky[..6];
    let ran =
        findings(&home, &["suppress", short, "--until", "2999-12-31", "--reason", "a site"]).await;
    assert!(ran.exits(0).err.contains("1 finding changed"));
    let ran = scan(&home).await;
    assert!(ran.err.contains("1 suppressed"), "{}", ran.err);
    let open = home.run(&["findings", "list", "--format", "json"]).await.exits(0).records();
    assert!(open.iter().all(|one| one["finding_id"] != leaky.as_str()), "{open:?}");
    let shown = home.run(&["findings", "show", short]).await.exits(0);
    assert!(shown.out.contains("accepted until 3000-01-01 00:00 by sea: a site"), "{}", shown.out);
    findings(&home, &["unsuppress", short]).await.exits(0);
    assert_eq!(listed(&home).await["s3.bucket_not_publicly_readable leaky"]["state"], "new");
    // Nothing is accepted until yesterday.
    let ran =
        findings(&home, &["suppress", short, "--until", "2020-01-01", "--reason", "a site"]).await;
    assert!(ran.exits(2).err.contains("`2020-01-01` has passed"));
}

#[tokio::test]
async fn a_finding_is_worked_on_and_its_history_tells_of_it() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    scan(&home).await;
    let alice = id(&listed(&home).await["iam.user_mfa_enabled alice"]);
    let link = ["--system", "jira", "--key", "SEC-12", "--url", "https://jira.example.com/SEC-12"];
    let steps: [&[&str]; 7] = [
        &["acknowledge", &alice],
        &["assign", &alice, "--to", "hanako"],
        &["due", &alice, "--at", "2999-01-31"],
        &["start", &alice, "--reason", "today"],
        &["comment", &alice, "--message", "a key is on its way"],
        &["label", &alice, "--add", "team=identity"],
        &[&["link", &alice][..], &link[..]].concat(),
    ];
    for step in steps {
        findings(&home, step).await.exits(0);
    }
    let finding = listed(&home).await["iam.user_mfa_enabled alice"].clone();
    assert_eq!(finding["state"], "in_progress");
    assert_eq!(finding["assignee"], "hanako");
    assert_eq!(finding["due"], "2999-02-01T00:00:00Z");
    assert_eq!(finding["labels"], json!(["team=identity"]));
    assert_eq!(finding["tickets"][0]["key"], "SEC-12");
    assert_eq!(finding["comments"], 1);
    let resolved = findings(&home, &["resolve", &alice]).await.exits(0);
    assert!(
        resolved.err.contains("opens again if the next scan still sees it"),
        "{}",
        resolved.err
    );
    let ran = scan(&home).await;
    assert!(ran.err.contains("1 seen again"), "{}", ran.err);
    let history = home.run(&["findings", "history", &alice, "--format", "json"]).await.records();
    let told: Vec<String> = history
        .iter()
        .map(|one| format!("{} {}", one["actor"]["name"], one["change"]).replace('"', ""))
        .collect();
    assert_eq!(
        told,
        [
            "scan opened",
            "sea acknowledged",
            "sea assigned",
            "sea due_set",
            "sea in_progress",
            "sea commented",
            "sea labeled",
            "sea ticket_linked",
            "sea resolved",
            "scan reopened",
        ]
    );
}

#[tokio::test]
async fn many_are_changed_only_with_yes_and_are_counted_first() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    scan(&home).await;
    let asked = ["assign", "--control", "s3.*", "--to", "storage"];
    let ran = findings(&home, &asked).await.exits(0);
    assert!(ran.err.contains("2 findings would be changed"), "{}", ran.err);
    assert!(listed(&home).await.values().all(|one| one["assignee"].is_null()));
    let ran = findings(&home, &[&asked[..], &["--yes"]].concat()).await.exits(0);
    assert!(ran.err.contains("2 findings changed"), "{}", ran.err);
    let mine = ["findings", "list", "--assignee", "storage", "--format", "json"];
    assert_eq!(home.run(&mine).await.records().len(), 2);
    let nobody = ["findings", "list", "--assignee", "nobody", "--format", "json"];
    assert_eq!(home.run(&nobody).await.records().len(), 1);
    // Without a name or a condition nothing is meant, rather than everything.
    let ran = findings(&home, &["resolve", "--yes"]).await.exits(2);
    assert!(ran.err.contains("no finding is named"), "{}", ran.err);
}

#[tokio::test]
async fn mistakes_are_named() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    scan(&home).await;
    let check = async |arguments: &[&str], words: &str| {
        let ran = home.run(&[&["findings"], arguments].concat()).await.exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    };
    check(&["show", "000000000000"], "there is no finding `000000000000`").await;
    check(&["show", "12345"], "`12345` is no finding's id").await;
    check(&["show", "zzzzzz"], "`zzzzzz` is no finding's id").await;
    check(&["list", "--state", "open"], "`open` is not a state of a finding").await;
    check(&["list", "--mark", "color=red"], "`color` is not a kind of mark").await;
    check(&["list", "--since", "soon"], "`soon` is not a time").await;
    let ids: Vec<String> = listed(&home).await.values().map(id).collect();
    check(&["reopen", &ids[0]], "is new").await;
    check(&["link", &ids[0], "--system", "x", "--key", "y", "--url", "javascript:x"], "no link")
        .await;
    // Who acts must be known.
    let ran = home.run(&["findings", "acknowledge", &ids[0]]).await.exits(2);
    assert!(ran.err.contains("it is not known who you are"), "{}", ran.err);
}

#[tokio::test]
async fn rules_of_the_site_act_and_a_broken_one_disables_itself() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let rules = "- id: storage\n  when: finding.resource.type == 'AWS::S3::Bucket'\n  \
                 set: {assignee: storage-team, tags: {team: storage}}\n\
                 - id: broken\n  when: finding.account == == finding.kind\n  set: {severity: low}\n";
    home.write("data/site/rules.yaml", rules);
    let ran = scan(&home).await;
    assert!(ran.err.contains("rules.yaml:5:"), "{}", ran.err);
    let all = listed(&home).await;
    assert_eq!(all["s3.bucket_versioned leaky"]["assignee"], "storage-team");
    assert_eq!(all["s3.bucket_versioned leaky"]["labels"], json!(["team=storage"]));
    assert!(all["iam.user_mfa_enabled alice"]["assignee"].is_null());
    let lint = home.run(&["content", "lint"]).await.exits(1);
    assert!(lint.err.contains("rules.yaml:5:"), "{}", lint.err);
}

#[tokio::test]
async fn the_demo_ends_in_a_list_that_can_be_worked() {
    for (lang, words) in [
        ("en", ["Rank", "Severity", "Not met: ", "and "]),
        ("ja", ["順位点", "重要度", "不適合: ", "ほか "]),
    ] {
        let (home, _) = prepared::demo().await;
        let data = home.data().join("demo");
        let data = data.to_str().unwrap();
        let all = ["--lang", lang, "--data-dir", data];
        let list = home.run(&[&["findings", "list"], &all[..]].concat()).await.exits(0);
        for word in words {
            assert!(list.out.contains(word), "{lang} lacks `{word}`:\n{}", list.out);
        }
        let wide = list.out.lines().filter(|line| line.chars().count() > 100).count();
        assert_eq!(wide, 0, "{}", list.out);
        let first = ["findings", "list", "--format", "json", "--limit", "1"];
        let first = home.run(&[&first[..], &all[..]].concat()).await.exits(0).records();
        let points = first[0]["rank"]["points"].as_u64().unwrap();
        let show = ["findings", "show", first[0]["finding_id"].as_str().unwrap()];
        let show = home.run(&[&show[..], &all[..]].concat()).await.exits(0);
        assert!(show.out.contains(&points.to_string()), "{}", show.out);
        let sum: i64 = first[0]["rank"]["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| reason["points"].as_i64().unwrap())
            .sum();
        assert_eq!(u64::try_from(sum).unwrap(), points);
        let groups = ["findings", "groups", "--format", "json", "--limit", "1000"];
        let groups = home.run(&[&groups[..], &all[..]].concat()).await.exits(0).records();
        let counted: u64 = groups.iter().map(|one| one["count"].as_u64().unwrap()).sum();
        let everything = ["findings", "list", "--format", "json", "--limit", "10000"];
        let everything = home.run(&[&everything[..], &all[..]].concat()).await.exits(0).records();
        assert_eq!(counted, everything.len() as u64, "each finding is in one group");
        assert!(groups.len() < everything.len());
        let stats = ["findings", "stats", "--count-by", "severity", "--format", "json"];
        let stats = home.run(&[&stats[..], &all[..]].concat()).await.exits(0).records();
        let counted: u64 = stats.iter().map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, everything.len() as u64);
        for format in ["plain", "table"] {
            let groups = ["findings", "groups", "--format", format];
            home.run(&[&groups[..], &all[..]].concat()).await.exits(0);
            let list = ["findings", "list", "--format", format];
            home.run(&[&list[..], &all[..]].concat()).await.exits(0);
        }
    }
}

#[tokio::test]
async fn japanese_words_find_a_finding() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    scan(&home).await;
    let search = async |words: &str| {
        let list = ["findings", "list", "--text", words, "--format", "json"];
        home.run(&list).await.exits(0).records().len()
    };
    assert_eq!(search("バージョニング").await, 1);
    assert_eq!(search("leaky").await, 2);
    assert_eq!(search("存在しない言葉").await, 0);
}

#[tokio::test]
async fn alerts_of_ingested_logs_become_findings_once() {
    let home = Home::offline();
    let event = json!({"Records": [{
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLEEXAMPLEEX",
            "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333",
            "userName": "alice", "accessKeyId": "AKIAEXAMPLEEXAMPLEEX",
        },
        "eventTime": "2026-10-05T00:00:00Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.15",
        "requestParameters": {"name": "organization"},
        "eventID": "00000000-0000-4000-8000-000000000001",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "managementEvent": true,
        "eventCategory": "Management",
    }]});
    home.write("logs/1.json", &event.to_string());
    let ran = home.run(&["ingest", "cloudtrail", "logs"]).await.exits(0);
    assert!(ran.err.contains("new, 0 still open, 0 resolved"), "{}", ran.err);
    let all = listed(&home).await;
    let stopped = all.iter().find(|(name, _)| name.contains("trail_logging_stopped")).unwrap().1;
    assert_eq!(stopped["kind"], "alert");
    assert_eq!(stopped["cause"], "cloudtrail.trail_logging_stopped@111122223333");
    assert_eq!(stopped["marks"]["address"], json!(["203.0.113.7"]));
    home.run(&["ingest", "cloudtrail", "logs"]).await.exits(0);
    let again = listed(&home).await;
    assert_eq!(again.len(), all.len());
    let name = all.keys().find(|name| name.contains("trail_logging_stopped")).unwrap();
    assert_eq!(again[name]["occurrences"], stopped["occurrences"]);
    let show = home.run(&["findings", "show", &id(stopped)]).await.exits(0);
    assert!(show.out.contains("yagura alerts show"), "{}", show.out);
    assert!(show.out.contains("What to do"), "{}", show.out);
}
