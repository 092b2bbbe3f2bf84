//! `ago('24h')`: a time before the query began, constant for the whole query.
//! No clock is read here: the session says when the query began.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::literal_text;

/// See the file's first line.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ago {
    signature: Signature,
}

impl Default for Ago {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View], Volatility::Stable) }
    }
}

impl ScalarUDFImpl for Ago {
    fn name(&self) -> &'static str {
        "ago"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    /// Becomes a constant before planning, so that files are pruned by it.
    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let text = match args.as_slice() {
            [Expr::Literal(value, _)] => literal_text(value),
            _ => None,
        };
        let Some(text) = text else { return exec_err!("`ago` takes one constant text") };
        let span = micros(text).ok_or_else(|| {
            exec_datafusion_err!("`{text}` is not a span of time (as `90m`, `24h`, `7d`, `12w`)")
        })?;
        let Some(start) = context.query_execution_start_time() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let at = start.timestamp_micros().saturating_sub(span);
        let value = ScalarValue::TimestampMicrosecond(Some(at), Some(Arc::from("UTC")));
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, None)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("`ago` takes one constant text")
    }
}

/// Microseconds of `90s`, `15m`, `24h`, `7d`, `12w`; blanks and long unit names are allowed.
fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let seconds: i64 = match unit.trim() {
        "s" | "second" | "seconds" => 1,
        "m" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_nonsense_is_refused() {
        assert_eq!(micros("90s"), Some(90_000_000));
        assert_eq!(micros(" 7 days "), Some(7 * 86_400_000_000));
        for text in ["", "7", "h", "-1d", "1 year", "9223372036854775807w"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
