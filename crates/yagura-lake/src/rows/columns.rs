//! Arrow columns in the making. Short texts are copied while they are in the processor's cache:
//! afterwards a column is sorted and encoded front to back. The raw records are not copied.
//! Which value goes where is `fill.rs`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int64Array, ListArray,
    NullBufferBuilder, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::error::ArrowError;

/// A column in the making.
#[derive(Debug)]
pub(crate) enum ColumnInMaking {
    /// `before` is for how many bytes there should be room: see [`about_as_many`].
    Text {
        bytes: Vec<u8>,
        before: usize,
        ends: Vec<i32>,
        nulls: NullBufferBuilder,
    },
    Integer {
        values: Vec<i64>,
        nulls: NullBufferBuilder,
    },
    Real {
        values: Vec<f64>,
        nulls: NullBufferBuilder,
    },
    Boolean {
        values: BooleanBufferBuilder,
        nulls: NullBufferBuilder,
    },
    Time {
        values: Vec<i64>,
        nulls: NullBufferBuilder,
    },
    List {
        element: FieldRef,
        ends: Vec<i32>,
        nulls: NullBufferBuilder,
        items: Box<Self>,
    },
    Struct {
        fields: Fields,
        nulls: NullBufferBuilder,
        members: Vec<Self>,
    },
}

fn no_nulls() -> NullBufferBuilder {
    NullBufferBuilder::new(0)
}

/// The next column will hold about as many as the last: with room for some more, what it holds is
/// rarely moved to larger memory.
fn about_as_many(count: usize) -> usize {
    count + count / 8
}

/// What was gathered; what is gathered next has room.
fn taken<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(about_as_many(values.len()));
    std::mem::replace(values, next)
}

/// The same of ends, which begin with that of nothing.
fn taken_ends(ends: &mut Vec<i32>) -> Vec<i32> {
    let ended = taken(ends);
    ends.push(0);
    ended
}

