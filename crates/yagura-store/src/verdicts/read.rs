//! Reading verdicts and their counts.
//! What two scans make of the same resource is compared in `compare.rs`.

use std::collections::{HashMap, VecDeque};

use futures::stream::{self, BoxStream, StreamExt as _};
use yagura_model::{Severity, Verdict, VerdictStatus};

use super::{Detail, OPEN, QUIET, VerdictCount, VerdictFilter};
use crate::Store;
use crate::batch::{in_list, select_in};
use crate::database::{Row, Session};
use crate::encode::{column_text, digest, unpack_ids};
use crate::error::StoreError;
use crate::intern::{self, Place};
use crate::scan::{ScanId, load};

impl Store {
    /// The verdicts of a scan, by control and resource. Passes and not-applicables come without
    /// evidence. `name` is what the resource is called now.
    pub fn verdicts(
        &self,
        scan: ScanId,
        filter: &VerdictFilter,
    ) -> BoxStream<'static, Result<Verdict, StoreError>> {
        let (store, filter) = (self.clone(), filter.clone());
        let start = async move {
            let mut session = store.database.read("read the verdicts of a scan");
            if load(&mut session, scan).await?.pruned {
                return Err(StoreError::ScanPruned(scan.0));
            }
            let subject = match &filter.key {
                None => None,
                Some(key) => Some(subject(&mut session, key).await?),
            };
            let controls = controls_of(&mut session, scan, &filter.controls).await?.into();
            Ok(Reader { session, scan, filter, subject, controls, at: At::Next })
        };
        stream::once(start)
            .flat_map(|reader| match reader {
                Ok(reader) => reader.stream(),
                Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
            })
            .boxed()
    }

    /// How many verdicts of each kind a scan gave, by control and account. They stay when the
    /// scan's verdicts are pruned.
    pub async fn verdict_counts(&self, scan: ScanId) -> Result<Vec<VerdictCount>, StoreError> {
        let mut session = self.database.read("count the verdicts of a scan");
        load(&mut session, scan).await?;
        counts(&mut session, scan).await
    }
}

/// The number of a key; -1, which is nobody's, where it was never heard of.
async fn subject(session: &mut Session, key: &str) -> Result<i64, StoreError> {
    let sql = "SELECT id FROM resources WHERE key_digest = $1";
    let key = vec![digest(key.as_bytes()).into()];
    Ok(session.fetch_one(sql, key, |row| row.int(0)).await?.unwrap_or(-1))
}

/// The controls that gave verdicts in a scan, by name.
pub(super) async fn controls_of(
    session: &mut Session,
    scan: ScanId,
    wanted: &[String],
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut sql = "SELECT c.id, c.name FROM controls c WHERE (EXISTS (SELECT 1 FROM verdicts v \
                   WHERE v.scan_id = $1 AND v.control_id = c.id) OR EXISTS (SELECT 1 \
                   FROM verdict_runs n WHERE n.scan_id = $1 AND n.control_id = c.id))"
        .to_owned();
    let mut params = vec![scan.0.into()];
    if !wanted.is_empty() {
        sql = in_list(&format!("{sql} AND c.name"), 1, wanted.len(), "");
        params.extend(wanted.iter().map(|name| column_text(name).into()));
    }
    sql.push_str(" ORDER BY c.name");
    session.fetch_as(sql, params, |row| Ok((row.int(0)?, row.text(1)?))).await
}

/// Where reading stands.
enum At {
    /// Before the next control.
    Next,
    /// Among the fails and unknowns of a control, after this resource.
    Open((i64, String), i64),
    /// Among the runs of a control, after this one (place, status, number).
    Runs((i64, String), (i64, String, i64)),
}

struct Reader {
    session: Session,
    scan: ScanId,
    filter: VerdictFilter,
    subject: Option<i64>,
    controls: VecDeque<(i64, String)>,
    at: At,
}

const OPEN_PAGE: usize = 500;
const RUN_PAGE: usize = 16;

