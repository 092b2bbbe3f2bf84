//! Which resources a call was about: the ARNs that its record names, and those that its parameters
//! fill in. What the record does not tell is `*`.
//! Which actions it needed is found in `naming`.

use std::collections::BTreeSet;

use yagura_model::usage::{ANY_TYPE, EventActions, TAGGED, UsedCall, VariableSource};

use super::table::{KnownAction, KnownResource};

/// More ARNs of one call are not told apart.
const ARNS_MAX: usize = 200;

/// Of more types than these a request that names none of them could mean anything.
const KINDS_MAX: usize = 4;

/// The resources of a call.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) arns: Vec<String>,
    /// Whether the record told them all.
    pub(super) told: bool,
}

/// The resources that an action of a call was about.
pub(super) fn resources(
    call: &UsedCall,
    action: &KnownAction,
    on: Option<&str>,
    file: Option<&EventActions>,
) -> Found {
    if action.resources.is_empty() {
        return Found { arns: vec!["*".to_owned()], told: true };
    }
    let filler = Filler { call, file };
    if let Some(on) = on {
        return copied(call, on);
    }
    if let Some(form) = file.and_then(|file| filler.form(&file.forms)) {
        let told = !form.ends_with("::*");
        return Found { arns: vec![form], told };
    }
    let mut named: Vec<(&KnownResource, String)> = Vec::new();
    for arn in call.resources.iter().chain(named_values(call)) {
        if let Some(kind) = of_arn(arn, &action.resources) {
            named.push((kind, written_arn(arn)));
        }
    }
    let mut found = BTreeSet::new();
    let mut guesses = BTreeSet::new();
    let mut told = true;
    for kind in &action.resources {
        let mut own: Vec<String> = named
            .iter()
            .filter(|(named, _)| named.name == kind.name)
            .map(|(_, arn)| arn.clone())
            .collect();
        if own.is_empty() {
            own = filler.by_id(kind);
        }
        let (filled, whole) = if own.is_empty() { filler.fill(kind) } else { (own, true) };
        if whole {
            found.extend(filled);
        } else if kind.required {
            told = false;
            found.extend(filled);
        } else {
            guesses.extend(filled);
        }
    }
    if found.is_empty() {
        // Nothing is required and nothing was named: of one type its form will do.
        told = false;
        match action.resources.len() {
            1 if !guesses.is_empty() => found = guesses,
            _ => drop(found.insert("*".to_owned())),
        }
    }
    Found { arns: found.into_iter().take(ARNS_MAX).collect(), told }
}

/// What a call that carries tags makes.
pub(super) struct Made<'m> {
    /// The types in the request's specification of tags.
    pub(super) types: &'m [String],
    /// The type that content names.
    pub(super) of: Option<&'m str>,
    /// The types that the making action is about.
    pub(super) kinds: &'m [&'m str],
}

/// The resources that a call tags as it makes them. What AWS gives an id to as it is made has none
/// in the request, and the ids there are of other things.
pub(super) fn tagged(
    call: &UsedCall,
    action: &KnownAction,
    made: &Made<'_>,
    file: Option<&EventActions>,
) -> Found {
    let typed = made.types.iter().any(|name| name != ANY_TYPE);
    let meant = |kind: &&KnownResource| match made.of {
        Some(of) => *kind.name == *of,
        None if typed => made.types.iter().any(|name| **name == *kind.name),
        None => made.kinds.contains(&&*kind.name),
    };
    let mut kinds: Vec<&KnownResource> = action.resources.iter().filter(meant).collect();
    if kinds.is_empty() && !typed {
        kinds = action.resources.iter().collect();
    }
    let forms = kinds.iter().map(|kind| (Filler { call, file }).made(kind, &action.resources));
    let (whole, partly): (Vec<_>, Vec<_>) = forms.partition(|(_, whole)| *whole);
    let told = !whole.is_empty() && (!typed || partly.is_empty());
    let wanted = match typed {
        true => whole.into_iter().chain(partly).collect(),
        false if whole.is_empty() && kinds.len() <= KINDS_MAX => partly,
        false => whole,
    };
    let mut arns: BTreeSet<String> = wanted.into_iter().flat_map(|(arns, _)| arns).collect();
    if arns.is_empty() {
        arns.insert("*".to_owned());
    }
    Found { arns: arns.into_iter().take(ARNS_MAX).collect(), told }
}

