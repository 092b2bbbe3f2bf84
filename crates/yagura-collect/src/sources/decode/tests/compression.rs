//! Tests: gzip with one, several, cut and forged members, zstd, bombs, readers that fail.

use super::*;

#[test]
fn gzip_is_known_by_its_bytes_whatever_the_name() {
    let text = records(0..3);
    for key in [TRAIL_KEY, ANY_KEY, "x.json"] {
        let got = run("cloudtrail", key, &gzip(text.as_bytes()));
        assert_eq!(got.ids(), ["e-0", "e-1", "e-2"]);
        assert_eq!(got.bad, []);
        assert_eq!(got.summary.inflated_bytes, text.len() as u64);
    }
}

#[test]
fn under_trails_own_keys_only_the_first_member_counts() {
    let first = gzip(records(0..2).as_bytes());
    let second = gzip(records([7]).as_bytes());
    // The same member again, too: its end looks like the end of the first.
    for tail in [second, first.clone(), b"garbage".to_vec(), vec![0]] {
        let bytes = [first.clone(), tail.clone()].concat();
        let got = run("cloudtrail", TRAIL_KEY, &bytes);
        assert_eq!(got.ids(), ["e-0", "e-1"]);
        let [piece] = got.bad.as_slice() else { panic!("{:?}", got.bad) };
        assert_eq!(piece.reason, BadReason::UnsignedTail);
        assert_eq!(piece.offset, first.len() as u64);
        assert_eq!(piece.bytes, tail);
        assert_eq!(piece.length, tail.len() as u64);
    }
}

#[test]
fn elsewhere_every_member_counts() {
    let bytes = [gzip(records([0]).as_bytes()), gzip(records([1]).as_bytes())].concat();
    let got = trail(&bytes);
    assert_eq!(got.ids(), ["e-0", "e-1"]);
    assert_eq!(got.bad, []);
    assert_eq!(got.summary.stored_bytes, bytes.len() as u64);
    // A record may lie across two members.
    let text = records(0..2);
    let (left, right) = text.as_bytes().split_at(text.len() / 2);
    assert_eq!(trail(&[gzip(left), gzip(right)].concat()).ids(), ["e-0", "e-1"]);
}

#[test]
fn bytes_after_the_last_member_are_told() {
    let first = gzip(records([0]).as_bytes());
    let got = trail(&[&first[..], b"tail"].concat());
    assert_eq!(got.ids(), ["e-0"]);
    let [piece] = got.bad.as_slice() else { panic!("{:?}", got.bad) };
    assert_eq!((piece.reason, piece.offset), (BadReason::TrailingBytes, first.len() as u64));
    assert_eq!(piece.bytes, b"tail");
}

#[test]
fn of_truncated_gzip_the_good_records_stay() {
    let text = records(0..200);
    let whole = gzip(text.as_bytes());
    let mut most = 0;
    for cut in [12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let got = trail(&whole[..cut]);
        assert!(got.reasons().contains(&BadReason::TruncatedCompression), "{cut}");
        let ids: Vec<String> = (0..got.ids().len()).map(|id| format!("e-{id}")).collect();
        assert_eq!(got.ids(), ids, "those kept are the first ones, whole");
        assert!(got.ids().len() >= most);
        most = got.ids().len();
    }
    assert_eq!(most, 200, "only the end of the checksum is missing");
}

#[test]
fn a_wrong_checksum_is_told_and_the_records_stay() {
    let mut bytes = gzip(records(0..3).as_bytes());
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    let got = trail(&bytes);
    assert_eq!(got.ids().len(), 3);
    assert_eq!(got.reasons(), [BadReason::CorruptCompression]);
}

#[test]
fn damage_in_the_middle_of_gzip_ends_it() {
    let text = records((0..3000).map(|id| id * 7919));
    let mut bytes = gzip(text.as_bytes());
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    let got = trail(&bytes);
    assert!(got.reasons().contains(&BadReason::CorruptCompression), "{:?}", got.reasons());
    assert!(!got.ids().is_empty() && got.ids().len() < 3000);
}

