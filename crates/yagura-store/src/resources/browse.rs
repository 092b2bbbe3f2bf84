//! Resources listed for people: searched by text, filtered, counted, page by page by name, within
//! the accounts that somebody may know of.
//! What is looked through is written by `texts.rs`; whole resources are read in `read.rs`.
//!
//! How many resources each place has is counted along an index, exactly. Where a text or verdicts
//! narrow the list further, at most [`MATCHES_MAX`] matches are counted; a list of more is walked
//! along the index of names, so that every page is quick.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use yagura_model::VerdictStatus;
use yagura_model::finding::Scope;

use super::texts::{TAG, line};
use crate::Store;
use crate::batch::{in_list, select_in};
use crate::database::{Param, Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;
use crate::findings::Total;
use crate::intern::Place;
use crate::scan::ScanId;

/// Matches that are counted and sorted at most; a longer list says that it is longer.
pub const MATCHES_MAX: usize = 10_000;
/// Resources of a page at most.
pub const RESOURCES_MAX: usize = 500;
/// Words of a text that are looked for at most.
const WORDS_MAX: usize = 8;

/// Which resources are listed. An empty list, or none, does not matter; several values of one list
/// are alternatives, except of tags, which must all be there.
#[derive(Clone, Debug)]
pub struct ResourceQuery {
    /// The accounts that whoever asks may know of.
    pub scope: Scope,
    /// Words in name, key, native id or tags, in any case of letters, all of them.
    pub text: String,
    /// Types.
    pub types: Vec<String>,
    /// Accounts, within the scope.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Tags: `env` or `env=prod`, in any case of letters.
    pub tags: Vec<String>,
    /// Whether they still exist.
    pub life: Life,
    /// What scans said of them.
    pub judged: Option<Judged>,
}

/// Whether a resource still exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// It does, as far as is known.
    #[default]
    Living,
    /// It is gone.
    Deleted,
    /// Either.
    Any,
}

/// What scans said of resources: fail or unknown.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Fail or unknown; of others nothing is found.
    pub status: VerdictStatus,
    /// Ids of controls; empty for any.
    pub controls: Vec<String>,
    /// The scans, each with the accounts for which it is the one that counts (none: all).
    pub scans: Vec<(ScanId, Vec<String>)>,
}

/// One resource of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRow {
    /// Its key.
    pub key: String,
    /// What a person calls it.
    pub name: String,
    /// Its type.
    pub type_name: String,
    /// Twelve digits.
    pub account: String,
    /// A region's name or `global`.
    pub region: String,
    /// Whether it is gone.
    pub deleted: bool,
    /// When it was last seen; of a deleted one when it was found missing.
    pub seen: Timestamp,
    number: i64,
}

/// A page of a list, with how many there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceList {
    /// By name.
    pub rows: Vec<ResourceRow>,
    /// Where the next page goes on, if there is one.
    pub next: Option<i64>,
    /// How many there are.
    pub total: Total,
    /// How many of each type, were no type asked for; most first. Exact where `total` is.
    pub types: Vec<(String, u64)>,
    /// How many of each account, were no account asked for.
    pub accounts: Vec<(String, u64)>,
    /// How many of each region, were no region asked for.
    pub regions: Vec<(String, u64)>,
}

/// How many living and deleted resources a place has.
#[derive(Clone, Debug)]
struct Populated {
    id: i64,
    place: Place,
    living: u64,
    deleted: u64,
}

/// A match: its number, place and name.
type Match = (i64, i64, String);

impl ResourceQuery {
    /// Everything that somebody may know of.
    pub fn of(scope: Scope) -> Self {
        Self {
            scope,
            text: String::new(),
            types: Vec::new(),
            accounts: Vec::new(),
            regions: Vec::new(),
            tags: Vec::new(),
            life: Life::default(),
            judged: None,
        }
    }

