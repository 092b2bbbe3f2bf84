//! Each way in which a trail can be whole, broken, tampered with or merely unfinished, in a copy.
//! The same from a bucket is in `bucket`.

use std::sync::Arc;

use jiff::SignedDuration;
use yagura_analyze::trail::Keys;
use yagura_collect::trail::{FolderArchive, KeySource, Reason, Selection, Verdict, read_keys};
use yagura_testkit::trail::{
    Encoding, Stored, TrailNames, TrailWriter, gzip, key_list, write_folder,
};

use super::bed::{Bed, KEYS, at, in_folder, keys, run, with_metadata};

const VERIFIED: (Verdict, Reason) = (Verdict::Verified, Reason::ListedHash);

#[tokio::test]
async fn a_whole_chain_is_verified_to_the_last_file() {
    let bed = Bed::new();
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.verdicts.len(), bed.stock.len());
    assert_eq!(outcome.gaps(), []);
    assert!(!outcome.summary.is_alarming());
    assert_eq!(outcome.summary.logs[&Verdict::Verified], 6);
    let chain = &outcome.summary.chains[0];
    assert_eq!((chain.trail.as_str(), chain.digests), ("main", 3));
    assert_eq!((chain.from, chain.to), (Some(at("09:00")), Some(at("12:00"))));
    let of_log = outcome.all.iter().find(|one| one.location.ends_with(&bed.logs[0])).unwrap();
    assert!(of_log.digest.as_ref().unwrap().ends_with(&bed.digests[0]));
}

#[tokio::test]
async fn a_copy_without_metadata_proves_all_but_its_newest_hour() {
    let bed = Bed::new();
    let outcome = in_folder(&bed.stock, false, keys()).await;
    let waits = (Verdict::Pending, Reason::DigestPending);
    assert_eq!(outcome.of(&bed.digests[2]), (Verdict::Pending, Reason::SignatureNotAtHand));
    assert_eq!(outcome.of(&bed.logs[5]), waits);
    assert_eq!(outcome.of(&bed.logs[4]), waits);
    assert_eq!(outcome.of(&bed.digests[1]), (Verdict::Verified, Reason::NextDigestSignature));
    assert_eq!(outcome.trouble().len(), 3);
    assert!(!outcome.summary.is_alarming());
}

#[tokio::test]
async fn without_keys_nothing_is_verified_and_nothing_alarms() {
    let bed = Bed::new();
    let outcome = in_folder(&bed.stock, true, Keys::default()).await;
    assert_eq!(outcome.of(&bed.digests[0]), (Verdict::Pending, Reason::KeyNotAtHand));
    assert_eq!(outcome.summary.logs[&Verdict::Pending], 6);
    assert!(!outcome.summary.is_alarming());
    // The newest key alone proves the newest digest, and its link proves all before it.
    let mut bed = Bed::new();
    bed.trail.rotate(KEYS[1].clone());
    bed.hours(1);
    let mut newest = Keys::default();
    newest.add_answer(&key_list([&KEYS[1]], Encoding::Pkcs1)).unwrap();
    let outcome = in_folder(&bed.stock, true, newest).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.of(&bed.digests[0]), (Verdict::Verified, Reason::NextDigestHash));
}

#[tokio::test]
async fn a_flipped_byte_in_a_log_is_found() {
    let mut bed = Bed::new();
    bed.tamper(&bed.logs[2].clone(), |body| *body = gzip(b"{\"Records\":[]}"));
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(
        outcome.trouble(),
        [(bed.logs[2].as_str(), Verdict::HashMismatch, Reason::HashWrong)]
    );
    assert!(outcome.summary.is_alarming());
    let mut bed = Bed::new();
    bed.tamper(&bed.logs[2].clone(), |body| {
        let middle = body.len() / 2;
        body[middle] ^= 1;
    });
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.logs[2]).0, Verdict::HashMismatch);
}

#[tokio::test]
async fn a_deleted_log_is_missing() {
    let mut bed = Bed::new();
    bed.stock.remove(&bed.logs[3]);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.trouble(), [(bed.logs[3].as_str(), Verdict::Missing, Reason::NotThere)]);
}

#[tokio::test]
async fn a_deleted_digest_is_missing_and_its_logs_cannot_be_proven() {
    let mut bed = Bed::new();
    bed.stock.remove(&bed.digests[1]);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.digests[1]), (Verdict::Missing, Reason::NotThere));
    let torn = (Verdict::ChainBroken, Reason::NotCovered);
    assert_eq!((outcome.of(&bed.logs[2]), outcome.of(&bed.logs[3])), (torn, torn));
    assert_eq!((outcome.of(&bed.logs[1]), outcome.of(&bed.logs[4])), (VERIFIED, VERIFIED));
    assert_eq!(outcome.gaps(), [Reason::NotThere]);
    // A copy has no signature for the digest before the hole.
    let outcome = in_folder(&bed.stock, false, keys()).await;
    assert_eq!(outcome.of(&bed.digests[0]), (Verdict::Pending, Reason::SignatureNotAtHand));
}

