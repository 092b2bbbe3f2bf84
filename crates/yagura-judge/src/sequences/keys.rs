//! What a signal has in common with others: actor, instance, bucket, resource, account.
//! Who an actor came from is `people.rs`.

use std::sync::Arc;

use yagura_content::format::LinkedBy;
use yagura_model::alert::{EntityKind, Signal};

/// Names of one sort taken of one signal.
const KEYS_MAX: usize = 8;

/// The names by which a signal is linked.
pub(super) fn keys(signal: &Signal, by: LinkedBy) -> Vec<Arc<str>> {
    let mut keys: Vec<Arc<str>> = match by {
        LinkedBy::Actor => actor(signal).into_iter().collect(),
        LinkedBy::Instance => instances(signal),
        LinkedBy::Bucket => names(signal).filter_map(|name| bucket(&name)).collect(),
        LinkedBy::Resource => names(signal).collect(),
        LinkedBy::Account => signal.witness.account.iter().cloned().collect(),
    };
    keys.sort();
    keys.dedup();
    keys.truncate(KEYS_MAX);
    keys
}

/// Who did it. AWS's services act for somebody else or for themselves, and are nobody's story.
fn actor(signal: &Signal) -> Option<Arc<str>> {
    let entity = (signal.entity.kind == EntityKind::Actor).then(|| Arc::clone(&signal.entity.id));
    let actor = signal.witness.actor.clone().or(entity)?;
    let is_service =
        actor.ends_with(".amazonaws.com") || actor.contains(":assumed-role/AWSService");
    (!actor.is_empty() && !is_service && &*actor != "anonymous").then_some(actor)
}

/// The things it was done to, and the thing it is about.
fn names(signal: &Signal) -> impl Iterator<Item = Arc<str>> {
    let entity =
        (signal.entity.kind == EntityKind::Resource).then(|| Arc::clone(&signal.entity.id));
    let resources = signal.witness.resources.iter().cloned().chain(entity);
    resources.filter(|name| !name.is_empty())
}

/// The bucket that an ARN of S3 is, or lies in.
fn bucket(name: &str) -> Option<Arc<str>> {
    let (partition, rest) = name.strip_prefix("arn:")?.split_once(":s3:::")?;
    let bucket = rest.split('/').next().filter(|bucket| !bucket.is_empty())?;
    Some(Arc::from(format!("arn:{partition}:s3:::{bucket}")))
}

/// Instances: those it is about, those it was done to, and the one whose credentials were used
/// (the session of an instance's role has the instance's id as its name).
fn instances(signal: &Signal) -> Vec<Arc<str>> {
    let entity = (signal.entity.kind == EntityKind::Instance).then(|| &*signal.entity.id);
    let session = signal.witness.actor.as_deref().and_then(|actor| actor.rsplit('/').next());
    let resources = signal.witness.resources.iter();
    let resources = resources.map(|name| name.rsplit('/').next().unwrap_or_default());
    let found = entity.into_iter().chain(session.into_iter().chain(resources).filter(|n| is_id(n)));
    found.map(Arc::from).collect()
}

/// `i-` and 8 or 17 hexadecimal digits.
fn is_id(name: &str) -> bool {
    name.strip_prefix("i-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_by_whatever_lies_in_it() {
        for (name, expected) in [
            ("arn:aws:s3:::invoices/2026/11.pdf", Some("arn:aws:s3:::invoices")),
            ("arn:aws:s3:::invoices", Some("arn:aws:s3:::invoices")),
            ("arn:aws-cn:s3:::a", Some("arn:aws-cn:s3:::a")),
            ("arn:aws:s3:::", None),
            ("invoices", None),
            ("arn:aws:iam::1:role/s3", None),
        ] {
            assert_eq!(bucket(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn ids_of_instances_are_known_by_their_form() {
        for (name, expected) in
            [("i-0a1b2c3d4e5f60718", true), ("i-0a1b2c3d", true), ("i-am-me", false), ("i-", false)]
        {
            assert_eq!(is_id(name), expected, "{name}");
        }
    }
}
