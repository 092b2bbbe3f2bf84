//! The store as tables of SQL, cut to some accounts: what is not theirs is left out before SQL
//! sees it, so that neither an answer nor an error about a value can tell of it.
//! Who may see which accounts is known by who asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use yagura_model::finding::Scope;
use yagura_model::{
    RowCursor, RowError, RowFilter, RowFuture, RowRequest, RowSource, RowTable, RowValue,
};

use super::columns::{ACCOUNTS, ALERTS};
use crate::Store;

impl Store {
    /// The store as tables of SQL, within a scope. Tables whose rows belong to no account (the
    /// ledger, scans) are not among them where the scope is limited. An alert that touches several
    /// accounts is there for who may see all of them.
    pub fn rows_within(&self, types: Vec<String>, scope: &Scope) -> Arc<dyn RowSource> {
        let rows = self.rows(types);
        match scope {
            Scope::All => rows,
            Scope::Accounts(accounts) => {
                Arc::new(Within { rows, accounts: Arc::new(accounts.clone()) })
            }
        }
    }
}

#[derive(Debug)]
struct Within {
    rows: Arc<dyn RowSource>,
    accounts: Arc<BTreeSet<String>>,
}

/// The column that says whose a row is; none where rows are nobody's.
fn owner(table: &str) -> Option<&'static str> {
    match table {
        ACCOUNTS => Some("id"),
        ALERTS => Some("accounts"),
        super::columns::SCANS | super::columns::OBJECTS => None,
        _ => Some("account"),
    }
}

impl RowSource for Within {
    fn tables(&self) -> RowFuture<'_, Vec<RowTable>> {
        Box::pin(async move {
            let mut tables = self.rows.tables().await?;
            tables.retain(|table| {
                owner(&table.name)
                    .is_some_and(|owner| table.columns.iter().any(|column| column.name == owner))
            });
            Ok(tables)
        })
    }

    fn read(&self, request: RowRequest) -> Box<dyn RowCursor> {
        Box::new(Cut {
            rows: Arc::clone(&self.rows),
            accounts: Arc::clone(&self.accounts),
            state: State::Asked(request),
        })
    }
}

/// How far reading is: the tables must be known before the request can be changed.
enum State {
    Asked(RowRequest),
    Reading { cursor: Box<dyn RowCursor>, added: bool, owner: usize },
    Ended,
}

struct Cut {
    rows: Arc<dyn RowSource>,
    accounts: Arc<BTreeSet<String>>,
    state: State,
}

/// Begins to read, with the column that says whose a row is.
async fn begin(
    rows: Arc<dyn RowSource>,
    accounts: Arc<BTreeSet<String>>,
    mut request: RowRequest,
) -> Result<State, RowError> {
    let tables = rows.tables().await?;
    let table = tables.into_iter().find(|table| table.name == request.table);
    let (Some(table), Some(name)) = (table, owner(&request.table)) else {
        return Ok(State::Ended);
    };
    let Some(at) = table.columns.iter().position(|column| column.name == name) else {
        return Ok(State::Ended);
    };
    // Rows are left out here: the first of them need not be those that stay.
    request.limit = None;
    let fixed = request.filters.iter().any(|filter| filter.column == name);
    if name == "account" && !fixed {
        let values = accounts.iter().cloned().collect();
        request.filters.insert(0, RowFilter { column: name.to_owned(), values });
    }
    let known = request.columns.iter().position(|column| *column == at);
    let (owner, added) = match known {
        Some(owner) => (owner, false),
        None => {
            request.columns.push(at);
            (request.columns.len() - 1, true)
        }
    };
    Ok(State::Reading { cursor: rows.read(request), added, owner })
}

/// Whether a row is within the accounts. One account is text, several are a JSON list.
fn admits(accounts: &BTreeSet<String>, value: Option<&RowValue>) -> bool {
    let Some(RowValue::Text(text)) = value else { return false };
    if !text.starts_with('[') {
        return accounts.contains(text);
    }
    let named: Result<Vec<String>, _> = serde_json::from_str(text);
    named.is_ok_and(|named| {
        !named.is_empty() && named.iter().all(|account| accounts.contains(account))
    })
}

impl RowCursor for Cut {
    fn next(&mut self) -> RowFuture<'_, Option<Vec<Vec<RowValue>>>> {
        Box::pin(async move {
            if self.accounts.is_empty() {
                return Ok(None);
            }
            if let State::Asked(request) = &mut self.state {
                let request = std::mem::take(request);
                let (rows, accounts) = (Arc::clone(&self.rows), Arc::clone(&self.accounts));
                self.state = begin(rows, accounts, request).await?;
            }
            let State::Reading { cursor, added, owner } = &mut self.state else {
                return Ok(None);
            };
            let Some(mut page) = cursor.next().await? else {
                self.state = State::Ended;
                return Ok(None);
            };
            page.retain(|row| admits(&self.accounts, row.get(*owner)));
            if *added {
                for row in &mut page {
                    row.pop();
                }
            }
            Ok(Some(page))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_theirs_is_admitted() {
        let accounts = BTreeSet::from(["111111111111".to_owned(), "222222222222".to_owned()]);
        let check = |text: &str, expected: bool| {
            let value = RowValue::Text(text.to_owned());
            assert_eq!(admits(&accounts, Some(&value)), expected, "{text}");
        };
        check("111111111111", true);
        check("333333333333", false);
        check("", false);
        check(r#"["111111111111","222222222222"]"#, true);
        check(r#"["111111111111","333333333333"]"#, false);
        check("[]", false);
        check("[1", false);
        assert!(!admits(&accounts, Some(&RowValue::Null)));
        assert!(!admits(&accounts, None));
    }
}
