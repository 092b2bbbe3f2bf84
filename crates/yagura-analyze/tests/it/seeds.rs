//! Replays the seeds of the fuzz target of threat lists.
//! Finding new ones is the fuzzer's work.

use std::path::Path;

#[path = "../../../../fuzz/src/lists.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod lists;

#[test]
fn every_seed_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/threat_list");
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        lists::threat_list(&std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds >= 10, "{seeds}");
}