#[test]
fn zstd_is_read_and_other_compression_told() {
    let text = records(0..2);
    let bytes = zstd::stream::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(trail(&bytes).ids(), ["e-0", "e-1"]);
    let cut = trail(&bytes[..bytes.len() - 3]);
    assert!(cut.reasons().contains(&BadReason::TruncatedCompression), "{:?}", cut.reasons());
    for magic in [&b"BZh91AY&SY"[..], b"PK\x03\x04rest", b"\xfd7zXZ\0rest"] {
        let got = trail(magic);
        assert_eq!(got.reasons(), [BadReason::UnsupportedCompression]);
        assert_eq!(got.bad[0].bytes, magic);
    }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    // Deflate reaches about 1000 to 1 on blanks between two records.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(record(0).as_bytes()).unwrap();
    for _ in 0..100 {
        encoder.write_all(&[b' '; 1 << 20]).unwrap();
    }
    encoder.write_all(record(1).as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    let got = trail(&bytes);
    assert_eq!(got.ids(), ["e-0"]);
    assert_eq!(got.reasons(), [BadReason::RatioExceeded]);
    assert!(got.summary.inflated_bytes < 80 << 20);
}

#[test]
fn text_beyond_the_allowed_size_is_not_read() {
    let limits = Limits { inflated_bytes_max: 10_000, chunk_bytes: 1000, ..Limits::default() };
    let text = records(0..1000);
    let got = run_with("cloudtrail", ANY_KEY, text.as_bytes(), &limits);
    assert_eq!(got.reasons().last(), Some(&BadReason::SizeExceeded));
    assert_eq!(got.ids().len(), (10_001 - "{\"Records\":[".len()) / (record(10).len() + 1));
}

#[test]
fn a_reader_that_fails_is_an_error_and_not_bad_data() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset"))
        }
    }
    let text = records(0..20_000);
    let limits = Limits::default();
    let input = Box::new(text.as_bytes().chain(Failing));
    let outcome = decode(&object(ANY_KEY), source("cloudtrail"), input, &limits, &mut |decoded| {
        assert!(matches!(decoded, Decoded::Batch(_)));
        ControlFlow::Continue(())
    });
    match outcome {
        Err(super::super::DecodeError::Read { location, offset, source }) => {
            assert_eq!(location, "s3://logs/exports/part-1");
            assert_eq!(offset, text.len() as u64);
            assert_eq!(source.kind(), io::ErrorKind::ConnectionReset);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_receiver_that_breaks_gets_no_more() {
    let limits = Limits { batch_bytes: 1, ..Limits::default() };
    let text = records(0..10);
    let mut batches = 0;
    let mut sink = |_| {
        batches += 1;
        ControlFlow::Break(())
    };
    let input = Box::new(text.as_bytes());
    let summary = decode(&object(ANY_KEY), source("cloudtrail"), input, &limits, &mut sink);
    assert!(summary.unwrap().stopped);
    assert_eq!(batches, 1);
}

#[test]
fn one_long_line_is_read_in_bounded_memory() {
    // Long records, because unoptimized builds index short ones slowly; a gigabyte goes the same
    // way and takes them half a minute.
    let total = 128 << 20;
    let one = record(0).replace("GetObject", &"x".repeat(500_000));
    let pieces = total / one.len() as u64 + 1;
    let input = Generated::new(|number| match number {
        0 => b"{\"Records\":[".to_vec(),
        1 => one.clone().into_bytes(),
        number if number <= pieces => format!(",{one}").into_bytes(),
        number if number == pieces + 1 => b"]}".to_vec(),
        _ => Vec::new(),
    });
    let limits = Limits::default();
    let (mut count, mut most) = (0, 0);
    let mut sink = |decoded| {
        let Decoded::Batch(batch) = decoded else { panic!("{decoded:?}") };
        count += batch.len() as u64;
        most = most.max(batch.bytes_len());
        ControlFlow::Continue(())
    };
    let input = Box::new(input);
    let summary = decode(&object(ANY_KEY), source("cloudtrail"), input, &limits, &mut sink);
    let summary = summary.unwrap();
    assert_eq!(count, pieces);
    assert!(summary.inflated_bytes > total);
    assert!(most < 16 << 20, "{most}");
}
