//! What changed between two scans: new failures, fixed ones, and other changes.
//! The words and the looks of a comparison are with the writers.

use std::collections::HashMap;

use jiff::Timestamp;
use yagura_model::Verdict;

use crate::scan_report::{Standing, worst_first};

/// What changed since a former scan.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The former scan's id; empty where it came from a file.
    pub former_id: String,
    /// When the former scan began.
    pub former_started: Timestamp,
    /// Failures now that were none before (also those whose exception has ended).
    pub new: Vec<Verdict>,
    /// Failures before, as they were then, that are none now or whose resource is gone.
    pub fixed: Vec<Verdict>,
    /// Other changes of a verdict: before and now. A failure that can no longer be judged is
    /// here and never among the fixed.
    pub changed: Vec<(Verdict, Verdict)>,
}

impl Comparison {
    /// Compares the verdicts of two scans. Both slices hold at least all failures, accepted
    /// failures and unknowns of their scans; passes may be left out of both.
    pub fn between(former: &[Verdict], latter: &[Verdict]) -> Self {
        let identity = |verdict: &Verdict| (verdict.control.clone(), verdict.key.clone());
        let before: HashMap<_, _> = former.iter().map(|old| (identity(old), old)).collect();
        let now: HashMap<_, _> = latter.iter().map(|new| (identity(new), new)).collect();
        let mut comparison = Self::default();
        for verdict in latter {
            let old = before.get(&identity(verdict)).copied();
            comparison.compare_one(old, verdict);
        }
        for old in former.iter().filter(|old| Standing::of(old) == Standing::Fail) {
            if now.contains_key(&identity(old)) {
                continue;
            }
            match unlisted(old, &now) {
                Some(unknown) => comparison.changed.push((old.clone(), unknown.clone())),
                None => comparison.fixed.push(old.clone()),
            }
        }
        comparison.new.sort_by(worst_first);
        comparison.fixed.sort_by(worst_first);
        comparison.changed.sort_by(|a, b| worst_first(&a.1, &b.1));
        comparison
    }

    fn compare_one(&mut self, old: Option<&Verdict>, new: &Verdict) {
        let was = old.map(Standing::of);
        match (was, Standing::of(new)) {
            (Some(Standing::Fail), Standing::Fail) => {
                if let Some(old) = old.filter(|old| old.severity != new.severity) {
                    self.changed.push((old.clone(), new.clone()));
                }
            }
            (_, Standing::Fail) => self.new.push(new.clone()),
            (Some(Standing::Fail), Standing::Pass | Standing::NotApplicable) => {
                self.fixed.extend(old.cloned());
            }
            (Some(was), is) if was != is => {
                if let Some(old) = old {
                    self.changed.push((old.clone(), new.clone()));
                }
            }
            _ => {}
        }
    }
}

/// The unknown verdict over the listing to which a vanished resource belonged, where the later
/// scan could not list: then nobody knows whether the failure is mended.
fn unlisted<'a>(
    old: &Verdict,
    now: &HashMap<(String, String), &'a Verdict>,
) -> Option<&'a Verdict> {
    let listing = format!("{}/{}/{}", old.account, old.region, old.type_name);
    let global = format!("{}/{}/{}", old.account, yagura_model::GLOBAL_REGION, old.type_name);
    [listing, global].into_iter().find_map(|key| {
        let verdict = now.get(&(old.control.clone(), key)).copied()?;
        (Standing::of(verdict) == Standing::Unknown).then_some(verdict)
    })
}
