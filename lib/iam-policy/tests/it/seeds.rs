//! Replays the seeds of the fuzz target as an ordinary test.
//! New ones come from `fuzz/`: whatever a fuzzer finds is put there first.

#[path = "../../../../fuzz/src/policies.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod policies;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/iam_policy");

#[test]
fn seeds_of_policies_hold() {
    let mut count = 0;
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        policies::iam_policy(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 20, "{FOLDER} holds only {count} seeds");
}

#[test]
fn cut_and_damaged_policies_are_read_or_refused_and_never_panic() {
    let whole = std::fs::read_to_string(format!("{FOLDER}/every_operator")).unwrap();
    for end in (0..whole.len()).step_by(5) {
        policies::iam_policy(&whole.as_bytes()[..end]);
    }
    for (at, with) in (0..whole.len()).zip("{}[]\"\\:,*?$0tn".chars().cycle()) {
        let mut text = whole.clone();
        text.replace_range(at..=at, &with.to_string());
        policies::iam_policy(text.as_bytes());
    }
}
