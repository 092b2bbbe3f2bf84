//! Replays the seeds of the fuzz targets as ordinary tests.
//! New ones come from `fuzz/`: whatever a fuzzer finds is put there first.

#[path = "../../../../../fuzz/src/answers.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod answers;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/../../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        run(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 8, "{folder} holds only {count} seeds");
}

#[test]
fn seeds_of_xml_answers_hold() {
    replay("xml_answer", answers::xml_answer);
}

#[test]
fn seeds_of_json_answers_hold() {
    replay("json_answer", answers::json_answer);
}

#[test]
fn seeds_of_tables_hold() {
    replay("table_open", answers::table_open);
}

#[test]
fn tables_with_flipped_bytes_are_errors_and_never_panics() {
    let last = super::TABLE.len() - 1;
    for position in [21, 30, 500, 60_000, 110_000, 400_000, 900_000, last] {
        let mut bytes = super::TABLE.to_vec();
        bytes[position] ^= 0x55;
        answers::table_open(&bytes);
    }
}
