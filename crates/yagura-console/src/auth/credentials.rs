//! Passwords and random secrets: made, hashed, compared.
//! Where the hashes are kept is the store's.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use yagura_store::people::Hash;
use zeroize::Zeroizing;

/// Memory of one hash in KiB, passes over it, lanes: what OWASP's Password Storage Cheat Sheet
/// gives for argon2id (seen 2026-11).
const COST: (u32, u32, u32) = (19_456, 2, 1);
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Bytes of what forms carry: an HMAC with SHA-256.
const PROOF_BYTES: usize = 32;
/// Characters of a password at least. NIST SP 800-63B-4 (3.1.1.2) asks for 15 where it is the only
/// factor and 8 where it is one of two; here a second factor is offered to everybody.
pub(crate) const PASSWORD_CHARACTERS_MIN: usize = 12;
/// Bytes of a password at most: nobody types more, and hashing more is work for nothing.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;

/// What went wrong with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// The machine gives no random bytes.
    #[error("the machine gives no random bytes")]
    Random,
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hash,
    /// It is too short.
    #[error("a password has at least {PASSWORD_CHARACTERS_MIN} characters")]
    TooShort,
    /// It is too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// It says the name, or one letter again and again.
    #[error("a password is not the name, nor one letter again and again")]
    TooSimple,
}

/// A random secret and what is kept of it.
#[derive(Clone)]
pub struct Fresh {
    /// The secret: shown or sent once.
    pub text: Zeroizing<String>,
    /// Its SHA-256.
    pub hash: Hash,
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fresh(…)")
    }
}

/// 256 random bits after a prefix that says what they are.
///
/// # Errors
/// Where the machine gives no random bytes.
pub fn fresh(prefix: &str) -> Result<Fresh, CredentialFault> {
    let bytes = Zeroizing::new(random::<32>()?);
    let text = Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*bytes)));
    let hash = digest(&text);
    Ok(Fresh { text, hash })
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], CredentialFault> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CredentialFault::Random)?;
    Ok(bytes)
}

/// What is kept of a random secret. Such a secret cannot be guessed, so that it needs no salt and
/// no slow hash.
pub fn digest(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    // Digests are of one length whatever the texts are; comparing them tells nothing of the texts.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"compare");
    ring::hmac::verify(&key, a.as_bytes(), ring::hmac::sign(&key, b.as_bytes()).as_ref()).is_ok()
}

/// What forms carry so that a page elsewhere cannot send them: it follows from a secret of the
/// browser's cookie, and the secret does not follow from it.
pub(crate) fn form_proof(secret: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, b"yagura form").as_ref())
}

/// A proof as one page carries it: never the same twice, so that nobody learns it from the length
/// of compressed pages that also show what they sent (BREACH, 2013).
pub(crate) fn masked(proof: &str) -> String {
    let (Ok(proof), Ok(mask)) = (URL_SAFE_NO_PAD.decode(proof), random::<PROOF_BYTES>()) else {
        return String::new();
    };
    if proof.len() != PROOF_BYTES {
        return String::new();
    }
    let hidden = proof.iter().zip(mask).map(|(byte, mask)| byte ^ mask);
    URL_SAFE_NO_PAD.encode(mask.into_iter().chain(hidden).collect::<Vec<_>>())
}

/// The proof that a page carried; none where it is no such text.
pub(crate) fn unmasked(sent: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(sent).ok()?;
    let (mask, hidden) = bytes.split_at_checked(PROOF_BYTES)?;
    let proof: Vec<u8> = hidden.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    (hidden.len() == PROOF_BYTES).then(|| URL_SAFE_NO_PAD.encode(proof))
}

/// Whether a text may be somebody's password.
///
/// # Errors
/// Why not.
pub fn fit_for_password(password: &str, name: &str) -> Result<(), CredentialFault> {
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(CredentialFault::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(CredentialFault::TooLong);
    }
    let mut letters = password.chars();
    let first = letters.next();
    let one_letter = letters.all(|letter| Some(letter) == first);
    if one_letter || password.to_lowercase().contains(&name.to_lowercase()) {
        return Err(CredentialFault::TooSimple);
    }
    Ok(())
}

