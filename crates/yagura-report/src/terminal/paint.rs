//! Colors of the terminal, all optional: what they say is also said in words.
//! Which text gets which color is decided by the writers.

use yagura_model::{RequirementState, Severity};

/// Puts ANSI colors around texts, or leaves them as they are.
#[derive(Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn command(self, text: &str) -> String {
        self.with("36", text)
    }

    pub(crate) fn state(self, state: RequirementState, text: &str) -> String {
        match state {
            RequirementState::Met => self.with("32", text),
            RequirementState::Partly => self.with("33", text),
            RequirementState::NotMet => self.with("31", text),
            RequirementState::Unknown => self.with("35", text),
            RequirementState::NotApplicable => self.with("2", text),
        }
    }

    pub(crate) fn severity(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Critical => self.with("1;31", text),
            Severity::High => self.with("31", text),
            Severity::Medium => self.with("33", text),
            Severity::Low => self.with("36", text),
            Severity::Informational => self.with("2", text),
        }
    }
}

/// A mark before a state. ASCII, because terminals do not agree on the width of other marks.
pub(crate) fn mark(state: RequirementState) -> &'static str {
    match state {
        RequirementState::Met => "+",
        RequirementState::Partly => "~",
        RequirementState::NotMet => "x",
        RequirementState::Unknown => "?",
        RequirementState::NotApplicable => "-",
    }
}