#[tokio::test]
async fn a_deleted_oldest_digest_is_missing_too() {
    let mut bed = Bed::new();
    bed.stock.remove(&bed.digests[0]);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.digests[0]), (Verdict::Missing, Reason::NotThere));
}

#[tokio::test]
async fn a_flipped_digest_is_found_and_its_logs_are_not_believed() {
    for sidecars in [true, false] {
        let mut bed = Bed::new();
        bed.tamper(&bed.digests[1].clone(), |body| {
            let mut text = String::new();
            std::io::Read::read_to_string(
                &mut flate2::bufread::GzDecoder::new(body.as_slice()),
                &mut text,
            )
            .unwrap();
            *body = gzip(text.replace("10:05:00Z", "10:06:00Z").as_bytes());
        });
        let outcome = in_folder(&bed.stock, sidecars, keys()).await;
        assert_eq!(outcome.of(&bed.digests[1]).0, Verdict::HashMismatch);
        let torn = (Verdict::ChainBroken, Reason::DigestNotProven);
        assert_eq!((outcome.of(&bed.logs[2]), outcome.of(&bed.logs[3])), (torn, torn));
        // The digest before proves itself by the signature that the forger left in place.
        assert_eq!(outcome.of(&bed.digests[0]).0, Verdict::Verified);
        assert_eq!(outcome.of(&bed.logs[0]), VERIFIED);
    }
}

#[tokio::test]
async fn a_swapped_signature_in_the_metadata_is_found() {
    let mut bed = Bed::new();
    let other = bed.stock[&bed.digests[0]].metadata.clone();
    bed.stock.get_mut(&bed.digests[1]).unwrap().metadata = other.clone();
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.digests[1]), (Verdict::HashMismatch, Reason::SignatureReplaced));
    // The next digest still proves what it lists.
    assert_eq!(outcome.of(&bed.logs[2]), VERIFIED);
    assert_eq!(outcome.trouble().len(), 1);
    let mut bed = Bed::new();
    bed.stock.get_mut(&bed.digests[2]).unwrap().metadata = other;
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.digests[2]), (Verdict::HashMismatch, Reason::SignatureWrong));
    let torn = (Verdict::ChainBroken, Reason::DigestNotProven);
    assert_eq!(outcome.of(&bed.logs[5]), torn);
    assert_eq!(outcome.of(&bed.logs[3]), VERIFIED);
}

#[tokio::test]
async fn a_moved_digest_is_found() {
    let mut bed = Bed::new();
    let digest = bed.stock.remove(&bed.digests[1]).unwrap();
    let moved = bed.digests[1].replace("T110000Z", "T113000Z");
    bed.stock.insert(moved.clone(), digest);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&moved), (Verdict::HashMismatch, Reason::Moved));
    assert_eq!(outcome.of(&bed.digests[1]), (Verdict::Missing, Reason::NotThere));
    assert_eq!(outcome.of(&bed.logs[2]).0, Verdict::ChainBroken);
    // A log file in another's place is not what the digest lists for it.
    let mut bed = Bed::new();
    let log = bed.stock.remove(&bed.logs[0]).unwrap();
    bed.stock.insert(bed.logs[1].clone(), log);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.logs[0]), (Verdict::Missing, Reason::NotThere));
    assert_eq!(outcome.of(&bed.logs[1]), (Verdict::HashMismatch, Reason::HashWrong));
}

#[tokio::test]
async fn a_pause_of_validation_is_a_gap_and_its_files_are_not_proven() {
    let mut bed = Bed::empty(TrailNames::default());
    bed.hours(1);
    let during = bed.trail.names().log_key(at("10:30"), "pausepausepause0");
    bed.stock.insert(during.clone(), Stored { body: gzip(b"{}"), metadata: [].into() });
    bed.trail.pause(2);
    bed.hours(1);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.gaps(), [Reason::ChainRestarted]);
    let gap = &outcome.summary.chains[0].gaps[0];
    assert_eq!((gap.from, gap.to), (Some(at("10:00")), at("12:00")));
    assert_eq!(outcome.trouble(), [(during.as_str(), Verdict::ChainBroken, Reason::NotCovered)]);
}

#[tokio::test]
async fn an_empty_digest_is_a_link_like_any_other() {
    let mut bed = Bed::empty(TrailNames::default());
    for _ in 0..3 {
        bed.digests.push(bed.trail.digest(&mut bed.stock));
    }
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.summary.digests[&Verdict::Verified], 3);
}

