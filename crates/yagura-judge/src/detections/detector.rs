//! The detector: all detections compiled into one matcher, with what is known of each.
//! Batches are judged in `worker.rs`, what they give is joined in `folder.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sigma::{CorrelationId, Matcher, Metadata, Pipeline, RuleId, RuleSet, SourceId};
use yagura_content::format::{Detection, DetectionHead, SigmaMapping};
use yagura_content::{Content, Problem, glob};
use yagura_model::Severity;
use yagura_model::alert::{About, Signal, SignalKind};
use yagura_model::event::PathTrie;
use yagura_model::source::Table;

use super::context::Context;
use super::record::Reader;
use super::witness::{Shown, Subject};
use super::worker::Worker;
use crate::behaviors::Behaviors;
use crate::intelligence::Intelligence;
use crate::sequences::Sequences;

/// What is wanted of a detector.
#[derive(Clone, Debug)]
pub struct DetectOptions {
    /// Whether the content's own detections run.
    pub content: bool,
    /// Files of rules that the user named.
    pub rules: Vec<Arc<Detection>>,
    /// Only detections whose id matches one of these; all if empty. `*` stands for any letters.
    pub only: Vec<String>,
    /// Not these.
    pub except: Vec<String>,
    /// How much later than the newest event an event may come and still be correlated in order,
    /// in microseconds. None: everything waits for the end, and the order does not matter at all.
    pub lateness_us: Option<i64>,
    /// Whether signals are grouped. If not, each makes an alert of its own.
    pub grouped: bool,
    /// The time of the run: suppressions end at theirs. Events far later than it are not
    /// correlated, because one wrong clock would make all others late.
    pub now: Timestamp,
    /// Alerts that are kept open.
    pub alerts_max: usize,
    /// Threat lists and what is known of networks.
    pub intelligence: Option<Arc<Intelligence>>,
    /// Whether behaviours are learned and judged.
    pub behaviors: bool,
    /// Up to when behaviours only learn, in microseconds since 1970: history fed in first makes
    /// day one a day like any other.
    pub learn_until_us: Option<i64>,
    /// Whether signals are put together into sequences.
    pub sequences: bool,
    /// Tags of resources of the inventory, by key, for crown jewels that are told by tags.
    pub tags: Arc<BTreeMap<String, BTreeMap<String, String>>>,
}

impl DetectOptions {
    /// All of the content, grouped, whatever the order.
    pub fn at(now: Timestamp) -> Self {
        Self {
            content: true,
            rules: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
            lateness_us: None,
            grouped: true,
            now,
            alerts_max: 100_000,
            intelligence: None,
            behaviors: true,
            learn_until_us: None,
            sequences: true,
            tags: Arc::default(),
        }
    }

    fn wants(&self, id: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|pattern| glob::matches(pattern, id));
        (self.only.is_empty() || any(&self.only)) && !any(&self.except)
    }
}

/// All detections, compiled. Immutable: threads share it, and a clone costs nothing.
#[derive(Clone, Debug)]
pub struct Detector {
    pub(crate) parts: Arc<Parts>,
}

/// What a detector is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) matcher: Matcher,
    pub(crate) sources: HashMap<String, SourceParts>,
    /// By rule: its place in `known`, where it raises signals.
    pub(crate) rules: Vec<Option<u32>>,
    /// By correlation: its place in `known`, where it raises signals.
    pub(crate) correlations: Vec<Option<u32>>,
    pub(crate) known: Vec<Known>,
    /// What alerts say of contents, by kind and id: of those that are wanted.
    abouts: HashMap<(SignalKind, Arc<str>), About>,
    pub(crate) intelligence: Option<Arc<Intelligence>>,
    pub(crate) behaviors: Option<Arc<Behaviors>>,
    pub(crate) sequences: Option<Arc<Sequences>>,
    pub(crate) context: Context,
    /// Correlations whose alerts are about a field of their events.
    pub(crate) noted: Vec<u32>,
    pub(crate) options: DetectOptions,
}

impl Parts {
    /// What is known of the content that raised a signal.
    pub(crate) fn about(&self, signal: &Signal) -> Option<&About> {
        self.abouts.get(&(signal.kind, Arc::clone(&signal.content)))
    }
}

/// A source as rules see it.
#[derive(Debug)]
pub(crate) struct SourceParts {
    /// None where no rules can be about it.
    pub(crate) id: Option<SourceId>,
    pub(crate) table: Table,
    pub(crate) readers: Vec<Reader>,
    /// Everything that is wanted of a record, in one walk: first what behaviours want.
    pub(crate) trie: PathTrie,
    pub(crate) shown: Shown,
    /// Whether any rule is about it.
    pub(crate) has_rules: bool,
}

