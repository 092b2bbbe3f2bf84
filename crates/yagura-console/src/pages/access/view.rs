//! Answers about access as the template lays them out, cut to what the viewer may see.

use jiff::Timestamp;
use serde::Serialize;
use yagura_analyze::access::escalation::{Certainty, EscalationPath, Hop, Reached};
use yagura_analyze::access::{Answer, Ask, Verdict};
use yagura_content::Content;
use yagura_model::finding::Scope;
use yagura_report::access as said;
use yagura_report::words;

use super::asked::{Asked, Todo, account_of_principal};
use super::known::Known;
use crate::viewer::Viewer;

/// Lines of an answer at most; how many more there are is said.
const ROWS_MAX: usize = 300;

/// The whole page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    scanned: bool,
    scan_us: i64,
    principals: u64,
    todo: &'static str,
    principal: String,
    action: String,
    resource: String,
    context: String,
    explain: bool,
    limited: bool,
    pub(super) problem: Option<String>,
    pub(super) answer: Option<Told>,
}

/// An answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Told {
    /// What no form could foresee: the principal is not known.
    problem: Option<String>,
    rows: Vec<Line>,
    more: u64,
    /// How many of the lines are unknown.
    unknown: u64,
    ways: Vec<Way>,
    /// Principals that are administrators already.
    there: u64,
    left_out: u64,
    blind: Vec<String>,
    story: Option<Story>,
    open: Vec<Opened>,
}

/// Who can, or whether somebody can.
#[derive(Debug, Serialize)]
struct Line {
    principal: String,
    inside: &'static str,
    verdict: &'static str,
    tone: &'static str,
    reasons: Vec<String>,
}

/// A way to being an administrator, on a line.
#[derive(Debug, Serialize)]
struct Way {
    from: String,
    steps: usize,
    certainty: String,
    tone: &'static str,
    first: String,
    ends: String,
}

/// A way in full.
#[derive(Debug, Serialize)]
struct Story {
    from: String,
    certainty: String,
    hops: Vec<Step>,
    cut: Option<String>,
    close: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    title: String,
    how: String,
    through: Option<String>,
    to: String,
    proofs: Vec<Proof>,
}

#[derive(Debug, Serialize)]
struct Proof {
    action: String,
    resource: String,
    reasons: Vec<String>,
}

/// A resource that lets somebody outside in.
#[derive(Debug, Serialize)]
struct Opened {
    asked: String,
    name: String,
    type_name: String,
    account: String,
    action: &'static str,
    who: Vec<Line>,
}

impl Page {
    pub(super) fn of(asked: &Asked, viewer: &Viewer) -> Self {
        Self {
            scanned: true,
            scan_us: 0,
            principals: 0,
            todo: asked.todo.as_str(),
            principal: asked.principal.clone(),
            action: asked.action.clone(),
            resource: asked.resource.clone(),
            context: asked.context.clone(),
            explain: asked.explain,
            limited: viewer.scope != Scope::All,
            problem: None,
            answer: None,
        }
    }

    pub(super) fn nothing_scanned(&mut self) {
        self.scanned = false;
    }

    /// What the answers rest on.
    pub(super) fn known(&mut self, known: &Known) {
        let ended = known.scan.finished.unwrap_or(Timestamp::UNIX_EPOCH);
        self.scan_us = ended.as_microsecond();
        self.principals = known.world.principals().count() as u64;
    }
}

/// How a verdict looks; its word stands beside it.
fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "pass",
        Verdict::Denied => "not_applicable",
        Verdict::Depends => "partly",
        Verdict::Unknown => "unknown",
    }
}

fn line(viewer: &Viewer, principal: &str, inside: bool, answer: &Answer, every: bool) -> Line {
    Line {
        principal: principal.to_owned(),
        inside: said::place(viewer.lang, inside),
        verdict: said::verdict(viewer.lang, answer.verdict),
        // That somebody outside may is what one looks for here.
        tone: match answer.verdict {
            Verdict::Allowed if !inside => "fail",
            verdict => tone(verdict),
        },
        reasons: said::reasons(viewer.lang, answer, every),
    }
}

