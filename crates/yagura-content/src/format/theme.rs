//! Themes: controls that are about the same thing, so that frameworks can name them together.
//! Which requirements a theme serves is written in the frameworks.

use serde::Deserialize;
use yagura_model::Prose;

use crate::glob;
use crate::place::Placed;

/// A theme: `content/themes/<id>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// From the path.
    #[serde(skip)]
    pub id: String,
    /// What its controls have in common, as a wanted condition.
    pub title: Placed<Prose>,
    /// Its controls: ids, or patterns in which `*` stands for any letters.
    #[serde(default)]
    pub controls: Vec<Placed<String>>,
    /// Requirements (`checklist/data.in_transit`) whose controls belong to it too.
    #[serde(default)]
    pub same_as: Vec<Placed<String>>,
    /// What is left out again: ids or patterns.
    #[serde(default)]
    pub except: Vec<Placed<String>>,
}

impl Theme {
    /// Whether a control that one of the patterns names, or a requirement brings, is left out.
    pub(crate) fn leaves_out(&self, control: &str) -> bool {
        self.except.iter().any(|pattern| glob::matches(pattern, control))
    }
}