    /// What must stand in a search text: patterns of LIKE.
    fn patterns(&self) -> Vec<String> {
        let words = self.text.split_whitespace().take(WORDS_MAX);
        let words = words.map(|word| format!("%{}%", like(&line(word))));
        let tags = self.tags.iter().take(WORDS_MAX).map(|tag| match tag.split_once('=') {
            Some((key, value)) => {
                format!("%\n{TAG}{}={}\n%", like(&line(key)), like(&line(value)))
            }
            None => format!("%\n{TAG}{}=%", like(&line(tag))),
        });
        words.chain(tags).collect()
    }

    fn counts(&self, place: &Populated) -> u64 {
        match self.life {
            Life::Living => place.living,
            Life::Deleted => place.deleted,
            Life::Any => place.living + place.deleted,
        }
    }

    /// Whether a place is asked for, by type, account and region.
    fn wants(&self, place: &Place) -> [bool; 3] {
        let has = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        [
            has(&self.types, &place.type_name),
            has(&self.accounts, &place.account),
            has(&self.regions, &place.region),
        ]
    }
}

/// A text in which nothing stands for anything else (with `ESCAPE '!'`).
pub(super) fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern
}

impl Store {
    /// A page of the resources that a question asks for, with how many there are. `after` is
    /// [`ResourceList::next`] of the page before.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn browse(
        &self,
        query: &ResourceQuery,
        after: Option<i64>,
        limit: usize,
    ) -> Result<ResourceList, StoreError> {
        if matches!(&query.scope, Scope::Accounts(accounts) if accounts.is_empty()) {
            return Ok(ResourceList {
                total: Total { count: 0, exact: true },
                ..Default::default()
            });
        }
        let mut session = self.database.read("list resources");
        let places = populated(&mut session, &query.scope).await?;
        let limit = limit.clamp(1, RESOURCES_MAX);
        let start = match after {
            Some(id) => Some((name_of(&mut session, id).await?, id)),
            None => None,
        };
        let patterns = query.patterns();
        if patterns.is_empty() && query.judged.is_none() {
            return plain(&mut session, query, &places, start, limit).await;
        }
        let mut found = matches(&mut session, query, &patterns, false).await?;
        let cut = found.len() > MATCHES_MAX;
        if cut {
            found = matches(&mut session, query, &patterns, true).await?;
        }
        let more = found.len() > MATCHES_MAX;
        found.truncate(MATCHES_MAX);
        let mut by_place: HashMap<i64, u64> = HashMap::new();
        for (_, place, _) in &found {
            *by_place.entry(*place).or_default() += 1;
        }
        let counted = |place: &Populated| by_place.get(&place.id).copied().unwrap_or_default();
        let mut list = facets(query, &places, counted);
        list.total.exact = !more;
        if more {
            walk(&mut session, query, &patterns, start, limit, &mut list).await?;
        } else {
            let wanted = wanted_places(query, &places);
            found.retain(|(_, place, _)| wanted.contains_key(place));
            page(&mut session, found, &places, start, limit, &mut list).await?;
        }
        Ok(list)
    }

    /// How many living resources of each type an account has; most first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn resource_counts(
        &self,
        scope: &Scope,
    ) -> Result<BTreeMap<String, Vec<(String, u64)>>, StoreError> {
        let mut session = self.database.read("count resources");
        let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for place in populated(&mut session, scope).await? {
            let types = counts.entry(place.place.account).or_default();
            *types.entry(place.place.type_name).or_default() += place.living;
        }
        let ordered = |types: BTreeMap<String, u64>| {
            ordered(types.into_iter().filter(|(_, n)| *n > 0).collect())
        };
        Ok(counts.into_iter().map(|(account, types)| (account, ordered(types))).collect())
    }
}

/// The places in which resources were ever seen, within a scope.
async fn populated(session: &mut Session, scope: &Scope) -> Result<Vec<Populated>, StoreError> {
    let sql = "SELECT p.id, p.type, p.account, p.region, x.alive, x.n FROM (SELECT place_id, \
               alive, count(*) AS n FROM resources WHERE version_id IS NOT NULL \
               GROUP BY place_id, alive) AS x JOIN places p ON p.id = x.place_id ORDER BY p.id";
    let read = |row: &Row| Ok((row.int(0)?, Place::read(row, 1)?, row.flag(4)?, row.int(5)?));
    let rows = session.fetch_as(sql, vec![], read).await?;
    let mut places: Vec<Populated> = Vec::new();
    for (id, place, alive, count) in rows {
        if !scope.admits(&place.account) {
            continue;
        }
        if places.last().is_none_or(|last| last.id != id) {
            places.push(Populated { id, place, living: 0, deleted: 0 });
        }
        if let Some(last) = places.last_mut() {
            let counted = if alive { &mut last.living } else { &mut last.deleted };
            *counted = u64::try_from(count).unwrap_or_default();
        }
    }
    Ok(places)
}

