//! Single records among very many: rows go through the lake's own writer, with short records so
//! that a hundred million take minutes; then each lookup column is asked for values that occur
//! a few times.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use yagura_content::Content;
use yagura_lake::query::{Engine, QueryOptions};
use yagura_lake::{Lake, LakeLocation, LakeOptions};
use yagura_model::LogObject;
use yagura_model::event::{BatchBuilder, Origin};

use crate::questions::ask;

/// Rows of one generated object.
const OBJECT_ROWS: u64 = 50_000;
/// Days over which the rows are spread, as the issue asks for lookups over.
const DAYS: u64 = 90;
const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "123456789012", "210987654321"];
/// How often each lookup is asked, each time for another value.
const TIMES: u64 = 12;
/// Rows of each of the entities that are looked up, spread over all days and accounts.
const RARE_ROWS: u64 = 20;
/// The others share the rest.
const BUSY: u64 = 5_000;

/// What lookups took.
#[derive(Clone, Debug)]
pub(crate) struct Lookups {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) files: u64,
    pub(crate) built_s: f64,
    pub(crate) cold_s: f64,
    pub(crate) asked: Vec<Looked>,
}

/// One kind of lookup.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) name: &'static str,
    /// Rows that each value has, on average.
    pub(crate) hits: u64,
    /// Whether it is one of those that have most of the rows.
    pub(crate) busy: bool,
    pub(crate) middle_s: f64,
    pub(crate) worst_s: f64,
}

pub(crate) async fn run(folder: &Path, rows: u64) -> anyhow::Result<Lookups> {
    let home = folder.join(format!("rows-{rows}"));
    let built_s = build(&home, rows).await?;
    let (files, bytes) = crate::files_below(&home, ".parquet")?;
    let engine = Engine::new(crate::questions::open(&home).await?, None);
    let options = QueryOptions::default();
    let begun = Instant::now();
    ask(&engine, &lookup("request_id", &request_id(77)), &options).await?;
    let cold_s = begun.elapsed().as_secs_f64();
    let mut asked = Vec::new();
    type Value = fn(u64) -> String;
    let kinds: [(&'static str, &str, Value, bool); 6] = [
        ("by request id", "request_id", |n| request_id(n * 1_009), false),
        ("by access key", "access_key_id", |n| access_key(rare(n)), false),
        ("by address", "address", |n| address(rare(n)), false),
        ("by principal", "actor", |n| actor(rare(n)), false),
        ("by resource", "resource", |n| resource(rare(n)), false),
        ("by a busy principal", "actor", actor, true),
    ];
    for (name, column, value, busy) in kinds {
        let mut seconds = Vec::new();
        let mut hits = 0;
        for n in 0..TIMES {
            let sql = lookup(column, &value(n));
            let begun = Instant::now();
            let found = ask(&engine, &sql, &options).await.with_context(|| sql.clone())?;
            seconds.push(begun.elapsed().as_secs_f64());
            ensure!(!found.is_empty(), "`{sql}` found nothing");
            hits += u64::try_from(found.len())?;
        }
        seconds.sort_by(f64::total_cmp);
        let middle_s = seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN);
        let worst_s = seconds.last().copied().unwrap_or(f64::NAN);
        let hits = hits / TIMES;
        crate::say(&format!("{name}: {middle_s:.3} s, worst {worst_s:.3} s, {hits} rows each"))?;
        asked.push(Looked { name, hits, busy, middle_s, worst_s });
    }
    let files = u64::try_from(files.len())?;
    Ok(Lookups { rows, bytes, files, built_s, cold_s, asked })
}

fn lookup(column: &str, value: &str) -> String {
    format!("SELECT time, account, actor, event_name FROM cloudtrail WHERE {column} = '{value}'")
}

/// Builds the lake once; a lake of another size has another folder.
async fn build(home: &Path, rows: u64) -> anyhow::Result<f64> {
    let note = home.with_extension("built");
    if let Ok(text) = std::fs::read_to_string(&note) {
        return text.trim().parse().context("the note of the built lake is broken");
    }
    let _ = std::fs::remove_dir_all(home);
    let begun = Instant::now();
    let content = Content::builtin();
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let now = Timestamp::now();
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = LakeOptions { workers, memory_bytes: 1 << 30, ..LakeOptions::new(now) };
    let lake = Lake::open(LakeLocation::folder(home)?, content.tables(), options).await?;
    let objects = rows.div_ceil(OBJECT_ROWS);
    let mut first = 0;
    while first < objects {
        let last = (first + objects.div_ceil(8)).min(objects);
        let ingestion = lake.begin().await?;
        let mut threads = Vec::new();
        for turn in 0..workers as u64 {
            let mut worker = ingestion.worker()?;
            let content = content_of(content)?;
            threads.push(std::thread::spawn(move || -> anyhow::Result<()> {
                let mut number = first + turn;
                while number < last {
                    write_object(&mut worker, content.table(), number, rows, now)?;
                    number += workers as u64;
                }
                Ok(worker.close()?)
            }));
        }
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        ingestion.commit(now).await?;
        crate::say(&format!("{} of {rows} rows", (last * OBJECT_ROWS).min(rows)))?;
        first = last;
    }
    let built_s = begun.elapsed().as_secs_f64();
    std::fs::write(&note, built_s.to_string())?;
    Ok(built_s)
}