/// Whether a principal is of an account that the viewer may see.
fn is_theirs(viewer: &Viewer, principal: &str) -> bool {
    viewer.scope == Scope::All
        || account_of_principal(principal).is_some_and(|account| viewer.scope.admits(&account))
}

/// The answer to what is asked. It was checked before that the viewer may ask it.
pub(super) fn answer(asked: &Asked, known: &Known, viewer: &Viewer, content: &Content) -> Told {
    match asked.todo {
        Todo::Look => Told::default(),
        Todo::WhoCan => who_can(asked, known, viewer),
        Todo::Can => can(asked, known, viewer),
        Todo::Escalations => escalations(known, viewer, content),
        Todo::Way => way(asked, known, viewer, content),
        Todo::Outside => outside(known, viewer),
    }
}

fn who_can(asked: &Asked, known: &Known, viewer: &Viewer) -> Told {
    let ask = Ask { principal: "", ..asked.ask() };
    let outside = known.world.outsiders(&ask);
    let outside = outside.iter().map(|one| (one.principal.as_str(), false, &one.answer));
    let inside = known.world.who_can(&ask);
    let inside = inside.iter().map(|(arn, answer)| (*arn, true, answer));
    // Who from outside reaches a resource of theirs concerns them, whoever it is.
    let theirs =
        |(principal, inside, _): &(&str, bool, &Answer)| !inside || is_theirs(viewer, principal);
    let mut told = Told::default();
    for (principal, inside, answer) in outside.chain(inside).filter(theirs) {
        told.unknown += u64::from(answer.verdict == Verdict::Unknown);
        if told.rows.len() < ROWS_MAX {
            told.rows.push(line(viewer, principal, inside, answer, asked.explain));
        } else {
            told.more += 1;
        }
    }
    told
}

fn can(asked: &Asked, known: &Known, viewer: &Viewer) -> Told {
    match known.world.ask(&asked.ask()) {
        Ok(answer) => Told {
            unknown: u64::from(answer.verdict == Verdict::Unknown),
            rows: vec![line(viewer, &asked.principal, true, &answer, true)],
            ..Told::default()
        },
        Err(_) => Told { problem: Some(no_such(viewer, &asked.principal)), ..Told::default() },
    }
}

fn no_such(viewer: &Viewer, principal: &str) -> String {
    words(viewer.lang).fill("console_access.problem.no_such", &[("principal", &principal)])
}

fn certainty(viewer: &Viewer, certainty: Certainty) -> (String, &'static str) {
    let (key, tone) = match certainty {
        Certainty::Certain => ("console_access.certainty.certain", "fail"),
        Certainty::Conditional => ("console_access.certainty.conditional", "partly"),
        Certainty::Unknown => ("console_access.certainty.unknown", "unknown"),
    };
    (words(viewer.lang).get(key).to_owned(), tone)
}

fn reached(viewer: &Viewer, reached: &Reached) -> String {
    let words = words(viewer.lang);
    match reached {
        Reached::Principal(arn) | Reached::Group(arn) => arn.clone(),
        Reached::Strengthened(arn) => {
            words.fill("console_access.reached.strengthened", &[("arn", arn)])
        }
        Reached::Unbounded(arn) => words.fill("console_access.reached.unbounded", &[("arn", arn)]),
        Reached::EveryAccount => words.get("console_access.reached.every_account").to_owned(),
    }
}

fn title(viewer: &Viewer, content: &Content, hop: &Hop) -> String {
    let known = content.escalations.get(&hop.escalation);
    known.map_or_else(
        || hop.escalation.clone(),
        |known| known.title.value.get(viewer.lang).to_owned(),
    )
}

/// Whether all that a way leads through is the viewer's to see.
fn is_within(viewer: &Viewer, path: &EscalationPath) -> bool {
    let to = |hop: &Hop| match &hop.to {
        Reached::Principal(arn)
        | Reached::Group(arn)
        | Reached::Strengthened(arn)
        | Reached::Unbounded(arn) => is_theirs(viewer, arn),
        Reached::EveryAccount => true,
    };
    is_theirs(viewer, &path.from) && path.hops.iter().all(to)
}

