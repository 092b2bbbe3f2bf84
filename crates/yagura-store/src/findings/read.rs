//! Looking findings up by identity, reading their history, and streaming what is not resolved.
//! Questions with conditions are in `list.rs` and `count.rs`.

use std::collections::{BTreeSet, HashMap};

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use yagura_model::finding::{Actor, Change, Finding, FindingState, HistoryEntry};

use super::Findings;
use super::chunks::Chunks;
use super::column::{Column, kind_of, state_of};
use super::matching::Plan;
use super::names::names_of;
use super::question::{FindingFilter, OpenFinding, Span};
use super::rows::{self, Reach, id_bytes};
use crate::batch;
use crate::database::{Param, Row, Session};
use crate::error::StoreError;

/// Findings of one page of a stream.
const PAGE: usize = 2_048;
/// What a stream reads of a finding's columns.
const OPEN_COLUMNS: [Column; 7] = [
    Column::Kind,
    Column::Content,
    Column::Account,
    Column::Region,
    Column::ResourceType,
    Column::State,
    Column::LastSeen,
];

impl Findings {
    /// A finding by its identity.
    ///
    /// # Errors
    /// Where the database cannot be read or the finding in it is damaged.
    pub async fn get(&self, id: &str) -> Result<Option<Finding>, StoreError> {
        Ok(self.get_many(&[id.to_owned()]).await?.pop())
    }

    /// Those of some findings that there are, in the order asked for.
    ///
    /// # Errors
    /// Where the database cannot be read or a finding in it is damaged.
    pub async fn get_many(&self, ids: &[String]) -> Result<Vec<Finding>, StoreError> {
        let mut session = self.database.read("look up findings");
        let reach = Reach::of(&mut session, &self.scope).await?;
        let bytes = ids.iter().filter_map(|id| id_bytes(id));
        let heads = rows::heads(&mut session, &reach, bytes).await?;
        let numbers: Vec<i64> = heads.values().map(|head| head.number).collect();
        let mut chunks = Chunks::default();
        let mut found = rows::findings(&mut session, &reach, &mut chunks, &numbers).await?;
        let number = |id: &String| id_bytes(id).and_then(|id| heads.get(&id)).map(|h| h.number);
        Ok(ids.iter().filter_map(|id| found.remove(&number(id)?)).collect())
    }

    /// The findings whose identity begins so, at most `limit`, in the order of their identities.
    ///
    /// # Errors
    /// Where the database cannot be read or a finding in it is damaged.
    pub async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<Finding>, StoreError> {
        let Some((from, to)) = crate::alerts::range_of(prefix) else { return Ok(Vec::new()) };
        let mut session = self.database.read("look up findings");
        let reach = Reach::of(&mut session, &self.scope).await?;
        let sql = format!(
            "SELECT number FROM findings WHERE id >= $1 AND id <= $2{} ORDER BY id LIMIT $3",
            reach.condition()
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = vec![from.into(), to.into(), limit.into()];
        let numbers = session.fetch_as(sql, params, |row| row.int(0)).await?;
        let mut chunks = Chunks::default();
        let mut found = rows::findings(&mut session, &reach, &mut chunks, &numbers).await?;
        Ok(numbers.iter().filter_map(|number| found.remove(number)).collect())
    }

    /// What happened to a finding, the oldest first, after the number of an entry (0: from the
    /// beginning), at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read or its history is damaged.
    pub async fn history(
        &self,
        id: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let Some(id) = id_bytes(id) else { return Ok(Vec::new()) };
        self.entries("finding = $3", after, limit, vec![id.into()]).await
    }

    /// What happened to findings after the number of an entry (0: from the beginning), in the
    /// order of their numbers, at most `limit`. Whoever goes on with the last number misses
    /// nothing: entries are numbered and made visible by one writer at a time.
    ///
    /// # Errors
    /// Where the database cannot be read or its history is damaged.
    pub async fn history_after(
        &self,
        number: i64,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.entries("1 = 1", number, limit, Vec::new()).await
    }

    /// The number of the newest entry of the history; 0 where there is none.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn history_end(&self) -> Result<i64, StoreError> {
        let mut session = self.database.read("read the history of findings");
        let reach = Reach::of(&mut session, &self.scope).await?;
        let sql = format!(
            "SELECT CAST(coalesce(max(number), 0) AS BIGINT) FROM finding_history WHERE 1 = 1{}",
            reach.condition()
        );
        let end = session.fetch_one(sql, vec![], |row| row.int(0)).await?;
        Ok(end.unwrap_or_default())
    }