/// Everything that a request names.
fn named_values(call: &UsedCall) -> impl Iterator<Item = &String> {
    let named = call.parameters.iter().filter(|(name, _)| *name != TAGGED);
    named.flat_map(|(_, values)| values)
}

/// The object that a copy was made from: `bucket/key`.
fn copied(call: &UsedCall, on: &str) -> Found {
    let values = call.parameters.get(on).into_iter().flatten();
    let arns: Vec<String> = values
        .map(|value| {
            let value = value.split("?versionId=").next().unwrap_or_default();
            match value.starts_with("arn:") {
                true => written_arn(value),
                false => {
                    let path = value.trim_start_matches('/').replace("%2F", "/");
                    format!("arn:{}:s3:::{}", partition(call), written(&path))
                }
            }
        })
        .collect();
    match arns.is_empty() {
        true => Found { arns: vec!["*".to_owned()], told: false },
        false => Found { arns, told: true },
    }
}

/// The names of a template's variables: `${BucketName}`.
pub(super) fn variables(template: &str) -> impl Iterator<Item = &str> {
    template.split("${").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// The partition that a call was made in.
pub(super) fn partition(call: &UsedCall) -> &str {
    let arn = call.issuer.as_deref().unwrap_or(&call.actor);
    let named = arn.split(':').nth(1).filter(|_| arn.starts_with("arn:"));
    named.unwrap_or_else(|| match call.region.as_str() {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    })
}

/// A text of a log as a policy may have it: what would be a wildcard or a variable there becomes
/// one letter's wildcard, which stands for it too.
pub(super) fn written(text: &str) -> String {
    text.chars()
        .map(|letter| if matches!(letter, '*' | '?' | '$') { '?' } else { letter })
        .collect()
}

/// The same of an ARN, where one `*` at the end is meant as it stands.
fn written_arn(arn: &str) -> String {
    match arn.strip_suffix('*') {
        Some(start) => format!("{}*", written(start)),
        None => written(arn),
    }
}

/// The type that an ARN is of: the one that says most of it.
fn of_arn<'k>(arn: &str, kinds: &'k [KnownResource]) -> Option<&'k KnownResource> {
    let literal = |kind: &&KnownResource| {
        let pattern = kind.arn.as_deref().unwrap_or_default();
        let held: usize = variables(pattern).map(|name| name.len() + 3).sum();
        pattern.len() - held
    };
    let fits = |kind: &&KnownResource| kind.arn.as_deref().is_some_and(|form| is_of(arn, form));
    kinds.iter().filter(fits).max_by_key(literal)
}

/// Whether an ARN has the form of a template.
fn is_of(arn: &str, template: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut wanted = template.splitn(6, ':');
    for _ in 0..5 {
        let (Some(part), Some(wanted)) = (parts.next(), wanted.next()) else { return false };
        if wanted != part && !wanted.contains("${") {
            return false;
        }
    }
    match (parts.next(), wanted.next()) {
        (Some(resource), Some(form)) => is_of_form(resource, form),
        _ => false,
    }
}

/// Whether the last part of an ARN has the form of a template. A variable stands for anything
/// without a separator; the last one for anything, unless nothing says of which type it is.
fn is_of_form(resource: &str, form: &str) -> bool {
    let (mut rest, mut form) = (resource, form);
    let untyped = form.starts_with("${") && !form.contains(['/', ':']);
    loop {
        let Some((literal, after)) = form.split_once("${") else { return rest == form };
        let Some(left) = rest.strip_prefix(literal) else { return false };
        let Some((_, next)) = after.split_once('}') else { return false };
        if next.is_empty() {
            return !left.is_empty() && (!untyped || !left.contains('/'));
        }
        let end = left.find(['/', ':']).unwrap_or(left.len());
        let Some(tail) = left.get(end..).filter(|_| end > 0) else { return false };
        (rest, form) = (tail, next);
    }
}

/// Fills templates with what a call names.
struct Filler<'c> {
    call: &'c UsedCall,
    file: Option<&'c EventActions>,
}

