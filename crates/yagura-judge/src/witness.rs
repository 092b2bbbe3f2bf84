//! Records as alerts show them, from the rules of their source's table.
//! Which records those are is decided where logs are judged (`detections`, `behaviors`).

use std::borrow::Cow;
use std::sync::Arc;

use sigma::Repeats;
use yagura_model::alert::Witness;
use yagura_model::event::{PathTrie, Record, TrieStep, Value};
use yagura_model::source::{
    Cell, Column, ColumnKind, FieldPath, FieldStep, Found, Rule, Table, Template,
};

/// Names of resources kept of one record.
const RESOURCES_MAX: usize = 16;
/// Characters kept of one text: what comes from a record may be as long as its sender likes.
const TEXT_CHARS_MAX: usize = 512;
/// Texts that repeat from record to record, each kept once: what waits to be judged by time holds
/// many witnesses.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) repeats: Repeats,
    /// Room for the resources of one record.
    resources: Vec<Arc<str>>,
}

impl Names {
    /// The text, shared with whoever had it before, and cut to what is kept of one.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        self.repeats.text(text, TEXT_CHARS_MAX)
    }
}

/// What a walk over a record found, by the numbers of the paths that were wanted; of a path with
/// many values the first.
pub(crate) type Slots<'s, 'a> = &'s [Option<Value<'a>>];

/// Walks over a record once for all who want something of it.
pub(crate) fn walk<'a>(trie: &PathTrie, record: Record<'a>, slots: &mut Vec<Option<Value<'a>>>) {
    slots.clear();
    slots.resize(trie.len(), None);
    trie.visit(record.root(), &mut |slot, value| {
        if let Some(place) = slots.get_mut(slot) {
            place.get_or_insert(value);
        }
    });
}

/// Puts together how alerts show the records of a source, from one walk over each.
#[derive(Clone, Debug)]
pub(crate) struct WitnessReader {
    source: Arc<str>,
    account: Text,
    region: Text,
    actor: Text,
    address: Text,
    action: Text,
    outcome: Text,
    user_agent: Option<(Column, Vec<Option<Way>>)>,
    resources: Vec<(Template, Option<Way>)>,
    identity: Vec<(FieldPath, Option<Way>)>,
}

/// A column of text that every source has.
#[derive(Clone, Debug)]
struct Text {
    rule: Rule,
    /// By template; none of one that is more than a path into the record.
    ways: Vec<Option<Way>>,
}

/// A path into a record: up to where it may part the walk follows it.
#[derive(Clone, Debug)]
struct Way {
    slot: usize,
    rest: FieldPath,
}

impl Way {
    fn new(path: &FieldPath, trie: &mut PathTrie) -> Option<Self> {
        if path.from_key {
            return None;
        }
        let parts = path.steps.iter().position(|step| *step == FieldStep::Each);
        let (straight, rest) = path.steps.split_at(parts.unwrap_or(path.steps.len()));
        let slot = trie.add_once(straight.iter().map(|step| match step {
            FieldStep::Key(name) => TrieStep::Member(name),
            FieldStep::Index(place) => TrieStep::At(*place),
            FieldStep::Each => TrieStep::Each,
        }));
        let rest = FieldPath { from_key: false, steps: rest.to_vec(), picks: path.picks.clone() };
        Some(Self { slot, rest })
    }

    fn begin<'a>(&self, slots: Slots<'_, 'a>) -> Option<Value<'a>> {
        slots.get(self.slot).copied().flatten()
    }

    fn find<'a>(&self, record: Record<'a>, slots: Slots<'_, 'a>) -> Option<Found<'a>> {
        self.rest.find(self.begin(slots)?, record)
    }
}

fn of_template(template: &Template, trie: &mut PathTrie) -> Option<Way> {
    template.path().and_then(|path| Way::new(path, trie))
}

impl Text {
    fn new(rule: &Rule, trie: &mut PathTrie) -> Self {
        let ways = rule.from.iter().map(|template| of_template(template, trie)).collect();
        Self { rule: rule.clone(), ways }
    }

