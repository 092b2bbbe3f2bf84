//! What resources are looked up by: a text for searching, and the names by which they point at one
//! another. Written beside each version; read by `browse.rs` and `neighbors.rs`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::batch;
use crate::database::{Param, Row, Session};
use crate::document::Document;
use crate::encode::{column_text, digest};
use crate::error::StoreError;

/// Bytes of a search text at most; tags beyond it are not found.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Links kept of one resource.
const LINKS_MAX: usize = 1_000;
/// Resources read by one statement.
const PAGE: i64 = 500;

/// The resource's own native id.
pub(super) const OWN: i64 = 0;
/// What one of its relations points at.
pub(super) const TARGET: i64 = 1;
/// What begins the line of a tag.
pub(super) const TAG: &str = "tag:";

/// A part of a search text: small letters, one line.
pub(super) fn line(text: &str) -> String {
    let small = column_text(text).to_lowercase();
    small.replace(['\n', '\r'], " ")
}

/// The search text: a line feed before and after each line, so that whole lines can be found.
fn text_of(document: &Document) -> String {
    let head = &document.head;
    let mut text = format!("\n{}\n{}\n{}\n", line(&head.name), line(&head.key), line(&head.id));
    if let Some(Value::Object(tags)) = document.body.get("tags") {
        for (key, value) in tags {
            let value = value.as_str().unwrap_or_default();
            let tag = format!("{TAG}{}={}\n", line(key), line(value));
            if text.len() + tag.len() > TEXT_BYTES_MAX {
                break;
            }
            text.push_str(&tag);
        }
    }
    text
}

/// By what a document names itself and others.
fn links_of(document: &Document) -> BTreeSet<(Vec<u8>, i64)> {
    let mut links = BTreeSet::from([(digest(document.head.id.as_bytes()), OWN)]);
    if let Some(Value::Array(relations)) = document.body.get("relations") {
        let targets = relations.iter().filter_map(|edge| edge.get("target")?.as_str());
        links.extend(targets.take(LINKS_MAX).map(|target| (digest(target.as_bytes()), TARGET)));
    }
    links
}

/// Rows on their way to the database.
#[derive(Default)]
pub(super) struct TextRows {
    texts: Vec<Vec<Param>>,
    links: Vec<Vec<Param>>,
}

impl TextRows {
    pub(super) fn add(&mut self, resource_id: i64, document: &Document) {
        self.texts.push(vec![resource_id.into(), text_of(document).into()]);
        let links = links_of(document).into_iter();
        self.links.extend(
            links.map(|(digest, kind)| vec![digest.into(), kind.into(), resource_id.into()]),
        );
    }

    pub(super) async fn write(self, session: &mut Session) -> Result<(), StoreError> {
        let texts = "INSERT INTO resource_texts (resource_id, text)";
        let again = "ON CONFLICT (resource_id) DO UPDATE SET text = excluded.text";
        batch::insert(session, texts, self.texts, again).await?;
        let links = "INSERT INTO resource_links (digest, kind, resource_id)";
        let again = "ON CONFLICT (digest, kind, resource_id) DO NOTHING";
        batch::insert(session, links, self.links, again).await?;
        Ok(())
    }
}

/// Writes the texts of all resources of a database that had none, within a transaction.
pub(crate) async fn fill(session: &mut Session) -> Result<(), StoreError> {
    let find = "SELECT r.id, (SELECT v.document FROM versions v WHERE v.resource_id = r.id \
                AND v.detached = 0 AND v.deleted = 0 ORDER BY v.number DESC LIMIT 1) \
                FROM resources r WHERE r.id > $1 AND r.version_id IS NOT NULL \
                ORDER BY r.id LIMIT $2";
    let mut after = 0;
    loop {
        let read = |row: &Row| Ok((row.int(0)?, row.opt_blob(1)?));
        let page = session.fetch_as(find, vec![after.into(), PAGE.into()], read).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        let mut rows = TextRows::default();
        for (id, body) in page {
            // A deleted resource whose living versions were pruned has nothing to be found by.
            if let Some(body) = body {
                rows.add(id, &super::decode_version(session, Some(&body))?);
            }
        }
        rows.write(session).await?;
    }
}

#[cfg(test)]
mod tests {
    use yagura_model::{Relation, Resource};

    use super::*;

    #[test]
    fn a_text_has_a_line_for_each_thing_that_people_know() {
        let resource = Resource {
            key: "arn:aws:s3:::Logs".into(),
            id: "Logs".into(),
            name: "My\nLogs".into(),
            tags: [("Env".to_owned(), "Prod".to_owned())].into(),
            ..Resource::default()
        };
        let text = text_of(&Document::of(resource));
        assert_eq!(text, "\nmy logs\narn:aws:s3:::logs\nlogs\ntag:env=prod\n");
    }

    #[test]
    fn tags_without_end_are_cut() {
        let tags = (0..200).map(|n| (format!("key{n}"), "v".repeat(250))).collect();
        let text = text_of(&Document::of(Resource { tags, ..Resource::default() }));
        assert!(text.len() <= TEXT_BYTES_MAX, "{}", text.len());
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_target_named_twice_is_one_link() {
        let edge = |name: &str| Relation {
            name: name.into(),
            type_name: "AWS::IAM::Role".into(),
            target: "arn:aws:iam::111122223333:role/app".into(),
        };
        let relations = vec![edge("role"), edge("execution_role")];
        let resource = Resource { id: "fn".into(), relations, ..Resource::default() };
        assert_eq!(links_of(&Document::of(resource)).len(), 2);
    }
}
