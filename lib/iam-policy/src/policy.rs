//! A policy as it was written, compiled: statements with their patterns and conditions.
//! Reading the JSON is in `parse`; what the statements add up to is in `evaluate`.

use crate::arn::ArnPattern;
use crate::condition::Condition;
use crate::context::Scope;
use crate::glob::Glob;
use crate::parse::{self, ParseError, Problem};
use crate::principal::{Entry, Named, Principal, PrincipalElement, PrincipalKind};
use crate::truth::Truth;

/// Whether a statement gives or takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// A place in a policy's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// From one.
    pub line: u32,
    /// In characters, from one.
    pub column: u32,
}

/// A policy document, compiled once and evaluated often.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `2012-10-17`; `2008-10-17` (also where none is written) knows no variables.
    pub version: String,
    /// `Id`
    pub id: Option<String>,
    /// In the order of the text.
    pub statements: Vec<Statement>,
    /// What is odd about it: unknown elements and operators, values that can never match.
    pub problems: Vec<Problem>,
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is no JSON, or AWS would not accept a statement of it (no effect, no action, both
    /// `Action` and `NotAction` …): half a policy says nothing about the whole.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::policy(text)
    }
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// `Sid`
    pub sid: Option<String>,
    /// `Effect`
    pub effect: Effect,
    /// Where it begins.
    pub position: Position,
    /// `Condition`: all of them must hold.
    pub conditions: Vec<Condition>,
    pub(crate) principals: Option<PrincipalElement>,
    pub(crate) actions: ActionElement,
    pub(crate) resources: Option<ResourceElement>,
}

/// `Action` or `NotAction`.
#[derive(Clone, Debug)]
pub(crate) struct ActionElement {
    pub(crate) negated: bool,
    pub(crate) patterns: Vec<ActionPattern>,
}

/// One action as written.
#[derive(Clone, Debug)]
pub(crate) enum ActionPattern {
    /// `*`
    All,
    /// `service:name`, wildcards in the name only.
    Named { service: String, name: Glob },
    /// Anything else matches no action.
    Nothing,
}

impl ActionPattern {
    pub(crate) fn new(text: &str) -> Self {
        match text.split_once(':') {
            _ if text == "*" || text == "*:*" => Self::All,
            Some((service, name)) if !service.contains(['*', '?']) => {
                Self::Named { service: service.to_owned(), name: Glob::new(name) }
            }
            _ => Self::Nothing,
        }
    }

    /// Whether every action of another pattern is one of this. Right whenever it says yes.
    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) | (_, Self::Nothing) => true,
            (Self::Named { service, name }, Self::Named { service: of, name: narrow }) => {
                service.eq_ignore_ascii_case(of) && name.includes_ignoring_case(narrow)
            }
            _ => false,
        }
    }

    fn matches(&self, service: &str, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named { service: wanted, name: glob } => {
                wanted.eq_ignore_ascii_case(service) && glob.matches_ignoring_case(name)
            }
            Self::Nothing => false,
        }
    }
}

impl ActionElement {
    fn applies(&self, action: &str) -> bool {
        let (service, name) = action.split_once(':').unwrap_or(("", action));
        self.patterns.iter().any(|pattern| pattern.matches(service, name)) != self.negated
    }
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(crate) struct ResourceElement {
    pub(crate) negated: bool,
    pub(crate) patterns: Vec<ArnPattern>,
}

impl ResourceElement {
    /// An action without resource-level permissions is asked about with `*`, and only `*` as it
    /// stands matches that.
    fn applies(&self, scope: &Scope<'_>) -> Truth {
        let resource = scope.request.resource;
        let found = if resource == "*" {
            Truth::from(self.patterns.iter().any(ArnPattern::is_all))
        } else {
            let mut found = Truth::False;
            for pattern in &self.patterns {
                found = found.or(pattern.matches(resource, true, scope));
                if found == Truth::True {
                    break;
                }
            }
            // Half a form is in and half is out: whoever asks for overlap wants the half that is.
            match found {
                Truth::Depends if scope.request.overlap => Truth::from(!self.negated),
                found => found,
            }
        };
        if self.negated { !found } else { found }
    }
}

/// What a statement says, before anybody asks for anything.
impl Statement {
    /// Whether it speaks of everybody: of `*`, of an account that is a wildcard (AWS refuses most
    /// of those, but what it once accepted stands), or of all but some.
    #[must_use]
    pub fn is_about_everybody(&self) -> bool {
        self.principals.as_ref().is_some_and(|element| {
            element.negated || element.entries.iter().any(Entry::is_everybody)
        })
    }

    /// Whether it names those that are *not* meant (`NotPrincipal`).
    #[must_use]
    pub fn spares_principals(&self) -> bool {
        self.principals.as_ref().is_some_and(|element| element.negated)
    }