#[tokio::test]
async fn two_trails_in_one_bucket_are_two_chains() {
    let mut bed = Bed::new();
    let names = TrailNames {
        trail: "second_trail".into(),
        home_region: "eu-west-1".into(),
        ..TrailNames::default()
    };
    let mut second = TrailWriter::new(names, KEYS[1].clone(), at("09:00"));
    for _ in 0..3 {
        // The random part would be the same as the first trail's otherwise.
        let log = second.log(&mut bed.stock, 50, 1, 1);
        bed.logs.push(log);
        bed.digests.push(second.digest(&mut bed.stock));
    }
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!((outcome.summary.chains.len(), outcome.gaps().len()), (2, 0));
    // Without its digests the second trail's files look added.
    let second_digests: Vec<String> =
        bed.digests.iter().filter(|key| key.contains("second_trail")).cloned().collect();
    for key in second_digests {
        bed.stock.remove(&key);
    }
    let outcome = with_metadata(&bed.stock).await;
    let unlisted = (Verdict::Unlisted, Reason::NotListed);
    assert_eq!(outcome.of(&bed.logs[6]), unlisted);
    assert_eq!(outcome.of(&bed.logs[8]), (Verdict::Pending, Reason::DigestNotYet));
}

#[tokio::test]
async fn an_organization_trail_has_a_chain_per_account_and_region() {
    let mut stock = yagura_testkit::trail::Stock::new();
    for (account, region) in [
        ("111122223333", "us-east-1"),
        ("444455556666", "us-east-1"),
        ("111122223333", "eu-west-1"),
    ] {
        let mut bed = Bed::empty(TrailNames {
            prefix: "audit/".into(),
            organization: Some("o-abcdefghij".into()),
            account: account.into(),
            region: region.into(),
            ..TrailNames::default()
        });
        bed.hours(2);
        stock.extend(bed.stock);
    }
    let outcome = with_metadata(&stock).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!((outcome.verdicts.len(), outcome.summary.chains.len()), (stock.len(), 3));
    let folder = tempfile::tempdir().unwrap();
    write_folder(&stock, folder.path(), true).unwrap();
    let below = folder.path().join("audit/AWSLogs/o-abcdefghij");
    let archive = Arc::new(FolderArchive::open(&below).unwrap());
    let selection = Selection {
        accounts: vec!["111122223333".into()],
        regions: vec!["eu-west-1".into()],
        ..Selection::default()
    };
    let keys = KeySource { keys: keys(), api: None };
    let outcome = run(archive, keys, &selection, at("12:30")).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.summary.chains.len(), 1);
    assert_eq!(outcome.verdicts.len(), 6);
}

#[tokio::test]
async fn backfill_digests_form_a_chain_of_their_own() {
    let mut bed = Bed::new();
    // Delivered between 11 and 12, but missed by the digest of that hour.
    let late = bed.trail.names().log_key(at("11:20"), "backfilledfile01");
    let text = b"{\"Records\":[]}";
    bed.stock.insert(late.clone(), Stored { body: gzip(text), metadata: [].into() });
    bed.trail.list(&late, text, at("11:15"));
    let backfill = bed.trail.backfill(&mut bed.stock);
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.of(&late), VERIFIED);
    assert_eq!(outcome.of(&backfill), (Verdict::Verified, Reason::Signature));
    assert_eq!((outcome.summary.chains.len(), outcome.gaps().len()), (2, 0));
}

#[tokio::test]
async fn a_key_may_change_in_the_middle_and_come_in_any_encoding() {
    let mut bed = Bed::new();
    bed.trail.rotate(KEYS[1].clone());
    bed.hours(2);
    for encoding in [Encoding::Pkcs1, Encoding::Spki, Encoding::Pkcs1Twice] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        // Two answers, one after another, as a script would collect them.
        let lists: String =
            KEYS.iter().map(|key| format!("{:#}\n", key_list([key], encoding))).collect();
        std::fs::write(&file, lists).unwrap();
        let (keys, faults) = read_keys(&file).unwrap();
        assert!(faults.is_empty() && keys.len() == 2);
        let outcome = in_folder(&bed.stock, true, keys).await;
        assert_eq!(outcome.trouble(), []);
    }
    // The other key proves nothing of what the first one signed.
    let mut wrong = Keys::default();
    let mut answer = key_list([&KEYS[1]], Encoding::Pkcs1);
    answer["PublicKeyList"][0]["Fingerprint"] = KEYS[0].fingerprint().into();
    wrong.add_answer(&answer).unwrap();
    let bed = Bed::new();
    let outcome = in_folder(&bed.stock, true, wrong).await;
    assert_eq!(outcome.summary.digests[&Verdict::HashMismatch], 3);
    assert_eq!(outcome.summary.logs[&Verdict::ChainBroken], 6);
}

