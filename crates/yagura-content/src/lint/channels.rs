//! Checks channels: prose in both languages, settings that are used, requests that can be made,
//! cases of both kinds.
//! Whether templates can be filled, and the cases come out as they say, is tested in
//! `yagura-respond`.

use super::{Lint, prose, site};
use crate::format::{BuiltinChannel, CaseAnswer, Channel, ChannelOperation, Judged, OperationKind};
use crate::problem::File;

/// The largest body that any service takes from a message.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn check(lint: &mut Lint<'_>, channel: &Channel) {
    let file = lint.channel_file(channel);
    let place = channel.title.place;
    lint.id(&file, &channel.id);
    prose::check(lint, &file, "title", &channel.title);
    prose::check(lint, &file, "description", &channel.description);
    for (_, setting) in &channel.settings.0 {
        prose::check(lint, &file, "title", &setting.title);
    }
    if BuiltinChannel::named(&channel.id).is_some() {
        lint.error(&file, place, format!("`{}` is a built-in channel's name", channel.id));
    }
    if channel.references.is_empty() {
        lint.error(&file, place, "`references` names no document that the facts come from");
    }
    if !(500..=40_000).contains(&channel.text_chars_max) {
        lint.error(&file, place, "`text_chars_max` is between 500 and 40000");
    }
    if !(1_000..=BODY_BYTES_MAX).contains(&channel.body_bytes_max) {
        lint.error(&file, place, format!("`body_bytes_max` is between 1000 and {BODY_BYTES_MAX}"));
    }
    if let Some(signature) = &channel.signature {
        let known = channel.setting(&signature.key);
        if !known.is_some_and(|setting| setting.kind.is_secret()) {
            let message = format!("`{}` is no setting of the kind `secret`", signature.key);
            lint.error(&file, signature.key.place, message);
        }
    }
    for (kind, operation) in channel.operations() {
        check_operation(lint, &file, channel, kind, operation);
    }
    if channel.find.is_some() && channel.keep.as_ref().is_none_or(|keep| keep.found.is_none()) {
        lint.error(&file, place, "`find` needs `keep.found`, which reads its answer");
    }
    unused_settings(lint, &file, channel);
    cases(lint, &file, channel);
}

fn check_operation(
    lint: &mut Lint<'_>,
    file: &File,
    channel: &Channel,
    kind: OperationKind,
    operation: &ChannelOperation,
) {
    let word = kind.as_str();
    if operation.json.is_some() && !operation.form.0.is_empty() {
        let message = format!("`{word}` has `json` and `form`; a body is one of them");
        lint.error(file, operation.url.place, message);
    }
    if let Some(needs) = &operation.needs
        && channel.setting(needs).is_none()
    {
        let hint = site::near(needs, channel.settings.0.iter().map(|(name, _)| name.as_str()));
        lint.hinted(file, needs.place, format!("there is no setting `{needs}`"), hint);
    }
    if let Some(first) = &operation.first {
        let there = channel.operation(**first).is_some_and(|first| first.first.is_none());
        if **first == kind || !there {
            let message = format!("`first` of `{word}` is an operation that has no `first`");
            lint.error(file, first.place, message);
        }
    }
    if kind != OperationKind::Open && channel.keep.is_none() && kind != OperationKind::Find {
        let speaks = templates(operation).any(|text| text.contains("thread."));
        if speaks {
            let message = format!("`{word}` names a thread, and `keep` keeps none");
            lint.error(file, operation.url.place, message);
        }
    }
}

/// The templates of a request.
fn templates(operation: &ChannelOperation) -> impl Iterator<Item = &str> {
    let json = operation.json.iter().map(|text| text.as_str());
    let fields = operation.headers.0.iter().chain(&operation.form.0);
    std::iter::once(operation.url.as_str()).chain(json).chain(fields.map(|(_, text)| text.as_str()))
}

fn unused_settings(lint: &mut Lint<'_>, file: &File, channel: &Channel) {
    for (name, setting) in &channel.settings.0 {
        let wanted = format!("settings.{}", name.value);
        let in_templates = channel
            .operations()
            .flat_map(|(_, operation)| templates(operation))
            .chain(channel.headers.0.iter().map(|(_, text)| text.as_str()))
            .chain(channel.keep.iter().flat_map(|keep| &keep.url).map(|url| url.as_str()))
            .any(|text| text.contains(&wanted));
        let signs = channel.signature.as_ref().is_some_and(|signed| *signed.key == **name);
        let needed = channel.operations().any(|(_, one)| one.needs.as_ref() == Some(name));
        if !in_templates && !signs && !needed {
            lint.error(file, name.place, format!("no request uses the setting `{name}`"));
        }
        if setting.kind.is_secret() && setting.default.is_some() {
            lint.error(file, name.place, format!("the secret `{name}` cannot have a default"));
        }
    }
}

fn cases(lint: &mut Lint<'_>, file: &File, channel: &Channel) {
    let place = channel.title.place;
    let answers = || channel.cases.iter().flat_map(|case| &case.answers);
    let some = |meaning| answers().any(|answer: &CaseAnswer| answer.expect == meaning);
    for (meaning, word) in
        [(Judged::Accepted, "accepted"), (Judged::Retry, "retry"), (Judged::Refused, "refused")]
    {
        if !some(meaning) {
            lint.error(file, place, format!("no case has an answer that means `{word}`"));
        }
    }
    for (kind, operation) in channel.operations() {
        let shown =
            channel.cases.iter().any(|case| case.operation == kind && (case.request.is_some()));
        if !shown {
            let message = format!("no case shows the request of `{}`", kind.as_str());
            lint.error(file, operation.url.place, message);
        }
    }
    let hostile = channel.cases.iter().filter_map(|case| case.request.as_ref());
    if !hostile.into_iter().any(|request| !request.lacks.is_empty()) {
        let hint = "give a title such as `<!channel>` or `[toall]`, and say under `lacks` what \
                    must not be sent";
        lint.hinted(file, place, "no case shows what becomes of hostile text", hint);
    }
}
