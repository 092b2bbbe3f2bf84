//! What the fuzz target of threat lists does with its bytes.
//! Shared with the ordinary tests, which replay `fuzz/seeds/threat_list` on stable.

use yagura_analyze::intelligence::{
    BAD_KEPT_MAX, ENTRIES_MAX, ListOptions, canonical, read_aws_ranges, read_list,
};
use yagura_model::indicator::{CsvLayout, ListFormat};

/// A list: its first byte chooses the format and the layout, the rest is the list. It is also
/// read as AWS's ranges.
pub fn threat_list(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let choice = usize::from(*choice);
    let format = ListFormat::ALL[choice % ListFormat::ALL.len()];
    let csv = CsvLayout {
        columns: vec!["1".into(), "ip".into()].split_off(choice / 64 % 2),
        header: choice / 128 == 1,
        ..CsvLayout::default()
    };
    let options = ListOptions { format, csv, exact_domains: choice % 2 == 1 };
    if let Ok(read) = read_list(bytes, &options) {
        assert!(read.entries.len() <= ENTRIES_MAX + bytes.len());
        assert!(read.bad.len() <= BAD_KEPT_MAX && read.bad.len() as u64 <= read.bad_total);
        for bad in &read.bad {
            assert!(!bad.text.chars().any(char::is_control));
        }
        for domain in &read.entries.domains {
            let name = read.entries.text(domain);
            assert_eq!(name, name.to_ascii_lowercase());
        }
        for url in &read.entries.urls {
            let url = read.entries.text(url);
            assert!(canonical::host_of(url).is_some(), "{url}");
        }
        for range in &read.entries.v4 {
            assert!(range.first <= range.last);
        }
        for range in &read.entries.v6 {
            assert!(range.first <= range.last);
        }
    }
    let _ = read_aws_ranges(bytes);
}
