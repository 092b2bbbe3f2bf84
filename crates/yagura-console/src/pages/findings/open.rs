//! Open findings in numbers: by severity, and by account with what is worst in it.
//! The findings themselves are listed in `list.rs`.

use std::collections::BTreeMap;

use yagura_model::Severity;
use yagura_store::StoreError;
use yagura_store::findings::{FindingFilter, GroupBy};

use crate::state::Console;
use crate::viewer::Viewer;

/// Open findings within a viewer's accounts.
pub(in crate::pages) struct OpenFindings {
    /// By severity; none that is not there.
    pub(in crate::pages) severities: BTreeMap<Severity, u64>,
    /// By account; empty is that of findings without one.
    pub(in crate::pages) accounts: BTreeMap<String, OpenInAccount>,
}

/// What is open in one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::pages) struct OpenInAccount {
    pub(in crate::pages) critical: u64,
    pub(in crate::pages) high: u64,
    pub(in crate::pages) all: u64,
}

impl OpenFindings {
    pub(in crate::pages) async fn read(
        console: &Console,
        viewer: &Viewer,
    ) -> Result<Self, StoreError> {
        let findings = console.store().findings(viewer.scope.clone());
        let counted = findings.count_by_severity(&FindingFilter::open(), GroupBy::Account).await?;
        let mut accounts: BTreeMap<String, OpenInAccount> = BTreeMap::new();
        let mut severities = BTreeMap::new();
        for (severity, counts) in counted {
            severities.insert(severity, counts.total.count);
            for one in counts.counts {
                let account = accounts.entry(one.value).or_default();
                account.all += one.count;
                match severity {
                    Severity::Critical => account.critical += one.count,
                    Severity::High => account.high += one.count,
                    Severity::Medium | Severity::Low | Severity::Informational => {}
                }
            }
        }
        Ok(Self { severities, accounts })
    }

    /// How many are open in all.
    pub(in crate::pages) fn all(&self) -> u64 {
        self.severities.values().sum()
    }

    /// What is open in an account.
    pub(in crate::pages) fn account(&self, account: &str) -> OpenInAccount {
        self.accounts.get(account).copied().unwrap_or_default()
    }
}
