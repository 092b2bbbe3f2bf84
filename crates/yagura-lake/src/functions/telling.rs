//! `telling_parameters(json, 'name name …')`: what a request names, as JSON: the texts of the named
//! parameters wherever they stand, and every ARN and id.
//! What is kept is decided in `yagura_model::usage`; it makes calls that name the same things
//! alike, so that they can be grouped.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::StringViewBuilder;
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use serde_json::Value;
use yagura_model::usage::telling_parameters;

use super::{literal_text, returned};

/// See the file's first line.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TellingParameters {
    signature: Signature,
}

impl Default for TellingParameters {
    fn default() -> Self {
        let texts = vec![DataType::Utf8View, DataType::Utf8View];
        Self { signature: Signature::exact(texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TellingParameters {
    fn name(&self) -> &'static str {
        "telling_parameters"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // The names are one long text for all rows: it must not be copied for each.
        let (Some(requests), Some(ColumnarValue::Scalar(names))) =
            (args.args.first(), args.args.get(1))
        else {
            return exec_err!("`telling_parameters` takes JSON and a constant list of names");
        };
        let names = literal_text(names).unwrap_or_default();
        let names: BTreeSet<String> = names.split_whitespace().map(str::to_owned).collect();
        let requests = requests.to_array(args.number_rows)?;
        let requests = as_string_view_array(&requests)?;
        let mut builder = StringViewBuilder::with_capacity(args.number_rows);
        for request in requests {
            // A text that is no JSON names nothing.
            let value = request.and_then(|text| serde_json::from_str::<Value>(text).ok());
            let found = value.map(|value| telling_parameters(&value, &names));
            let found = found.filter(|found| !found.is_empty());
            builder.append_option(found.and_then(|found| serde_json::to_string(&found).ok()));
        }
        returned(&args, Arc::new(builder.finish()))
    }
}
