//! The answers in the cases of the built-in files, and the inputs that the files make, compared
//! with AWS's own model: an invented member proves nothing.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use yagura_aws::Api;
use yagura_content::Content;

use super::*;

fn api() -> Api {
    Api::open(include_bytes!("../../../../content/aws-api/services.zst")).unwrap()
}

/// The outputs among the answers of a case.
fn outputs(answer: &Value) -> Vec<&Value> {
    match answer {
        Value::Array(choices) => choices.iter().filter_map(|choice| choice.get("answer")).collect(),
        Value::Object(members) if members.get("error").is_some_and(Value::is_string) => Vec::new(),
        output => vec![output],
    }
}

#[test]
fn every_input_and_every_answer_fits_the_model_of_aws() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let content = Content::from_folder(&folder);
    let types = types_of(&content);
    let api = api();
    let mut wrong = Vec::new();
    for definition in types.values() {
        for case in &definition.cases {
            let what = format!("{} · {}", definition.type_name.value, case.name.value);
            for (call, answer) in &case.answers {
                let (service, operation) = call.split_once(':').unwrap();
                let service = api.service(service).unwrap();
                let operation = service.operation(operation).unwrap();
                for output in outputs(answer) {
                    if let Err(problems) = operation.check_output(output) {
                        wrong.push(format!("{what} · answer of {call}: {problems:?}"));
                    }
                }
            }
            let answers = Arc::new(Answers::of(case));
            let plan = Plan::of_types(&types, &Wanted::Types(&[&definition.type_name.value]));
            let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
            read(caller, &plan, case);
            for (_, call, input) in answers.asked() {
                let (service, operation) = call.split_once(':').unwrap();
                let service = api.service(service).unwrap();
                if let Err(problems) = service.operation(operation).unwrap().check_input(&input) {
                    wrong.push(format!("{what} · input of {call}: {problems:?}"));
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
