//! Replays the seeds of the fuzz target as an ordinary test.
//! New ones come from `fuzz/`: whatever a fuzzer finds is put there first.

#[path = "../../../../fuzz/src/rules.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod rules;

#[test]
fn seeds_of_rules_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/sigma_rule");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        rules::sigma_rule(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 16, "{folder} holds only {count} seeds");
}

#[test]
fn cut_and_damaged_rules_are_errors_and_never_panics() {
    let whole = include_str!("../fixtures/cloudtrail.yml");
    let head: String = whole.chars().take(1_500).collect();
    for end in (0..head.len()).step_by(7) {
        rules::sigma_rule(head.as_bytes().get(..end).unwrap());
    }
    for (at, with) in (0..head.len()).step_by(11).zip("\t:|{}[]'\"*&!%@`-?#>~,\n".chars().cycle()) {
        let mut text = head.clone();
        text.replace_range(at..=at, &with.to_string());
        rules::sigma_rule(text.as_bytes());
    }
}