/// What is known of something that raises signals.
#[derive(Clone, Debug)]
pub struct Known {
    /// What the grouping needs.
    pub about: About,
    /// How bad it is, without context.
    pub severity: Severity,
    /// It feeds sequences and never alerts alone.
    pub weak: bool,
    /// The rule's UUID.
    pub uuid: Option<String>,
    pub(crate) subject: Subject,
    /// Of a correlation: the fields that it groups by.
    pub(crate) group_by: Vec<String>,
}

impl Detector {
    /// Compiles what the options want of the content and of the user's rules. What cannot be
    /// compiled is left out and told.
    pub fn compile(content: &Content, options: &DetectOptions) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let files = files(content, options, &mut problems);
        let mut set = RuleSet::default();
        for file in &files {
            set.add(file.parts().sigma.clone());
        }
        let pipelines = pipelines(content);
        let compiled = Matcher::compile(set, &pipelines);
        for problem in &compiled.problems {
            problems.push(told(&files, problem));
        }
        let matcher = compiled.matcher;
        let mut known = Vec::new();
        let mut places = HashMap::new();
        for file in &files {
            for head in &file.parts().heads {
                let at = u32::try_from(known.len()).unwrap_or(u32::MAX);
                places.insert((file.path.clone(), head.place.line), at);
                known.push(of_head(file, head));
            }
        }
        let place = |metadata: &Metadata| {
            places.get(&(metadata.origin.to_string(), metadata.place.line)).copied()
        };
        let of_rule = |(id, rule): (RuleId, &sigma::Rule)| {
            matcher.is_alone(id).then(|| place(&rule.metadata)).flatten()
        };
        let rules: Vec<Option<u32>> = matcher.ids().zip(matcher.rules()).map(of_rule).collect();
        let plan = matcher.plan();
        let of_correlation = |(id, correlation): (CorrelationId, &sigma::Correlation)| {
            plan.tells(id).then(|| place(&correlation.metadata)).flatten()
        };
        let correlations: Vec<Option<u32>> =
            plan.ids().zip(plan.correlations()).map(of_correlation).collect();
        let mut noted = Vec::new();
        for (at, correlation) in correlations.iter().zip(plan.correlations()) {
            let entry = at.and_then(|at| Some((at, known.get_mut(at as usize)?)));
            if let Some((at, entry)) = entry {
                entry.group_by.clone_from(&correlation.group_by);
                if matches!(&entry.subject, Subject::Field(path)
                    if !entry.group_by.iter().any(|field| field == path.as_str()))
                {
                    noted.push(at);
                }
            }
        }
        let around = Around::of(content, options, &known, &mut problems);
        let sources = sources(content, &matcher, around.behaviors.as_deref());
        let parts = Parts {
            matcher,
            sources,
            rules,
            correlations,
            known,
            noted,
            abouts: around.abouts,
            intelligence: options.intelligence.clone(),
            behaviors: around.behaviors,
            sequences: around.sequences,
            context: Context::of(&content.site, options.now, &options.tags),
            options: options.clone(),
        };
        (Self { parts: Arc::new(parts) }, problems)
    }

    /// A thread's view of it.
    pub fn worker(&self) -> Worker {
        Worker::new(Arc::clone(&self.parts))
    }

    /// What is known of the content that raised an alert; none of content that is not wanted.
    pub fn about(&self, kind: SignalKind, content: &Arc<str>) -> Option<&About> {
        self.parts.abouts.get(&(kind, Arc::clone(content)))
    }

    /// Every rule that may raise signals.
    pub fn known(&self) -> &[Known] {
        &self.parts.known
    }

    /// How many rules run over a source, and how many of them are tried on every record.
    pub fn size(&self, source: &str) -> (usize, usize) {
        let source = self.parts.sources.get(source).and_then(|source| source.id);
        source.map_or((0, 0), |id| self.parts.matcher.size(id))
    }

    /// What the rules over a source need of its records: for a caller that asks a store first.
    pub fn needs(&self, source: &str) -> Option<sigma::Needs> {
        self.parts.sources.get(source).and_then(|source| self.parts.matcher.needs(source.id?))
    }
}

/// What runs beside rules, and what is known of all that may alert.
struct Around {
    behaviors: Option<Arc<Behaviors>>,
    sequences: Option<Arc<Sequences>>,
    abouts: HashMap<(SignalKind, Arc<str>), About>,
}

