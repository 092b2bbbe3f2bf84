//! Open alerts: signals of one content on one entity in one window, joined by their identity.
//! What makes a signal is elsewhere; how alerts merge is said in `yagura_model::alert`.

use std::collections::{BTreeMap, BTreeSet};

use yagura_model::alert::{About, Alert, Signal, window_start};
use yagura_model::finding_id;

/// Alerts by identity, and which of them changed.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    alerts: BTreeMap<String, Alert>,
    changed: BTreeSet<String>,
    max: usize,
    grouped: bool,
}

/// What is said of an alert beside its signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    pub(crate) severity: Option<yagura_model::Severity>,
    pub(crate) reasons: BTreeSet<yagura_model::alert::SeverityReason>,
    pub(crate) suppressed: Option<yagura_model::alert::Suppression>,
}

impl Groups {
    pub(crate) fn new(max: usize, grouped: bool) -> Self {
        Self { alerts: BTreeMap::new(), changed: BTreeSet::new(), max, grouped }
    }

    /// Joins a signal into its alert; false where that would open one alert too many.
    pub(crate) fn add(&mut self, about: &About, signal: Signal, settled: Settled) -> bool {
        let event = (!self.grouped).then(|| signal.witness.id.to_string());
        let mut alert = Alert::of(about, signal);
        if let Some(severity) = settled.severity {
            alert.severity = severity;
            alert.severity_reasons = settled.reasons;
        }
        alert.suppressed = settled.suppressed;
        if let Some(event) = event {
            // An alert of one signal: its window is the point in time.
            alert.window_us = 0;
            alert.window_start_us = window_start(alert.first_us, 0);
            let entity = alert.entity.to_string();
            alert.id = finding_id(about.kind.as_str(), &about.content, &entity, &event);
        }
        self.merge(alert)
    }

    /// Joins an alert, as it was saved.
    pub(crate) fn merge(&mut self, alert: Alert) -> bool {
        if let Some(known) = self.alerts.get_mut(&alert.id) {
            let id = alert.id.clone();
            if known.merge(alert) {
                self.changed.insert(id);
            }
            return true;
        }
        if self.alerts.len() >= self.max && !self.make_room() {
            return false;
        }
        self.changed.insert(alert.id.clone());
        self.alerts.insert(alert.id.clone(), alert);
        true
    }

    /// The alerts that changed since the last time.
    pub(crate) fn drain(&mut self) -> Vec<Alert> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|id| self.alerts.get(id).cloned()).collect()
    }

    /// All alerts, by time, then identity; none are left.
    pub(crate) fn finish(&mut self) -> Vec<Alert> {
        let mut alerts: Vec<Alert> = std::mem::take(&mut self.alerts).into_values().collect();
        alerts.sort_by(|a, b| (a.first_us, &a.id).cmp(&(b.first_us, &b.id)));
        alerts
    }

    /// Forgets alerts whose window ended before a time and that were drained: who keeps alerts
    /// merges what still comes.
    pub(crate) fn forget(&mut self, before_us: i64) {
        let changed = &self.changed;
        self.alerts.retain(|id, alert| {
            changed.contains(id)
                || alert.window_start_us.saturating_add(alert.window_us) >= before_us
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Forgets the older half of what was drained; whether there was any.
    fn make_room(&mut self) -> bool {
        let drained = self.alerts.values().filter(|alert| !self.changed.contains(&alert.id));
        let mut drained: Vec<(i64, String)> =
            drained.map(|alert| (alert.last_us, alert.id.clone())).collect();
        drained.sort_unstable();
        let half = drained.len().div_ceil(2);
        for (_, id) in drained.iter().take(half) {
            self.alerts.remove(id);
        }
        half > 0
    }
}
