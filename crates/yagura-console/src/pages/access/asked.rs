//! What is asked about access: the form of `/access`, all of it in the address.

use iam_policy::ContextValue;
use yagura_analyze::access::Ask;
use yagura_report::words;

use crate::ports::{ActionBook, ActionForm};
use crate::viewer::Viewer;

/// Letters of one field at most.
const FIELD_MAX: usize = 2_048;

/// What is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// Nothing yet.
    Look,
    /// Who can do it.
    WhoCan,
    /// Whether somebody can.
    Can,
    /// Who can come to be an administrator.
    Escalations,
    /// The way of one of them.
    Way,
    /// Who is let in from outside.
    Outside,
}

impl Todo {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::WhoCan => "who-can",
            Self::Can => "can",
            Self::Escalations => "escalations",
            Self::Way => "way",
            Self::Outside => "outside",
        }
    }
}

/// The form as it was sent.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) todo: Todo,
    pub(super) principal: String,
    /// As IAM spells it, where it is known.
    pub(super) action: String,
    /// `*` for an action without resources.
    pub(super) resource: String,
    /// Lines of `key=value`.
    pub(super) context: String,
    /// Whether every statement is named.
    pub(super) explain: bool,
    form: Option<ActionForm>,
    near: Vec<String>,
}

/// The account of a user, role or session.
pub(super) fn account_of_principal(arn: &str) -> Option<String> {
    arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}

impl Asked {
    /// Reads a query.
    pub(super) fn of(pairs: &[(String, String)], actions: &dyn ActionBook) -> Self {
        let one = |name: &str| {
            let found = pairs.iter().rev().find(|(known, _)| known == name);
            let text = found.map(|(_, value)| value.trim().replace("\r\n", "\n"));
            text.unwrap_or_default().chars().take(FIELD_MAX).collect::<String>()
        };
        let typed = one("action");
        let form = actions.action(&typed);
        let todo = match one("do").as_str() {
            "who-can" => Todo::WhoCan,
            "can" => Todo::Can,
            "escalations" => Todo::Escalations,
            "way" => Todo::Way,
            "outside" => Todo::Outside,
            _ => Todo::Look,
        };
        let resource = match &form {
            Some(form) if form.resources.is_empty() => "*".to_owned(),
            _ => one("resource"),
        };
        let near = match (&form, typed.is_empty()) {
            (None, false) => actions.beginning(&typed, 8),
            _ => Vec::new(),
        };
        Self {
            todo,
            principal: one("principal"),
            action: form.as_ref().map_or(typed, |form| form.name.clone()),
            resource,
            context: one("context"),
            explain: one("explain") == "1",
            form,
            near,
        }
    }

    /// Why it cannot be answered as it stands, in the asker's language.
    pub(super) fn problem(&self, viewer: &Viewer) -> Option<String> {
        let words = words(viewer.lang);
        if matches!(self.todo, Todo::Can | Todo::Way) && self.principal.is_empty() {
            return Some(words.get("console_access.problem.principal").to_owned());
        }
        if !matches!(self.todo, Todo::Can | Todo::WhoCan) {
            return None;
        }
        if self.action.is_empty() {
            return Some(words.get("console_access.problem.action").to_owned());
        }
        let Some(form) = &self.form else {
            let action = &self.action;
            let near = self.near.join(", ");
            return Some(match near.is_empty() {
                true => words.fill("console_access.problem.unknown", &[("action", action)]),
                false => words
                    .fill("console_access.problem.meant", &[("action", action), ("near", &near)]),
            });
        };
        if self.resource.is_empty() {
            let example = form.resources.first().map_or("arn:aws:…", String::as_str);
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("action", &self.action), ("example", &example)];
            return Some(words.fill("console_access.problem.resource", &values));
        }
        let wrong = self.lines().find(|line| !line.contains('='));
        wrong.map(|line| words.fill("console_access.problem.context", &[("line", &line)]))
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.context.lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// The question, without the one who is asked about.
    pub(super) fn ask(&self) -> Ask<'_> {
        let pair = |line: &str| {
            let (key, value) = line.split_once('=')?;
            Some((key.trim().to_owned(), ContextValue::One(value.trim().to_owned())))
        };
        Ask {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: None,
            context: self.lines().filter_map(pair).collect(),
        }
    }
}
