//! Values of an answer as JSON and as text, one at a time.
//! How rows become a table or a file is in `write.rs`.

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, ListArray, StructArray, UnionArray,
};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

/// The value at a row. Times are RFC 3339 in UTC; what JSON cannot say is text.
pub(crate) fn json_value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Value::String(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Value::String(array.as_string_view().value(row).to_owned()),
        DataType::Boolean => array
            .as_any()
            .downcast_ref::<BooleanArray>()
            .map_or(Value::Null, |array| Value::Bool(array.value(row))),
        kind if kind.is_integer() => integer(array, row),
        kind if kind.is_floating() => real(array, row),
        DataType::Timestamp(unit, _) => time(array, *unit, row),
        DataType::List(_) => {
            array.as_any().downcast_ref::<ListArray>().map_or(Value::Null, |list| {
                let items = list.value(row);
                Value::Array((0..items.len()).map(|at| json_value(&items, at)).collect())
            })
        }
        DataType::Struct(_) => {
            array.as_any().downcast_ref::<StructArray>().map_or(Value::Null, |members| {
                members
                    .fields()
                    .iter()
                    .zip(members.columns())
                    .map(|(field, column)| (field.name().clone(), json_value(column, row)))
                    .collect::<Map<_, _>>()
                    .into()
            })
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary.normalized_keys().get(row).copied().unwrap_or_default();
            json_value(dictionary.values(), key)
        }
        DataType::Union(..) => {
            array.as_any().downcast_ref::<UnionArray>().map_or(Value::Null, |union| {
                let inner = union.value(row);
                json_value(&inner, 0)
            })
        }
        _ => Value::String(shown(array, row)),
    }
}

fn integer(array: &ArrayRef, row: usize) -> Value {
    match array.data_type() {
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        _ => array.as_primitive::<UInt64Type>().value(row).into(),
    }
}

/// NaN and infinities are text: JSON has no numbers for them.
fn real(array: &ArrayRef, row: usize) -> Value {
    let value = match array.data_type() {
        DataType::Float16 => array.as_primitive::<Float16Type>().value(row).to_f64(),
        DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)),
        _ => array.as_primitive::<Float64Type>().value(row),
    };
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

fn time(array: &ArrayRef, unit: TimeUnit, row: usize) -> Value {
    let at = match unit {
        TimeUnit::Second => {
            Timestamp::from_second(array.as_primitive::<TimestampSecondType>().value(row))
        }
        TimeUnit::Millisecond => {
            Timestamp::from_millisecond(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => Timestamp::from_nanosecond(
            array.as_primitive::<TimestampNanosecondType>().value(row).into(),
        ),
    };
    Value::String(at.map_or_else(|_| shown(array, row), |at| at.to_string()))
}

/// A value of a rare type in Arrow's own spelling.
fn shown(array: &ArrayRef, row: usize) -> String {
    ArrayFormatter::try_new(array, &FormatOptions::default())
        .map_or_else(|_| String::new(), |formatter| formatter.value(row).to_string())
}

/// A value as text for a cell or a field: nothing for null, no quotes around text.
pub(crate) fn text_value(array: &ArrayRef, row: usize) -> Option<String> {
    match json_value(array, row) {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
