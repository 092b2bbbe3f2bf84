//! `/logs` over a desk that says what tests want: what is shown, asked back, cut, refused, and that
//! hostile cells stay text.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{StatusCode, header};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yagura_console::{AskFault, Entrance, Estimate, LogDesk, Question, Table, TableShape};
use yagura_model::finding::Scope;

use crate::support::Bench;

/// What was asked of the desk, and with which scope.
#[derive(Default)]
pub(crate) struct Heard {
    questions: Mutex<Vec<(Question, Scope)>>,
}

/// A desk that answers every question alike.
struct Fixed {
    heard: Arc<Heard>,
    estimate: Estimate,
    answer: Result<Table, AskFault>,
}

#[async_trait]
impl LogDesk for Fixed {
    async fn tables(&self) -> Result<Vec<TableShape>, AskFault> {
        let table = |name: &str, logs, columns: &[(&str, &str)]| TableShape {
            name: name.to_owned(),
            logs,
            columns: columns.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            rows: None,
        };
        Ok(vec![
            table("cloudtrail", true, &[("time", "time"), ("actor", "text")]),
            table("aws_s3_bucket", false, &[("key", "text")]),
        ])
    }

    async fn estimate(&self, question: &Question, _: &Scope) -> Result<Estimate, AskFault> {
        match question.sql.contains("FORM") {
            true => Err(AskFault {
                message: "the SQL cannot be read".to_owned(),
                hint: Some("write FROM".to_owned()),
                at: Some((1, 10)),
                askers: true,
            }),
            false => Ok(self.estimate.clone()),
        }
    }

    async fn ask(
        &self,
        question: &Question,
        scope: &Scope,
        _: CancellationToken,
    ) -> Result<Table, AskFault> {
        self.heard.questions.lock().unwrap().push((question.clone(), scope.clone()));
        self.answer.clone()
    }
}

fn table() -> Table {
    let columns = [("hour", "time"), ("who", "text"), ("calls", "integer")];
    Table {
        columns: columns.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        rows: vec![
            vec![json!("2026-11-22T01:00:00Z"), json!("<script>alert(1)</script>"), json!(7)],
            vec![json!("2026-11-22T02:00:00Z"), json!("=cmd|'/c calc'!A1\u{202e}"), json!(3)],
        ],
        cut: true,
        bytes_read: 2_500_000,
        elapsed_ms: 1_234,
    }
}

impl Heard {
    /// The scopes with which questions were asked.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        self.questions.lock().unwrap().iter().map(|(_, scope)| scope.clone()).collect()
    }
}

/// A desk that answers every question with the same rows.
pub(crate) fn desk() -> (Arc<dyn LogDesk>, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let (estimate, answer) = (Estimate::default(), Ok(table()));
    (Arc::new(Fixed { heard: Arc::clone(&heard), estimate, answer }), heard)
}

async fn bench(bytes: u64, answer: Result<Table, AskFault>) -> (Bench, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let plan = "cloudtrail: 3 of 12 files".to_owned();
    let estimate = Estimate { files: 3, files_all: 12, bytes, rows: 40_000, plan };
    let desk = Fixed { heard: Arc::clone(&heard), estimate, answer };
    let bench = Bench::made(Entrance::Open, |parts| parts.desk = Some(Arc::new(desk))).await;
    (bench, heard)
}

#[tokio::test]
async fn without_a_lake_the_page_says_how_to_begin_one() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "There is no log lake"), ("ja", "ログレイクがありません")]
    {
        let got = bench.get_in("/logs", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(words), "{}", got.text);
    }
    let got = bench.get("/logs/export?sql=SELECT+1").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_form_shows_what_can_be_asked_and_asks_nothing_by_itself() {
    let (bench, heard) = bench(10, Ok(table())).await;
    let got = bench.get("/logs?sql=SELECT+1").await;
    for shown in ["<label for=\"sql\">", "SELECT 1", "cloudtrail", "aws_s3_bucket", "actor"] {
        assert!(got.text.contains(shown), "{shown}: {}", got.text);
    }
    assert!(heard.questions.lock().unwrap().is_empty());
    let found = bench.get("/logs?find=actor&do=find").await;
    assert!(found.text.contains("cloudtrail") && !found.text.contains("aws_s3_bucket"));
}

#[tokio::test]
async fn an_answer_is_text_however_hostile_and_says_that_it_is_cut() {
    let (bench, heard) = bench(10, Ok(table())).await;
    let address = "/logs?sql=SELECT+1&range=own&from=2026-11-22T00:00&to=2026-11-22T03:00&do=ask";
    for (lang, cut) in [("en", "The answer is cut"), ("ja", "結果は途中までです")] {
        let got = bench.get_in(address, lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(cut), "{}", got.text);
        assert!(got.text.contains("&lt;script&gt;alert(1)"), "{}", got.text);
        assert!(!got.text.contains("<script>alert"), "{}", got.text);
        assert!(!got.text.contains('\u{202e}'), "{}", got.text);
        // The cost stands beside it, and a chart of the hours.
        assert!(got.text.contains("40,000") && got.text.contains("class=\"chart columns\""));
    }
    let questions = heard.questions.lock().unwrap();
    let (question, _) = &questions[0];
    assert_eq!(question.rows_max, 1_000);
    assert_eq!(question.since.unwrap().to_string(), "2026-11-22T00:00:00Z");
    assert_eq!(question.until.unwrap().to_string(), "2026-11-22T03:00:00Z");
}

