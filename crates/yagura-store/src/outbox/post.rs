//! Posting: what a page of the history of findings leads to, written together with how far the
//! history was read. Which entry leads where is decided by routes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::message::MessageKind;
use yagura_model::{Prose, Severity};

use super::storm::{Lane, Passage, StormLimit, Tally};
use super::{CURSOR, Outbox, cursor, severity_number, tally_of, uncount};
use crate::database::{Param, Session};
use crate::encode::{column_text, pack};
use crate::error::StoreError;

/// Findings that one message keeps apart; of more only numbers are known.
const ITEMS_MAX: u64 = 10_000;
/// Findings of one message whose documents are kept; those that are worse than medium, twice as
/// many.
const DOCUMENTS_MAX: u64 = 100;

/// What one entry of a finding's history leads to at one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// The target.
    pub target: String,
    /// The route that led there.
    pub route: String,
    /// The finding.
    pub finding: String,
    /// The entry of its history.
    pub entry: i64,
    /// What happened, in one word.
    pub change: String,
    /// How bad it is.
    pub severity: Severity,
    /// What findings are grouped by.
    pub cause: String,
    /// What a person calls that.
    pub title: Prose,
    /// What is told.
    pub document: Value,
    /// With which others it is told; none is told by itself, at once.
    pub batch: Option<Batch>,
}

/// Messages that are told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What tells batches apart: the route, and when it is told.
    pub key: String,
    /// When it is told.
    pub due: Timestamp,
}

/// A critical finding that came up: somebody must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The entry of its history.
    pub entry: i64,
    /// The finding.
    pub finding: String,
    /// When it came up.
    pub at: Timestamp,
}

/// A page of the history, routed.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Where the cursor stood when the page was read.
    pub from: i64,
    /// Where it stands now.
    pub to: i64,
    /// What it leads to.
    pub posts: Vec<Post>,
    /// Critical findings in it.
    pub owed: Vec<Owed>,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// Another process has routed the page already; nothing was done.
    pub raced: bool,
    /// Told by themselves.
    pub single: u64,
    /// Told together with others later.
    pub gathered: u64,
    /// Only counted, because of a storm.
    pub counted: u64,
    /// Were in the outbox already.
    pub repeated: u64,
    /// Storms that began.
    pub storms: u64,
}

/// A message that gathers, while a page is posted.
struct Gathering {
    number: i64,
    items: u64,
    tally: Tally,
}

impl Outbox {
    /// Writes what a page leads to, and moves the cursor, in one transaction.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is.
    pub async fn post(
        &self,
        page: &Page,
        limits: &BTreeMap<String, StormLimit>,
        now: Timestamp,
    ) -> Result<Posted, StoreError> {
        let mut session = self.database.write("put messages into the outbox").await?;
        if cursor(&mut session).await? != page.from {
            return Ok(Posted { raced: true, ..Posted::default() });
        }
        let now_us = now.as_microsecond();
        let mut posting = Posting {
            session,
            now_us,
            posted: Posted::default(),
            lanes: BTreeMap::new(),
            gatherings: BTreeMap::new(),
        };
        for post in &page.posts {
            posting.post(post, limits.get(&post.target).copied()).await?;
        }
        posting.finish(page).await
    }
}

/// One page on its way into the database.
struct Posting {
    session: Session,
    now_us: i64,
    posted: Posted,
    lanes: BTreeMap<(String, &'static str), Lane>,
    /// By target and batch, or by the number of the message.
    gatherings: BTreeMap<(String, String), Gathering>,
}

impl Posting {
    async fn post(&mut self, post: &Post, limit: Option<StormLimit>) -> Result<(), StoreError> {
        if self.is_known(post).await? {
            self.posted.repeated += 1;
            return Ok(());
        }
        if let Some(batch) = &post.batch {
            let due_us = batch.due.as_microsecond();
            self.posted.gathered += 1;
            return self.gather(post, &batch.key, MessageKind::Digest, due_us).await;
        }
        // What ends something that is open there is never held back: a ticket would stay open.
        let ends = post.change == "resolved" && self.is_open(post).await?;
        let Some(limit) = limit.filter(|_| !ends) else { return self.single(post).await };
        let lane_name = lane_of(post.severity);
        let mut lane = self.lane(&post.target, lane_name).await?;
        let passage = lane.pass(limit, self.now_us);
        let outcome = match passage {
            Passage::Told => self.single(post).await,
            Passage::Counted(number) => {
                self.posted.counted += 1;
                self.count(post, number).await
            }
            Passage::Begins { news } => {
                self.posted.counted += 1;
                let number = self.begin(post, &lane, limit, news).await?;
                lane.storm = Some(number);
                self.count(post, number).await
            }
        };
        self.lanes.insert((post.target.clone(), lane_name), lane);
        outcome
    }

