//! Names, keys, digests and sign files of CloudTrail as whoever forges them may write them.
//! Every outcome of a chain is claimed in `yagura-collect`, where files are read.

use proptest::prelude::*;
use serde_json::{Value, json};
use yagura_analyze::trail::{
    Digest, DigestName, Keys, LakeResultFault, LogName, PublicKey, SignedResult, Verdict, sha256,
    string_to_sign,
};
use yagura_testkit::trail::{Encoding, SigningKey, Stock, TrailNames, TrailWriter, key_list};

/// The sign file of a query's result, as CloudTrail Lake writes it.
fn sign_file(key: &SigningKey, hashes: &[&str], signed: &str) -> Value {
    let files: Vec<Value> = hashes
        .iter()
        .enumerate()
        .map(|(n, hash)| json!({"fileHashValue": hash, "fileName": format!("result_{n}.csv.gz")}))
        .collect();
    json!({
        "version": "1.0", "region": "us-east-1", "files": files, "hashAlgorithm": "SHA-256",
        "signatureAlgorithm": "SHA256withRSA", "queryCompleteTime": "2026-11-21T10:00:00Z",
        "hashSignature": key.sign(signed), "publicKeyFingerprint": key.fingerprint(),
    })
}

#[test]
fn a_query_result_is_proven_by_the_hashes_in_their_order() {
    let key = SigningKey::from_seed(1);
    let mut keys = Keys::default();
    keys.add_answer(&key_list([&key], Encoding::Spki)).unwrap();
    let (a, b) = (sha256(b"a"), sha256(b"b"));
    let signed = format!("{a} {b}");
    let check = |file: &Value, keys: &Keys| {
        SignedResult::parse(file.to_string().as_bytes()).and_then(|file| file.verify(keys))
    };
    check(&sign_file(&key, &[&a, &b], &signed), &keys).unwrap();
    let swapped = check(&sign_file(&key, &[&b, &a], &signed), &keys);
    assert!(matches!(swapped, Err(LakeResultFault::Signature)));
    let added = check(&sign_file(&key, &[&a, &b, &a], &signed), &keys);
    assert!(matches!(added, Err(LakeResultFault::Signature)));
    let unknown = check(&sign_file(&key, &[&a, &b], &signed), &Keys::default());
    assert!(matches!(unknown, Err(LakeResultFault::NoKey(_))));
    let mut weak = sign_file(&key, &[&a, &b], &signed);
    weak["hashAlgorithm"] = "MD5".into();
    assert!(matches!(check(&weak, &keys), Err(LakeResultFault::Algorithm(_))));
    assert!(matches!(check(&json!({}), &keys), Err(LakeResultFault::Shape(_))));
}

#[test]
fn a_signature_covers_every_part_of_its_text() {
    let key = SigningKey::from_seed(1);
    let mut stock = Stock::new();
    let start = "2026-11-21T09:00:00Z".parse().unwrap();
    let mut trail = TrailWriter::new(TrailNames::default(), key.clone(), start);
    trail.digest(&mut stock);
    let name = trail.digest(&mut stock);
    let signature = &stock[&name].metadata["signature"];
    let mut text = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::bufread::GzDecoder::new(stock[&name].body.as_slice()),
        &mut text,
    )
    .unwrap();
    let public = key.public(Encoding::Pkcs1);
    let public = PublicKey::new(key.fingerprint(), public["Value"].as_str().unwrap()).unwrap();
    let whole = string_to_sign(&Digest::parse(&text).unwrap(), &sha256(&text));
    assert!(public.verifies(&whole, signature));
    for part in 0..4 {
        let mut parts: Vec<String> = whole.split('\n').map(str::to_owned).collect();
        parts[part].push('0');
        assert!(!public.verifies(&parts.join("\n"), signature), "part {part}");
    }
    assert!(!public.verifies(&whole, "") && !public.verifies(&whole, "zz"));
    let flipped = signature.replacen(|c: char| c != '0', "0", 1);
    assert!(!public.verifies(&whole, &flipped));
}

#[test]
fn the_words_of_verdicts_are_promises() {
    let words: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.as_str()).collect();
    let promised = ["verified", "pending", "unlisted", "hash_mismatch", "missing", "chain_broken"];
    assert_eq!(words, promised);
}

proptest! {
    #[test]
    fn no_name_and_no_bytes_stop_the_readers(text in ".{0,120}", bytes: Vec<u8>) {
        let _ = (DigestName::parse(&text), LogName::parse(&text));
        let _ = (PublicKey::new("f", &text), Digest::parse(&bytes), SignedResult::parse(&bytes));
        let name = format!("111122223333_CloudTrail_{text}.json.gz");
        let _ = (DigestName::parse(&name), LogName::parse(&name));
    }

    #[test]
    fn no_encoding_of_a_key_stops_its_reader(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        use base64::Engine as _;
        let value = base64::engine::general_purpose::STANDARD.encode(&bytes);
        // Whatever it is taken for, it proves nothing.
        if let Ok(key) = PublicKey::new("f", &value) {
            prop_assert!(!key.verifies("text", "00"));
        }
    }
}
