//! `json_path(text, '$.a.b[0]')` and `json_path_all(text, '$.list[*].name')`.
//! The path language is the plain part of RFC 9535: names, indexes, wildcards; no filters.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility, lit,
};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{literal_text, returned, two_texts};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Index(i64),
    Every,
}

/// Reads `$.a['b c'][0][*]`; the leading `$` may be missing. The error says where it fails.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let fail = |rest: &str, what: &str| {
        Err(format!("`{text}` is not a JSON path: {what} at byte {}", text.len() - rest.len()))
    };
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut steps = Vec::new();
    let mut bare = !text.starts_with('$');
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix("[*]").or_else(|| rest.strip_prefix(".*")) {
            steps.push(Step::Every);
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('[') {
            let quote = tail.chars().next().filter(|c| matches!(c, '\'' | '"'));
            if let Some(quote) = quote {
                let Some((name, tail)) = quoted(tail.get(1..).unwrap_or_default(), quote) else {
                    return fail(rest, "a name without its closing quote and bracket");
                };
                steps.push(Step::Name(name));
                rest = tail;
            } else {
                let index =
                    tail.split_once(']').and_then(|(n, tail)| Some((n.parse().ok()?, tail)));
                let Some((index, tail)) = index else {
                    return fail(rest, "no index between brackets");
                };
                steps.push(Step::Index(index));
                rest = tail;
            }
        } else {
            let Some(tail) = rest.strip_prefix('.').or(bare.then_some(rest)) else {
                return fail(rest, "neither `.` nor `[`");
            };
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (name, tail) = tail.split_at(end);
            if name.is_empty() {
                return fail(rest, "an empty name");
            }
            steps.push(Step::Name(name.to_owned()));
            rest = tail;
        }
        bare = false;
    }
    Ok(steps)
}

/// A quoted name up to `']`; a backslash takes the next character as it is.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            c if c == quote => {
                return Some((name, text.get(at + quote.len_utf8()..)?.strip_prefix(']')?));
            }
            c => name.push(c),
        }
    }
    None
}

/// The values at a path, in order. What is not JSON has none.
pub(crate) fn values_at(json: &str, steps: &[Step]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let walk = Walk { steps, found: &mut found };
    if walk.deserialize(&mut deserializer).is_err() || deserializer.end().is_err() {
        found.clear();
    }
    found
}

/// A value as SQL text: strings without quotes, null as none, the rest as JSON.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Follows a path through a document and skips everything beside it.
struct Walk<'a> {
    steps: &'a [Step],
    found: &'a mut Vec<Value>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.steps.split_first() {
            None => {
                self.found.push(serde::Deserialize::deserialize(deserializer)?);
                Ok(())
            }
            Some((step, rest)) => {
                deserializer.deserialize_any(Level { step, rest, found: self.found })
            }
        }
    }
}

struct Level<'a> {
    step: &'a Step,
    rest: &'a [Step],
    found: &'a mut Vec<Value>,
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let wanted = match self.step {
                Step::Name(name) => *name == key,
                Step::Every => true,
                Step::Index(_) => false,
            };
            if wanted {
                map.next_value_seed(Walk { steps: self.rest, found: self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Step::Index(index @ i64::MIN..0) = self.step {
            // Counted from the end: the length is only known after reading.
            let mut items: Vec<Value> = Vec::new();
            while let Some(item) = list.next_element()? {
                items.push(item);
            }
            let back = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
            if let Some(item) = items.len().checked_sub(back).and_then(|at| items.get(at)) {
                let walk = Walk { steps: self.rest, found: self.found };
                walk.deserialize(item).map_err(serde::de::Error::custom)?;
            }
            return Ok(());
        }
        let mut at = 0_i64;
        loop {
            let wanted = match self.step {
                Step::Index(index) => *index == at,
                Step::Every => true,
                Step::Name(_) => false,
            };
            let more = if wanted {
                list.next_element_seed(Walk { steps: self.rest, found: self.found })?.is_some()
            } else {
                list.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            at += 1;
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn signature() -> Signature {
    Signature::exact(vec![DataType::Utf8View, DataType::Utf8View], Volatility::Immutable)
}

/// The first value at a path, as text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct JsonPath {
    signature: Signature,
}

impl Default for JsonPath {
    fn default() -> Self {
        Self { signature: signature() }
    }
}

impl ScalarUDFImpl for JsonPath {
    fn name(&self) -> &'static str {
        "json_path"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    /// A constant path without wildcards is what `json_as_text` does, and does faster. It yields
    /// Utf8, so a cast keeps the type.
    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [json, Expr::Literal(path, _)] = args.as_slice() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let Some(text) = literal_text(path) else { return Ok(ExprSimplifyResult::Original(args)) };
        let steps = parse(text).map_err(|message| exec_datafusion_err!("{message}"))?;
        let plain = |step: &Step| match step {
            Step::Name(name) => Some(lit(name.clone())),
            Step::Index(index) if *index >= 0 => Some(lit(*index)),
            Step::Index(_) | Step::Every => None,
        };
        let Some(keys) = steps.iter().map(plain).collect::<Option<Vec<_>>>() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        if keys.is_empty() {
            return Ok(ExprSimplifyResult::Original(args));
        }
        let mut plain_args = vec![json.clone()];
        plain_args.extend(keys);
        let func = datafusion_functions_json::udfs::json_as_text_udf();
        let call = Expr::ScalarFunction(ScalarFunction { func, args: plain_args });
        Ok(ExprSimplifyResult::Simplified(datafusion::logical_expr::cast(call, DataType::Utf8View)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (documents, paths) = two_texts(self.name(), &args)?;
        let mut parsed = Parsed::default();
        let mut builder = StringViewBuilder::with_capacity(args.number_rows);
        for (document, path) in documents.iter().zip(&paths) {
            let value = match (document, path) {
                (Some(document), Some(path)) => {
                    values_at(document, parsed.steps(path)?).first().and_then(text_of)
                }
                _ => None,
            };
            builder.append_option(value);
        }
        returned(&args, Arc::new(builder.finish()))
    }
}

/// All values at a path, as a list of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct JsonPathAll {
    signature: Signature,
}

impl Default for JsonPathAll {
    fn default() -> Self {
        Self { signature: signature() }
    }
}

impl ScalarUDFImpl for JsonPathAll {
    fn name(&self) -> &'static str {
        "json_path_all"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (documents, paths) = two_texts(self.name(), &args)?;
        let mut parsed = Parsed::default();
        let mut builder = ListBuilder::new(StringViewBuilder::new());
        for (document, path) in documents.iter().zip(&paths) {
            let (Some(document), Some(path)) = (document, path) else {
                builder.append(false);
                continue;
            };
            for value in values_at(document, parsed.steps(path)?) {
                builder.values().append_option(text_of(&value));
            }
            builder.append(true);
        }
        let array: ArrayRef = Arc::new(builder.finish());
        returned(&args, array)
    }
}

/// The last path read: nearly always the same for all rows.
#[derive(Default)]
struct Parsed {
    text: Option<String>,
    steps: Vec<Step>,
}

impl Parsed {
    fn steps(&mut self, text: &str) -> Result<&[Step]> {
        if self.text.as_deref() != Some(text) {
            self.steps = parse(text).map_err(|message| exec_datafusion_err!("{message}"))?;
            self.text = Some(text.to_owned());
        }
        Ok(&self.steps)
    }
}
