//! Replays the seeds of the fuzz targets of log records as ordinary tests.
//! What the targets check stands in `fuzz/src/events.rs`.

#[path = "../../../../fuzz/src/events.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod events;

/// Every seed of a target is run; a folder that is gone or empty would prove nothing.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/../../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        run(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 16, "{folder} holds only {count} seeds");
}

#[test]
fn seeds_of_json_records_hold() {
    replay("event_json", events::event_json);
}

#[test]
fn seeds_of_log_objects_hold() {
    replay("log_object", events::log_object);
}
