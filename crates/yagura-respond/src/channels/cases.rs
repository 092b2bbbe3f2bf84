//! Runs the cases of channels: a message becomes the expected request, and answers mean what the
//! case says. Nothing is sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use yagura_content::format::{CaseAnswer, CaseRequest, Channel, ChannelCase, OperationKind};
use yagura_content::{Content, Place};
use yagura_model::Lang;
use yagura_model::message::MessageKind;
use yagura_report::messages::{Manner, Notice, NoticeChange, NoticeItem, NoticeTally, Told};
use yagura_store::outbox::Thread;

use super::Settings;
use super::request::{Building, Request};

/// A case that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRun {
    /// The channel.
    pub channel: String,
    /// Where the case stands.
    pub place: Place,
    /// What it is called.
    pub case: String,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Runs the cases of the channels that are wanted.
pub fn run(content: &Content, wanted: &dyn Fn(&str) -> bool) -> Vec<CaseRun> {
    let channels = content.channels.values().filter(|channel| wanted(&channel.id));
    channels
        .flat_map(|channel| {
            channel.cases.iter().map(move |case| CaseRun {
                channel: channel.id.clone(),
                place: case.name.place,
                case: case.name.value.clone(),
                failure: failure(channel, case),
            })
        })
        .collect()
}

/// The time of every case.
fn case_time() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap_or_default()
}

fn failure(channel: &Channel, case: &ChannelCase) -> Option<String> {
    let mut settings = Settings::default();
    for (name, setting) in &channel.settings.0 {
        let given = case.settings.get(name.as_str()).and_then(Value::as_str);
        if let Some(value) = given.or(setting.default.as_deref()) {
            settings.values.insert(name.value.clone(), vec![value.to_owned()]);
        }
    }
    if let Some(unknown) = case.settings.keys().find(|name| channel.setting(name).is_none()) {
        return Some(format!("the channel has no setting `{unknown}`"));
    }
    let (notice, lang) = match sample(&case.message) {
        Ok(sample) => sample,
        Err(why) => return Some(why),
    };
    let manner = Manner {
        lang,
        dialect: channel.text,
        text_chars_max: channel.text_chars_max,
        zone: TimeZone::UTC,
    };
    let thread = case.thread.as_ref().map(|key| Thread {
        key: key.clone(),
        url: String::new(),
        closed: false,
    });
    let building = Building {
        channel,
        settings: &settings,
        manner: &manner,
        notice: &notice,
        thread: thread.as_ref(),
        now: case_time(),
    };
    let request = match building.request(case.operation) {
        Ok(request) => request,
        Err(fault) => return Some(fault.to_string()),
    };
    let wrong = case.request.as_ref().and_then(|expected| difference(&request, expected));
    wrong
        .or_else(|| case.answers.iter().find_map(|answer| misread(channel, case.operation, answer)))
}

/// What an answer was taken for, where that is wrong.
fn misread(channel: &Channel, operation: OperationKind, answer: &CaseAnswer) -> Option<String> {
    let text = answer.text.clone().unwrap_or_else(|| answer.body.to_string());
    let body = match &answer.text {
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        None => answer.body.clone(),
    };
    let output = json!({"status": answer.status, "body": body, "text": text});
    let judged = channel.judge(&output);
    if judged != answer.expect {
        let (status, expected) = (answer.status, answer.expect);
        return Some(format!("an answer {status} {text} means {judged:?}, not {expected:?}"));
    }
    let expected = answer.key.as_ref()?;
    let key = channel.key_in(&output, operation == OperationKind::Find);
    (key.as_ref() != Some(expected))
        .then(|| format!("an answer {text} names the ticket {key:?}, not `{expected}`"))
}

/// How a request differs from what is expected.
fn difference(request: &Request, expected: &CaseRequest) -> Option<String> {
    if let Some(method) = expected.method.filter(|method| *method != request.method) {
        return Some(format!("the method is {}, not {}", request.method.as_str(), method.as_str()));
    }
    if let Some(url) = expected.url.as_ref().filter(|url| **url != request.url) {
        return Some(format!("the address is {}, not {url}", request.url));
    }
    for (name, value) in &expected.headers {
        let found = request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        if found.map(|(_, found)| found.as_str()) != value.as_str() {
            return Some(format!("the header `{name}` is {found:?}, not {value}"));
        }
    }
    let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    if let Some(at) = expected.json.as_ref().and_then(|expected| within(&json, expected, "")) {
        return Some(format!("the body differs at `{at}`: {body}"));
    }
    let fields = form(&body);
    for (name, value) in &expected.form {
        let found = fields.get(name);
        if found.map(String::as_str) != value.as_str() {
            return Some(format!("the field `{name}` is {found:?}, not {value}"));
        }
    }
    let shown: String = if expected.form.is_empty() && json.is_null() {
        fields.values().cloned().collect::<Vec<_>>().join("\n")
    } else {
        body
    };
    // A JSON body is compared as a reader sees it: with its escapes undone.
    let mut texts = vec![shown.clone(), request.url.clone()];
    texts_of(&json, &mut texts);
    texts.extend(fields.into_values());
    if let Some(text) =
        expected.contains.iter().find(|text| !texts.iter().any(|one| one.contains(*text)))
    {
        return Some(format!("`{text}` is not in it: {shown}"));
    }
    let bad = expected.lacks.iter().find(|text| texts.iter().any(|one| one.contains(*text)));
    bad.map(|text| format!("`{text}` is in it: {shown}"))
}