fn escalations(known: &Known, viewer: &Viewer, content: &Content) -> Told {
    let found = known.escalations();
    let mut told = Told {
        there: found.there.iter().filter(|(arn, _)| is_theirs(viewer, arn)).count() as u64,
        left_out: found.left_out,
        blind: found.blind.clone(),
        ..Told::default()
    };
    for path in found.paths.iter().filter(|path| is_theirs(viewer, &path.from)) {
        told.unknown += u64::from(path.certainty() == Certainty::Unknown);
        if told.ways.len() == ROWS_MAX {
            told.more += 1;
            continue;
        }
        let (certainty, tone) = certainty(viewer, path.certainty());
        // Where a way leads into other accounts, that much is said and no more.
        let hidden = !is_within(viewer, path);
        let last = path.hops.last().map(|hop| reached(viewer, &hop.to)).unwrap_or_default();
        let beyond = words(viewer.lang).get("console_access.other_account").to_owned();
        told.ways.push(Way {
            from: path.from.clone(),
            steps: path.hops.len(),
            certainty,
            tone,
            first: path.hops.first().map(|hop| title(viewer, content, hop)).unwrap_or_default(),
            ends: if hidden { beyond } else { last },
        });
    }
    told
}

fn way(asked: &Asked, known: &Known, viewer: &Viewer, content: &Content) -> Told {
    let found = known.escalations();
    let path = found.paths.iter().find(|path| path.from == asked.principal);
    let Some(path) = path.filter(|path| is_within(viewer, path)) else {
        let text = words(viewer.lang)
            .fill("console_access.problem.no_way", &[("principal", &asked.principal)]);
        return Told { problem: Some(text), ..Told::default() };
    };
    let hops = path.hops.iter().map(|hop| Step {
        title: title(viewer, content, hop),
        how: content
            .escalations
            .get(&hop.escalation)
            .map(|known| known.how.value.get(viewer.lang).to_owned())
            .unwrap_or_default(),
        through: hop.through.clone(),
        to: reached(viewer, &hop.to),
        proofs: hop
            .proofs
            .iter()
            .map(|proof| Proof {
                action: proof.action.clone(),
                resource: proof.resource.clone(),
                reasons: said::reasons(viewer.lang, &proof.answer, false),
            })
            .collect(),
    });
    let cut = known.world.smallest_cut(path);
    let close = cut.as_ref().and_then(|cut| path.hops.get(cut.hop)).and_then(|hop| {
        let known = content.escalations.get(&hop.escalation)?;
        Some(known.close.value.get(viewer.lang).to_owned())
    });
    let cut = cut.map(|cut| {
        let words = words(viewer.lang);
        let places = cut.statements.iter().map(|(policy, number)| {
            let name = policy.as_ref().map_or("?", |policy| policy.name.as_str());
            words.fill("console_access.statement", &[("name", &name), ("n", &(number + 1))])
        });
        let places = places.collect::<Vec<_>>().join(", ");
        words.fill("console_access.cut", &[("action", &cut.action), ("places", &places)])
    });
    let (certainty, _) = certainty(viewer, path.certainty());
    let story = Story { from: path.from.clone(), certainty, hops: hops.collect(), cut, close };
    Told { story: Some(story), ..Told::default() }
}

fn outside(known: &Known, viewer: &Viewer) -> Told {
    let mut told = Told::default();
    for open in known.outside() {
        let Some(resource) = known.resources.get(open.at) else { continue };
        if !viewer.scope.admits(&resource.account) {
            continue;
        }
        if told.open.len() == ROWS_MAX {
            told.more += 1;
            continue;
        }
        let who = open.who.iter();
        told.open.push(Opened {
            asked: open.asked.clone(),
            name: resource.name.clone(),
            type_name: resource.type_name.clone(),
            account: resource.account.clone(),
            action: open.action,
            who: who.map(|one| line(viewer, &one.principal, false, &one.answer, false)).collect(),
        });
    }
    told
}
