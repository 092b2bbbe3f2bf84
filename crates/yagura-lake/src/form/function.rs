//! The record as a function of its row, for the engine: `raw` is a column like any other there.
//! The work is `compose.rs`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::Composer;

/// `compose_record(raw, raw_form, column, …)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Compose {
    composer: Arc<Composer>,
    signature: Signature,
}

impl Compose {
    pub(crate) fn new(composer: Arc<Composer>) -> Self {
        Self { composer, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Compose {
    fn name(&self) -> &'static str {
        "compose_record"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Result<Vec<ArrayRef>> =
            args.args.iter().map(|value| value.to_array(args.number_rows)).collect();
        let arrays = arrays?;
        let [raw, forms, columns @ ..] = arrays.as_slice() else {
            return exec_err!("`compose_record` takes a record, a form and columns");
        };
        Ok(ColumnarValue::Array(Arc::new(self.composer.compose(raw, forms, columns)?)))
    }
}