impl Reader {
    fn stream(self) -> BoxStream<'static, Result<Verdict, StoreError>> {
        stream::unfold(Some(self), |reader| async move {
            let mut reader = reader?;
            match reader.page().await {
                Ok(None) => None,
                Ok(Some(page)) => {
                    let page: Vec<_> = page.into_iter().map(Ok).collect();
                    Some((stream::iter(page), Some(reader)))
                }
                Err(error) => Some((stream::iter(vec![Err(error)]), None)),
            }
        })
        .flatten()
        .boxed()
    }

    /// The next verdicts, perhaps none of them matching; `None` at the end.
    async fn page(&mut self) -> Result<Option<Vec<Verdict>>, StoreError> {
        match std::mem::replace(&mut self.at, At::Next) {
            At::Next => {
                let Some(control) = self.controls.pop_front() else { return Ok(None) };
                self.at = if self.filter.wants(OPEN) {
                    At::Open(control, 0)
                } else {
                    At::Runs(control, (0, String::new(), 0))
                };
                Ok(Some(Vec::new()))
            }
            At::Open(control, after) => self.open_page(control, after).await.map(Some),
            At::Runs(control, after) if self.filter.wants(QUIET) => {
                self.run_page(control, after).await.map(Some)
            }
            At::Runs(..) => Ok(Some(Vec::new())),
        }
    }

    async fn open_page(
        &mut self,
        control: (i64, String),
        after: i64,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut sql = "SELECT v.resource_id, r.key, r.name, p.type, p.account, p.region, \
                       v.status, v.severity, v.detail_id FROM verdicts v \
                       JOIN resources r ON r.id = v.resource_id JOIN places p ON p.id = v.place_id \
                       WHERE v.scan_id = $1 AND v.control_id = $2 AND v.resource_id > $3"
            .to_owned();
        let mut params = vec![self.scan.0.into(), control.0.into(), after.into()];
        if let Some(subject) = self.subject {
            sql.push_str(" AND v.resource_id = $4");
            params.push(subject.into());
        }
        sql.push_str(" ORDER BY v.resource_id LIMIT 500");
        let read = |row: &Row| {
            let texts = (row.text(1)?, row.text(2)?, row.text(6)?, row.text(7)?);
            Ok((row.int(0)?, Place::read(row, 3)?, texts, row.int(8)?))
        };
        let rows = self.session.fetch_as(sql, params, read).await?;
        let ids = rows.iter().map(|row| row.3);
        let details: HashMap<i64, Detail> = intern::details_by_id(&mut self.session, ids).await?;
        let mut verdicts = Vec::with_capacity(rows.len());
        self.at = match rows.last() {
            Some((last, ..)) if rows.len() == OPEN_PAGE => At::Open(control.clone(), *last),
            _ => At::Runs(control.clone(), (0, String::new(), 0)),
        };
        for (_, place, (key, name, status, severity), detail_id) in rows {
            let status = status_of(&self.session, &status)?;
            if !self.filter.matches(status, &place.account) {
                continue;
            }
            let detail = details.get(&detail_id).cloned().unwrap_or_default();
            let Detail { evidence, unread, exception } = detail;
            let severity = severity_of(&self.session, &severity)?;
            verdicts.push(Verdict {
                evidence,
                unread,
                exception,
                ..bare(&control.1, status, severity, key, name, place)
            });
        }
        Ok(verdicts)
    }

    async fn run_page(
        &mut self,
        control: (i64, String),
        after: (i64, String, i64),
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut sql = "SELECT n.place_id, n.status, n.number, n.severity, n.members, p.type, \
                       p.account, p.region FROM verdict_runs n JOIN places p ON p.id = n.place_id \
                       WHERE n.scan_id = $1 AND n.control_id = $2 \
                       AND (n.place_id, n.status, n.number) > ($3, $4, $5)"
            .to_owned();
        let mut params = vec![
            self.scan.0.into(),
            control.0.into(),
            after.0.into(),
            after.1.into(),
            after.2.into(),
        ];
        if let Some(subject) = self.subject {
            // A resource may have moved between regions since, never to another account or type.
            sql.push_str(
                " AND n.place_id IN (SELECT q.id FROM resources s JOIN places o \
                 ON o.id = s.place_id JOIN places q ON q.type = o.type AND q.account = o.account \
                 WHERE s.id = $6)",
            );
            params.push(subject.into());
        }
        sql.push_str(" ORDER BY n.place_id, n.status, n.number LIMIT 16");
        let read = |row: &Row| {
            let at = (row.int(0)?, row.text(1)?, row.int(2)?);
            Ok((at, row.text(3)?, row.blob(4)?, Place::read(row, 5)?))
        };
        let rows = self.session.fetch_as(sql, params, read).await?;
        if let (RUN_PAGE, Some((last, ..))) = (rows.len(), rows.last()) {
            self.at = At::Runs(control.clone(), last.clone());
        }
        let mut verdicts = Vec::new();
        for ((_, status, _), severity, members, place) in rows {
            let status = status_of(&self.session, &status)?;
            if !self.filter.matches(status, &place.account) {
                continue;
            }
            let severity = severity_of(&self.session, &severity)?;
            let mut members =
                unpack_ids(&members).map_err(|detail| self.session.damaged(detail))?;
            members.retain(|id| self.subject.is_none_or(|subject| subject == *id));
            for (key, name) in keys(&mut self.session, &members).await? {
                verdicts.push(bare(&control.1, status, severity, key, name, place.clone()));
            }
        }
        Ok(verdicts)
    }
}

