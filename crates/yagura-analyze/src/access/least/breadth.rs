//! How widely a policy names resources: from each one seen to anything.
//! INVARIANT: what is written covers everything that was seen.

use std::collections::{BTreeMap, BTreeSet};

/// More resources side by side than this become one pattern.
const SIDE_BY_SIDE_MAX: usize = 4;
/// A common beginning shorter than this says nothing.
const BEGINNING_MIN: usize = 3;

/// How widely resources are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Breadth {
    /// Each one as it was seen.
    Exact,
    /// Many side by side by what their names begin with.
    #[default]
    Prefix,
    /// All of a type; of a bucket, all of its objects.
    Type,
    /// Any.
    Any,
}

impl Breadth {
    /// Patterns that cover all of some ARNs, sorted.
    #[must_use]
    pub fn of(self, arns: &BTreeSet<String>) -> Vec<String> {
        if self == Self::Any || arns.contains("*") {
            return vec!["*".to_owned()];
        }
        let patterns = match self {
            Self::Exact | Self::Any => arns.clone(),
            Self::Prefix => over_regions(by_beginning(arns)),
            Self::Type => over_regions(by_type(arns)),
        };
        without_covered(&patterns)
    }
}

/// An ARN cut behind its type (`arn:aws:sqs:eu-west-1:111122223333:`, `…:table/`,
/// `arn:aws:s3:::bucket/`): what stands before, and the name.
fn cut(arn: &str) -> (&str, &str) {
    let colons: Vec<usize> = arn.match_indices(':').map(|(at, _)| at).take(5).collect();
    let Some(start) = colons.get(4).map(|at| at + 1) else { return (arn, "") };
    let (_, resource) = arn.split_at(start);
    let end = resource.find(['/', ':']).map_or(start, |at| start + at + 1);
    arn.split_at(end)
}

fn by_head(arns: &BTreeSet<String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut heads: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arn in arns {
        let (head, name) = cut(arn);
        heads.entry(head).or_default().insert(name);
    }
    heads
}

fn by_type(arns: &BTreeSet<String>) -> BTreeSet<String> {
    let form = |(head, names): (&str, BTreeSet<&str>)| match names.len() {
        1 if names.contains("") => head.to_owned(),
        // The names of buckets, queues and topics have no type before them: one stays itself.
        1 if !head.ends_with('/') && head.ends_with(':') && is_untyped(head) => {
            format!("{head}{}", names.into_iter().next().unwrap_or("*"))
        }
        _ => format!("{head}*"),
    };
    by_head(arns).into_iter().map(form).collect()
}

/// Whether a cut ARN ends where its account does.
fn is_untyped(head: &str) -> bool {
    head.matches(':').count() == 5
}

fn by_beginning(arns: &BTreeSet<String>) -> BTreeSet<String> {
    let mut patterns = BTreeSet::new();
    for (head, names) in by_head(arns) {
        join(head, &names, &mut patterns);
    }
    patterns
}

/// Few names stay; many are parted by their next step, else joined by what they begin with.
fn join(head: &str, names: &BTreeSet<&str>, patterns: &mut BTreeSet<String>) {
    if names.len() <= SIDE_BY_SIDE_MAX {
        patterns.extend(names.iter().map(|name| format!("{head}{name}")));
        return;
    }
    let mut steps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in names {
        let end = name.find('/').map_or(0, |at| at + 1);
        let (step, rest) = name.split_at(end);
        steps.entry(step).or_default().insert(rest);
    }
    let parted = steps.len() <= SIDE_BY_SIDE_MAX && !steps.contains_key("");
    if parted {
        for (step, rest) in steps {
            join(&format!("{head}{step}"), &rest, patterns);
        }
        return;
    }
    patterns.insert(format!("{head}{}*", beginning(names)));
}

/// What all names begin with, up to a separator.
fn beginning<'n>(names: &BTreeSet<&'n str>) -> &'n str {
    let (Some(first), Some(last)) = (names.first(), names.last()) else { return "" };
    // Sorted: what the first and the last share, all share.
    let shared: usize = first
        .chars()
        .zip(last.chars())
        .take_while(|(one, other)| one == other && !matches!(one, '*' | '?'))
        .map(|(one, _)| one.len_utf8())
        .sum();
    let common = first.get(..shared).unwrap_or_default();
    let end = common.rfind(['/', '-', '_', '.', ':']).map_or(0, |at| at + 1);
    common.get(..end).filter(|start| start.len() >= BEGINNING_MIN).unwrap_or_default()
}

