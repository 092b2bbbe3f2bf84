//! The pages of controls and frameworks: what is wanted, how it stands, which resources fail, what
//! is accepted; from a requirement down to its resources.

use http::StatusCode;
use yagura_content::Content;
use yagura_model::VerdictStatus;
use yagura_model::finding::Scope;
use yagura_model::{
    AccountRequirement, Attestation, FailingExample, FrameworkScore, RequirementScore,
    RequirementState, Severity, StateCounts, VerdictCounts,
};

use crate::inventory::{CONTROL, HOSTILE, PROD, REGION, fill, verdict};
use crate::resources::harmless;
use crate::support::Bench;

async fn filled() -> Bench {
    let bench = Bench::open().await;
    fill(&bench.store).await;
    bench
}

#[tokio::test]
async fn controls_are_searched_and_filtered() {
    let bench = filled().await;
    let check = async |query: &str, shown: bool| {
        let got = bench.get(&format!("/controls{query}")).await;
        harmless(&got);
        let link = format!("href=\"/controls/{CONTROL}\"");
        assert_eq!(got.text.contains(&link), shown, "{query}: {}", got.text);
    };
    check("?q=bucket_versioned", true).await;
    let title = &Content::builtin().controls[CONTROL].title.value.ja;
    let start: String = title.chars().take(5).collect();
    let start: String = start.bytes().map(|byte| format!("%{byte:02X}")).collect();
    check(&format!("?q={start}&service=s3"), true).await;
    check("?service=s3&standing=fail", true).await;
    check("?service=ec2", false).await;
    check("?standing=clean", false).await;
    check("?q=bucket_versioned&framework=no_such", false).await;
    let hostile: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for name in ["q", "service", "severity", "guidance", "framework", "standing", "after"] {
        check(&format!("?{name}={hostile}&q=nothing_like_it"), false).await;
    }
}

#[tokio::test]
async fn what_fails_comes_first_with_its_counts() {
    let bench = filled().await;
    let got = bench.get("/controls").await;
    let first = got.text.find("href=\"/controls/").unwrap();
    assert!(got.text[first..].starts_with(&format!("href=\"/controls/{CONTROL}\"")));
    assert!(got.text.contains("2 fail, 1 unknown, 0 pass"), "{}", got.text);
}

#[tokio::test]
async fn pages_of_controls_hold_every_control_once() {
    let bench = filled().await;
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/controls".to_owned();
    for _ in 0..200 {
        let got = bench.get(&path).await;
        for part in got.text.split("<td><a href=\"/controls/").skip(1) {
            assert!(seen.insert(part.split('"').next().unwrap().to_owned()), "{path}");
        }
        let Some((_, after)) = got.text.split_once("rel=\"next\" href=\"") else { break };
        let next = after.split('"').next().unwrap().replace("&amp;", "&");
        path = format!("/controls{next}");
    }
    assert_eq!(seen.len(), Content::builtin().controls.len());
}

#[tokio::test]
async fn a_control_shows_what_fails_what_is_unknown_and_what_is_accepted() {
    let bench = filled().await;
    let path = format!("/controls/{CONTROL}");
    let logs = "href=\"/resources/view?key=arn%3Aaws%3As3%3A%3A%3Alogs\"";
    let kept = "href=\"/resources/view?key=arn%3Aaws%3As3%3A%3A%3Akept\"";
    let got = bench.get(&path).await;
    harmless(&got);
    assert!(got.text.contains(logs) && !got.text.contains(kept), "{}", got.text);
    let got = bench.get(&format!("{path}?show=accepted")).await;
    harmless(&got);
    assert!(got.text.contains(kept) && !got.text.contains(logs), "{}", got.text);
    assert!(got.text.contains("Accepted by platform until"), "{}", got.text);
    let got = bench.get(&format!("{path}?show=unknown")).await;
    assert!(got.text.contains("access denied: s3:GetBucketVersioning"), "{}", got.text);
}

#[tokio::test]
async fn a_control_says_why_how_to_fix_and_what_it_judges_in_both_languages() {
    let bench = filled().await;
    let control = &Content::builtin().controls[CONTROL];
    for (lang, why) in [("en", &control.why.value.en), ("ja", &control.why.value.ja)] {
        let got = bench.get_in(&format!("/controls/{CONTROL}"), lang).await;
        let start: String = why.chars().take_while(|c| !"`'\"&<>".contains(*c)).collect();
        assert!(got.text.contains(&start), "{start}: {}", got.text);
        for id in ["fix-cli", "fix-cloudformation"] {
            assert!(got.text.contains(&format!("data-copies=\"{id}\"")), "{id}");
        }
        assert!(got.text.contains("resource.properties"), "{}", got.text);
    }
}