/// A verdict without what it says.
pub(super) fn bare(
    control: &str,
    status: VerdictStatus,
    severity: Severity,
    key: String,
    name: String,
    place: Place,
) -> Verdict {
    Verdict {
        control: control.to_owned(),
        status,
        severity,
        key,
        type_name: place.type_name,
        account: place.account,
        region: place.region,
        name,
        evidence: Vec::new(),
        unread: Vec::new(),
        exception: None,
    }
}

/// Keys and names of resources, in the order of their numbers.
pub(super) async fn keys(
    session: &mut Session,
    ids: &[i64],
) -> Result<Vec<(String, String)>, StoreError> {
    let find = "SELECT id, key, name FROM resources WHERE id";
    let ids = ids.iter().copied().map(Into::into).collect();
    let rows = select_in(session, find, &[], ids, "").await?;
    let read = |row: &Row| Ok((row.int(0)?, (row.text(1)?, row.text(2)?)));
    let mut found: Vec<_> = rows
        .iter()
        .map(read)
        .collect::<Result<_, sqlx::Error>>()
        .map_err(|error| session.fail(error))?;
    found.sort_unstable_by_key(|(id, _)| *id);
    Ok(found.into_iter().map(|(_, texts)| texts).collect())
}

/// A status as a column holds it.
pub(super) fn status_of(session: &Session, word: &str) -> Result<VerdictStatus, StoreError> {
    OPEN.into_iter()
        .chain(QUIET)
        .find(|status| status.as_str() == word)
        .ok_or_else(|| session.damaged(format!("the unknown status {word}")))
}

pub(super) fn severity_of(session: &Session, word: &str) -> Result<Severity, StoreError> {
    word.parse().map_err(|error: String| session.damaged(error))
}

/// The counts of a scan, whether its verdicts are still there or pruned.
pub(crate) async fn counts(
    session: &mut Session,
    scan: ScanId,
) -> Result<Vec<VerdictCount>, StoreError> {
    let sql = "SELECT c.name, x.account, x.status, x.severity, CAST(sum(x.n) AS BIGINT) FROM ( \
               SELECT v.control_id, p.account, v.status, v.severity, count(*) AS n \
               FROM verdicts v JOIN places p ON p.id = v.place_id WHERE v.scan_id = $1 \
               GROUP BY v.control_id, p.account, v.status, v.severity UNION ALL \
               SELECT r.control_id, p.account, r.status, r.severity, sum(r.member_count) AS n \
               FROM verdict_runs r JOIN places p ON p.id = r.place_id WHERE r.scan_id = $1 \
               GROUP BY r.control_id, p.account, r.status, r.severity UNION ALL \
               SELECT k.control_id, k.account, k.status, k.severity, k.verdict_count AS n \
               FROM verdict_counts k WHERE k.scan_id = $1) AS x \
               JOIN controls c ON c.id = x.control_id \
               GROUP BY c.name, x.account, x.status, x.severity \
               ORDER BY c.name, x.account, x.status, x.severity";
    let read =
        |row: &Row| Ok((row.text(0)?, row.text(1)?, row.text(2)?, row.text(3)?, row.int(4)?));
    let rows = session.fetch_as(sql, vec![scan.0.into()], read).await?;
    rows.into_iter()
        .map(|(control, account, status, severity, count)| {
            Ok(VerdictCount {
                control,
                account,
                status: status_of(session, &status)?,
                severity: severity_of(session, &severity)?,
                count: u64::try_from(count).unwrap_or_default(),
            })
        })
        .collect()
}
