//! Reading products from written-down answers, each of which fits AWS's own model.
//! Files are tested in `files_tests.rs`.

use std::collections::BTreeMap;

use serde_json::Value;
use yagura_aws::Api;
use yagura_model::UnreadReason;

use super::*;
use crate::cases::answers::Answers;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

fn recorded(product: Product) -> BTreeMap<String, Value> {
    let text = match product {
        Product::GuardDuty => include_str!("answers/guardduty.json"),
        Product::Inspector => include_str!("answers/inspector.json"),
        Product::Macie => include_str!("answers/macie.json"),
        Product::AccessAnalyzer => include_str!("answers/access-analyzer.json"),
        Product::Config => include_str!("answers/config.json"),
        Product::SecurityHub => include_str!("answers/securityhub.json"),
    };
    serde_json::from_str(text).unwrap()
}

fn all_recorded() -> BTreeMap<String, Value> {
    Product::ALL.into_iter().flat_map(recorded).collect()
}

#[derive(Default)]
struct Run {
    found: Vec<(String, Imported)>,
    present: Vec<String>,
    bad: Vec<BadFinding>,
    places: Vec<PlaceRead>,
}

impl Run {
    fn state(&self) -> &PlaceState {
        &self.places[0].state
    }
}

/// Reads one place; `since` is a time of the last change that is known.
async fn run(answers: &Arc<Answers>, products: &[Product], since: BTreeMap<String, i64>) -> Run {
    let organization = Organization::alone(ACCOUNT, "aws");
    let mut regions = Regions::default();
    regions.by_account.insert(ACCOUNT.to_owned(), vec![REGION.to_owned()]);
    let asked = Asked { organization: &organization, regions: &regions, products, since: &since };
    let (sink, mut events) = mpsc::channel(4);
    let caller: Arc<dyn Caller> = Arc::<Answers>::clone(answers);
    let reading = read_from(caller, asked, sink, CancellationToken::new());
    let receiving = async {
        let mut run = Run::default();
        while let Some(event) = events.recv().await {
            match event {
                ImportEvent::Found { scope, finding } => {
                    run.found.push((scope.to_string(), *finding));
                }
                ImportEvent::Present { originals, .. } => run.present.extend(originals),
                ImportEvent::Bad { why, .. } => run.bad.push(why),
                ImportEvent::Place(place) => run.places.push(place),
            }
        }
        run
    };
    tokio::join!(reading, receiving).1
}

async fn run_one(product: Product, answers: BTreeMap<String, Value>) -> Run {
    run(&Arc::new(Answers::new(ACCOUNT, "aws", answers)), &[product], BTreeMap::new()).await
}

fn outputs(answer: &Value) -> Vec<&Value> {
    match answer {
        Value::Array(choices) => choices.iter().filter_map(|choice| choice.get("answer")).collect(),
        output => vec![output],
    }
}

