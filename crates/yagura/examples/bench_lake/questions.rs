//! The same questions to our engine and to the peer, on the same Parquet files: the quickest of
//! several times each, and whether the answers agree.
//! Both keep the footers of files between questions, as a console or a notebook would.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use yagura_content::Content;
use yagura_lake::query::{Engine, QueryOptions};
use yagura_lake::{Lake, LakeLocation, LakeOptions};

use crate::peer::Peer;

const TIMES: usize = 5;

/// Name and SQL; both engines understand it.
const QUESTIONS: [(&str, &str); 8] = [
    ("count of all records", "SELECT count(*) AS n FROM cloudtrail"),
    (
        "GetObject by user",
        "SELECT actor, count(*) AS calls FROM cloudtrail WHERE event_name = 'GetObject' \
         GROUP BY actor ORDER BY calls DESC, actor LIMIT 20",
    ),
    (
        "calls by service and name",
        "SELECT event_source, event_name, count(*) AS calls FROM cloudtrail \
         GROUP BY event_source, event_name ORDER BY calls DESC, event_source, event_name LIMIT 50",
    ),
    (
        "denied calls by principal",
        "SELECT actor, event_name, count(*) AS calls FROM cloudtrail WHERE error_code IN \
         ('AccessDenied', 'Client.UnauthorizedOperation') GROUP BY actor, event_name \
         ORDER BY calls DESC, actor, event_name LIMIT 50",
    ),
    (
        "calls by hour",
        "SELECT date_trunc('hour', time) AS hour, count(*) AS calls FROM cloudtrail \
         GROUP BY 1 ORDER BY 1",
    ),
    (
        "addresses of each principal",
        "SELECT actor, count(DISTINCT address) AS addresses FROM cloudtrail GROUP BY actor \
         ORDER BY addresses DESC, actor LIMIT 50",
    ),
    ("distinct access keys", "SELECT count(DISTINCT access_key_id) AS n FROM cloudtrail"),
    (
        "text within request parameters",
        "SELECT count(*) AS n FROM cloudtrail WHERE request_parameters LIKE '%uploads%'",
    ),
];

/// One question and what both took.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) ours_s: f64,
    pub(crate) peer_s: Option<f64>,
}

pub(crate) async fn run(lake: &Path, peer: Option<&Peer>) -> anyhow::Result<Vec<Asked>> {
    let engine = Engine::new(open(lake).await?, None);
    let options = QueryOptions::default();
    let sql: Vec<String> = QUESTIONS.iter().map(|(_, sql)| (*sql).to_owned()).collect();
    let theirs = peer.map(|peer| peer.ask_lake(&sql, TIMES)).transpose()?;
    let mut asked = Vec::new();
    for (nth, (name, sql)) in QUESTIONS.iter().enumerate() {
        let mut ours_s = f64::INFINITY;
        let mut rows = Vec::new();
        for _ in 0..TIMES {
            let begun = Instant::now();
            rows = ask(&engine, sql, &options).await.with_context(|| (*name).to_owned())?;
            ours_s = ours_s.min(begun.elapsed().as_secs_f64());
        }
        let their = theirs.as_ref().and_then(|all| all.get(nth));
        if let Some(their) = their {
            ensure!(agree(&rows, &their.rows), "{name}: {rows:?} is not {:?}", their.rows);
        }
        let peer_s = their.map(|answer| answer.seconds);
        crate::say(&format!("{name}: {ours_s:.3} s, DuckDB {peer_s:?}"))?;
        asked.push(Asked { name: (*name).to_owned(), ours_s, peer_s });
    }
    if let Some(peer) = peer {
        let answer = peer.ask_gzip()?;
        let name = "GetObject by user, DuckDB on the gzipped JSON".to_owned();
        let ours_s = asked.get(1).map_or(f64::NAN, |one| one.ours_s);
        asked.push(Asked { name, ours_s, peer_s: Some(answer.seconds) });
    }
    Ok(asked)
}

/// Opens the lake of a folder.
pub(crate) async fn open(lake: &Path) -> anyhow::Result<Lake> {
    let content = Content::builtin();
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let now = jiff::Timestamp::now();
    let location = LakeLocation::folder(lake)?;
    Ok(Lake::open(location, content.tables(), LakeOptions::new(now)).await?)
}

/// All rows of an answer.
pub(crate) async fn ask(
    engine: &Engine,
    sql: &str,
    options: &QueryOptions,
) -> anyhow::Result<Vec<Vec<Value>>> {
    let mut answer = engine.run(sql, options).await?;
    let mut rows = Vec::new();
    while let Some(more) = answer.next_rows().await? {
        rows.extend(more);
    }
    Ok(rows)
}

/// Whether two answers are the same; times are written differently and compared by their digits.
fn agree(ours: &[Vec<Value>], theirs: &[Vec<Value>]) -> bool {
    let plain = |rows: &[Vec<Value>]| -> Vec<String> {
        let cell = |value: &Value| match value {
            Value::String(text) if text.get(..2) == Some("20") => {
                text.chars().filter(char::is_ascii_digit).take(14).collect()
            }
            other => other.to_string(),
        };
        rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect()
    };
    plain(ours) == plain(theirs)
}
