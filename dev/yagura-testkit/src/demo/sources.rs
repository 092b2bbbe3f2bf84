//! The answers that people wrote: `content/demo/<account>/<region or global>.yaml`.
//! The organization itself has a file of its own; see `organization.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::demo::{ANY, DemoError, Outcome, Written};

/// The file of what is asked once per account, wherever the call goes.
const GLOBAL: &str = "global";

/// A file of answers, by `service:Operation`, in the syntax of the cases of resource files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    answers: Map<String, Value>,
}

/// Reads a YAML file below the demo's folder.
pub(super) fn yaml<T: serde::de::DeserializeOwned>(
    folder: &Path,
    file: &str,
) -> Result<T, DemoError> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).map_err(|source| DemoError::Read { path, source })?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 500_000, max_events: 1_000_000 },
        strict_booleans: true,
    };
    serde_saphyr::from_str_with_options(&text, options)
        .map_err(|error| DemoError::Source { file: file.to_owned(), what: error.to_string() })
}

/// The answers of one account, file by file in order of their names.
pub(super) fn of_account(
    folder: &Path,
    name: &str,
    account: &str,
) -> Result<Vec<Written>, DemoError> {
    let path = folder.join(name);
    let read = |source| DemoError::Read { path: path.clone(), source };
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(&path).map_err(read)? {
        files.insert(entry.map_err(read)?.file_name().to_string_lossy().into_owned());
    }
    let mut answers = Vec::new();
    for file in files {
        let file = format!("{name}/{file}");
        let stem = file.strip_suffix(".yaml").and_then(|stem| stem.rsplit('/').next());
        let Some(stem) = stem else {
            return Err(DemoError::Source { file, what: "no file of answers".to_owned() });
        };
        let region = if stem == GLOBAL { ANY } else { stem };
        let Answers { answers: by_call } = yaml(folder, &file)?;
        for (call, answer) in by_call {
            let place = Place { file: &file, account, region };
            place.take(&call, answer, &mut answers)?;
        }
    }
    Ok(answers)
}

/// Two answers to the same call would answer one after the other; nobody writes that by intent.
pub(super) fn refuse_repetition(answers: &[Written]) -> Result<(), DemoError> {
    let mut seen = BTreeSet::new();
    for answer in answers {
        let Written { account, region, service, operation, .. } = answer;
        let input = Value::Object(answer.input.clone()).to_string();
        if !seen.insert((account, region, service, operation, input.clone())) {
            return Err(DemoError::Source {
                file: answer.file.clone(),
                what: format!("`{service}:{operation}` is answered twice for the input {input}"),
            });
        }
    }
    Ok(())
}

/// Where answers are given.
struct Place<'a> {
    file: &'a str,
    account: &'a str,
    region: &'a str,
}

impl Place<'_> {
    fn wrong(&self, call: &str, what: &str) -> DemoError {
        DemoError::Source { file: self.file.to_owned(), what: format!("`{call}`: {what}") }
    }

    /// One entry of `answers`: an output, an error, or a list of both with the inputs they are for.
    fn take(&self, call: &str, answer: Value, into: &mut Vec<Written>) -> Result<(), DemoError> {
        let Value::Array(choices) = answer else {
            into.push(self.one(call, Map::new(), answer)?);
            return Ok(());
        };
        for choice in choices {
            let Value::Object(mut choice) = choice else {
                return Err(self.wrong(call, "each of several answers has `input`"));
            };
            let Some(Value::Object(input)) = choice.shift_remove("input") else {
                return Err(self.wrong(call, "each of several answers has `input`"));
            };
            let output = choice.shift_remove("answer");
            let outcome = match output {
                Some(output) if choice.is_empty() => output,
                Some(_) => return Err(self.wrong(call, "besides `answer` there is only `input`")),
                None if choice.contains_key("error") => Value::Object(choice),
                None => return Err(self.wrong(call, "neither `answer` nor `error`")),
            };
            into.push(self.one(call, input, outcome)?);
        }
        Ok(())
    }

    fn one(
        &self,
        call: &str,
        input: Map<String, Value>,
        outcome: Value,
    ) -> Result<Written, DemoError> {
        let (service, operation) =
            call.split_once(':').ok_or_else(|| self.wrong(call, "is no `service:Operation`"))?;
        let outcome = match error_in(&outcome) {
            Some((code, message)) => Outcome::Error { code, message },
            None if outcome.is_object() => Outcome::Output(outcome),
            None => return Err(self.wrong(call, "an output is a mapping")),
        };
        Ok(Written {
            file: self.file.to_owned(),
            account: self.account.to_owned(),
            region: self.region.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            input,
            outcome,
        })
    }
}

/// Code and message, if this is `{error: Code, message: text}`.
fn error_in(outcome: &Value) -> Option<(String, String)> {
    let members = outcome.as_object()?;
    let code = members.get("error")?.as_str()?;
    let known = members.keys().all(|key| matches!(key.as_str(), "error" | "message"));
    let message = members.get("message").and_then(Value::as_str).unwrap_or_default();
    known.then(|| (code.to_owned(), message.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLACE: Place<'_> = Place { file: "f", account: "1", region: "r" };

    fn taken(answer: Value) -> Result<Vec<Written>, String> {
        let mut into = Vec::new();
        let result = PLACE.take("s3:GetBucketPolicy", answer, &mut into);
        result.map(|()| into).map_err(|error| error.to_string())
    }

    #[test]
    fn an_answer_is_an_output_an_error_or_a_choice_by_input() {
        let output = &taken(json!({"Policy": "{}"})).unwrap()[0];
        assert_eq!(output.outcome, Outcome::Output(json!({"Policy": "{}"})));
        let error = &taken(json!({"error": "NoSuchBucketPolicy"})).unwrap()[0];
        let code = "NoSuchBucketPolicy".to_owned();
        assert_eq!(error.outcome, Outcome::Error { code, message: String::new() });
        let choices = json!([{"input": {"Bucket": "a"}, "answer": {}},
            {"input": {"Bucket": "b"}, "error": "AccessDenied", "message": "no"}]);
        let choices = taken(choices).unwrap();
        assert_eq!(choices[1].input["Bucket"], "b");
        let (code, message) = ("AccessDenied".to_owned(), "no".to_owned());
        assert_eq!(choices[1].outcome, Outcome::Error { code, message });
    }

    #[test]
    fn what_is_no_answer_is_refused_with_file_and_call() {
        for wrong in [
            json!("text"),
            json!([{"answer": {}}]),
            json!([{"input": {}}]),
            json!([{"input": {}, "answer": {}, "error": "Both"}]),
        ] {
            let error = taken(wrong).unwrap_err();
            assert!(error.starts_with("f: `s3:GetBucketPolicy`: "), "{error}");
        }
    }

    #[test]
    fn the_same_call_is_not_answered_twice() {
        let mut twice = taken(json!({})).unwrap();
        assert!(refuse_repetition(&twice).is_ok());
        twice.extend(taken(json!({"Policy": "{}"})).unwrap());
        assert!(refuse_repetition(&twice).is_err());
    }
}
