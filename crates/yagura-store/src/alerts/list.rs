//! Finding alerts again: by time, severity, content, entity and account, page by page.
//! How they are shown is the report's.

use jiff::Timestamp;
use yagura_model::Severity;
use yagura_model::alert::Alert;

use super::{Alerts, document_of, severity_number};
use crate::database::{Param, Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// Which alerts to read. What is not set does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// With records at this time or later.
    pub since: Option<Timestamp>,
    /// With records before this time.
    pub until: Option<Timestamp>,
    /// At least this bad.
    pub severity: Option<Severity>,
    /// Of this content; `*` stands for any letters.
    pub content: Option<String>,
    /// About this entity, or with records that name it: an actor, a resource, an address.
    pub entity: Option<String>,
    /// With records of this account.
    pub account: Option<String>,
    /// With records of one of these accounts; of none: no alert.
    pub accounts: Option<Vec<String>>,
    /// Of content whose id begins with this part: a detection's source.
    pub source: Option<String>,
    /// Only those that are told at this time: not in shadow, and not suppressed then. `None`
    /// reads those too.
    pub told_at: Option<Timestamp>,
    /// Where the last page ended: its last alert's [`StoredAlert::place`].
    pub after: Option<(i64, i64)>,
}

/// An alert as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAlert {
    /// The alert.
    pub alert: Alert,
    /// When it was first kept.
    pub raised: Timestamp,
    /// When it last grew.
    pub changed: Timestamp,
    /// Its place in a list.
    pub place: (i64, i64),
}

/// A page of alerts, the newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<StoredAlert>,
    /// Whether there are more than the limit allowed.
    pub more: bool,
}

pub(super) const COLUMNS: &str = "t.number, t.last_us, t.raised_us, t.changed_us, t.document";

impl Alerts {
    /// Alerts, the newest first, at most `limit`; whether there are more is said.
    ///
    /// # Errors
    /// Where the database cannot be read or an alert in it is damaged.
    pub async fn list(&self, filter: &AlertFilter, limit: usize) -> Result<AlertPage, StoreError> {
        let mut session = self.database.read("list alerts");
        let mut params = Vec::new();
        let conditions = conditions(filter, &mut params);
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        params.push(one_more.into());
        let sql = format!(
            "SELECT {COLUMNS} FROM alerts t {conditions} \
             ORDER BY t.last_us DESC, t.number DESC LIMIT ${}",
            params.len()
        );
        let rows = session.fetch(sql, params).await?;
        let more = rows.len() > limit;
        let read = rows.iter().take(limit).map(|row| stored_of(&session, row));
        Ok(AlertPage { alerts: read.collect::<Result<_, _>>()?, more })
    }

    /// How many alerts there are of each severity, from informational to critical.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn counts(&self, filter: &AlertFilter) -> Result<[u64; 5], StoreError> {
        let mut session = self.database.read("count alerts");
        let mut params = Vec::new();
        let unpaged = AlertFilter { after: None, ..filter.clone() };
        let conditions = conditions(&unpaged, &mut params);
        let sql = format!(
            "SELECT t.severity, CAST(count(*) AS BIGINT) FROM alerts t {conditions} \
             GROUP BY t.severity"
        );
        let found = session.fetch_as(sql, params, |row| Ok((row.int(0)?, row.int(1)?))).await?;
        let mut counts = [0; 5];
        for (severity, count) in found {
            let place = usize::try_from(severity).ok().and_then(|at| counts.get_mut(at));
            if let Some(place) = place {
                *place = u64::try_from(count).unwrap_or_default();
            }
        }
        Ok(counts)
    }

    /// How many alerts there are in each step of time, of each severity from informational to
    /// critical, in the order of time; an alert stands where its last record does. Steps are
    /// counted from 1970, `offset_us` later: so that days are a zone's. Steps without alerts are
    /// left out. At most `limit` steps, the newest.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn over_time(
        &self,
        filter: &AlertFilter,
        step_us: i64,
        offset_us: i64,
        limit: usize,
    ) -> Result<Vec<(i64, [u64; 5])>, StoreError> {
        let mut session = self.database.read("count alerts over time");
        let step_us = step_us.max(1);
        let mut params = vec![offset_us.into(), step_us.into()];
        let unpaged = AlertFilter { after: None, ..filter.clone() };
        let conditions = conditions(&unpaged, &mut params);
        let rows_max = i64::try_from(limit.saturating_mul(5)).unwrap_or(i64::MAX);
        params.push(rows_max.into());
        let sql = format!(
            "SELECT (t.last_us + $1) / $2, t.severity, CAST(count(*) AS BIGINT) FROM alerts t \
             {conditions} GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT ${}",
            params.len()
        );
        let read = |row: &Row| Ok((row.int(0)?, row.int(1)?, row.int(2)?));
        let found = session.fetch_as(sql, params, read).await?;
        let mut steps: std::collections::BTreeMap<i64, [u64; 5]> =
            std::collections::BTreeMap::new();
        for (step, severity, count) in found {
            let counts = steps.entry(step.saturating_mul(step_us).saturating_sub(offset_us));
            let counts = counts.or_default();
            if let Some(place) = usize::try_from(severity).ok().and_then(|at| counts.get_mut(at)) {
                *place = u64::try_from(count).unwrap_or_default();
            }
        }
        let surplus = steps.len().saturating_sub(limit);
        Ok(steps.into_iter().skip(surplus).collect())
    }

    /// The alerts whose identity begins so, at most `limit`, in the order of their identities.
    ///
    /// # Errors
    /// Where the database cannot be read or an alert in it is damaged.
    pub async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<StoredAlert>, StoreError> {
        let Some((from, to)) = range_of(prefix) else { return Ok(Vec::new()) };
        let mut session = self.database.read("look up an alert");
        let sql = format!(
            "SELECT {COLUMNS} FROM alerts t WHERE t.id >= $1 AND t.id <= $2 ORDER BY t.id LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = session.fetch(sql, vec![from.into(), to.into(), limit.into()]).await?;
        rows.iter().map(|row| stored_of(&session, row)).collect()
    }
}