impl Around {
    fn of(
        content: &Content,
        options: &DetectOptions,
        known: &[Known],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let behaviors = (options.content && options.behaviors).then(|| {
            let (behaviors, faults) = Behaviors::compile(content);
            problems.extend(faults.into_iter().map(|fault| {
                let path = format!("{}.yaml", fault.id.replace('.', "/"));
                Problem::of_content(&path, fault.message)
            }));
            Arc::new(behaviors)
        });
        let behaviors = behaviors.filter(|behaviors| !behaviors.is_empty());
        let mut abouts: Vec<About> = known.iter().map(|known| known.about.clone()).collect();
        abouts.extend(options.intelligence.iter().flat_map(|found| found.abouts()).cloned());
        abouts.extend(behaviors.iter().flat_map(|behaviors| behaviors.abouts()).cloned());
        let sequences = (options.content && options.sequences)
            .then(|| Arc::new(Sequences::compile(content, &abouts)))
            .filter(|sequences| !sequences.is_empty());
        abouts.extend(sequences.iter().flat_map(|sequences| sequences.abouts()).cloned());
        // A user's own rules are wanted because they were named.
        let users = |about: &About| !content.detections.contains_key(&*about.content);
        abouts.retain(|about| {
            (about.kind == SignalKind::Detection && users(about)) || options.wants(&about.content)
        });
        let key = |about: About| ((about.kind, Arc::clone(&about.content)), about);
        Self { behaviors, sequences, abouts: abouts.into_iter().map(key).collect() }
    }
}

/// The files that are wanted, in order.
fn files(
    content: &Content,
    options: &DetectOptions,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<Detection>> {
    let of_content = content.detections.values().filter(|_| options.content);
    let mut files = Vec::new();
    for file in of_content.chain(&options.rules) {
        let wanted = file.is_users() || options.wants(&file.id);
        if !wanted {
            continue;
        }
        if file.is_users() {
            problems.extend(file.problems());
        }
        files.push(Arc::clone(file));
    }
    files
}

fn pipelines(content: &Content) -> Vec<Pipeline> {
    let known = |mapping: &&Arc<SigmaMapping>| content.sources.contains_key(&mapping.source);
    let mappings = content.sigma_mappings.values().filter(known);
    mappings.flat_map(|mapping| mapping.pipelines().iter().cloned()).collect()
}

fn sources(
    content: &Content,
    matcher: &Matcher,
    behaviors: Option<&Behaviors>,
) -> HashMap<String, SourceParts> {
    let part = |(id, source): (&String, &Arc<yagura_content::format::Source>)| {
        let source_id = matcher.source(id);
        let table = source.table().clone();
        let paths = source_id.map(|id| matcher.paths(id)).unwrap_or_default();
        let observed = behaviors.and_then(|behaviors| behaviors.trie(id));
        let mut trie = observed.cloned().unwrap_or_default();
        let walked = |path| Reader::walked(path, &table, &mut trie);
        let readers: Vec<Reader> = paths.iter().map(walked).collect();
        let shown = Shown::of(&table, &mut trie);
        let parts = SourceParts {
            id: source_id,
            readers,
            trie,
            shown,
            has_rules: source_id.is_some_and(|id| matcher.size(id).0 > 0),
            table,
        };
        (id.clone(), parts)
    };
    content.sources.iter().map(part).collect()
}

/// A problem of compiling, at its place in its file.
fn told(files: &[Arc<Detection>], problem: &sigma::Problem) -> Problem {
    let file = files.iter().find(|file| file.path == *problem.origin);
    Problem::of_rule(&problem.origin, file.map_or("", |file| file.text()), problem)
}

fn of_head(file: &Detection, head: &DetectionHead) -> Known {
    // A user's file may hold many rules; each is known by its own id.
    let content = match &head.uuid {
        Some(uuid) if file.is_users() => Arc::from(uuid.as_str()),
        None if file.is_users() => Arc::from(format!("{}:{}", file.path, head.place.line)),
        _ => Arc::from(file.id.as_str()),
    };
    Known {
        about: About {
            kind: SignalKind::Detection,
            content,
            path: Arc::from(file.path.as_str()),
            title: head.title.clone(),
            tags: head.tags.iter().map(|tag| Arc::from(tag.as_str())).collect(),
            window_us: head.window.micros(),
            shadow: head.shadow,
        },
        severity: head.severity,
        weak: head.weak,
        uuid: head.uuid.clone(),
        subject: Subject::of(&head.entity),
        group_by: Vec::new(),
    }
}
