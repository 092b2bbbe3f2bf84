//! Which controls are judged: what the site switches off, and what the caller asks for.
//! Severity overrides are applied in `judge.rs`.

use yagura_content::format::Site;
use yagura_content::glob::matches;

/// The choice of the site, narrowed by the caller.
#[derive(Debug)]
pub(crate) struct Selection<'s> {
    site: &'s Site,
    asked: &'s [String],
}

impl<'s> Selection<'s> {
    pub(crate) fn new(site: &'s Site, asked: &'s [String]) -> Self {
        Self { site, asked }
    }

    /// A control that the caller names by its whole id is taken even if the site switched it off.
    pub(crate) fn takes(&self, id: &str) -> bool {
        if self.asked.iter().any(|asked| asked == id) {
            return true;
        }
        let wanted = |pattern: &String| matches(pattern, id);
        self.site.selection.enables(id) && (self.asked.is_empty() || self.asked.iter().any(wanted))
    }
}
