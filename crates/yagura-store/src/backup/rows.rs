//! Rows as bytes: a line of JSON that names the columns, then the values of each row in turn.
//! A value is a byte that says what it is, then 8 bytes of a number, or 4 bytes of length and so
//! many bytes. Where rows come from and go to is beside.

use serde::{Deserialize, Serialize};

use super::{Column, Kind};
use crate::database::{Param, Row};

const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BLOB: u8 = 3;

/// The line before the rows.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    columns: Vec<String>,
}

/// Begins a piece.
pub(super) fn begin(columns: &[Column]) -> Vec<u8> {
    let head = Head { columns: columns.iter().map(|column| column.name.clone()).collect() };
    // A list of names is always JSON.
    let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Adds a row to a piece.
pub(super) fn push(bytes: &mut Vec<u8>, columns: &[Column], row: &Row) -> Result<(), sqlx::Error> {
    for (at, column) in columns.iter().enumerate() {
        match column.kind {
            Kind::Int => match row.opt_int(at)? {
                Some(value) => {
                    bytes.push(INT);
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
                None => bytes.push(NULL),
            },
            Kind::Text => push_bytes(bytes, TEXT, row.opt_text(at)?.map(String::into_bytes)),
            Kind::Blob => push_bytes(bytes, BLOB, row.opt_blob(at)?),
        }
    }
    Ok(())
}

fn push_bytes(bytes: &mut Vec<u8>, kind: u8, value: Option<Vec<u8>>) {
    let Some(value) = value else {
        bytes.push(NULL);
        return;
    };
    // Neither database holds a value of four gigabytes.
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    bytes.push(kind);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&value);
}

/// The rows of a piece.
pub(super) struct Pieces<'b> {
    pub(super) columns: Vec<Column>,
    rest: &'b [u8],
}

impl<'b> Pieces<'b> {
    /// Reads the line before the rows; `known` are the columns of the table as it is now.
    pub(super) fn begin(bytes: &'b [u8], known: &[Column]) -> Result<Self, String> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("it has no head")?;
        let (head, rest) = bytes.split_at(end);
        let head: Head = serde_json::from_slice(head).map_err(|_| "its head is broken")?;
        let column = |name: &String| {
            let found = known.iter().find(|column| column.name == *name);
            found.cloned().ok_or_else(|| format!("the table has no column `{name}`"))
        };
        let columns = head.columns.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        if columns.is_empty() {
            return Err("it has no columns".to_owned());
        }
        Ok(Self { columns, rest: rest.get(1..).unwrap_or_default() })
    }

    /// The next row's values; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Param>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let kinds: Vec<Kind> = self.columns.iter().map(|column| column.kind).collect();
        kinds.into_iter().map(|kind| self.value(kind)).collect::<Result<_, _>>().map(Some)
    }

    fn value(&mut self, kind: Kind) -> Result<Param, String> {
        let found = self.take(1)?.first().copied().unwrap_or_default();
        match (found, kind) {
            (NULL, Kind::Int) => Ok(Param::OptInt(None)),
            (NULL, Kind::Text) => Ok(Param::OptText(None)),
            (NULL, Kind::Blob) => Ok(Param::OptBlob(None)),
            (INT, Kind::Int) => {
                let bytes = self.take(8)?.try_into().map_err(|_| "a number is cut off")?;
                Ok(Param::Int(i64::from_le_bytes(bytes)))
            }
            (TEXT, Kind::Text) => {
                let text = std::str::from_utf8(self.sized()?).map_err(|_| "a text is no UTF-8")?;
                Ok(Param::Text(text.to_owned()))
            }
            (BLOB, Kind::Blob) => Ok(Param::Blob(self.sized()?.to_vec())),
            _ => Err("a value is of another kind than its column".to_owned()),
        }
    }

    fn sized(&mut self) -> Result<&'b [u8], String> {
        let bytes = self.take(4)?.try_into().map_err(|_| "a length is cut off")?;
        let length = usize::try_from(u32::from_le_bytes(bytes)).map_err(|_| "a length is wrong")?;
        self.take(length)
    }

    fn take(&mut self, n: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or("it is cut off")?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column> {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        vec![column("n", Kind::Int), column("t", Kind::Text), column("b", Kind::Blob)]
    }

    fn piece() -> Vec<u8> {
        let mut bytes = begin(&columns());
        bytes.push(INT);
        bytes.extend_from_slice(&(-5_i64).to_le_bytes());
        push_bytes(&mut bytes, TEXT, Some("日本".into()));
        push_bytes(&mut bytes, BLOB, None);
        bytes
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let bytes = piece();
        let mut pieces = Pieces::begin(&bytes, &columns()).unwrap();
        let row = pieces.next().unwrap().unwrap();
        assert!(matches!(&row[0], Param::Int(-5)));
        assert!(matches!(&row[1], Param::Text(text) if text == "日本"));
        assert!(matches!(&row[2], Param::OptBlob(None)));
        assert!(pieces.next().unwrap().is_none());
    }

    #[test]
    fn every_cut_and_every_wrong_kind_is_refused() {
        let bytes = piece();
        let head = begin(&columns()).len();
        for end in 0..bytes.len() {
            let read = Pieces::begin(&bytes[..end], &columns()).and_then(|mut it| it.next());
            assert!(if end == head { read.unwrap().is_none() } else { read.is_err() }, "{end}");
        }
        let mut wrong = bytes.clone();
        wrong[head] = TEXT;
        assert!(Pieces::begin(&wrong, &columns()).unwrap().next().is_err());
        let few = Pieces::begin(&bytes, &columns()[..2]).err().unwrap();
        assert_eq!(few, "the table has no column `b`");
    }
}