#[tokio::test]
async fn what_reads_much_is_asked_back_and_runs_when_agreed_to() {
    let (bench, heard) = bench(5_000_000_000, Ok(table())).await;
    let got = bench.get("/logs?sql=SELECT+1&do=ask").await;
    assert!(got.text.contains("Run it all the same") && got.text.contains("5.0 GB"));
    assert!(heard.questions.lock().unwrap().is_empty());
    let file = bench.get("/logs/export?sql=SELECT+1&format=csv").await;
    assert_eq!(file.status, StatusCode::BAD_REQUEST);
    bench.get("/logs?sql=SELECT+1&do=ask&sure=4000000000").await;
    assert!(heard.questions.lock().unwrap().is_empty(), "agreed to less than it reads");
    bench.get("/logs?sql=SELECT+1&do=ask&sure=5000000000").await;
    assert_eq!(heard.questions.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_page_elsewhere_agrees_to_no_cost_in_anybodys_name() {
    let (bench, heard) = bench(4_500_000_000, Ok(table())).await;
    for path in
        ["/logs?sql=SELECT+1&do=ask&sure=9000000000", "/logs/export?sql=SELECT+1&sure=9000000000"]
    {
        for site in ["cross-site", "same-site"] {
            let request = http::Request::get(path).header("sec-fetch-site", site);
            bench.send(request.body(axum::body::Body::empty()).unwrap()).await;
            assert!(heard.questions.lock().unwrap().is_empty(), "{path} {site}");
        }
        let request = http::Request::get(path).header("sec-fetch-site", "same-origin");
        bench.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(heard.questions.lock().unwrap().drain(..).count(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_mistake_is_told_with_its_place_and_what_helps() {
    let (bench, _) = bench(10, Ok(table())).await;
    for lang in ["en", "ja"] {
        let got = bench.get_in("/logs?sql=SELECT+1+FORM+x&do=ask", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains("SELECT 1 FORM x\n         ^"), "{}", got.text);
        assert!(got.text.contains("write FROM"), "{}", got.text);
    }
    let got = bench.get("/logs?sql=SELECT+1&do=ask&range=own&from=yesterday").await;
    assert!(got.text.contains("`yesterday` is not a time"), "{}", got.text);
    let got = bench.get("/logs?sql=SELECT+1&do=ask&range=own&from=2026-11-22&to=2026-11-21").await;
    assert!(got.text.contains("ends before it begins"), "{}", got.text);
}

#[tokio::test]
async fn a_lake_that_fails_is_not_the_askers_mistake() {
    let fault = AskFault {
        message: "cannot read `a.parquet` of the lake: gone".to_owned(),
        hint: None,
        at: None,
        askers: false,
    };
    let (bench, _) = bench(10, Err(fault)).await;
    let got = bench.get("/logs?sql=SELECT+1&do=ask").await;
    assert!(got.text.contains("The log lake cannot answer"), "{}", got.text);
    let file = bench.get("/logs/export?sql=SELECT+1").await;
    assert_eq!(file.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_saved_query_brings_fields_for_its_values() {
    let (bench, heard) = bench(10, Ok(table())).await;
    let load = "/logs?saved=identity.new_principals&do=load";
    for (lang, title) in [("en", "Principals not seen before"), ("ja", "初めて見るプリンシパル")]
    {
        let got = bench.get_in(load, lang).await;
        assert!(got.text.contains(title), "{}", got.text);
        assert!(got.text.contains("name=\"p.since\" value=\"-7d\""), "{}", got.text);
        assert!(got.text.contains("FROM cloudtrail"), "{}", got.text);
    }
    bench.get("/logs?saved=identity.new_principals&p.since=-1d&do=ask").await;
    let names: Vec<String> = {
        let questions = heard.questions.lock().unwrap();
        questions[0].0.parameters.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names, ["since", "until"]);
    let wrong = bench.get("/logs?saved=identity.new_principals&p.since=soon&do=ask").await;
    assert!(wrong.text.contains("`soon` does not fit `since`"), "{}", wrong.text);
}

#[tokio::test]
async fn a_file_holds_the_rows_and_no_formula() {
    let (bench, _) = bench(10, Ok(table())).await;
    let got = bench.get("/logs/export?sql=SELECT+1&format=csv").await;
    let kind = got.headers[header::CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/csv"), "{kind}");
    let saved = got.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(saved.starts_with("attachment"), "{saved}");
    assert!(got.text.contains(",'=cmd|"), "{}", got.text);
    let got = bench.get("/logs/export?sql=SELECT+1&format=jsonl").await;
    assert_eq!(got.text.lines().count(), 2);
    assert!(got.text.starts_with("{\"hour\":\"2026-11-22T01:00:00Z\",\"who\":"), "{}", got.text);
}