/// Where a value lacks what is expected: maps may have more members, lists are whole.
fn within(found: &Value, expected: &Value, at: &str) -> Option<String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().find_map(|(name, expected)| {
                let at = format!("{at}/{name}");
                match found.get(name) {
                    Some(found) => within(found, expected, &at),
                    None => Some(at),
                }
            })
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let pairs = found.iter().zip(expected).enumerate();
            pairs
                .into_iter()
                .find_map(|(n, (found, expected))| within(found, expected, &format!("{at}/{n}")))
        }
        (found, expected) => (found != expected).then(|| at.to_owned()),
    }
}

fn texts_of(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::Object(members) => members.values().for_each(|member| texts_of(member, texts)),
        _ => {}
    }
}

fn form(body: &str) -> BTreeMap<String, String> {
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    body.split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// The sample message of cases, with the members that a case changes: `lang`, `kind`, `title`,
/// `severity`, `change`, `key`, `actor`, `words`, `why`, `steps`, `count`.
fn sample(changes: &Map<String, Value>) -> Result<(Notice, Lang), String> {
    const KNOWN: [&str; 11] = [
        "lang", "kind", "title", "severity", "change", "key", "actor", "words", "why", "steps",
        "count",
    ];
    if let Some(unknown) = changes.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!("a message has no `{unknown}`; known are {}", KNOWN.join(", ")));
    }
    let text = |name: &str, usual: &str| {
        changes.get(name).and_then(Value::as_str).unwrap_or(usual).to_owned()
    };
    let lang = Lang::from_locale(&text("lang", "en"));
    let kind: MessageKind = serde_json::from_value(json!(text("kind", "finding")))
        .map_err(|_| format!("`{}` is no kind of message", text("kind", "")))?;
    let told = told(&text)?;
    let change = NoticeChange {
        word: text("change", "opened"),
        at_us: case_time().as_microsecond(),
        by: None,
        words: changes.get("words").and_then(Value::as_str).map(str::to_owned),
        severities: None,
    };
    let why = text("why", "Whoever reads it reads everything.");
    let steps: Vec<String> = match changes.get("steps") {
        Some(steps) => serde_json::from_value(steps.clone()).map_err(|error| error.to_string())?,
        None => vec!["Turn on Block Public Access.".to_owned()],
    };
    let count = changes.get("count").and_then(Value::as_u64).unwrap_or(3);
    let many = kind != MessageKind::Finding && kind != MessageKind::Sample;
    let tally = NoticeTally {
        total: count,
        severities: [0, 0, 0, count, 0],
        causes: vec![(told.title.clone(), count)],
        limit: 20,
        limit_seconds: 600,
        until_us: Some(case_time().as_microsecond()),
    };
    let item = NoticeItem { told: told.clone(), change: change.clone() };
    let items = usize::try_from(count.min(50)).unwrap_or_default();
    let notice = Notice {
        id: "c0ffee00c0ffee00c0ffee00c0ffee00".to_owned(),
        kind,
        at_us: case_time().as_microsecond(),
        told: (!many).then_some(told),
        change: (!many).then_some(change),
        why: Some(yagura_model::Prose { en: why.clone(), ja: why }),
        steps: [steps.clone(), steps],
        items: if kind == MessageKind::Digest { vec![item; items] } else { Vec::new() },
        tally: many.then_some(tally),
        console_url: Some("https://yagura.example.com".to_owned()),
    };
    Ok((notice, lang))
}

fn told(text: &dyn Fn(&str, &str) -> String) -> Result<Told, String> {
    let title = text("title", "A bucket is public");
    let at_us = case_time().as_microsecond();
    Ok(Told {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        kind: "alert".to_owned(),
        content: "s3.bucket_public_access_blocked".to_owned(),
        title: yagura_model::Prose { en: title.clone(), ja: title },
        severity: text("severity", "high").parse()?,
        rank: 640,
        state: "new".to_owned(),
        account: "111122223333".to_owned(),
        account_name: "prod".to_owned(),
        region: "ap-northeast-1".to_owned(),
        key: text("key", "arn:aws:s3:::reports"),
        resource_type: Some("AWS::S3::Bucket".to_owned()),
        resource_name: None,
        actors: Some(text("actor", "")).filter(|actor| !actor.is_empty()).into_iter().collect(),
        addresses: Vec::new(),
        first_us: at_us,
        last_us: at_us,
        occurrences: 1,
        assignee: None,
        due_us: None,
        advice: None,
    })
}
