//! Indicators of threat intelligence: lists of addresses, domains, URLs and digests, held compactly.
//! How lists are read is in `yagura-analyze`, how they are matched in `yagura-judge`.

mod list;
mod range;

pub use list::{
    DigestEntry, DomainScope, Indicator, IndicatorList, Indicators, IndicatorsFull, ListKind,
    RangeEntry, TextEntry, ThreatCategory, Validity,
};
pub use range::{AddressRange, RangeFault};