#[tokio::test]
async fn a_long_list_of_failures_is_paged_without_loss() {
    let bench = filled().await;
    let scan = bench.store.latest_scan().await.unwrap().unwrap().id;
    let more: Vec<_> =
        (0..120).map(|n| verdict(PROD, &format!("b{n}"), VerdictStatus::Fail)).collect();
    bench.store.put_verdicts(scan, &more).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let mut path = format!("/controls/{CONTROL}");
    for _ in 0..9 {
        let got = bench.get(&path).await;
        for part in got.text.split("<td><a href=\"/resources/view?key=").skip(1) {
            assert!(seen.insert(part.split('"').next().unwrap().to_owned()), "{path}");
        }
        let Some((_, after)) = got.text.split_once("rel=\"next\" href=\"") else { break };
        let next = after.split('"').next().unwrap().replace("&amp;", "&");
        path = format!("/controls/{CONTROL}{next}");
    }
    assert_eq!(seen.len(), 121);
}

#[tokio::test]
async fn a_control_that_is_not_there_is_not_found() {
    let bench = filled().await;
    for path in ["/controls/s3.no_such", "/frameworks/no_such"] {
        assert_eq!(bench.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

fn score() -> FrameworkScore {
    let framework = &Content::builtin().frameworks["checklist"];
    let counts = VerdictCounts { pass: 1, fail: 1, excepted: 1, ..VerdictCounts::default() };
    let mut states = StateCounts::default();
    let requirements: Vec<RequirementScore> = framework
        .requirements
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let state = if at == 0 { RequirementState::Partly } else { RequirementState::Met };
            states.count(state, at == 1);
            let attestation = (at == 1).then(|| Attestation {
                state: RequirementState::Met,
                by: HOSTILE.to_owned(),
                reason: HOSTILE.to_owned(),
                evidence: HOSTILE.to_owned(),
                expires: "2027-01-01T00:00:00Z".parse().unwrap(),
            });
            RequirementScore {
                framework: "checklist".to_owned(),
                id: one.id.value.clone(),
                state,
                attested: at == 1,
                partial: false,
                measured: state,
                attestation,
                counts,
                controls: vec![CONTROL.to_owned()],
                controls_not_selected: Vec::new(),
                failing: vec![FailingExample {
                    control: CONTROL.to_owned(),
                    severity: Severity::High,
                    key: "arn:aws:s3:::logs".to_owned(),
                    name: HOSTILE.to_owned(),
                    account: PROD.to_owned(),
                    region: REGION.to_owned(),
                }],
                why_unknown: Vec::new(),
                accounts: vec![AccountRequirement { account: PROD.to_owned(), state, counts }],
            }
        })
        .collect();
    FrameworkScore {
        framework: "checklist".to_owned(),
        requirements,
        states,
        counts,
        accounts: vec![yagura_model::AccountScore { account: PROD.to_owned(), states, counts }],
    }
}

#[tokio::test]
async fn a_framework_leads_from_its_requirements_to_controls_and_resources() {
    let bench = filled().await;
    let scan = bench.store.latest_scan().await.unwrap().unwrap().id;
    bench.store.scores(Scope::All).put(scan, &[score()]).await.unwrap();
    for (lang, met, attested) in
        [("en", "Partly met", "Attested by"), ("ja", "一部適合", "による証明")]
    {
        let got = bench.get_in("/frameworks/checklist", lang).await;
        harmless(&got);
        for text in [met, attested, "/resources/view?key=arn%3Aaws%3As3%3A%3A%3Alogs"] {
            assert!(got.text.contains(text), "{text}: {}", got.text);
        }
        harmless(&bench.get_in("/frameworks", lang).await);
        harmless(&bench.get_in(&format!("/accounts/{PROD}"), lang).await);
    }
    let got = bench.get("/frameworks/checklist?state=partly").await;
    assert_eq!(got.text.matches("<li id=\"r-").count(), 1, "{}", got.text);
    let got = bench.get("/frameworks").await;
    assert!(got.text.contains('%'), "{}", got.text);
}

#[tokio::test]
async fn every_framework_has_its_page_before_anything_was_scored() {
    let bench = Bench::open().await;
    for framework in Content::builtin().frameworks.values() {
        let got = bench.get(&format!("/frameworks/{}", framework.id)).await;
        harmless(&got);
        let shown = got.text.matches("<li id=\"r-").count();
        assert_eq!(shown, framework.requirements.len(), "{}", framework.id);
    }
    let got = bench.get_in("/controls", "ja").await;
    assert!(got.text.contains("まだ何も判定されていません"), "{}", got.text);
}