async fn name_of(session: &mut Session, id: i64) -> Result<String, StoreError> {
    let sql = "SELECT name FROM resources WHERE id = $1";
    Ok(session.fetch_one(sql, vec![id.into()], |row| row.text(0)).await?.unwrap_or_default())
}

fn ordered(mut counts: Vec<(String, u64)>) -> Vec<(String, u64)> {
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// How many there are in all, and of each kind were that kind not asked for.
fn facets(
    query: &ResourceQuery,
    places: &[Populated],
    count: impl Fn(&Populated) -> u64,
) -> ResourceList {
    let mut by: [BTreeMap<&str, u64>; 3] = Default::default();
    let mut total = 0;
    for populated in places {
        let n = count(populated);
        if n == 0 {
            continue;
        }
        let wants = query.wants(&populated.place);
        let Place { type_name, account, region } = &populated.place;
        for (which, name) in [type_name, account, region].into_iter().enumerate() {
            let others = wants.iter().enumerate().all(|(other, wants)| other == which || *wants);
            if let Some(counts) = by.get_mut(which).filter(|_| others) {
                *counts.entry(name).or_default() += n;
            }
        }
        if wants == [true; 3] {
            total += n;
        }
    }
    let [types, accounts, regions] =
        by.map(|counts| ordered(counts.into_iter().map(|(k, n)| (k.to_owned(), n)).collect()));
    let total = Total { count: total, exact: true };
    ResourceList { types, accounts, regions, total, ..ResourceList::default() }
}

fn wanted_places<'p>(
    query: &ResourceQuery,
    places: &'p [Populated],
) -> HashMap<i64, &'p Populated> {
    let wanted = places.iter().filter(|one| query.wants(&one.place) == [true; 3]);
    wanted.map(|one| (one.id, one)).collect()
}

/// A list that nothing but places narrows.
async fn plain(
    session: &mut Session,
    query: &ResourceQuery,
    places: &[Populated],
    start: Option<(String, i64)>,
    limit: usize,
) -> Result<ResourceList, StoreError> {
    let mut list = facets(query, places, |place| query.counts(place));
    if list.total.count > MATCHES_MAX as u64 {
        walk(session, query, &[], start, limit, &mut list).await?;
        return Ok(list);
    }
    let wanted = wanted_places(query, places);
    let ids = wanted.values().filter(|one| query.counts(one) > 0).map(|one| one.id.into());
    let after = format!("AND version_id IS NOT NULL {}", alive(query.life, "alive"));
    let find = "SELECT id, place_id, name FROM resources WHERE place_id";
    let rows = select_in(session, find, &[], ids.collect(), &after).await?;
    let read = |row: &Row| Ok((row.int(0)?, row.int(1)?, row.text(2)?));
    let found = rows.iter().map(read).collect::<Result<Vec<Match>, _>>();
    let found = found.map_err(|error| session.fail(error))?;
    page(session, found, places, start, limit, &mut list).await?;
    Ok(list)
}

fn alive(life: Life, column: &str) -> String {
    match life {
        Life::Living => format!("AND {column} = 1"),
        Life::Deleted => format!("AND {column} = 0"),
        Life::Any => String::new(),
    }
}

/// A statement under way, with its parameters.
struct Asked {
    sql: String,
    params: Vec<Param>,
}