    /// The entries of `Principal` or `NotPrincipal`, as written.
    pub fn principals_written(&self) -> impl Iterator<Item = (PrincipalKind, &str)> {
        let written = self.principals.iter().flat_map(|element| &element.written);
        written.map(|(kind, text)| (*kind, text.as_str()))
    }

    /// Whether it speaks of an action (`s3:GetObject`).
    #[must_use]
    pub fn covers_action(&self, action: &str) -> bool {
        self.actions.applies(action)
    }

    /// Whether it speaks of every action there is, by name.
    #[must_use]
    pub fn covers_all_actions(&self) -> bool {
        let all = |pattern: &ActionPattern| matches!(pattern, ActionPattern::All);
        !self.actions.negated && self.actions.patterns.iter().any(all)
    }

    /// Whether it speaks of every action of a service, by name.
    #[must_use]
    pub fn covers_service(&self, service: &str) -> bool {
        let whole = |pattern: &ActionPattern| match pattern {
            ActionPattern::All => true,
            ActionPattern::Named { service: of, name: Glob::All } => {
                of.eq_ignore_ascii_case(service)
            }
            ActionPattern::Named { .. } | ActionPattern::Nothing => false,
        };
        !self.actions.negated && self.actions.patterns.iter().any(whole)
    }

    /// Whether it speaks of every resource, by name.
    #[must_use]
    pub fn covers_all_resources(&self) -> bool {
        self.resources.as_ref().is_some_and(|element| {
            !element.negated && element.patterns.iter().any(ArnPattern::is_everything)
        })
    }

    /// Whether it speaks of a resource by name; without a `Resource` it speaks of the one it
    /// belongs to.
    #[must_use]
    pub fn covers_resource(&self, arn: &str) -> bool {
        let wanted = ArnPattern::new(arn, false);
        self.resources.as_ref().is_none_or(|element| {
            !element.negated && element.patterns.iter().any(|pattern| pattern.includes(&wanted))
        })
    }

    /// Whether it speaks of everything that another statement speaks of, principals and
    /// conditions left aside. Right whenever it says yes.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.covers_actions_of(other) && self.covers_resources_of(other)
    }

    fn covers_actions_of(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.actions, &other.actions);
        self.covers_all_actions()
            || !ours.negated
                && !theirs.negated
                && theirs
                    .patterns
                    .iter()
                    .all(|narrow| ours.patterns.iter().any(|pattern| pattern.includes(narrow)))
    }

    fn covers_resources_of(&self, other: &Self) -> bool {
        // Trust policies and repository policies have no resource element.
        let Some(ours) = &self.resources else { return true };
        if self.covers_all_resources() {
            return true;
        }
        let Some(theirs) = &other.resources else { return false };
        !ours.negated
            && !theirs.negated
            && theirs
                .patterns
                .iter()
                .all(|narrow| ours.patterns.iter().any(|pattern| pattern.includes(narrow)))
    }
}

impl Statement {
    /// The principals that a statement of a resource's policy names: everybody as
    /// [`Principal::Anonymous`], an account as its root user. `NotPrincipal` names everybody.
    #[must_use]
    pub fn principals(&self) -> Vec<Principal> {
        match &self.principals {
            None => Vec::new(),
            Some(element) if element.negated => vec![Principal::Anonymous],
            Some(element) => element.entries.iter().filter_map(Entry::principal).collect(),
        }
    }

    /// Whether the statement speaks of the request, its principals left aside. The cheapest and
    /// most selective part is asked first.
    pub(crate) fn applies(&self, scope: &Scope<'_>, without_resource: Truth) -> Truth {
        if !self.actions.applies(scope.request.action) {
            return Truth::False;
        }
        let mut truth =
            self.resources.as_ref().map_or(without_resource, |resources| resources.applies(scope));
        for condition in &self.conditions {
            if truth == Truth::False {
                break;
            }
            truth = truth.and(condition.holds(scope));
        }
        truth
    }

    /// How closely a statement of a resource's policy names the caller.
    pub(crate) fn names(&self, scope: &Scope<'_>, has_boundary: bool) -> Named {
        let Some(element) = &self.principals else { return Named::No };
        let principal = &scope.request.principal;
        match (element.negated, self.effect) {
            (false, _) => element.names(principal),
            (true, Effect::Allow) => match element.names(principal) {
                Named::No => Named::Itself,
                _ => Named::No,
            },
            // Whoever has a permissions boundary is denied whatever is listed (AWS, "NotPrincipal
            // and permissions boundaries").
            (true, Effect::Deny) if has_boundary || !element.spares(principal) => Named::Itself,
            (true, Effect::Deny) => Named::No,
        }
    }
}
