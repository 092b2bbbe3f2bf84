//! Reads what behaviours need of a record: entities, peers, values, measures. Equal readings of
//! several behaviours are one, made at most once per record.
//! Which behaviours a record counts for is `condition.rs`.

use std::borrow::Cow;
use std::net::IpAddr;

use yagura_content::format::ValueForm;
use yagura_model::event::{PathTrie, Record, Value};
use yagura_model::source::{Found, Template};

use super::hash::{self, ByHash};
use super::network::{self, Network};

/// Addresses whose network is remembered; beyond, all are forgotten and begin anew.
const ADDRESSES_MAX: usize = 1 << 16;

/// A template, and the slot of the index in which its value is found.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    template: Template,
    /// None for templates of several pieces and parts of the object's key.
    slot: Option<usize>,
}

/// How several templates make one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// The first that the record has.
    First,
    /// All of them, with blanks between; a record that lacks one has none.
    All,
}

/// Something to be read of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    sources: Vec<Source>,
    join: Join,
    form: ValueForm,
}

/// The readings of one source's behaviours, each once.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) list: Vec<Reading>,
}

/// What was read: a stand-in; the text is made where it is needed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// Not yet read.
    Unread,
    /// The record has none.
    Absent,
    /// Its stand-in.
    Hash(u64),
}

/// What one thread remembers of addresses.
pub(super) type Addresses = ByHash<Option<Network>>;

/// What one thread remembers of what texts count as, by text and form.
pub(super) type Forms = ByHash<Option<u64>>;

/// A record with its slots, and whoever knows networks.
pub(super) struct Reader<'a, 'r> {
    pub(super) record: Record<'a>,
    pub(super) slots: &'r [Option<Value<'a>>],
    pub(super) addresses: &'r mut Addresses,
    pub(super) forms: &'r mut Forms,
    pub(super) lookup: &'r dyn Fn(IpAddr) -> Option<Network>,
}

impl Readings {
    /// Adds a reading, or finds it; answers its number.
    pub(super) fn add<'t>(
        &mut self,
        templates: impl Iterator<Item = &'t Template>,
        join: Join,
        form: ValueForm,
        trie: &mut PathTrie,
    ) -> usize {
        let templates: Vec<&Template> = templates.collect();
        let join = if templates.len() == 1 { Join::First } else { join };
        let same = |reading: &Reading| {
            reading.form == form
                && reading.join == join
                && reading
                    .sources
                    .iter()
                    .map(|source| &source.template)
                    .eq(templates.iter().copied())
        };
        if let Some(at) = self.list.iter().position(same) {
            return at;
        }
        let sources = templates.into_iter().map(|template| {
            let slot = template.path().and_then(|path| trie.add_path(path));
            Source { template: template.clone(), slot }
        });
        self.list.push(Reading { sources: sources.collect(), join, form });
        self.list.len() - 1
    }
}

impl Source {
    fn text<'a>(&self, reader: &Reader<'a, '_>) -> Option<Cow<'a, str>> {
        let found = match (self.slot, self.template.path()) {
            (Some(slot), Some(path)) => {
                let value = reader.slots.get(slot)?.as_ref()?;
                if path.picks.is_empty() {
                    (!value.is_null()).then(|| value.text())
                } else {
                    path.pick(*value).map(|found: Found<'a>| found.text())
                }
            }
            _ => self.template.text(reader.record),
        };
        found.filter(|text| !text.is_empty())
    }
}

impl Reading {
    /// The stand-in of what is read; none where the record lacks it.
    pub(super) fn hash(&self, reader: &mut Reader<'_, '_>) -> Option<u64> {
        if self.form == ValueForm::Text {
            if self.join == Join::First {
                let text = self.sources.iter().find_map(|source| source.text(reader))?;
                return Some(hash::of(text.as_bytes()));
            }
            return self.sources.iter().try_fold(0, |key, source| {
                Some(hash::mix(key, hash::of(source.text(reader)?.as_bytes())))
            });
        }
        // What an address or a user agent counts as is dear to find out, and they repeat.
        let key = self.key(reader)?;
        if let Some(known) = reader.forms.get(&key) {
            return *known;
        }
        let found = self.text(reader).map(|text| hash::of(text.as_bytes()));
        if reader.forms.len() >= ADDRESSES_MAX {
            reader.forms.clear();
        }
        reader.forms.insert(key, found);
        found
    }