#[tokio::test]
async fn every_input_and_every_answer_fits_the_model_of_aws() {
    let api = Api::open(include_bytes!("../../../../content/aws-api/services.zst")).unwrap();
    let mut wrong = Vec::new();
    let mut check = |call: &str, problems: Result<(), Vec<yagura_aws::api::Problem>>| {
        if let Err(problems) = problems {
            wrong.push(format!("{call}: {problems:?}"));
        }
    };
    let operation = |call: &str| {
        let (service, operation) = call.split_once(':').unwrap();
        (api.service(service).unwrap(), operation.to_owned())
    };
    for (call, answer) in all_recorded() {
        let (service, name) = operation(&call);
        for output in outputs(&answer) {
            check(&call, service.operation(&name).unwrap().check_output(output));
        }
    }
    let answers = Arc::new(Answers::new(ACCOUNT, "aws", all_recorded()));
    run(&answers, &Product::ALL, BTreeMap::new()).await;
    let known =
        Product::ALL.map(|product| (scope(product, ACCOUNT, REGION), 1_795_305_600_000_000));
    run(&answers, &Product::ALL, known.into_iter().collect()).await;
    for (_, call, input) in answers.asked() {
        let (service, name) = operation(&call);
        check(&call, service.operation(&name).unwrap().check_input(&input));
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(answers.idle(), Vec::<String>::new(), "answers that nobody asked for");
}

#[tokio::test]
async fn products_are_mapped_as_they_are_kept() {
    for product in Product::ALL {
        let run = run_one(product, recorded(product)).await;
        let shown: Vec<Value> = run
            .found
            .iter()
            .map(|(_, finding)| {
                let mut value = serde_json::to_value(finding).unwrap();
                value.as_object_mut().unwrap().remove("raw");
                value
            })
            .collect();
        let text = serde_json::to_string_pretty(&shown).unwrap();
        insta::assert_snapshot!(format!("mapped_{product}"), text);
    }
}

#[tokio::test]
async fn every_call_is_named_by_an_action_and_is_a_read() {
    let answers = Arc::new(Answers::new(ACCOUNT, "aws", all_recorded()));
    run(&answers, &Product::ALL, BTreeMap::new()).await;
    let actions = actions(&Product::ALL);
    let prefix = |service: &str| match service {
        "accessanalyzer" => "access-analyzer".to_owned(),
        other => other.to_owned(),
    };
    for (_, call, _) in answers.asked() {
        let (service, operation) = call.split_once(':').unwrap();
        // Access Analyzer's second versions share the actions of the first.
        let action = format!("{}:{}", prefix(service), operation.trim_end_matches("V2"));
        assert!(actions.contains(&action), "{action} is not in the policy");
    }
    assert_eq!(actions.len(), 14, "and nothing else is");
}

#[tokio::test]
async fn after_the_first_reading_only_changes_are_fetched() {
    let answers = Arc::new(Answers::new(ACCOUNT, "aws", recorded(Product::GuardDuty)));
    let known = (scope(Product::GuardDuty, ACCOUNT, REGION), 1_795_305_600_000_000);
    let run = run(&answers, &[Product::GuardDuty], [known].into_iter().collect()).await;
    let found: Vec<&str> = run.found.iter().map(|(_, finding)| &*finding.original).collect();
    assert_eq!(found, ["f4"], "f2 is listed as changed, but the answer holds only f4");
    assert_eq!(run.present, ["f1", "f2", "f3"]);
    assert_eq!(*run.state(), PlaceState::Whole, "what is active was listed whole");
    assert_eq!(run.found[0].1.state, yagura_model::imported::ImportedState::Suppressed);
}

#[tokio::test]
async fn a_product_that_is_off_is_not_one_without_findings() {
    let none = |call: &str, answer: &str| {
        BTreeMap::from([(call.to_owned(), serde_json::from_str::<Value>(answer).unwrap())])
    };
    let cases = [
        (Product::GuardDuty, none("guardduty:ListDetectors", r#"{"DetectorIds": []}"#)),
        (Product::AccessAnalyzer, none("accessanalyzer:ListAnalyzers", r#"{"analyzers": []}"#)),
        (Product::Config, none("config:DescribeConfigRules", r#"{"ConfigRules": []}"#)),
        (
            Product::Inspector,
            none(
                "inspector2:BatchGetAccountStatus",
                r#"{"accounts": [{"accountId": "111122223333", "state": {"status": "DISABLED"}}]}"#,
            ),
        ),
        (
            Product::Macie,
            none(
                "macie2:ListFindings",
                r#"{"error": "AccessDeniedException", "message": "Macie is not enabled."}"#,
            ),
        ),
        (
            Product::SecurityHub,
            none(
                "securityhub:GetFindings",
                r#"{"error": "InvalidAccessException",
                    "message": "Account 111122223333 is not subscribed to AWS Security Hub"}"#,
            ),
        ),
    ];
    for (product, answers) in cases {
        let run = run_one(product, answers).await;
        assert_eq!(*run.state(), PlaceState::Off, "{product}");
    }
}

#[tokio::test]
async fn a_denied_call_makes_the_place_unknown_whichever_call_it_is() {
    for product in Product::ALL {
        for call in recorded(product).into_keys() {
            // Without details a finding of Access Analyzer is still one.
            if call == "accessanalyzer:GetFindingV2" {
                continue;
            }
            let mut answers = recorded(product);
            let denied = r#"{"error": "AccessDeniedException", "message": "not authorized"}"#;
            answers.insert(call.clone(), serde_json::from_str(denied).unwrap());
            let run = run_one(product, answers).await;
            match run.state() {
                PlaceState::Unread(unread) => {
                    assert_eq!(unread.reason, UnreadReason::Denied, "{call}");
                }
                other => panic!("{call}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_record_that_is_no_finding_is_told_and_makes_the_listing_less_than_whole() {
    let run = run_one(Product::Inspector, recorded(Product::Inspector)).await;
    assert_eq!(run.bad, [BadFinding::Missing("type")]);
    assert_eq!(run.found.len(), 2);
    assert_eq!(*run.state(), PlaceState::Changes);
}

#[tokio::test]
async fn what_a_service_passes_on_comes_after_what_the_product_itself_says() {
    let answers = Arc::new(Answers::new(ACCOUNT, "aws", all_recorded()));
    let run = run(&answers, &Product::ALL, BTreeMap::new()).await;
    let of_guardduty: Vec<&str> = run
        .found
        .iter()
        .filter(|(_, finding)| finding.product == "guardduty" && finding.original == "f1")
        .map(|(scope, _)| scope.split('/').next().unwrap())
        .collect();
    assert_eq!(of_guardduty, ["guardduty", "securityhub"]);
    let mut same = run.found.iter().filter(|(_, finding)| finding.original == "f1");
    let (direct, passed) = (&same.next().unwrap().1, &same.next().unwrap().1);
    assert_eq!(direct.original_hash(), passed.original_hash());
    assert_eq!(direct.content(), passed.content());
    assert_eq!(direct.resources[0], passed.resources[0]);
}