impl Filler<'_> {
    /// The first template whose parameters the request names.
    fn form(&self, forms: &[String]) -> Option<String> {
        forms.iter().find_map(|form| {
            let (filled, whole) = self.templates(form);
            whole.then(|| filled.into_iter().next()).flatten()
        })
    }

    /// ARNs of a type whose ids tell it (`i-0123…`).
    fn by_id(&self, kind: &KnownResource) -> Vec<String> {
        let Some((file, arn)) = self.file.zip(kind.arn.as_deref()) else { return Vec::new() };
        let of_kind = |id: &str| {
            let starts = file.kinds.iter().filter(|(start, _)| id.starts_with(start.as_str()));
            let longest = starts.max_by_key(|(start, _)| start.len());
            longest.is_some_and(|(_, name)| **name == *kind.name)
        };
        let ids = named_values(self.call).filter(|value| of_kind(value));
        let own = |name: &str| !matches!(name, "Partition" | "Region" | "Account");
        let ids: BTreeSet<&String> = ids.collect();
        ids.into_iter()
            .map(|id| {
                expand(arn, |name| match own(name) {
                    true => vec![written(id)],
                    false => self.values(name),
                })
            })
            .filter_map(|(arns, _)| arns.into_iter().next())
            .collect()
    }

    /// The ARNs of something that the call makes; whether they are whole.
    fn made(&self, kind: &KnownResource, kinds: &[KnownResource]) -> (Vec<String>, bool) {
        let is_own = |arn: &&String| of_arn(arn, kinds).is_some_and(|of| of.name == kind.name);
        let own = self.call.resources.iter().filter(is_own);
        let own: Vec<String> = own.map(|arn| written_arn(arn)).collect();
        let ids = self.file.into_iter().flat_map(|file| file.kinds.values());
        let gets_id = ids.into_iter().any(|name| **name == *kind.name) && &*kind.name != "key-pair";
        match kind.arn.as_deref() {
            _ if !own.is_empty() => (own, true),
            Some(arn) if gets_id => expand(arn, |name| match name {
                "Partition" | "Region" | "Account" => self.values(name),
                _ => Vec::new(),
            }),
            _ => self.fill(kind),
        }
    }

    /// The ARNs of a type as far as the request fills them; whether it does wholly.
    fn fill(&self, kind: &KnownResource) -> (Vec<String>, bool) {
        match kind.arn.as_deref() {
            Some("*") | None => (vec!["*".to_owned()], false),
            Some(arn) => self.templates(arn),
        }
    }

    fn templates(&self, template: &str) -> (Vec<String>, bool) {
        expand(template, |name| self.values(name))
    }

    /// What a variable may stand for.
    fn values(&self, name: &str) -> Vec<String> {
        match name {
            "Partition" => return vec![partition(self.call).to_owned()],
            "Region" => return vec![self.call.region.clone()],
            "Account" => return vec![self.call.account.clone()],
            _ => {}
        }
        let known = self.file.and_then(|file| file.variables.get(name));
        let usual = VariableSource { from: vec![name.to_ascii_lowercase()], ..Default::default() };
        let source = known.unwrap_or(&usual);
        let from = source.by.get(&self.call.event_name).unwrap_or(&source.from);
        let mut values = Vec::new();
        for value in from.iter().filter_map(|name| self.call.parameters.get(name)).flatten() {
            let Some(value) = part(value, source) else { continue };
            match source.forms.as_slice() {
                [] => values.push(written(value)),
                forms => {
                    values.extend(forms.iter().map(|form| form.replace("{}", &written(value))));
                }
            }
        }
        values
    }
}

/// The part of a parameter that a variable stands for; none where the parameter is an ARN of
/// something else.
fn part<'v>(value: &'v str, source: &VariableSource) -> Option<&'v str> {
    if let Some(after) = &source.after
        && let Some((_, part)) = value.rsplit_once(after.as_str())
    {
        return Some(part).filter(|part| !part.is_empty());
    }
    if value.starts_with("arn:") {
        return None;
    }
    let stripped = source.strip.as_deref().and_then(|start| value.strip_prefix(start));
    Some(stripped.unwrap_or(value)).filter(|value| !value.is_empty())
}

/// Fills a template in all ways; an unknown variable is `*`.
fn expand(template: &str, values: impl Fn(&str) -> Vec<String>) -> (Vec<String>, bool) {
    let mut arns = vec![String::new()];
    let mut whole = true;
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once("${") {
        let (name, next) = after.split_once('}').unwrap_or((after, ""));
        let mut values = values(name);
        if values.is_empty() {
            whole = false;
            values.push("*".to_owned());
        }
        let joined = arns
            .iter()
            .flat_map(|arn| values.iter().map(move |value| format!("{arn}{literal}{value}")));
        arns = joined.take(ARNS_MAX).collect();
        rest = next;
    }
    (arns.into_iter().map(|arn| arn + rest).collect(), whole)
}
