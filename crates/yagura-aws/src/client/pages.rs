//! All pages of an operation, by the paginator of the table, with guards against endless ones.
//! One page is one call; see `attempts`.

use futures::stream::{self, Stream};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{Call, Inner};
use crate::error::CallError;

/// Where a series of pages stands.
struct Series {
    /// The input of the next page; `None` after the last.
    next: Option<Value>,
    /// The tokens that led here.
    token: Option<Map<String, Value>>,
    pages: u32,
}

impl Inner {
    /// The pages of a call, one after another. After an error the stream ends.
    pub(crate) fn pages<'a>(
        &'a self,
        call: Call<'a>,
        cancel: &'a CancellationToken,
    ) -> impl Stream<Item = Result<Value, CallError>> + Send + 'a {
        let first = Series { next: Some(call.input.clone()), token: None, pages: 0 };
        stream::unfold(first, move |mut series| async move {
            let input = series.next.take()?;
            let page = self.page(&call, &mut series, input, cancel).await;
            if page.is_err() {
                series.next = None;
            }
            Some((page, series))
        })
    }

    async fn page(
        &self,
        call: &Call<'_>,
        series: &mut Series,
        mut input: Value,
        cancel: &CancellationToken,
    ) -> Result<Value, CallError> {
        if series.pages >= self.pages_max() {
            let pages = series.pages;
            return Err(call.failed(format!("the listing did not end within {pages} pages")));
        }
        series.pages += 1;
        let output = self.invoke(Call { input: &input, ..*call }, cancel).await?;
        let service = self.service(call)?;
        let Some(paginator) = self.find(call, &service)?.paginator() else { return Ok(output) };
        let Some(token) = paginator.next(&output) else { return Ok(output) };
        if series.token.as_ref() == Some(&token) {
            return Err(call.failed("AWS repeats the token of the page before"));
        }
        if !input.is_object() {
            input = Value::Object(Map::new());
        }
        if let Some(members) = input.as_object_mut() {
            // A token of several parts may lose some of them from one page to the next.
            for name in paginator.input_tokens() {
                members.remove(&**name);
            }
            members.extend(token.clone());
        }
        series.token = Some(token);
        series.next = Some(input);
        Ok(output)
    }
}

/// Appends the results of a further page to those before: lists are joined, maps merged, counts
/// added; everything else stays as the first page said it.
pub(crate) fn append(whole: &mut Value, page: &mut Value, result_keys: &[Box<str>]) {
    for key in result_keys {
        let steps: Vec<&str> = key.split('.').collect();
        join_at(whole, page, &steps);
    }
}

fn join_at(whole: &mut Value, page: &mut Value, steps: &[&str]) {
    if let Some((step, rest)) = steps.split_first() {
        if let (Some(members), Some(part)) = (whole.as_object_mut(), page.get_mut(*step)) {
            join_at(members.entry(*step).or_insert(Value::Null), part, rest);
        }
        return;
    }
    match (whole, page.take()) {
        (Value::Array(items), Value::Array(more)) => items.extend(more),
        (Value::Object(members), Value::Object(more)) => members.extend(more),
        (Value::Number(number), Value::Number(more)) => {
            if let (Some(a), Some(b)) = (number.as_i64(), more.as_i64()) {
                *number = a.saturating_add(b).into();
            }
        }
        (whole @ Value::Null, more) => *whole = more,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(keys: &[&str], pages: &[Value], whole: &Value) {
        let keys: Vec<Box<str>> = keys.iter().map(|key| Box::from(*key)).collect();
        let mut pages = pages.iter().cloned();
        let mut joined = pages.next().unwrap();
        for mut page in pages {
            append(&mut joined, &mut page, &keys);
        }
        assert_eq!(joined, *whole);
    }

    #[test]
    fn lists_are_joined_and_the_rest_is_the_first_pages() {
        check(
            &["Users"],
            &[json!({"Users": [1], "Marker": "a"}), json!({"Users": [2, 3], "Marker": "b"})],
            &json!({"Users": [1, 2, 3], "Marker": "a"}),
        );
    }

    #[test]
    fn keys_may_be_nested_several_and_late() {
        check(
            &["List.Items", "Count"],
            &[
                json!({"List": {}, "Count": 1}),
                json!({"List": {"Items": [1]}, "Count": 2}),
                json!({"List": {"Items": [2]}}),
            ],
            &json!({"List": {"Items": [1, 2]}, "Count": 3}),
        );
    }
}
