//! Arrow columns in the making. Text is not copied: a column holds views into the text of the
//! batches that its rows came from, which is kept as it is.
//! Which value goes where is `fill.rs`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int64Array, ListArray,
    NullBufferBuilder, StringViewArray, StructArray, TimestampMicrosecondArray, make_view,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields};
use arrow::error::ArrowError;

/// The text that views of one batch point into: the batch's own, and what had to be made.
#[derive(Debug)]
pub(crate) struct TextBlocks<'t> {
    text: &'t str,
    text_block: u32,
    made: Vec<u8>,
    made_block: u32,
}

impl<'t> TextBlocks<'t> {
    /// Blocks for a batch whose text and made text will have these numbers.
    pub(crate) fn new(text: &'t str, text_block: u32, made_block: u32) -> Self {
        Self { text, text_block, made: Vec::new(), made_block }
    }

    /// A view of a text: into the batch where it lies in it, else of a copy.
    pub(crate) fn view(&mut self, value: &str) -> u128 {
        // Addresses are compared, not followed: text of the batch lies within it.
        let at = value.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let inside = at.checked_add(value.len()).is_some_and(|end| end <= self.text.len());
        match u32::try_from(at) {
            Ok(at) if inside => make_view(value.as_bytes(), self.text_block, at),
            _ => {
                let at = u32::try_from(self.made.len()).unwrap_or(u32::MAX);
                // Up to twelve bytes lie in the view itself.
                if value.len() > 12 {
                    self.made.extend_from_slice(value.as_bytes());
                }
                make_view(value.as_bytes(), self.made_block, at)
            }
        }
    }

    /// The made text.
    pub(crate) fn into_made(self) -> Vec<u8> {
        self.made
    }
}

/// A column in the making.
#[derive(Debug)]
pub(crate) enum ColumnInMaking {
    Text { views: Vec<u128>, nulls: NullBufferBuilder },
    Integer { values: Vec<i64>, nulls: NullBufferBuilder },
    Real { values: Vec<f64>, nulls: NullBufferBuilder },
    Boolean { values: BooleanBufferBuilder, nulls: NullBufferBuilder },
    Time { values: Vec<i64>, nulls: NullBufferBuilder },
    List { element: FieldRef, ends: Vec<i32>, nulls: NullBufferBuilder, items: Box<Self> },
    Struct { fields: Fields, nulls: NullBufferBuilder, members: Vec<Self> },
}

fn no_nulls() -> NullBufferBuilder {
    NullBufferBuilder::new(0)
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
            _ => Self::Text { views: Vec::new(), nulls: no_nulls() },
        }
    }

    /// Adds a null.
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Text { views, nulls } => {
                views.push(0);
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
            Self::Struct { nulls, members, .. } => {
                members.iter_mut().for_each(Self::push_null);
                nulls.append_null();
            }
        }
    }

    /// Adds a text, given as a view.
    pub(crate) fn push_view(&mut self, view: u128) {
        match self {
            Self::Text { views, nulls } => {
                views.push(view);
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

    fn len(&self) -> usize {
        match self {
            Self::Text { views, .. } => views.len(),
            Self::Integer { values, .. } | Self::Time { values, .. } => values.len(),
            Self::Real { values, .. } => values.len(),
            Self::Boolean { values, .. } => values.len(),
            Self::List { ends, .. } => ends.len() - 1,
            Self::Struct { nulls, .. } => nulls.len(),
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
    pub(crate) fn finish(&mut self, blocks: &Arc<[Buffer]>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text { views, nulls } => {
                let views = ScalarBuffer::from(std::mem::take(views));
                Arc::new(StringViewArray::try_new(views, Arc::clone(blocks), nulls.finish())?)
            }
            Self::Integer { values, nulls } => {
                Arc::new(Int64Array::try_new(std::mem::take(values).into(), nulls.finish())?)
            }
            Self::Real { values, nulls } => {
                Arc::new(Float64Array::try_new(std::mem::take(values).into(), nulls.finish())?)
            }
            Self::Boolean { values, nulls } => {
                Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
            }
            Self::Time { values, nulls } => {
                let values = std::mem::take(values).into();
                let times = TimestampMicrosecondArray::try_new(values, nulls.finish())?;
                Arc::new(times.with_timezone("UTC"))
            }
            Self::List { element, ends, nulls, items } => {
                let ends = std::mem::replace(ends, vec![0]);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                let items = items.finish(blocks)?;
                Arc::new(ListArray::try_new(Arc::clone(element), offsets, items, nulls.finish())?)
            }
            Self::Struct { fields, nulls, members } => {
                let members: Result<Vec<_>, _> =
                    members.iter_mut().map(|member| member.finish(blocks)).collect();
                Arc::new(StructArray::try_new(fields.clone(), members?, nulls.finish())?)
            }
        })
    }
}