fn content_of(content: &Content) -> anyhow::Result<Arc<yagura_content::format::Source>> {
    content.sources.get("cloudtrail").cloned().context("there is no source `cloudtrail`")
}

/// Writes one object's rows: all of one account and an hour or so, as files of a trail are.
fn write_object(
    worker: &mut yagura_lake::Worker,
    table: &yagura_model::source::Table,
    number: u64,
    rows: u64,
    now: Timestamp,
) -> anyhow::Result<()> {
    let location = format!("generated/{number:08}");
    let object = LogObject {
        location: location.clone(),
        key: location.clone(),
        version: None,
        etag: Some(number.to_string()),
        size_bytes: 1,
        modified: None,
    };
    worker.begin_object(&object, "cloudtrail");
    let origin = Arc::new(Origin { object: location.as_str().into(), key_fields: Vec::new() });
    let begin = number * OBJECT_ROWS;
    let end = (begin + OBJECT_ROWS).min(rows);
    let mut text = String::new();
    let mut builder = BatchBuilder::new(Arc::clone(&origin));
    for row in begin..end {
        text.clear();
        record(row, rows, &mut text);
        builder.push_json(text.as_bytes()).map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
        if (row + 1) % 8_192 == 0 {
            worker.append(table, &builder.finish(), now)?;
        }
    }
    worker.append(table, &builder.finish(), now)?;
    worker.finish_object()?;
    Ok(())
}

/// A short record: what is looked up, and little else.
fn record(row: u64, rows: u64, text: &mut String) {
    use std::fmt::Write as _;
    let span_s = DAYS * 86_400;
    let second = row.saturating_mul(span_s) / rows.max(1);
    let start = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_785_801_600);
    let time = start + SignedDuration::from_secs(second.cast_signed());
    let account = ACCOUNTS.get(usize::try_from(row / 64 % 4).unwrap_or(0)).unwrap_or(&"");
    let who = owner(row, rows);
    let _ = write!(
        text,
        "{{\"eventTime\":\"{time}\",\"eventSource\":\"s3.amazonaws.com\",\"eventName\":\"{}\",\
         \"awsRegion\":\"us-east-1\",\"sourceIPAddress\":\"{}\",\"requestID\":\"{}\",\
         \"eventID\":\"{:016x}{:016x}\",\"userIdentity\":{{\"type\":\"AssumedRole\",\"arn\":\"{}\",\
         \"accessKeyId\":\"{}\"}},\"resources\":[{{\"ARN\":\"{}\"}}],\
         \"recipientAccountId\":\"{account}\"}}",
        ["GetObject", "PutObject", "HeadObject"].get(row as usize % 3).unwrap_or(&"GetObject"),
        address(who),
        request_id(row),
        mixed(row),
        mixed(!row),
        actor(who),
        access_key(who),
        resource(who),
    );
}

/// Who a row belongs to: mostly one of the busy ones; seldom somebody who is hardly seen.
fn owner(row: u64, rows: u64) -> u64 {
    let step = (rows / (TIMES * RARE_ROWS)).max(1);
    let turn = row / step;
    let is_rare = row.is_multiple_of(step) && turn < TIMES * RARE_ROWS;
    if is_rare { rare(turn % TIMES) } else { mixed(row) % BUSY }
}

/// One who is hardly seen.
fn rare(number: u64) -> u64 {
    1_000_000 + number
}

fn request_id(row: u64) -> String {
    format!("{:016X}", mixed(row ^ 0x5555))
}

fn access_key(who: u64) -> String {
    format!("ASIA{:016X}", mixed(who ^ 0xaaaa))
}

fn address(who: u64) -> String {
    format!("2001:db8:{:x}:{:x}::{:x}", mixed(who) & 0xffff, mixed(who ^ 1) & 0xffff, who & 0xffff)
}

fn actor(who: u64) -> String {
    format!("arn:aws:sts::111122223333:assumed-role/role-{}/session-{who}", who % 200)
}

fn resource(who: u64) -> String {
    format!("arn:aws:s3:::bucket-{}/object-{who}", who % 40)
}

/// The finalizer of `SplitMix64` (public domain).
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