    async fn entries(
        &self,
        which: &'static str,
        after: i64,
        limit: usize,
        more: Vec<Param>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut session = self.database.read("read the history of findings");
        let reach = Reach::of(&mut session, &self.scope).await?;
        let sql = format!(
            "SELECT number, finding, account_code, at_us, actor_kind, actor, change \
             FROM finding_history WHERE number > $1 AND {which}{} ORDER BY number LIMIT $2",
            reach.condition()
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = [after.into(), limit.into()].into_iter().chain(more).collect();
        let rows = session.fetch(sql, params).await?;
        let codes = rows.iter().map(|row| row.int(2)).collect::<Result<BTreeSet<i64>, _>>();
        let codes = codes.map_err(|error| session.fail(error))?;
        let accounts = names_of(&mut session, Column::Account, codes).await?;
        rows.iter().map(|row| entry_of(&session, row, &accounts)).collect()
    }

    /// The numbers of those whose suppression ends at a time or before.
    pub(super) async fn suppressed_until(&self, at_us: i64) -> Result<Vec<i64>, StoreError> {
        let mut session = self.database.read("look up suppressed findings");
        let until = Timestamp::from_microsecond(at_us.saturating_add(1)).ok();
        let filter = FindingFilter {
            states: vec![FindingState::Suppressed],
            suppressed_until: Span { since: None, until },
            ..FindingFilter::default()
        };
        let plan = Plan::of(&mut session, self, &filter).await?;
        numbers(&mut session, &plan).await
    }

    /// What is not resolved (unless the filter names states), as closing needs it, in no order
    /// that means anything. What changes while it is read may be missing or be as it was.
    pub fn ids_open(
        &self,
        filter: &FindingFilter,
    ) -> BoxStream<'static, Result<OpenFinding, StoreError>> {
        let (findings, mut filter) = (self.clone(), filter.clone());
        if filter.states.is_empty() {
            filter.states = FindingState::OPEN.to_vec();
            filter.states.push(FindingState::Suppressed);
        }
        let start = async move {
            let mut session = findings.database.read("read open findings");
            let plan = Plan::of(&mut session, &findings, &filter).await?;
            let numbers = numbers(&mut session, &plan).await?;
            let pages: Vec<Vec<i64>> = numbers.chunks(PAGE).map(<[i64]>::to_vec).collect();
            let open = stream::iter(pages.into_iter().map(Ok)).and_then(move |page| {
                let (database, reach) = (findings.database.clone(), plan.reach.clone());
                async move {
                    let mut session = database.read("read open findings");
                    let open = open_of(&mut session, &reach, &page).await?;
                    Ok::<_, StoreError>(stream::iter(open.into_iter().map(Ok)))
                }
            });
            Ok::<_, StoreError>(open.try_flatten())
        };
        stream::once(start).try_flatten().boxed()
    }
}

/// The numbers of all that match, ascending.
pub(super) async fn numbers(session: &mut Session, plan: &Plan) -> Result<Vec<i64>, StoreError> {
    let mut numbers = Vec::new();
    plan.scan(session, &[], &mut |matched| {
        numbers.extend(matched.numbers());
        true
    })
    .await?;
    Ok(numbers)
}

fn entry_of(
    session: &Session,
    row: &Row,
    accounts: &HashMap<i64, String>,
) -> Result<HistoryEntry, StoreError> {
    let read = || {
        let places = (row.int(0)?, row.blob(1)?, row.int(2)?, row.int(3)?);
        Ok::<_, sqlx::Error>((places, row.text(4)?, row.text(5)?, row.text(6)?))
    };
    let ((number, finding, account, at_us), kind, name, change) =
        read().map_err(|error| session.fail(error))?;
    let damaged = |what: &str| session.damaged(format!("entry {number} of the history: {what}"));
    Ok(HistoryEntry {
        number,
        finding: hex::encode(finding),
        account: accounts.get(&account).cloned().ok_or_else(|| damaged("unknown account"))?,
        at_us,
        actor: Actor::of(&kind, &name).ok_or_else(|| damaged("unknown actor"))?,
        change: serde_json::from_str::<Change>(&change)
            .map_err(|error| damaged(&error.to_string()))?,
    })
}

/// Findings as closing needs them.
async fn open_of(
    session: &mut Session,
    reach: &Reach,
    page: &[i64],
) -> Result<Vec<OpenFinding>, StoreError> {
    let find = "SELECT number, id, key, sub_key FROM findings WHERE number";
    let params = page.iter().map(|number| (*number).into()).collect();
    let rows = batch::select_in(session, find, &[], params, &reach.condition()).await?;
    let mut chunks = Chunks::default();
    chunks.load(session, &OPEN_COLUMNS, page.iter().copied()).await?;
    let mut names: HashMap<Column, HashMap<i64, String>> = HashMap::new();
    for column in [Column::Content, Column::Account, Column::Region, Column::ResourceType] {
        let codes = page.iter().map(|number| chunks.get(column, *number)).collect();
        names.insert(column, names_of(session, column, codes).await?);
    }
    let mut open = Vec::with_capacity(rows.len());
    for row in &rows {
        let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.blob(1)?, row.text(2)?, row.text(3)?));
        let (number, id, key, sub_key) = read().map_err(|error| session.fail(error))?;
        let name = |column: Column| {
            let code = chunks.get(column, number);
            names.get(&column).and_then(|names| names.get(&code)).cloned().unwrap_or_default()
        };
        let kind = kind_of(chunks.get(Column::Kind, number));
        // A finding that was taken away in the meantime has no state.
        let state = state_of(chunks.get(Column::State, number));
        let (Some(kind), Some(state)) = (kind, state) else { continue };
        open.push(OpenFinding {
            id: hex::encode(id),
            kind,
            content: name(Column::Content),
            key,
            sub_key,
            account: name(Column::Account),
            region: name(Column::Region),
            resource_type: name(Column::ResourceType),
            state,
            last_seen_us: chunks.get(Column::LastSeen, number),
        });
    }
    Ok(open)
}