    async fn is_known(&mut self, post: &Post) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM outbox_items \
                   WHERE target = $1 AND finding = $2 AND entry = $3 LIMIT 1";
        let params =
            vec![post.target.as_str().into(), post.finding.as_str().into(), post.entry.into()];
        Ok(!self.session.fetch(sql, params).await?.is_empty())
    }

    async fn is_open(&mut self, post: &Post) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM outbox_threads \
                   WHERE target = $1 AND finding = $2 AND closed_us IS NULL LIMIT 1";
        let params = vec![post.target.as_str().into(), post.finding.as_str().into()];
        Ok(!self.session.fetch(sql, params).await?.is_empty())
    }

    async fn lane(&mut self, target: &str, name: &'static str) -> Result<Lane, StoreError> {
        if let Some(lane) = self.lanes.get(&(target.to_owned(), name)) {
            return Ok(*lane);
        }
        let sql = "SELECT began_us, span_us, came, storm FROM outbox_lanes \
                   WHERE target = $1 AND lane = $2";
        let read = |row: &crate::database::Row| {
            Ok(Lane {
                began_us: row.int(0)?,
                span_us: row.int(1)?,
                came: uncount(row.int(2)?),
                storm: row.opt_int(3)?,
            })
        };
        let found = self.session.fetch_one(sql, vec![target.into(), name.into()], read).await?;
        Ok(found.unwrap_or_default())
    }

    /// A message about this entry alone.
    async fn single(&mut self, post: &Post) -> Result<(), StoreError> {
        self.posted.single += 1;
        let number = self
            .message(New {
                target: &post.target,
                route: &post.route,
                kind: MessageKind::Finding,
                finding: Some(&post.finding),
                batch: None,
                storm: None,
                due_us: self.now_us,
                items: 1,
                tally: None,
            })
            .await?;
        self.item(post, number, true).await
    }

    /// Begins a storm, or a new span of one; answers the message that sums it up.
    async fn begin(
        &mut self,
        post: &Post,
        lane: &Lane,
        limit: StormLimit,
        news: bool,
    ) -> Result<i64, StoreError> {
        let tally = Tally {
            until_us: Some(lane.ends_us()),
            limit: Some((limit.messages, limit.span_us)),
            ..Tally::default()
        };
        let new = New {
            target: &post.target,
            route: &post.route,
            kind: MessageKind::StormSummary,
            finding: None,
            batch: None,
            storm: None,
            due_us: lane.ends_us(),
            items: 0,
            tally: Some(&tally),
        };
        let summary = self.message(new).await?;
        if news {
            self.posted.storms += 1;
            self.message(New {
                kind: MessageKind::Storm,
                storm: Some(summary),
                due_us: self.now_us,
                tally: None,
                ..new
            })
            .await?;
        }
        Ok(summary)
    }

    /// Counts it into a storm's tally.
    async fn count(&mut self, post: &Post, number: i64) -> Result<(), StoreError> {
        let key = (String::new(), number.to_string());
        if !self.gatherings.contains_key(&key) {
            let sql = "SELECT number, items, tally FROM outbox_messages WHERE number = $1";
            let gathering = self.found(sql, vec![number.into()]).await?;
            let gathering = gathering
                .ok_or_else(|| self.session.damaged("the message of a storm is missing"))?;
            self.gatherings.insert(key.clone(), gathering);
        }
        self.join(post, &key).await
    }

    /// Adds it to the message of its batch.
    async fn gather(
        &mut self,
        post: &Post,
        batch: &str,
        kind: MessageKind,
        due_us: i64,
    ) -> Result<(), StoreError> {
        let key = (post.target.clone(), batch.to_owned());
        if !self.gatherings.contains_key(&key) {
            // One that somebody is sending already tells what it told.
            let sql = "SELECT number, items, tally FROM outbox_messages WHERE target = $1 \
                       AND batch = $2 AND state = 'waiting' AND attempts = 0";
            let params = vec![post.target.as_str().into(), column_text(batch).into()];
            let gathering = match self.found(sql, params).await? {
                Some(gathering) => gathering,
                None => {
                    let tally = Tally::default();
                    let number = self
                        .message(New {
                            target: &post.target,
                            route: &post.route,
                            kind,
                            finding: None,
                            batch: Some(batch),
                            storm: None,
                            due_us,
                            items: 0,
                            tally: Some(&tally),
                        })
                        .await?;
                    Gathering { number, items: 0, tally }
                }
            };
            self.gatherings.insert(key.clone(), gathering);
        }
        self.join(post, &key).await
    }

    async fn found(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<Option<Gathering>, StoreError> {
        let rows = self.session.fetch(sql, params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.int(1)?));
        let (number, items) = read().map_err(|error| self.session.fail(error))?;
        let tally = tally_of(&self.session, row, 2)?.unwrap_or_default();
        Ok(Some(Gathering { number, items: uncount(items), tally }))
    }

    async fn join(&mut self, post: &Post, key: &(String, String)) -> Result<(), StoreError> {
        let Some(gathering) = self.gatherings.get_mut(key) else { return Ok(()) };
        gathering.tally.add(post.severity, &post.cause, &post.title);
        if gathering.items >= ITEMS_MAX {
            return Ok(());
        }
        gathering.items += 1;
        let bad = post.severity > Severity::Medium;
        let whole = gathering.items <= if bad { DOCUMENTS_MAX * 2 } else { DOCUMENTS_MAX };
        let number = gathering.number;
        self.item(post, number, whole).await
    }

    async fn item(&mut self, post: &Post, number: i64, whole: bool) -> Result<(), StoreError> {
        let document = whole.then(|| pack(post.document.to_string().as_bytes()));
        let sql = "INSERT INTO outbox_items \
                   (target, finding, entry, message, change, severity, document) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let params = vec![
            post.target.as_str().into(),
            post.finding.as_str().into(),
            post.entry.into(),
            number.into(),
            post.change.as_str().into(),
            severity_number(post.severity).into(),
            document.into(),
        ];
        self.session.execute(sql, params).await?;
        Ok(())
    }

    async fn message(&mut self, new: New<'_>) -> Result<i64, StoreError> {
        let tally = new.tally.map(pack_tally).transpose();
        let tally = tally.map_err(|detail| self.session.damaged(detail))?;
        let sql = "INSERT INTO outbox_messages (target, route, kind, finding, batch, storm, \
                   state, made_us, due_us, attempts, lease_until_us, items, tally) \
                   VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, 0, 0, $9, $10) \
                   RETURNING number";
        let params = vec![
            new.target.into(),
            column_text(new.route).into(),
            new.kind.as_str().into(),
            new.finding.map(str::to_owned).into(),
            new.batch.map(column_text).into(),
            new.storm.into(),
            self.now_us.into(),
            new.due_us.into(),
            new.items.into(),
            tally.into(),
        ];
        let number = self.session.fetch_one(sql, params, |row| row.int(0)).await?;
        number.ok_or_else(|| self.session.damaged("a new message has no number"))
    }

    /// Writes what gathered, and moves the cursor.
    async fn finish(mut self, page: &Page) -> Result<Posted, StoreError> {
        for gathering in self.gatherings.values() {
            let tally =
                pack_tally(&gathering.tally).map_err(|detail| self.session.damaged(detail))?;
            let items = i64::try_from(gathering.items).unwrap_or(i64::MAX);
            let sql = "UPDATE outbox_messages SET items = $2, tally = $3 WHERE number = $1";
            let params = vec![gathering.number.into(), items.into(), tally.into()];
            self.session.execute(sql, params).await?;
        }
        for ((target, name), lane) in &self.lanes {
            let sql = "INSERT INTO outbox_lanes (target, lane, began_us, span_us, came, storm) \
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (target, lane) DO UPDATE SET \
                       began_us = excluded.began_us, span_us = excluded.span_us, \
                       came = excluded.came, storm = excluded.storm";
            let params = vec![
                target.as_str().into(),
                (*name).into(),
                lane.began_us.into(),
                lane.span_us.into(),
                i64::try_from(lane.came).unwrap_or(i64::MAX).into(),
                lane.storm.into(),
            ];
            self.session.execute(sql, params).await?;
        }
        for owed in &page.owed {
            let sql = "INSERT INTO outbox_owed (entry, finding, at_us) VALUES ($1, $2, $3) \
                       ON CONFLICT (entry) DO NOTHING";
            let at_us = owed.at.as_microsecond();
            let params = vec![owed.entry.into(), owed.finding.as_str().into(), at_us.into()];
            self.session.execute(sql, params).await?;
        }
        let sql = "INSERT INTO outbox_cursors (name, number) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET number = excluded.number";
        self.session.execute(sql, vec![CURSOR.into(), page.to.into()]).await?;
        self.session.commit().await?;
        Ok(self.posted)
    }
}

/// A message to write.
#[derive(Clone, Copy)]
struct New<'a> {
    target: &'a str,
    route: &'a str,
    kind: MessageKind,
    finding: Option<&'a str>,
    batch: Option<&'a str>,
    storm: Option<i64>,
    due_us: i64,
    items: i64,
    tally: Option<&'a Tally>,
}

fn pack_tally(tally: &Tally) -> Result<Vec<u8>, String> {
    let json = serde_json::to_vec(tally).map_err(|error| format!("a tally: {error}"))?;
    Ok(pack(&json))
}

/// Critical findings are counted apart, so that no flood of others hides them.
fn lane_of(severity: Severity) -> &'static str {
    if severity == Severity::Critical { "critical" } else { "other" }
}
