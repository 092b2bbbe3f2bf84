//! `arn_part(arn, 'account')`: one part of an ARN.
//! Which ARNs exist is not checked.

use std::sync::Arc;

use arrow::array::StringViewBuilder;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{returned, two_texts};

/// The parts in the order of AWS General Reference, "Amazon Resource Names" (seen 2026-11).
const PARTS: [&str; 5] = ["partition", "service", "region", "account", "resource"];

/// See the file's first line.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ArnPart {
    signature: Signature,
}

impl Default for ArnPart {
    fn default() -> Self {
        let texts = vec![DataType::Utf8View, DataType::Utf8View];
        Self { signature: Signature::exact(texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ArnPart {
    fn name(&self) -> &'static str {
        "arn_part"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arns, parts) = two_texts(self.name(), &args)?;
        let mut builder = StringViewBuilder::with_capacity(args.number_rows);
        for (arn, part) in arns.iter().zip(&parts) {
            let (Some(arn), Some(part)) = (arn, part) else {
                builder.append_null();
                continue;
            };
            let Some(at) = PARTS.iter().position(|name| *name == part) else {
                return exec_err!("`{part}` is not a part of an ARN ({})", PARTS.join(", "));
            };
            let found = arn.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(at));
            builder.append_option(found.filter(|text| !text.is_empty()));
        }
        returned(&args, Arc::new(builder.finish()))
    }
}
