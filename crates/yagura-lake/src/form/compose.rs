//! Records out of their forms: blanks are filled with what the row's columns hold.
//! It is exact: whatever cannot be filled is an error, never a guess.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, StringViewArray, StringViewBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::blank::{Blank, BlankStep, MARK, Style};
use super::written::{decimal, iso};

/// Fills forms of one table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Composer {
    blanks: Vec<Blank>,
    /// The names of blanks, sorted, with their places.
    names: Vec<(String, usize)>,
    /// The columns that fill blanks, each once.
    columns: Vec<String>,
}

/// Where the values of a blank are in a batch.
struct Words {
    /// The list whose item it is, and which one, from zero.
    list: Option<(ListArray, usize)>,
    values: Values,
    style: Style,
}

enum Values {
    Text(StringViewArray),
    Number(Int64Array),
    Time(TimestampMicrosecondArray),
}

/// A part of a form.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    Blank(usize),
}

impl Composer {
    /// For the blanks of a table.
    pub(crate) fn new(blanks: &[Blank]) -> Self {
        let mut names: Vec<(String, usize)> =
            blanks.iter().enumerate().map(|(at, blank)| (blank.to_string(), at)).collect();
        names.sort_unstable();
        let mut columns: Vec<String> = Vec::new();
        for blank in blanks {
            if !columns.iter().any(|column| column == blank.column()) {
                columns.push(blank.column().to_owned());
            }
        }
        Self { blanks: blanks.to_vec(), names, columns }
    }

    /// The columns that may be needed.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The records of rows: what is kept as it is, else the form with its blanks filled by the
    /// columns, which come in the order of [`Self::columns`].
    ///
    /// # Errors
    /// Where a form names a blank that the table does not have, or that is empty in its row.
    pub(crate) fn compose(
        &self,
        raw: &ArrayRef,
        forms: &ArrayRef,
        columns: &[ArrayRef],
    ) -> Result<StringViewArray, ArrowError> {
        let raw = cast(raw, &DataType::Utf8View)?;
        if forms.null_count() == forms.len() {
            return Ok(raw.as_string_view().clone());
        }
        let (raw, forms) = (raw.as_string_view(), cast(forms, &DataType::Utf8View)?);
        let forms = forms.as_string_view();
        let mut words: Vec<Option<Words>> = self.blanks.iter().map(|_| None).collect();
        let mut known: HashMap<(usize, usize), Vec<Piece<'_>>> = HashMap::new();
        let mut records = StringViewBuilder::with_capacity(forms.len());
        let mut record = String::new();
        for row in 0..forms.len() {
            if raw.is_valid(row) || forms.is_null(row) {
                records.append_option(raw.is_valid(row).then(|| raw.value(row)));
                continue;
            }
            let form = forms.value(row);
            // Rows with the same form nearly always share the very bytes.
            let place = (form.as_ptr().addr(), form.len());
            let pieces = match known.entry(place) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(free) => free.insert(self.pieces(form)?),
            };
            record.clear();
            for piece in pieces {
                match *piece {
                    Piece::Text(text) => record.push_str(text),
                    Piece::Blank(at) => self.fill(at, row, &mut words, columns, &mut record)?,
                }
            }
            records.append_value(&record);
        }
        Ok(records.finish())
    }

    fn pieces<'a>(&self, form: &'a str) -> Result<Vec<Piece<'a>>, ArrowError> {
        let parts = form.split(MARK).enumerate().filter(|(_, part)| !part.is_empty());
        parts
            .map(|(at, part)| {
                if at % 2 == 0 {
                    return Ok(Piece::Text(part));
                }
                let found = self.names.binary_search_by(|(name, _)| name.as_str().cmp(part));
                let found = found.ok().and_then(|found| self.names.get(found));
                found.map(|(_, blank)| Piece::Blank(*blank)).ok_or_else(|| {
                    ArrowError::ComputeError(format!(
                        "a record is kept with a blank for `{part}`, which the table does not have"
                    ))
                })
            })
            .collect()
    }

    fn fill(
        &self,
        at: usize,
        row: usize,
        words: &mut [Option<Words>],
        columns: &[ArrayRef],
        to: &mut String,
    ) -> Result<(), ArrowError> {
        let (Some(blank), Some(words)) = (self.blanks.get(at), words.get_mut(at)) else {
            return Ok(());
        };
        let words = match words {
            Some(words) => words,
            none => {
                let place = self.columns.iter().position(|column| column == blank.column());
                let column = place.and_then(|place| columns.get(place));
                none.insert(column.ok_or_else(|| empty(blank)).and_then(|it| words_of(blank, it))?)
            }
        };
        words.write(row, to).ok_or_else(|| empty(blank))
    }
}

fn empty(blank: &Blank) -> ArrowError {
    ArrowError::ComputeError(format!("a record is kept with a blank for `{blank}`, which is empty"))
}

