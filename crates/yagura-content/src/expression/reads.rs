//! What an expression looks at, found without running it.
//! Whether the paths exist is checked in `crate::lint`.

use std::collections::{BTreeMap, BTreeSet};

use yagura_model::{Path, Step};

use super::functions::{Flow, Function};
use super::scope::Root;
use super::tree::{Arithmetic, Loop, LoopKind, Node, Reach};

/// Whose members are read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A variable.
    Root(Root),
    /// A resource of a type, from `in_account` and the like.
    Type(String),
    /// The target of a relation.
    Related {
        /// Whose relation.
        of: Box<Source>,
        /// Its name.
        relation: String,
    },
}

/// The paths read below one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSet {
    /// Possibly everything.
    All,
    /// These, and what lies below them.
    Paths(BTreeSet<Path>),
}

/// Everything an expression looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    paths: BTreeMap<Source, BTreeSet<Path>>,
}

impl Reads {
    /// The paths read below a variable, by its name.
    pub fn root(&self, name: &str) -> PathSet {
        Root::ALL
            .into_iter()
            .find(|root| root.as_str() == name)
            .map_or(PathSet::Paths(BTreeSet::new()), |root| self.of(&Source::Root(root)))
    }

    /// The paths read below a source. A relation that is followed is read as
    /// `relations.<name>`.
    pub fn of(&self, source: &Source) -> PathSet {
        let paths = self.paths.get(source).cloned().unwrap_or_default();
        if paths.contains(&Path::default()) { PathSet::All } else { PathSet::Paths(paths) }
    }

    /// Everything that is read, source by source. A source whose resources are only counted has
    /// no paths.
    pub fn sources(&self) -> impl Iterator<Item = (&Source, &BTreeSet<Path>)> {
        self.paths.iter()
    }

