//! Properties: wherever the stream is split, the same records and bad pieces come out; whatever
//! the bytes are, it ends, and what it calls a record is one.

use proptest::prelude::*;

use super::*;

/// Texts long enough to be read in many pieces.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let list = records(0..20);
    let lines: String = (0..20).map(|id| format!("{}\n", record(id))).collect();
    let pretty: serde_json::Value = serde_json::from_str(&list).unwrap();
    let flows = "2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 2 ACCEPT OK\n".repeat(200);
    let frame = "<34>1 - host app - - - hello\nworld";
    let frames = format!("{} {frame}", frame.len()).repeat(200);
    vec![
        ("cloudtrail", list.clone().into_bytes()),
        ("cloudtrail", lines.into_bytes()),
        ("cloudtrail", serde_json::to_string_pretty(&pretty).unwrap().into_bytes()),
        ("cloudtrail", gzip(list.as_bytes())),
        ("vpc_flow", flows.into_bytes()),
        ("syslog", frames.into_bytes()),
    ]
}

/// Reads at most `most` bytes at once.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = to.len().min(self.1).min(self.0.len());
        to[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

fn same_however_split(id: &str, bytes: &[u8], chunk_bytes: usize, read_bytes: usize) {
    let whole = run(id, ANY_KEY, bytes);
    let limits = Limits { chunk_bytes, batch_bytes: 5000, ..Limits::default() };
    let split = run_with(id, ANY_KEY, Slow(bytes, read_bytes), &limits);
    assert_eq!(whole.raws(), split.raws(), "{id} in chunks of {chunk_bytes}");
    assert_eq!(whole.bad, split.bad, "{id} in chunks of {chunk_bytes}");
    let ordinals = |run: &Run| -> Vec<u64> {
        run.batches.iter().flatten().map(|record| record.ordinal()).collect()
    };
    assert_eq!(ordinals(&whole), ordinals(&split));
}

#[test]
fn good_text_gives_the_same_records_however_it_is_split() {
    for (id, bytes) in texts() {
        for chunk_bytes in [1, 7, 64, 4096] {
            same_however_split(id, &bytes, chunk_bytes, chunk_bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_text_gives_the_same_however_it_is_split(
        which in 0_usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, any::<u8>()), 1..6),
        chunk_bytes in 1_usize..3000,
    ) {
        // Of damaged gzip it is up to the decoder how much it still gives.
        let (id, mut bytes) = texts().swap_remove(if which == 3 { 0 } else { which });
        for (index, change, byte) in changes {
            let at = index.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"{}[]\",:\n"[usize::from(byte) % 8]),
                3 => { bytes.drain(at..(at + usize::from(byte)).min(bytes.len())); }
                4 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(4500)),
            }
        }
        same_however_split(id, &bytes, chunk_bytes, 1 << 20);
        for record in run(id, ANY_KEY, &bytes).json() {
            prop_assert!(record.is_object());
        }
    }

    #[test]
    fn damage_to_one_record_costs_no_more_than_its_neighbours(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let good: Vec<String> = (0..9).map(record).collect();
        let mut broken = record(99).into_bytes();
        let index = at.index(broken.len());
        broken[index] = byte;
        let mut bytes = b"{\"Records\":[".to_vec();
        for (place, record) in good.iter().enumerate() {
            bytes.extend_from_slice(record.as_bytes());
            bytes.push(b',');
            if place == 4 {
                bytes.extend_from_slice(&broken);
                bytes.push(b',');
            }
        }
        bytes.pop();
        bytes.extend_from_slice(b"]}");
        let got = trail(&bytes);
        let kept = good.iter().filter(|record| got.raws().contains(&record.as_str())).count();
        prop_assert_eq!(kept, good.len(), "{:?}", got.bad);
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300), which in 0_usize..6) {
        let ids = ["cloudtrail", "vpc_flow", "s3_access", "syslog", "cloudfront", "postgresql"];
        run(ids[which], ANY_KEY, &bytes);
    }
}
