//! Who or what alerts are about, from a record and the rules of its source's table.
//! What they show of the record is `crate::witness`, which records those are `worker.rs`.

use std::net::IpAddr;
use std::sync::Arc;

use sigma::FieldPath;
use yagura_content::format::DetectionEntity;
use yagura_model::alert::{Entity, EntityKind, Witness};
use yagura_model::event::{PathTrie, Record};
use yagura_model::source::{Column, Table};

use super::record::EventRecord;
use crate::witness::{Names, Slots, WitnessReader, cell};

/// What of a source's table alerts show.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) reader: WitnessReader,
    instance: Option<Column>,
}

impl Shown {
    /// What is wanted of records is added to the walk over them.
    pub(crate) fn of(table: &Table, trie: &mut PathTrie) -> Self {
        let instance = table.columns.iter().find(|column| column.name == "instance_id").cloned();
        Self { reader: WitnessReader::new(table, trie), instance }
    }

    /// A record as alerts show it.
    pub(crate) fn witness<'a>(
        &'a self,
        record: Record<'a>,
        slots: Slots<'_, 'a>,
        event: &EventRecord<'_>,
        names: &mut Names,
    ) -> Witness {
        let time_us = sigma::Record::time_us(event).unwrap_or(0);
        self.reader.witness(record, slots, (time_us, Arc::clone(event.name())), names)
    }

    /// The instance that a record is about: its column, or the session of an instance's role.
    fn instance(
        &self,
        record: Record<'_>,
        witness: &Witness,
        names: &mut Names,
    ) -> Option<Arc<str>> {
        let own = self.instance.as_ref().and_then(|column| cell(column, record, names));
        own.or_else(|| {
            let texts = witness.actor.iter().chain(&witness.resources);
            texts
                .flat_map(|text| text.split(['/', ':']))
                .find(|part| is_instance(part))
                .map(Arc::from)
        })
    }
}

/// Who or what a detection's alerts are about, made ready.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Kind(EntityKind),
    Field(FieldPath),
}

impl Subject {
    pub(crate) fn of(entity: &DetectionEntity) -> Self {
        match entity {
            DetectionEntity::Kind(kind) => Self::Kind(*kind),
            DetectionEntity::Field(path) => Self::Field(FieldPath::new(path)),
        }
    }

    /// The entity of a record: what is asked for, else the nearest thing that the record tells.
    pub(crate) fn entity(
        &self,
        shown: &Shown,
        record: Record<'_>,
        event: &EventRecord<'_>,
        witness: &Witness,
        names: &mut Names,
    ) -> Entity {
        let wanted = match self {
            Self::Field(path) => event.first_text(path).map(|text| named(&names.share(&text))),
            Self::Kind(EntityKind::Instance) => {
                let id = shown.instance(record, witness, names);
                id.map(|id| Entity { kind: EntityKind::Instance, id })
            }
            Self::Kind(kind) => of_kind(*kind, witness),
        };
        wanted.unwrap_or_else(|| nearest(witness))
    }

    /// The entity where only the witness is left of the record: of a correlation.
    pub(crate) fn of_witness(&self, witness: &Witness) -> Entity {
        let wanted = match self {
            Self::Field(_) => None,
            Self::Kind(EntityKind::Instance) => {
                let texts = witness.actor.iter().chain(&witness.resources);
                let found =
                    texts.flat_map(|text| text.split(['/', ':'])).find(|part| is_instance(part));
                found.map(|id| Entity { kind: EntityKind::Instance, id: Arc::from(id) })
            }
            Self::Kind(kind) => of_kind(*kind, witness),
        };
        wanted.unwrap_or_else(|| nearest(witness))
    }
}

fn of_kind(kind: EntityKind, witness: &Witness) -> Option<Entity> {
    let id = match kind {
        EntityKind::Actor => witness.actor.clone(),
        EntityKind::Resource => witness.resources.first().cloned(),
        EntityKind::Account => witness.account.clone(),
        EntityKind::Address => witness.address.clone(),
        EntityKind::Instance | EntityKind::Other => None,
    };
    id.map(|id| Entity { kind, id })
}

/// What a record is about where it does not tell what was asked for.
fn nearest(witness: &Witness) -> Entity {
    let kinds = [EntityKind::Actor, EntityKind::Address, EntityKind::Resource, EntityKind::Account];
    let found = kinds.into_iter().find_map(|kind| of_kind(kind, witness));
    found.unwrap_or_else(|| Entity { kind: EntityKind::Other, id: Arc::clone(&witness.source) })
}

/// What a value of some field is: an alert says so.
pub(crate) fn named(id: &Arc<str>) -> Entity {
    let kind = if id.parse::<IpAddr>().is_ok() {
        EntityKind::Address
    } else if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        EntityKind::Account
    } else if is_instance(id) {
        EntityKind::Instance
    } else if id.starts_with("arn:") && (id.contains(":iam::") || id.contains(":sts::")) {
        EntityKind::Actor
    } else {
        EntityKind::Resource
    };
    Entity { kind, id: Arc::clone(id) }
}

/// `i-` and eight or seventeen hex digits.
fn is_instance(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|hex| {
        matches!(hex.len(), 8 | 17) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