/// The hash of a password: argon2id, with its parameters and a salt of its own.
///
/// # Errors
/// Where the machine gives no random bytes or no memory.
pub fn hashed(password: &str) -> Result<String, CredentialFault> {
    let salt = random::<SALT_BYTES>()?;
    let hash = argon(password, &salt, COST)?;
    let (m, t, p) = COST;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

/// Whether a password is the one of a hash. Without a hash, or with one that cannot be read, it
/// takes the same work and is not.
pub(crate) fn matches(password: &str, kept: Option<&str>) -> bool {
    let read = kept.and_then(read_hash);
    let known = read.is_some();
    let (cost, salt, hash) =
        read.unwrap_or_else(|| (COST, vec![0; SALT_BYTES], vec![0; HASH_BYTES]));
    let password = if password.len() > PASSWORD_BYTES_MAX { "" } else { password };
    let Ok(computed) = argon(password, &salt, cost) else { return false };
    same(&hex::encode(computed), &hex::encode(hash)) && known
}

/// Memory in kibibytes, passes and lanes.
type Cost = (u32, u32, u32);

/// Parameters, salt and hash of a text as [`hashed`] writes it.
fn read_hash(text: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = text.split('$');
    if (parts.next(), parts.next(), parts.next()) != (Some(""), Some("argon2id"), Some("v=19")) {
        return None;
    }
    let mut numbers = parts.next()?.split(',').map(|one| {
        let (_, number) = one.split_once('=')?;
        number.parse().ok()
    });
    let cost = (numbers.next()??, numbers.next()??, numbers.next()??);
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    (hash.len() == HASH_BYTES).then_some((cost, salt, hash))
}

fn argon(
    password: &str,
    salt: &[u8],
    (memory, passes, lanes): Cost,
) -> Result<[u8; HASH_BYTES], CredentialFault> {
    let params = Params::new(memory, passes, lanes, Some(HASH_BYTES));
    let params = params.map_err(|_| CredentialFault::Hash)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; HASH_BYTES];
    argon
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(|_| CredentialFault::Hash)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let kept = hashed("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(matches("correct horse battery", Some(&kept)));
        assert!(!matches("correct horse batterz", Some(&kept)));
        assert!(!matches("", Some(&kept)));
        assert_ne!(kept, hashed("correct horse battery").unwrap(), "each has a salt of its own");
    }

    #[test]
    fn a_proof_looks_different_on_each_page_and_is_the_same() {
        let proof = form_proof("a secret");
        let (one, two) = (masked(&proof), masked(&proof));
        assert_ne!(one, two);
        assert_eq!((unmasked(&one), unmasked(&two)), (Some(proof.clone()), Some(proof.clone())));
        assert_eq!(masked(""), "");
        for sent in ["", "AAAA", &proof, &format!("{one}AAAA"), "not base 64 !"] {
            assert_eq!(unmasked(sent), None, "{sent}");
        }
        assert_ne!(unmasked(&masked(&form_proof("other"))), Some(proof));
    }

    #[test]
    fn what_is_no_hash_matches_nothing() {
        let zeros = format!("$argon2id$v=19$m=8,t=1,p=1${}$", STANDARD_NO_PAD.encode([0; 16]));
        for kept in [None, Some(""), Some("plain"), Some("$2b$12$abc"), Some(zeros.as_str())] {
            assert!(!matches("", kept), "{kept:?}");
            assert!(!matches("plain", kept), "{kept:?}");
        }
    }

    #[test]
    fn short_long_and_simple_passwords_are_refused() {
        let check = |password: &str, expected| {
            assert_eq!(fit_for_password(password, "Aiko"), expected, "{password}");
        };
        check("correct horse", Ok(()));
        check("パスワードは十二文字以上です", Ok(()));
        check("short", Err(CredentialFault::TooShort));
        check(&"x1".repeat(600), Err(CredentialFault::TooLong));
        check("aaaaaaaaaaaaaaaa", Err(CredentialFault::TooSimple));
        check("aiko-aiko-2026", Err(CredentialFault::TooSimple));
    }

    #[test]
    fn random_secrets_differ_and_say_nothing_in_logs() {
        let (a, b) = (fresh("yagura_").unwrap(), fresh("yagura_").unwrap());
        assert_ne!(*a.text, *b.text);
        assert_eq!(a.text.len(), "yagura_".len() + 43);
        assert_eq!(digest(&a.text), a.hash);
        assert_eq!(format!("{a:?}"), "Fresh(…)");
    }

    #[test]
    fn the_proof_of_a_form_follows_from_the_secret_alone() {
        assert_eq!(form_proof("a"), form_proof("a"));
        assert_ne!(form_proof("a"), form_proof("b"));
        assert!(same("a", "a") && !same("a", "b") && !same("a", "") && same("", ""));
    }
}