#[tokio::test]
async fn bytes_behind_the_signed_member_are_found() {
    for tail in [gzip(b"{\"Records\":[{\"eventName\":\"forged\"}]}"), vec![0; 3]] {
        let mut bed = Bed::new();
        let (log, digest) = (bed.logs[0].clone(), bed.digests[1].clone());
        bed.tamper(&log, |body| body.extend(&tail));
        bed.tamper(&digest, |body| body.extend(&tail));
        let outcome = with_metadata(&bed.stock).await;
        let bad = (Verdict::HashMismatch, Reason::TrailingBytes);
        assert_eq!((outcome.of(&log), outcome.of(&digest)), (bad, bad));
    }
}

#[tokio::test]
async fn a_forged_addition_is_unlisted_once_its_hour_is_over() {
    let mut bed = Bed::new();
    let names = bed.trail.names().clone();
    let mut forge = |time, random: &str| {
        let key = names.log_key(at(time), random);
        let body = gzip(b"{\"Records\":[]}");
        bed.stock.insert(key.clone(), Stored { body, metadata: [].into() });
        key
    };
    let covered = forge("10:15", "forgedforged0001");
    let fresh = forge("12:10", "forgedforged0002");
    let before = forge("07:00", "forgedforged0003");
    let odd = format!("{}x.json.gz", names.log_key(at("10:15"), "").rsplit_once('/').unwrap().0);
    bed.stock.insert(odd.clone(), Stored { body: gzip(b"{}"), metadata: [].into() });
    let outcome = with_metadata(&bed.stock).await;
    let unlisted = (Verdict::Unlisted, Reason::NotListed);
    assert_eq!(outcome.of(&covered), unlisted);
    assert_eq!(outcome.of(&fresh), (Verdict::Pending, Reason::DigestNotYet));
    assert_eq!(outcome.of(&before), (Verdict::ChainBroken, Reason::NotCovered));
    assert!(outcome.summary.is_alarming());
}

#[tokio::test]
async fn a_log_delivered_late_belongs_to_the_hour_of_its_delivery() {
    let mut bed = Bed::new();
    let late = bed.trail.log(&mut bed.stock, 5, 1, 180);
    bed.digests.push(bed.trail.digest(&mut bed.stock));
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.of(&late), VERIFIED);
}

#[tokio::test]
async fn a_forged_digest_beside_the_chain_proves_nothing() {
    let mut bed = Bed::new();
    // Signed by a key that nobody knows, and listing a forged file.
    let stranger = yagura_testkit::trail::SigningKey::from_seed(3);
    let names = bed.trail.names().clone();
    let start = at("10:30") - SignedDuration::from_hours(1);
    let mut forger = TrailWriter::new(names, stranger, start);
    let forged = forger.log(&mut bed.stock, 20, 1, 1);
    let digest = forger.digest(&mut bed.stock);
    let outcome = with_metadata(&bed.stock).await;
    assert_ne!(outcome.of(&digest).0, Verdict::Verified);
    assert_ne!(outcome.of(&forged).0, Verdict::Verified);
    assert!(outcome.gaps().contains(&Reason::NotLinked));
    assert!(outcome.summary.is_alarming());
    // The true chain is followed past it.
    assert_eq!(outcome.of(&bed.logs[0]), VERIFIED);
    assert_eq!(outcome.of(&bed.digests[0]).0, Verdict::Verified);
}

#[tokio::test]
async fn a_span_of_time_is_verified_alone() {
    let mut bed = Bed::empty(TrailNames::default());
    bed.hours(12);
    let folder = tempfile::tempdir().unwrap();
    write_folder(&bed.stock, folder.path(), false).unwrap();
    let archive = Arc::new(FolderArchive::open(folder.path()).unwrap());
    let selection =
        Selection { since: Some(at("12:00")), until: Some(at("14:00")), ..Selection::default() };
    let keys = KeySource { keys: keys(), api: None };
    let outcome = run(archive, keys, &selection, at("21:30")).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.summary.logs[&Verdict::Verified], 4);
    assert_eq!(outcome.gaps(), []);
}

#[tokio::test]
async fn a_place_without_digests_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Arc::new(FolderArchive::open(folder.path()).unwrap());
    let outcome = run(archive, KeySource::default(), &Selection::default(), at("12:30")).await;
    assert!(outcome.verdicts.is_empty());
    assert!(outcome.summary.blind[0].detail.contains("CloudTrail-Digest"));
    assert!(FolderArchive::open(&folder.path().join("nowhere")).is_err());
}

#[tokio::test]
async fn logs_without_any_digest_wait_for_one() {
    let mut bed = Bed::new();
    for digest in &bed.digests {
        bed.stock.remove(digest);
    }
    let outcome = with_metadata(&bed.stock).await;
    assert_eq!(outcome.of(&bed.logs[5]), (Verdict::Pending, Reason::DigestNotYet));
    assert_eq!(outcome.summary.logs[&Verdict::Pending], 6);
}
