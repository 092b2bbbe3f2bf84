//! The resources around one: what its relations point at, and whose relations point at it.
//! What facts look at is chosen by analyze; here only relations count.

use std::collections::HashMap;

use yagura_model::finding::Scope;
use yagura_model::{GLOBAL_REGION, Relation, Resource};

use super::browse::{ResourceRow, row_of};
use super::read::{Version, decode_all};
use super::texts::{OWN, TARGET};
use crate::Store;
use crate::batch::select_in;
use crate::database::{Param, Session};
use crate::encode::digest;
use crate::error::StoreError;

/// Neighbors in each direction at most.
pub const NEIGHBORS_MAX: usize = 200;

/// The other end of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// What the relation means, as the resource file names it.
    pub relation: String,
    /// The type of the other end.
    pub type_name: String,
    /// The other end as the relation names it; of an incoming one its key.
    pub target: String,
    /// The resource at the other end, where it is known and within the scope.
    pub resource: Option<ResourceRow>,
}

/// What is around a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbors {
    /// What it points at, in the order of its relations.
    pub outgoing: Vec<Neighbor>,
    /// What points at it, by name.
    pub incoming: Vec<Neighbor>,
    /// Whether there are more than [`NEIGHBORS_MAX`] in one direction.
    pub more: bool,
}

const COLUMNS: &str = "SELECT r.id, r.key, r.name, p.type, p.account, p.region, r.alive, \
                       r.seen_us, ";

impl Store {
    /// What is around a resource, as it is known now, within a scope of accounts: of what lies
    /// outside only the name that the resource itself gives is told.
    ///
    /// # Errors
    /// Where the database cannot be read or a resource in it is damaged.
    pub async fn neighbors(
        &self,
        resource: &Resource,
        scope: &Scope,
    ) -> Result<Neighbors, StoreError> {
        let mut session = self.database.read("look at what is around a resource");
        let relations = resource.relations.get(..NEIGHBORS_MAX).unwrap_or(&resource.relations);
        let mut around = Neighbors {
            outgoing: outgoing(&mut session, resource, relations, scope).await?,
            incoming: Vec::new(),
            more: resource.relations.len() > relations.len(),
        };
        let (incoming, more) = incoming(&mut session, resource, scope).await?;
        around.incoming = incoming;
        around.more |= more;
        Ok(around)
    }
}

async fn outgoing(
    session: &mut Session,
    resource: &Resource,
    relations: &[Relation],
    scope: &Scope,
) -> Result<Vec<Neighbor>, StoreError> {
    let digests: Vec<Param> =
        relations.iter().map(|edge| digest(edge.target.as_bytes()).into()).collect();
    let by_key = format!(
        "{COLUMNS} r.key_digest FROM resources r JOIN places p ON p.id = r.place_id \
         WHERE r.version_id IS NOT NULL AND r.key_digest"
    );
    let by_id = format!(
        "{COLUMNS} l.digest FROM resource_links l JOIN resources r ON r.id = l.resource_id \
         JOIN places p ON p.id = r.place_id \
         WHERE r.version_id IS NOT NULL AND l.kind = $1 AND l.digest"
    );
    let mut known: HashMap<Vec<u8>, Vec<ResourceRow>> = HashMap::new();
    let mut rows = select_in(session, &by_key, &[], digests.clone(), "").await?;
    rows.extend(select_in(session, &by_id, &[OWN.into()], digests, "").await?);
    for row in &rows {
        let digest = row.blob(8).map_err(|error| session.fail(error))?;
        known.entry(digest).or_default().push(row_of(session, row)?);
    }
    let end = |edge: &Relation| {
        let candidates = known.get(&digest(edge.target.as_bytes()));
        let mut candidates = candidates.into_iter().flatten();
        let found = candidates.find(|row| {
            let near = row.account == resource.account && reaches(&resource.region, &row.region);
            row.key == edge.target || row.type_name == edge.type_name && near
        });
        Neighbor {
            relation: edge.name.clone(),
            type_name: edge.type_name.clone(),
            target: edge.target.clone(),
            resource: found.filter(|row| scope.admits(&row.account)).cloned(),
        }
    };
    Ok(relations.iter().map(end).collect())
}

/// Whether a native id seen from one region can mean something in another.
fn reaches(from: &str, to: &str) -> bool {
    from == to || from == GLOBAL_REGION || to == GLOBAL_REGION
}

async fn incoming(
    session: &mut Session,
    resource: &Resource,
    scope: &Scope,
) -> Result<(Vec<Neighbor>, bool), StoreError> {
    let mut names = vec![digest(resource.id.as_bytes())];
    names.extend(resource.arn.iter().map(|arn| digest(arn.as_bytes())));
    names.sort_unstable();
    names.dedup();
    let find = format!(
        "{COLUMNS} v.document FROM resource_links l JOIN resources r ON r.id = l.resource_id \
         JOIN places p ON p.id = r.place_id JOIN versions v ON v.id = r.version_id \
         WHERE r.alive = 1 AND l.kind = $1 AND l.digest"
    );
    let after = format!("ORDER BY r.name, r.id LIMIT {}", NEIGHBORS_MAX + 1);
    let names = names.into_iter().map(Into::into).collect();
    let rows = select_in(session, &find, &[TARGET.into()], names, &after).await?;
    let more = rows.len() > NEIGHBORS_MAX;
    let mut found: Vec<(ResourceRow, Version)> = Vec::new();
    for row in &rows {
        let body = row.opt_blob(8).map_err(|error| session.fail(error))?;
        let row = row_of(session, row)?;
        let seen = found.iter().any(|(known, _)| known.key == row.key);
        if scope.admits(&row.account) && !seen && found.len() < NEIGHBORS_MAX {
            found.push((row, (body, None)));
        }
    }
    let (rows, bodies): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let mut incoming = Vec::new();
    for (row, other) in rows.into_iter().zip(decode_all(session, bodies).await?) {
        let points = |edge: &&Relation| {
            resource.arn.as_ref() == Some(&edge.target)
                || edge.target == resource.id
                    && edge.type_name == resource.type_name
                    && other.account == resource.account
                    && reaches(&other.region, &resource.region)
        };
        incoming.extend(other.relations.iter().filter(points).map(|edge| Neighbor {
            relation: edge.name.clone(),
            type_name: row.type_name.clone(),
            target: row.key.clone(),
            resource: Some(row.clone()),
        }));
    }
    Ok((incoming, more))
}
