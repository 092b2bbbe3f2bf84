//! Indicators of threat intelligence: lists of addresses, domains, URLs and digests, held
//! compactly.
//! How lists are read is in `yagura-analyze`, how they are matched in `yagura-judge`.

mod format;
mod list;
mod range;

pub use format::{CsvLayout, ListFormat};
pub use list::{
    DigestEntry, DomainScope, Indicator, IndicatorList, Indicators, IndicatorsFull, ListKind,
    RangeEntry, TextEntry, ThreatCategory, Validity,
};
pub use range::{AddressRange, RangeFault};
