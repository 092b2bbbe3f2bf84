//! `telling_parameters(json, 'name name …')`: what a request names, as JSON: the texts of the named
//! parameters wherever they stand, and every ARN and id.
//! What is kept is decided in `yagura_model::usage`; it makes calls that name the same things
//! alike, so that they can be grouped.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::StringViewBuilder;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use yagura_model::usage::telling_parameters;

use super::{returned, two_texts};

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
        let (requests, names) = two_texts(self.name(), &args)?;
        let mut builder = StringViewBuilder::with_capacity(args.number_rows);
        let mut last: Option<(&str, BTreeSet<String>)> = None;
        for (request, wanted) in requests.iter().zip(&names) {
            let (Some(request), Some(wanted)) = (request, wanted) else {
                builder.append_null();
                continue;
            };
            if last.as_ref().is_none_or(|(text, _)| *text != wanted) {
                last = Some((wanted, wanted.split_whitespace().map(str::to_owned).collect()));
            }
            let parsed = serde_json::from_str::<serde_json::Value>(request);
            match (parsed, &last) {
                (Ok(value), Some((_, names))) => {
                    let found = telling_parameters(&value, names);
                    builder.append_option(
                        (!found.is_empty())
                            .then(|| serde_json::to_string(&found).unwrap_or_default()),
                    );
                }
                // A text that is no JSON names nothing.
                _ => builder.append_null(),
            }
        }
        returned(&args, Arc::new(builder.finish()))
    }
}