    /// The types whose resources are asked for by name.
    pub fn types(&self) -> BTreeSet<&str> {
        self.paths
            .keys()
            .filter_map(|source| match source {
                Source::Type(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// Where a value comes from, as far as that can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// Computed; its shape is not known.
    Computed,
    /// Members of sources, one of these.
    Alias(Vec<(Source, Path)>),
    /// A list of such elements.
    List(Box<Mapping>),
    /// A map with these members and no others.
    Map(Vec<(String, Mapping)>),
    /// One of these.
    Either(Vec<Mapping>),
    /// The same with the members' names capitalized, at every depth.
    Pascal(Box<Mapping>),
}

/// What an expression reads, and where its result comes from.
pub(crate) fn analyze(node: &Node) -> (Reads, Mapping) {
    let mut walk = Walk::default();
    let result = walk.node(node);
    walk.consume(&result);
    walk.settle();
    (walk.reads, result)
}

#[derive(Default)]
struct Walk {
    reads: Reads,
    /// Lists that were run over; they count as read only if nothing of their elements was.
    shallow: BTreeSet<(Source, Path)>,
    locals: Vec<Mapping>,
}

/// Places one value may come from. `x.map(a, [a.b, a.c])` in a row doubles them each time; beyond
/// this all of them count as read.
const PLACES_MAX: usize = 256;

impl Walk {
    fn node(&mut self, node: &Node) -> Mapping {
        let value = self.follow(node);
        if value.weight() <= PLACES_MAX {
            return value;
        }
        self.consume(&value);
        Mapping::Computed
    }

    fn follow(&mut self, node: &Node) -> Mapping {
        match node {
            Node::Bool(_)
            | Node::Int(_)
            | Node::Double(_)
            | Node::Text(_)
            | Node::Null
            | Node::Problem(_) => Mapping::Computed,
            Node::Root(root) => Mapping::Alias(vec![(Source::Root(*root), Path::default())]),
            Node::Local(place) => self.locals.get(*place).cloned().unwrap_or(Mapping::Computed),
            Node::Select(base, key) => self.node(base).member(key),
            Node::Index(base, index) => {
                let base = self.node(base);
                if let Node::Text(key) = index.as_ref() {
                    return base.member(key);
                }
                self.use_up(index);
                base.element()
            }
            Node::Has(operand) | Node::Not(operand) | Node::Negate(operand) => {
                self.use_up(operand);
                Mapping::Computed
            }
            Node::Matches(operand, _) => {
                self.use_up(operand);
                Mapping::Computed
            }
            Node::And(parts) | Node::Or(parts) => {
                parts.iter().for_each(|part| self.use_up(part));
                Mapping::Computed
            }
            Node::Conditional(parts) => {
                let [condition, yes, no] = parts.as_ref();
                self.use_up(condition);
                Mapping::either([self.node(yes), self.node(no)])
            }
            Node::Arithmetic(Arithmetic::Add, left, right) => {
                Mapping::either([self.node(left), self.node(right)])
            }
            Node::Compare(_, left, right)
            | Node::Arithmetic(_, left, right)
            | Node::In(left, right) => {
                self.use_up(left);
                self.use_up(right);
                Mapping::Computed
            }
            Node::List(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.node(part)).collect();
                Mapping::List(Box::new(Mapping::either(parts)))
            }
            Node::Map(entries) => self.map(entries),
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Loop(looping) => self.comprehension(looping),
            Node::Neighbors(reach, arguments) => self.reach(reach, arguments),
        }
    }

    fn use_up(&mut self, node: &Node) {
        let value = self.node(node);
        self.consume(&value);
    }

    /// The value is looked at as a whole.
    fn consume(&mut self, value: &Mapping) {
        match value {
            Mapping::Computed => {}
            Mapping::Alias(places) => {
                for (source, path) in places {
                    self.reads.paths.entry(source.clone()).or_default().insert(path.clone());
                }
            }
            Mapping::List(inner) | Mapping::Pascal(inner) => self.consume(inner),
            Mapping::Map(members) => members.iter().for_each(|(_, member)| self.consume(member)),
            Mapping::Either(values) => values.iter().for_each(|value| self.consume(value)),
        }
    }

    /// The elements of the value are counted or run over.
    fn touch(&mut self, value: &Mapping) {
        match value {
            Mapping::Alias(places) => self.shallow.extend(places.iter().cloned()),
            Mapping::Either(values) => values.iter().for_each(|value| self.touch(value)),
            Mapping::Pascal(inner) => self.touch(inner),
            Mapping::Computed | Mapping::List(_) | Mapping::Map(_) => {}
        }
    }

    /// Adds the lists of whose elements nothing was read.
    fn settle(&mut self) {
        for (source, path) in std::mem::take(&mut self.shallow) {
            let paths = self.reads.paths.entry(source).or_default();
            if !path.0.is_empty() && !paths.iter().any(|read| path.covers(read)) {
                paths.insert(path);
            }
        }
    }

    fn map(&mut self, entries: &[(Node, Node)]) -> Mapping {
        let mut members = Vec::with_capacity(entries.len());
        let mut known = true;
        for (key, value) in entries {
            let value = self.node(value);
            if let Node::Text(key) = key {
                members.push((key.to_string(), value));
            } else {
                self.use_up(key);
                self.consume(&value);
                known = false;
            }
        }
        if known {
            return Mapping::Map(members);
        }
        members.iter().for_each(|(_, member)| self.consume(member));
        Mapping::Computed
    }

    fn call(&mut self, function: Function, arguments: &[Node]) -> Mapping {
        let mut values: Vec<Mapping> =
            arguments.iter().map(|argument| self.node(argument)).collect();
        let flow = function.flow();
        if matches!(flow, Flow::Consumed | Flow::Shallow) {
            // Counting resources looks at nothing of them.
            let counted = |value: &Mapping| flow == Flow::Shallow && value.is_resources();
            for value in values.iter().filter(|value| !counted(value)) {
                self.consume(value);
            }
            return Mapping::Computed;
        }
        if flow == Flow::Either {
            return Mapping::either(values);
        }
        if values.is_empty() {
            return Mapping::Computed;
        }
        let first = values.swap_remove(0);
        self.touch(&first);
        match flow {
            Flow::Element => first.element(),
            Flow::Pascal => Mapping::Pascal(Box::new(first)),
            Flow::Flattened => Mapping::List(Box::new(first.element().element())),
            Flow::ListOf => match first {
                Mapping::Alias(_) => Mapping::List(Box::new(first.element())),
                list @ Mapping::List(_) => list,
                single => Mapping::List(Box::new(single)),
            },
            Flow::Values => Mapping::List(Box::new(first.element())),
            Flow::Entries => Mapping::List(Box::new(Mapping::Map(vec![
                ("key".to_owned(), Mapping::Computed),
                ("value".to_owned(), first.element()),
            ]))),
            Flow::Same | Flow::Either | Flow::Consumed | Flow::Shallow => first,
        }
    }

    fn comprehension(&mut self, looping: &Loop) -> Mapping {
        let over = self.node(&looping.over);
        self.touch(&over);
        self.locals.truncate(looping.local);
        self.locals.push(over.element());
        if let Some(condition) = &looping.condition {
            self.use_up(condition);
            self.locals.truncate(looping.local + 1);
        }
        let body = self.node(&looping.body);
        self.locals.truncate(looping.local);
        if looping.kind == LoopKind::Map {
            return Mapping::List(Box::new(body));
        }
        self.consume(&body);
        Mapping::Computed
    }

    fn reach(&mut self, reach: &Reach, arguments: &[Node]) -> Mapping {
        let of = arguments.first().map(|node| self.node(node));
        let source = match reach {
            Reach::Account(name) | Reach::Region(name) | Reach::Organization(name) => {
                Source::Type(name.to_string())
            }
            Reach::Referring { type_name, relation } => {
                let source = Source::Type(type_name.to_string());
                let path = Path::of_keys(["relations", relation]);
                self.reads.paths.entry(source.clone()).or_default().insert(path);
                source
            }
            Reach::Related(relation) => {
                let mut targets = Vec::new();
                for source in of.iter().flat_map(Mapping::sources) {
                    let path = Path::of_keys(["relations", relation]);
                    self.reads.paths.entry(source.clone()).or_default().insert(path);
                    let target = Source::Related {
                        of: Box::new(source.clone()),
                        relation: relation.to_string(),
                    };
                    self.reads.paths.entry(target.clone()).or_default();
                    targets.push((target, Path::default()));
                }
                return Mapping::List(Box::new(Mapping::Alias(targets)));
            }
        };
        self.reads.paths.entry(source.clone()).or_default();
        Mapping::List(Box::new(Mapping::Alias(vec![(source, Path::default())])))
    }
}

impl Mapping {
    fn either(values: impl IntoIterator<Item = Self>) -> Self {
        let mut values: Vec<Self> = values.into_iter().collect();
        match values.len() {
            0 => Self::Computed,
            1 => values.swap_remove(0),
            _ => Self::Either(values),
        }
    }

    /// A member by name.
    pub(crate) fn member(&self, key: &str) -> Self {
        match self {
            Self::Alias(places) => Self::extend(places, &Step::Key(key.to_owned())),
            Self::Map(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map_or(Self::Computed, |(_, member)| member.clone()),
            Self::Either(values) => Self::either(values.iter().map(|value| value.member(key))),
            Self::Pascal(inner) => Self::Pascal(Box::new(inner.member(&uncapitalized(key)))),
            Self::Computed | Self::List(_) => Self::Computed,
        }
    }

    /// An element of a list, or a value of a map.
    pub(crate) fn element(&self) -> Self {
        match self {
            Self::Alias(places) => Self::extend(places, &Step::Every),
            Self::List(element) => element.as_ref().clone(),
            Self::Map(members) => Self::either(members.iter().map(|(_, member)| member.clone())),
            Self::Either(values) => Self::either(values.iter().map(Self::element)),
            Self::Pascal(inner) => Self::Pascal(Box::new(inner.element())),
            Self::Computed => Self::Computed,
        }
    }

    fn extend(places: &[(Source, Path)], step: &Step) -> Self {
        let extended = places.iter().map(|(source, path)| {
            let mut path = path.clone();
            path.0.push(step.clone());
            (source.clone(), path)
        });
        Self::Alias(extended.collect())
    }

    /// Whether it is a list of whole resources.
    fn is_resources(&self) -> bool {
        let whole = |(source, path): &(Source, Path)| {
            path.0.is_empty() && !matches!(source, Source::Root(_))
        };
        match self {
            Self::List(element) => {
                matches!(&**element, Self::Alias(places) if places.iter().all(whole))
            }
            Self::Either(values) => values.iter().all(Self::is_resources),
            _ => false,
        }
    }

    /// How many places it names.
    fn weight(&self) -> usize {
        match self {
            Self::Computed => 1,
            Self::Alias(places) => places.len(),
            Self::List(inner) | Self::Pascal(inner) => inner.weight(),
            Self::Map(members) => members.iter().map(|(_, member)| member.weight()).sum(),
            Self::Either(values) => values.iter().map(Self::weight).sum(),
        }
    }

    /// The sources of a value that is a resource.
    fn sources(&self) -> Vec<&Source> {
        match self {
            Self::Alias(places) => places.iter().map(|(source, _)| source).collect(),
            Self::Either(values) => values.iter().flat_map(Self::sources).collect(),
            Self::Computed | Self::List(_) | Self::Map(_) | Self::Pascal(_) => Vec::new(),
        }
    }
}

/// A name as it was before `pascal`.
pub(crate) fn uncapitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