/// The same in more than a few regions is the same in all.
fn over_regions(patterns: BTreeSet<String>) -> BTreeSet<String> {
    let anywhere = |pattern: &str| {
        let mut parts: Vec<&str> = pattern.splitn(6, ':').collect();
        let region = parts.get_mut(3).filter(|region| !region.is_empty())?;
        *region = "*";
        Some(parts.join(":"))
    };
    let mut regions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut left = BTreeSet::new();
    for pattern in patterns {
        match anywhere(&pattern) {
            Some(form) => regions.entry(form).or_default().push(pattern),
            None => drop(left.insert(pattern)),
        }
    }
    for (form, own) in regions {
        match own.len() > SIDE_BY_SIDE_MAX {
            true => drop(left.insert(form)),
            false => left.extend(own),
        }
    }
    left
}

/// What another pattern covers by its beginning is left out.
fn without_covered(patterns: &BTreeSet<String>) -> Vec<String> {
    let starts: Vec<&str> = patterns
        .iter()
        .filter_map(|pattern| pattern.strip_suffix('*'))
        .filter(|start| !start.contains(['*', '?']))
        .collect();
    let covered = |pattern: &&String| {
        let by =
            |start: &&str| pattern.starts_with(*start) && pattern.strip_suffix('*') != Some(*start);
        starts.iter().any(by)
    };
    patterns.iter().filter(|pattern| !covered(pattern)).cloned().collect()
}

#[cfg(test)]
mod inner {
    use super::*;

    fn check(breadth: Breadth, arns: &[&str], wanted: &[&str]) {
        let arns = arns.iter().map(|arn| (*arn).to_owned()).collect();
        assert_eq!(breadth.of(&arns), wanted);
    }

    #[test]
    fn few_resources_stay_as_they_are() {
        let few = ["arn:aws:s3:::a/1", "arn:aws:s3:::a/2", "arn:aws:s3:::b"];
        check(Breadth::Prefix, &few, &few);
        check(Breadth::Type, &few, &["arn:aws:s3:::a/*", "arn:aws:s3:::b"]);
        check(Breadth::Any, &few, &["*"]);
    }

    #[test]
    fn many_objects_of_a_bucket_become_a_prefix() {
        let many: Vec<String> = (0..9).map(|n| format!("arn:aws:s3:::b/in/2026/{n}.csv")).collect();
        let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(Breadth::Prefix, &many, &["arn:aws:s3:::b/in/2026/*"]);
        check(Breadth::Exact, &many, &many);
        many.push("arn:aws:s3:::b/out");
        many.sort_unstable();
        let both = ["arn:aws:s3:::b/*"];
        check(Breadth::Type, &many, &both);
    }

    #[test]
    fn names_without_a_common_beginning_become_any_of_their_type() {
        let ids = ["i-1a", "i-2b", "i-3c", "i-4d", "i-5e"];
        let of = |id: &str| format!("arn:aws:ec2:eu-west-1:111122223333:instance/{id}");
        let arns: Vec<String> = ids.iter().map(|id| of(id)).collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        check(Breadth::Prefix, &arns, &["arn:aws:ec2:eu-west-1:111122223333:instance/*"]);
        let apps = ["app-a", "app-b", "app-c", "app-d", "app-e"];
        let of = |name: &str| format!("arn:aws:sqs:eu-west-1:111122223333:{name}");
        let arns: Vec<String> = apps.iter().map(|name| of(name)).collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        check(Breadth::Prefix, &arns, &["arn:aws:sqs:eu-west-1:111122223333:app-*"]);
    }

    #[test]
    fn one_thing_in_many_regions_is_named_once() {
        let regions = ["a", "b", "c", "d", "e"];
        let of = |region: &str| format!("arn:aws:kms:{region}:1:key/*");
        let arns: Vec<String> = regions.iter().map(|region| of(region)).collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        check(Breadth::Prefix, &arns, &["arn:aws:kms:*:1:key/*"]);
    }

    #[test]
    fn what_a_pattern_covers_is_not_named_beside_it() {
        check(Breadth::Exact, &["arn:aws:s3:::b/*", "arn:aws:s3:::b/x"], &["arn:aws:s3:::b/*"]);
        check(Breadth::Prefix, &["*", "arn:aws:s3:::b/x"], &["*"]);
    }
}