impl ColumnInMaking {
    /// An empty column of a type that a table can have.
    pub(crate) fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int64 => Self::Integer { values: Vec::new(), nulls: no_nulls() },
            DataType::Float64 => Self::Real { values: Vec::new(), nulls: no_nulls() },
            DataType::Boolean => {
                Self::Boolean { values: BooleanBufferBuilder::new(0), nulls: no_nulls() }
            }
            DataType::Timestamp(..) => Self::Time { values: Vec::new(), nulls: no_nulls() },
            DataType::List(element) => Self::List {
                element: Arc::clone(element),
                ends: vec![0],
                nulls: no_nulls(),
                items: Box::new(Self::new(element.data_type())),
            },
            DataType::Struct(fields) => Self::Struct {
                fields: fields.clone(),
                nulls: no_nulls(),
                members: fields.iter().map(|field| Self::new(field.data_type())).collect(),
            },
            _ => Self::Text { bytes: Vec::new(), before: 0, ends: vec![0], nulls: no_nulls() },
        }
    }

    /// Adds a null.
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Text { ends, nulls, .. } => {
                ends.push(ends.last().copied().unwrap_or_default());
                nulls.append_null();
            }
            Self::Integer { values, nulls } | Self::Time { values, nulls } => {
                values.push(0);
                nulls.append_null();
            }
            Self::Real { values, nulls } => {
                values.push(0.0);
                nulls.append_null();
            }
            Self::Boolean { values, nulls } => {
                values.append(false);
                nulls.append_null();
            }
            Self::List { ends, nulls, .. } => {
                ends.push(ends.last().copied().unwrap_or_default());
                nulls.append_null();
            }
            // Members are filled up when they get a value, or at the end.
            Self::Struct { nulls, .. } => nulls.append_null(),
        }
    }

    /// Adds nulls up to a number of rows: most columns of a record are empty, and are not even
    /// touched for it.
    pub(crate) fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        if missing == 0 {
            return;
        }
        match self {
            Self::Text { ends, nulls, .. } | Self::List { ends, nulls, .. } => {
                let end = ends.last().copied().unwrap_or_default();
                ends.resize(ends.len() + missing, end);
                nulls.append_n_nulls(missing);
            }
            Self::Integer { values, nulls } | Self::Time { values, nulls } => {
                values.resize(rows, 0);
                nulls.append_n_nulls(missing);
            }
            Self::Real { values, nulls } => {
                values.resize(rows, 0.0);
                nulls.append_n_nulls(missing);
            }
            Self::Boolean { values, nulls } => {
                values.append_n(missing, false);
                nulls.append_n_nulls(missing);
            }
            Self::Struct { nulls, .. } => nulls.append_n_nulls(missing),
        }
    }

    /// Adds a text.
    pub(crate) fn push_text(&mut self, text: &str) {
        match self {
            Self::Text { bytes, before, ends, nulls } => {
                if bytes.capacity() == 0 {
                    bytes.reserve(*before);
                }
                bytes.extend_from_slice(text.as_bytes());
                // A worker's share of memory is far below what this holds.
                ends.push(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                nulls.append_non_null();
            }
            other => other.push_null(),
        }
    }

    /// Adds a whole number or a time.
    pub(crate) fn push_integer(&mut self, value: i64) {
        match self {
            Self::Integer { values, nulls } | Self::Time { values, nulls } => {
                values.push(value);
                nulls.append_non_null();
            }
            other => other.push_null(),
        }
    }

    /// Adds a floating-point number.
    pub(crate) fn push_real(&mut self, value: f64) {
        match self {
            Self::Real { values, nulls } => {
                values.push(value);
                nulls.append_non_null();
            }
            other => other.push_null(),
        }
    }

    /// Adds true or false.
    pub(crate) fn push_boolean(&mut self, value: bool) {
        match self {
            Self::Boolean { values, nulls } => {
                values.append(value);
                nulls.append_non_null();
            }
            other => other.push_null(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text { ends, .. } => ends.len() - 1,
            Self::Integer { values, .. } | Self::Time { values, .. } => values.len(),
            Self::Real { values, .. } => values.len(),
            Self::Boolean { values, .. } => values.len(),
            Self::List { ends, .. } => ends.len() - 1,
            Self::Struct { nulls, .. } => nulls.len(),
        }
    }

    /// Bytes of text that are held.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Text { bytes, .. } => bytes.len(),
            Self::List { items, .. } => items.text_bytes(),
            Self::Struct { members, .. } => members.iter().map(Self::text_bytes).sum(),
            _ => 0,
        }
    }

    /// Ends the list whose items were pushed to [`Self::List::items`] since the last.
    pub(crate) fn end_list(&mut self) {
        if let Self::List { ends, nulls, items, .. } = self {
            ends.push(i32::try_from(items.len()).unwrap_or(i32::MAX));
            nulls.append_non_null();
        }
    }

    /// The finished column; the making begins anew.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text { bytes, before, ends, nulls } => {
                *before = about_as_many(bytes.len());
                let offsets = OffsetBuffer::new(ScalarBuffer::from(taken_ends(ends)));
                let bytes = Buffer::from_vec(std::mem::take(bytes));
                Arc::new(StringArray::try_new(offsets, bytes, nulls.finish())?)
            }
            Self::Integer { values, nulls } => {
                Arc::new(Int64Array::try_new(taken(values).into(), nulls.finish())?)
            }
            Self::Real { values, nulls } => {
                Arc::new(Float64Array::try_new(taken(values).into(), nulls.finish())?)
            }
            Self::Boolean { values, nulls } => {
                Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
            }
            Self::Time { values, nulls } => {
                let values = taken(values).into();
                let times = TimestampMicrosecondArray::try_new(values, nulls.finish())?;
                Arc::new(times.with_timezone("UTC"))
            }
            Self::List { element, ends, nulls, items } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(taken_ends(ends)));
                let items = items.finish()?;
                let element =
                    Arc::new(element.as_ref().clone().with_data_type(items.data_type().clone()));
                Arc::new(ListArray::try_new(element, offsets, items, nulls.finish())?)
            }
            Self::Struct { fields, nulls, members } => {
                members.iter_mut().for_each(|member| member.pad(nulls.len()));
                let members: Result<Vec<_>, _> = members.iter_mut().map(Self::finish).collect();
                let members = members?;
                Arc::new(StructArray::try_new(retyped(fields, &members), members, nulls.finish())?)
            }
        })
    }
}

/// The fields with the types that their columns really have: texts were copied, not viewed.
pub(crate) fn retyped(fields: &Fields, columns: &[ArrayRef]) -> Fields {
    let retype = |(field, column): (&FieldRef, &ArrayRef)| {
        field.as_ref().clone().with_data_type(column.data_type().clone())
    };
    fields.iter().zip(columns).map(retype).collect()
}