    /// What a thread remembers by: what is read, before it counts as something.
    fn key(&self, reader: &Reader<'_, '_>) -> Option<u64> {
        let of = |text: Cow<'_, str>| hash::of(text.as_bytes());
        let mut texts = self.sources.iter().map(|source| source.text(reader).map(of));
        let key = match self.join {
            Join::First => texts.find_map(|text| text)?,
            Join::All => texts.try_fold(0, |key, text| Some(hash::mix(key, text?)))?,
        };
        Some(hash::mix(key, 1 + self.form as u64))
    }

    /// What is read, before it counts as something.
    fn written<'a>(&self, reader: &Reader<'a, '_>) -> Option<Cow<'a, str>> {
        if self.join == Join::First {
            return self.sources.iter().find_map(|source| source.text(reader));
        }
        let mut parts = self.sources.iter().map(|source| source.text(reader));
        let first = parts.next()??;
        parts.try_fold(first, |text, part| Some(Cow::Owned(format!("{text} {}", part?))))
    }

    /// What is read, as a reader would write it.
    pub(super) fn text<'a>(&self, reader: &mut Reader<'a, '_>) -> Option<Cow<'a, str>> {
        let text = self.written(reader)?;
        match self.form {
            ValueForm::Text => Some(text),
            ValueForm::UserAgentFamily => {
                Some(Cow::Owned(network::user_agent_family(&text).to_owned()))
            }
            ValueForm::RegisteredDomain => {
                Some(Cow::Owned(network::registered_domain(&text).to_ascii_lowercase()))
            }
            ValueForm::Network | ValueForm::Country | ValueForm::Place => {
                let address: IpAddr = text.parse().ok()?;
                self.of_address(address, reader).map(Cow::Owned)
            }
        }
    }

    fn of_address(&self, address: IpAddr, reader: &mut Reader<'_, '_>) -> Option<String> {
        if network::is_private(address) {
            return None;
        }
        let network = reader.network(address);
        match self.form {
            ValueForm::Network => Some(match network.as_ref().and_then(|known| known.asn) {
                Some(asn) => format!("AS{asn}"),
                None => network::prefix(address),
            }),
            ValueForm::Country => network?.country.map(|country| country.to_string()),
            ValueForm::Place => {
                let known = network.filter(|known| !known.hosting)?;
                let (north, east) = known.place?;
                let country = known.country.as_deref().unwrap_or("?");
                // Places of addresses are rough; half a degree is some fifty kilometres.
                let rough = |degrees: f64| (degrees * 2.0).round() / 2.0;
                Some(format!("{country} {:.1} {:.1}", rough(north), rough(east)))
            }
            _ => None,
        }
    }

    /// A number that is read; none where it is absent or no whole number from zero up.
    pub(super) fn number(&self, reader: &mut Reader<'_, '_>) -> Option<u64> {
        let text = self.sources.iter().find_map(|source| source.text(reader))?;
        text.parse().ok()
    }
}

/// The coordinates in what a place is read as.
pub(super) fn coordinates(text: &str) -> Option<(f64, f64)> {
    let mut words = text.split(' ').skip(1);
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

impl Reader<'_, '_> {
    fn network(&mut self, address: IpAddr) -> Option<Network> {
        let key = match address {
            IpAddr::V4(v4) => hash::of(&v4.octets()),
            IpAddr::V6(v6) => hash::of(&v6.octets()),
        };
        if let Some(known) = self.addresses.get(&key) {
            return known.clone();
        }
        let network = (self.lookup)(address);
        if self.addresses.len() >= ADDRESSES_MAX {
            self.addresses.clear();
        }
        self.addresses.insert(key, network.clone());
        network
    }
}