fn words_of(blank: &Blank, column: &ArrayRef) -> Result<Words, ArrowError> {
    let mut column = Arc::clone(column);
    let mut list = None;
    for step in blank.steps.iter().skip(1) {
        match step {
            BlankStep::Member(name) => {
                let members = column.as_struct_opt().ok_or_else(|| empty(blank))?;
                let member = members.column_by_name(name).ok_or_else(|| empty(blank))?;
                column = Arc::clone(member);
            }
            BlankStep::Item(number) => {
                let own = column.as_list_opt::<i32>().ok_or_else(|| empty(blank))?.clone();
                column = Arc::clone(own.values());
                list = Some((own, number.saturating_sub(1)));
            }
        }
    }
    let values = match blank.style {
        Style::Text => Values::Text(cast(&column, &DataType::Utf8View)?.as_string_view().clone()),
        Style::Whole => Values::Number(
            column.as_primitive_opt::<Int64Type>().ok_or_else(|| empty(blank))?.clone(),
        ),
        _ => Values::Time(
            column
                .as_primitive_opt::<TimestampMicrosecondType>()
                .ok_or_else(|| empty(blank))?
                .clone(),
        ),
    };
    Ok(Words { list, values, style: blank.style })
}

impl Words {
    /// Writes the words of a row; none where there are none.
    fn write(&self, row: usize, to: &mut String) -> Option<()> {
        let at = match &self.list {
            None => row,
            Some((list, item)) => {
                let [start, end] = *list.value_offsets().get(row..row + 2)? else { return None };
                let at = usize::try_from(start).ok()? + item;
                (list.is_valid(row) && at < usize::try_from(end).ok()?).then_some(at)?
            }
        };
        match &self.values {
            Values::Text(texts) => to.push_str(texts.is_valid(at).then(|| texts.value(at))?),
            Values::Number(numbers) => {
                let number = numbers.is_valid(at).then(|| numbers.value(at))?;
                push(decimal(number, &mut [0; 20]), to)?;
            }
            Values::Time(times) => {
                let micros = times.is_valid(at).then(|| times.value(at))?;
                match self.style {
                    Style::Iso => push(&iso(micros)?, to)?,
                    Style::Seconds => push(decimal(micros / 1_000_000, &mut [0; 20]), to)?,
                    _ => push(decimal(micros / 1_000, &mut [0; 20]), to)?,
                }
            }
        }
        Some(())
    }
}

fn push(ascii: &[u8], to: &mut String) -> Option<()> {
    to.push_str(std::str::from_utf8(ascii).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use arrow::array::{StringArray, new_null_array};

    use super::*;

    fn composer() -> Composer {
        let steps = |name: &str| vec![BlankStep::Member(name.to_owned())];
        let blank = |name: &str, style| Blank { steps: steps(name), style };
        let time = blank("time", Style::Iso);
        Composer::new(&[blank("name", Style::Text), blank("size", Style::Whole), time])
    }

    /// Composes one row; `None` in a column is a null.
    fn composed(
        raw: Option<&str>,
        form: Option<&str>,
        name: Option<&str>,
    ) -> Result<String, String> {
        let text = |text: Option<&str>| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let size: ArrayRef = Arc::new(Int64Array::from(vec![-7]));
        let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]));
        let columns = [text(name), size, time];
        let found = composer().compose(&text(raw), &text(form), &columns);
        found.map(|found| found.value(0).to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn blanks_are_filled_with_the_columns_of_the_row() {
        let form = "<\u{1}name\u{1}\u{1}size\u{1}> \u{1}time@iso\u{1}\u{1}name\u{1}";
        let found = composed(None, Some(form), Some("a"));
        assert_eq!(found.as_deref(), Ok("<a-7> 1970-01-01T00:00:01Za"));
        assert_eq!(composed(None, Some("as it is"), None).as_deref(), Ok("as it is"));
    }

    #[test]
    fn a_record_that_is_kept_as_it_is_needs_no_form() {
        let raw = "an old \u{1}name\u{1}";
        assert_eq!(composed(Some(raw), None, Some("a")).as_deref(), Ok(raw));
        assert_eq!(composed(Some(raw), Some("a form"), Some("a")).as_deref(), Ok(raw));
    }

    #[test]
    fn what_cannot_be_filled_is_an_error_that_names_it() {
        let check = |form: &str, name: Option<&str>, expected: &str| {
            let error = composed(None, Some(form), name).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("\u{1}name\u{1}", None, "`name`, which is empty");
        check("\u{1}other\u{1}", None, "`other`, which the table does not have");
    }

    #[test]
    fn items_of_lists_are_counted_from_one() {
        let steps = vec![
            BlankStep::Member("list".to_owned()),
            BlankStep::Item(2),
            BlankStep::Member("arn".to_owned()),
        ];
        let blank = Blank { steps, style: Style::Text };
        let items: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let field = arrow::datatypes::Field::new("arn", DataType::Utf8, true);
        let items = arrow::array::StructArray::from(vec![(Arc::new(field), items)]);
        let element = arrow::datatypes::Field::new("element", items.data_type().clone(), true);
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 1]);
        let list = ListArray::new(Arc::new(element), offsets, Arc::new(items), None);
        let forms: ArrayRef = Arc::new(StringArray::from(vec![blank.marked(), "-".to_owned()]));
        let raw = new_null_array(&DataType::Utf8View, 2);
        let composer = Composer::new(std::slice::from_ref(&blank));
        let found = composer.compose(&raw, &forms, &[Arc::new(list)]).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [Some("b"), Some("-")]);
    }
}