/// The smallest and the greatest identity that begin with some hex digits.
pub(crate) fn range_of(prefix: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let digits = prefix.to_ascii_lowercase();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let filled = |with: &str| {
        let rest = with.repeat(32 - digits.len());
        hex::decode(format!("{digits}{rest}")).ok()
    };
    Some((filled("0")?, filled("f")?))
}

/// The conditions of a filter, with `WHERE`; empty where there are none.
fn conditions(filter: &AlertFilter, params: &mut Vec<Param>) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut add = |text: &str, values: Vec<Param>| {
        let mut text = text.to_owned();
        for value in values {
            params.push(value);
            text = text.replacen('?', &format!("${}", params.len()), 1);
        }
        said.push(text);
    };
    if let Some(since) = filter.since {
        add("t.last_us >= ?", vec![since.as_microsecond().into()]);
    }
    if let Some(until) = filter.until {
        add("t.first_us < ?", vec![until.as_microsecond().into()]);
    }
    if let Some(severity) = filter.severity {
        add("t.severity >= ?", vec![severity_number(severity).into()]);
    }
    if let Some(content) = &filter.content {
        add("t.content LIKE ? ESCAPE '\\'", vec![like(content).into()]);
    }
    let marked = "EXISTS (SELECT 1 FROM alert_marks m WHERE m.alert = t.number AND ";
    if let Some(entity) = &filter.entity {
        add(&format!("{marked} m.value = ?)"), vec![column_text(entity).into()]);
    }
    if let Some(account) = &filter.account {
        let text = format!("{marked} m.kind = 'account' AND m.value = ?)");
        add(&text, vec![column_text(account).into()]);
    }
    if let Some(accounts) = &filter.accounts {
        if accounts.is_empty() {
            add("1 = 0", vec![]);
        } else {
            let places = vec!["?"; accounts.len()].join(", ");
            let values = accounts.iter().map(|account| column_text(account).into()).collect();
            add(&format!("{marked} m.kind = 'account' AND m.value IN ({places}))"), values);
        }
    }
    if let Some(source) = &filter.source {
        let pattern = format!("{}.%", literal(source));
        add("t.content LIKE ? ESCAPE '\\'", vec![pattern.into()]);
    }
    if let Some(at) = filter.told_at {
        add(
            "t.shadow = 0 AND (t.suppressed_until_us IS NULL OR t.suppressed_until_us <= ?)",
            vec![at.as_microsecond().into()],
        );
    }
    if let Some((last_us, number)) = filter.after {
        let values = vec![last_us.into(), last_us.into(), number.into()];
        add("(t.last_us < ? OR (t.last_us = ? AND t.number < ?))", values);
    }
    if said.is_empty() { String::new() } else { format!("WHERE {}", said.join(" AND ")) }
}

/// A text as a pattern of SQL that stands for itself.
fn literal(text: &str) -> String {
    let mut literal = String::new();
    for c in column_text(text).chars() {
        if matches!(c, '%' | '_' | '\\') {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
}

/// A pattern of SQL from one with `*`.
fn like(pattern: &str) -> String {
    let mut like = String::new();
    for c in column_text(pattern).chars() {
        match c {
            '*' => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', c]),
            c => like.push(c),
        }
    }
    like
}

pub(super) fn stored_of(session: &Session, row: &Row) -> Result<StoredAlert, StoreError> {
    let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?));
    let (number, last_us, raised_us, changed_us) = read().map_err(|error| session.fail(error))?;
    let time =
        |us| Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()));
    Ok(StoredAlert {
        alert: document_of(session, row, 4)?,
        raised: time(raised_us)?,
        changed: time(changed_us)?,
        place: (last_us, number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_identity_is_a_range_of_identities() {
        let check = |prefix: &str, expected: Option<(&str, &str)>| {
            let found = range_of(prefix).map(|(from, to)| (hex::encode(from), hex::encode(to)));
            let expected = expected.map(|(from, to)| {
                let fill =
                    |text: &str, with: &str| format!("{text}{}", with.repeat(32 - text.len()));
                (fill(from, "0"), fill(to, "f"))
            });
            assert_eq!(found, expected, "{prefix}");
        };
        check("a", Some(("a", "a")));
        check("AB1", Some(("ab1", "ab1")));
        check("", None);
        check("xyz", None);
        check(&"0".repeat(33), None);
    }

    #[test]
    fn only_the_asterisk_is_a_wildcard() {
        assert_eq!(like("cloudtrail.*"), "cloudtrail.%");
        assert_eq!(like("a_b%c\\"), "a\\_b\\%c\\\\");
    }
}