impl Asked {
    fn param(&mut self, value: impl Into<Param>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    /// ` AND column IN (…)`, where there is something to ask for.
    fn one_of<'v>(&mut self, column: &str, values: impl IntoIterator<Item = &'v String>) {
        let before = self.params.len();
        self.params.extend(values.into_iter().map(|value| column_text(value).into()));
        let count = self.params.len() - before;
        if count > 0 {
            self.sql.push_str(&in_list(&format!(" AND {column}"), before, count, ""));
        }
    }

    /// The accounts of the scope, and what is asked of places `p`.
    fn places(&mut self, query: &ResourceQuery) {
        if let Scope::Accounts(accounts) = &query.scope {
            self.one_of("p.account", accounts);
        }
        self.one_of("p.type", &query.types);
        self.one_of("p.account", &query.accounts);
        self.one_of("p.region", &query.regions);
    }

    fn texts(&mut self, patterns: &[String]) {
        for pattern in patterns {
            let place = self.param(pattern.as_str());
            self.sql.push_str(&format!(" AND t.text LIKE {place} ESCAPE '!'"));
        }
    }

    /// The verdicts `v` of one scan that count; `of` says of which resource.
    fn verdicts(&mut self, judged: &Judged, scan: &(ScanId, Vec<String>), of: &str) {
        let (id, status) = (self.param(scan.0.0), self.param(judged.status.as_str()));
        self.sql.push_str(&format!(
            "SELECT v.resource_id AS id FROM verdicts v JOIN places q ON q.id = v.place_id \
             WHERE v.scan_id = {id} AND v.status = {status}{of}"
        ));
        self.one_of("q.account", &scan.1);
        if !judged.controls.is_empty() {
            self.sql.push_str(" AND v.control_id IN (SELECT c.id FROM controls c WHERE 1 = 1");
            self.one_of("c.name", &judged.controls);
            self.sql.push(')');
        }
    }

    /// ` AND (EXISTS (…) OR …)`: some scan says so of the resource `r`.
    fn judged(&mut self, judged: &Judged) {
        self.sql.push_str(" AND (1 = 0");
        for scan in &judged.scans {
            self.sql.push_str(" OR EXISTS (");
            self.verdicts(judged, scan, " AND v.resource_id = r.id");
            self.sql.push(')');
        }
        self.sql.push(')');
    }
}

/// The matches of a text and of verdicts, one more than are counted at most; `narrow`: only those
/// within the scope and the places asked for.
async fn matches(
    session: &mut Session,
    query: &ResourceQuery,
    patterns: &[String],
    narrow: bool,
) -> Result<Vec<Match>, StoreError> {
    // CROSS JOIN is how SQLite is told the order of a join; the texts or the verdicts are what
    // narrows most, and are read along their own table or index.
    let mut asked =
        Asked { sql: "SELECT r.id, r.place_id, r.name FROM ".to_owned(), params: vec![] };
    let by_text = !patterns.is_empty();
    match &query.judged {
        Some(judged) if !by_text && judged.scans.is_empty() => return Ok(Vec::new()),
        Some(judged) if !by_text => {
            asked.sql.push('(');
            for (at, scan) in judged.scans.iter().enumerate() {
                asked.sql.push_str(if at > 0 { " UNION " } else { "" });
                asked.verdicts(judged, scan, "");
                if judged.scans.len() == 1 {
                    asked.sql.push_str(" GROUP BY v.resource_id");
                }
            }
            asked.sql.push_str(") AS t");
        }
        _ => asked.sql.push_str("(SELECT resource_id AS id, text FROM resource_texts) AS t"),
    }
    asked.sql.push_str(" CROSS JOIN resources r");
    asked.sql.push_str(if narrow { " CROSS JOIN places p" } else { "" });
    asked.sql.push_str(" WHERE r.id = t.id AND r.version_id IS NOT NULL ");
    asked.sql.push_str(&alive(query.life, "r.alive"));
    if narrow {
        asked.sql.push_str(" AND p.id = r.place_id");
        asked.places(query);
    }
    if by_text {
        asked.texts(patterns);
        if let Some(judged) = &query.judged {
            asked.judged(judged);
        }
    }
    asked.sql.push_str(&format!(" LIMIT {}", MATCHES_MAX + 1));
    let read = |row: &Row| Ok((row.int(0)?, row.int(1)?, row.text(2)?));
    session.fetch_as(asked.sql, asked.params, read).await
}

