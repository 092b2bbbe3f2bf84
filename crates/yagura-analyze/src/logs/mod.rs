//! Facts from logs and their alarms: which activity somebody is told about.
//! The log records themselves are not read here.

mod alarmed;
mod pattern;

use crate::fact::FactSource;

pub(crate) const FACTS: &[FactSource] =
    &[FactSource::new("Yagura::Account::Account", &["alarmed_activity"], &[], alarmed::activity)
        .beside(alarmed::READS)];