    fn read<'a>(&'a self, record: Record<'a>, slots: Slots<'_, 'a>) -> Option<Cow<'a, str>> {
        self.rule.value_of(|at, template| match self.ways.get(at) {
            Some(Some(way)) => {
                way.find(record, slots).map(|found| found.text()).filter(|text| !text.is_empty())
            }
            _ => template.text(record),
        })
    }
}

impl WitnessReader {
    /// For the records of a table; what it wants of them is added to the walk.
    pub(crate) fn new(table: &Table, trie: &mut PathTrie) -> Self {
        let user_agent = table.columns.iter().find(|column| column.name == "user_agent");
        let user_agent = user_agent.cloned().map(|column| {
            let ways = column.from.iter().map(|path| Way::new(path, trie)).collect();
            (column, ways)
        });
        let resources = table.shared.resource.from.iter();
        let resources =
            resources.map(|template| (template.clone(), of_template(template, trie))).collect();
        let identity = table.identity.iter();
        let identity = identity.map(|path| (path.clone(), Way::new(path, trie))).collect();
        let mut text = |rule: &Rule| Text::new(rule, trie);
        let shared = &table.shared;
        Self {
            source: Arc::from(table.source.as_str()),
            account: text(&shared.account),
            region: text(&shared.region),
            actor: text(&shared.actor),
            address: text(&shared.address),
            action: text(&shared.action),
            outcome: text(&shared.outcome),
            user_agent,
            resources,
            identity,
        }
    }

    /// The record's name, or where it stands.
    pub(crate) fn name<'a>(&self, record: Record<'a>, slots: Slots<'_, 'a>) -> Arc<str> {
        let values = self.identity.iter().map(|(path, way)| match way {
            Some(way) => way.find(record, slots),
            None => path.find(record.root(), record),
        });
        let name = Table::name_from(values.map(|found| found.map(|found| found.text())));
        let place = || format!("{}#{}", record.origin().object, record.ordinal());
        Arc::from(name.unwrap_or_else(place))
    }

    /// A record as alerts show it, under the name that it was given.
    pub(crate) fn witness<'a>(
        &'a self,
        record: Record<'a>,
        slots: Slots<'_, 'a>,
        (time_us, id): (i64, Arc<str>),
        names: &mut Names,
    ) -> Witness {
        let mut text = |text: &'a Text| text.read(record, slots).map(|text| names.share(&text));
        let (account, region) = (text(&self.account), text(&self.region));
        let (actor, address) = (text(&self.actor), text(&self.address));
        let (action, outcome) = (text(&self.action), text(&self.outcome));
        Witness {
            time_us,
            source: Arc::clone(&self.source),
            id,
            account,
            region,
            actor,
            address,
            user_agent: self.user_agent(record, slots, names),
            action,
            outcome,
            resources: self.resources(record, slots, names),
        }
    }

    fn user_agent<'a>(
        &self,
        record: Record<'a>,
        slots: Slots<'_, 'a>,
        names: &mut Names,
    ) -> Option<Arc<str>> {
        let (column, ways) = self.user_agent.as_ref()?;
        if column.kind != ColumnKind::Text || ways.iter().any(Option::is_none) {
            return cell(column, record, names);
        }
        let found = ways.iter().flatten().find_map(|way| way.find(record, slots))?;
        Some(found.text()).filter(|text| !text.is_empty()).map(|text| names.share(&text))
    }

    /// Everything that the first of the table's rules which finds anything leads to.
    fn resources<'a>(
        &self,
        record: Record<'a>,
        slots: Slots<'_, 'a>,
        names: &mut Names,
    ) -> Vec<Arc<str>> {
        let mut found = std::mem::take(&mut names.resources);
        for (template, way) in &self.resources {
            let mut take = |value: Found<'a>| {
                let text = value.text();
                if !text.is_empty() && !found.iter().any(|known| **known == *text) {
                    found.push(names.share(&text));
                }
                found.len() < RESOURCES_MAX
            };
            match (way, template.path()) {
                (Some(way), _) => {
                    if let Some(value) = way.begin(slots) {
                        way.rest.each(value, record, &mut take);
                    }
                }
                (None, Some(path)) => path.each(record.root(), record, &mut take),
                (None, None) => {
                    found.extend(template.text(record).map(|text| names.share(&text)));
                }
            }
            if !found.is_empty() {
                break;
            }
        }
        // Most have one or two, and hundreds of thousands wait: no more memory than they need.
        let mut kept = Vec::with_capacity(found.len());
        kept.append(&mut found);
        names.resources = found;
        kept
    }
}

