//! SQL functions for logs: JSON paths, addresses, ARNs, times.
//! The operators `->` and `->>` and `json_get…` come from `datafusion-functions-json`.

mod arn;
mod json_path;
mod network;
mod pluck;
mod telling;
mod time;

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, StringViewArray};
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Result, exec_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::scalar::ScalarValue;

/// Adds every function of this folder, and those of `datafusion-functions-json`.
pub(crate) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    datafusion_functions_json::register_all(registry)?;
    let functions = [
        ScalarUDF::new_from_impl(json_path::JsonPath::default()),
        ScalarUDF::new_from_impl(json_path::JsonPathAll::default()),
        ScalarUDF::new_from_impl(network::InCidr::default()),
        ScalarUDF::new_from_impl(network::IsPrivate::default()),
        ScalarUDF::new_from_impl(network::AddressVersion::default()),
        ScalarUDF::new_from_impl(arn::ArnPart::default()),
        ScalarUDF::new_from_impl(pluck::Pluck::default()),
        ScalarUDF::new_from_impl(telling::TellingParameters::default()),
        ScalarUDF::new_from_impl(time::Ago::default()),
    ];
    for function in functions {
        registry.register_udf(Arc::new(function))?;
    }
    Ok(())
}

/// The text of a literal argument.
pub(crate) fn literal_text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_deref()
        }
        _ => None,
    }
}

/// The arguments as text arrays of one length, whatever was constant among them.
fn text_columns(args: &ScalarFunctionArgs) -> Result<Vec<StringViewArray>> {
    args.args
        .iter()
        .map(|value| {
            let array = value.to_array(args.number_rows)?;
            Ok(as_string_view_array(&array)?.clone())
        })
        .collect()
}

/// Two text arrays, or an error that names the function.
fn two_texts(name: &str, args: &ScalarFunctionArgs) -> Result<(StringViewArray, StringViewArray)> {
    let mut columns = text_columns(args)?.into_iter();
    match (columns.next(), columns.next(), columns.next()) {
        (Some(first), Some(second), None) => Ok((first, second)),
        _ => exec_err!("`{name}` takes two texts"),
    }
}

/// Gives an array back as a scalar where every argument was one.
fn returned(args: &ScalarFunctionArgs, array: ArrayRef) -> Result<ColumnarValue> {
    let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
    if constant && !array.is_empty() {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
    }
    Ok(ColumnarValue::Array(array))
}

#[cfg(test)]
mod tests;