/// One page out of matches that are all in hand.
async fn page(
    session: &mut Session,
    mut found: Vec<Match>,
    places: &[Populated],
    start: Option<(String, i64)>,
    limit: usize,
    list: &mut ResourceList,
) -> Result<(), StoreError> {
    found.sort_unstable_by(|a, b| (&a.2, a.0).cmp(&(&b.2, b.0)));
    if let Some((name, id)) = start {
        found.retain(|one| (&one.2, one.0) > (&name, id));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    list.next = found.last().filter(|_| more).map(|(id, ..)| *id);
    let ids = found.iter().map(|(id, ..)| (*id).into()).collect();
    let find = "SELECT r.id, r.key, r.name, p.type, p.account, p.region, r.alive, r.seen_us \
                FROM resources r JOIN places p ON p.id = r.place_id WHERE r.id";
    let rows = select_in(session, find, &[], ids, "").await?;
    let known: HashMap<i64, &Populated> = places.iter().map(|one| (one.id, one)).collect();
    let mut by_id = HashMap::new();
    for row in &rows {
        let row = row_of(session, row)?;
        by_id.insert(row.number, row);
    }
    // INVARIANT: places outside the scope are not among `places`.
    let admitted = found.iter().filter(|(_, place, _)| known.contains_key(place));
    list.rows = admitted.filter_map(|(id, ..)| by_id.remove(id)).collect();
    Ok(())
}

/// A row of number, key, name, type, account, region, alive, last seen.
pub(super) fn row_of(session: &Session, row: &Row) -> Result<ResourceRow, StoreError> {
    let read = || {
        let place = Place::read(row, 3)?;
        Ok((row.int(0)?, row.text(1)?, row.text(2)?, place, row.flag(6)?, row.int(7)?))
    };
    let (number, key, name, place, alive, seen_us) = read().map_err(|error| session.fail(error))?;
    let seen = Timestamp::from_microsecond(seen_us)
        .map_err(|error| session.damaged(format!("a resource: {error}")))?;
    Ok(ResourceRow {
        key,
        name,
        type_name: place.type_name,
        account: place.account,
        region: place.region,
        deleted: !alive,
        seen,
        number,
    })
}

/// A page of a list that is too long to be sorted: along the index of names.
async fn walk(
    session: &mut Session,
    query: &ResourceQuery,
    patterns: &[String],
    start: Option<(String, i64)>,
    limit: usize,
    list: &mut ResourceList,
) -> Result<(), StoreError> {
    let mut asked = Asked {
        sql: "SELECT r.id, r.key, r.name, p.type, p.account, p.region, r.alive, r.seen_us \
              FROM resources r CROSS JOIN places p"
            .to_owned(),
        params: Vec::new(),
    };
    let texts = if patterns.is_empty() { "" } else { " CROSS JOIN resource_texts t" };
    asked.sql.push_str(texts);
    asked.sql.push_str(" WHERE p.id = r.place_id AND r.version_id IS NOT NULL ");
    asked.sql.push_str(&alive(query.life, "r.alive"));
    if !patterns.is_empty() {
        asked.sql.push_str(" AND t.resource_id = r.id");
    }
    if let Some((name, id)) = start {
        let (name, id) = (asked.param(name), asked.param(id));
        asked.sql.push_str(&format!(" AND (r.name, r.id) > ({name}, {id})"));
    }
    asked.places(query);
    asked.texts(patterns);
    if let Some(judged) = &query.judged {
        asked.judged(judged);
    }
    asked.sql.push_str(&format!(" ORDER BY r.name, r.id LIMIT {}", limit + 1));
    let rows = session.fetch(asked.sql, asked.params).await?;
    for row in rows.iter().take(limit) {
        let row = row_of(session, row)?;
        // INVARIANT: nothing outside the scope, whatever the statement answered.
        if query.scope.admits(&row.account) {
            list.rows.push(row);
        }
    }
    list.next = list.rows.last().filter(|_| rows.len() > limit).map(|row| row.number);
    Ok(())
}