/// A column's text, where the record has one.
pub(crate) fn cell(column: &Column, record: Record<'_>, names: &mut Names) -> Option<Arc<str>> {
    match column.cell(record)? {
        Cell::Text(text) if !text.is_empty() => Some(names.share(&text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shared_and_cut() {
        let mut names = Names::default();
        let first = names.share("alice");
        assert!(Arc::ptr_eq(&first, &names.share("alice")));
        let long = "権".repeat(TEXT_CHARS_MAX + 9);
        assert_eq!(names.share(&long).chars().count(), TEXT_CHARS_MAX);
    }

    /// A walk must find what each rule of the table finds by itself.
    fn check(source: &str, text: &str) {
        let content = yagura_content::Content::builtin();
        let table = content.sources.get(source).unwrap().table();
        let mut builder = yagura_model::event::BatchBuilder::new(Arc::default());
        builder.push_json(text.as_bytes()).unwrap();
        let batch = builder.finish();
        let record = batch.record(0).unwrap();
        let (mut trie, mut slots, mut names) = (PathTrie::default(), Vec::new(), Names::default());
        let reader = WitnessReader::new(table, &mut trie);
        walk(&trie, record, &mut slots);
        let id = reader.name(record, &slots);
        let name = table.name_of(record).unwrap_or_else(|| "#0".to_owned());
        assert_eq!(&*id, name, "{text}");
        let seen = reader.witness(record, &slots, (0, id), &mut names);
        let shared = &table.shared;
        for (found, rule) in [
            (&seen.account, &shared.account),
            (&seen.region, &shared.region),
            (&seen.actor, &shared.actor),
            (&seen.address, &shared.address),
            (&seen.action, &shared.action),
            (&seen.outcome, &shared.outcome),
        ] {
            assert_eq!(found.as_deref(), rule.value(record).as_deref(), "{text}: {rule:?}");
        }
        let resource = shared.resource.value(record);
        assert_eq!(seen.resources.first().map(|first| &**first), resource.as_deref(), "{text}");
        let column = table.columns.iter().find(|column| column.name == "user_agent");
        let user_agent = column.and_then(|column| cell(column, record, &mut names));
        assert_eq!(seen.user_agent, user_agent, "{text}");
    }

    #[test]
    fn one_walk_finds_what_each_rule_finds() {
        check("cloudtrail", "{}");
        check("cloudtrail", r#"{"eventID":"e","awsRegion":null,"sourceIPAddress":""}"#);
        check(
            "cloudtrail",
            r#"{"eventID":"e","recipientAccountId":"111122223333","awsRegion":"us-east-1",
            "eventName":"GetObject","eventSource":"s3.amazonaws.com","errorCode":"AccessDenied",
            "userIdentity":{"arn":"arn:aws:iam::111122223333:user/a"},"userAgent":"cli\u0020\"",
            "sourceIPAddress":"203.0.113.9","userAgent":"second","resources":[
            {"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"ARN":"arn:aws:s3:::b"}]}"#,
        );
        check(
            "cloudtrail",
            r#"{"eventVersion":"1.1","eventData":{"UID":"u","eventName":"n","eventSource":"s",
            "userIdentity":{"type":"r"},"recipientAccountId":"111122223333"}}"#,
        );
    }
}
