//! Envelopes: a secret under a data key of its own (AES-256-GCM), the data key under a master key.
//! Who holds master keys is not known here, nor where envelopes are kept.
//!
//! INVARIANT: both layers are bound to the secret's name and version by their additional data, so
//! that an envelope moved to another name, or an older one put back under a newer version, is
//! refused and not opened as something else.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use yagura_model::secret::Secret;
use zeroize::Zeroizing;

/// The first byte of what [`seal`] gives: another layout takes another number.
const FORMAT: u8 = 1;
/// Bytes of a key of AES-256.
const KEY_BYTES: usize = 32;

/// A key that encrypts one version of one secret. Its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// Takes a key's bytes; nothing else than 32 of them are one.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// A fresh one, from the operating system's random source.
    ///
    /// # Errors
    /// [`SealFault::NoRandom`] where that source gives nothing.
    pub fn random() -> Result<Self, SealFault> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new().fill(bytes.as_mut()).map_err(|_| SealFault::NoRandom)?;
        Ok(Self(bytes))
    }

    /// The bytes, for whoever wraps or writes them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// What tells this key from others and gives nothing of it away: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::new().chain_update("yagura master key").chain_update(self.expose());
        hex::encode(digest.finalize()).chars().take(16).collect()
    }

    /// The key as 64 hexadecimal digits, for a key file.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.expose()))
    }

    /// Reads what [`DataKey::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        Self::new(&Zeroizing::new(hex::decode(text).ok()?))
    }

    fn cipher(&self) -> Result<LessSafeKey, SealFault> {
        let key = UnboundKey::new(&AES_256_GCM, self.expose()).map_err(|_| SealFault::Refused)?;
        Ok(LessSafeKey::new(key))
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DataKey(…)")
    }
}

/// Which secret an envelope belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// The secret's name.
    pub name: String,
    /// Its version: 1 when it was first set.
    pub version: u64,
}

impl Belonging {
    /// The additional data of a layer. The length of the name stands before it, so that no two
    /// belongings read alike.
    fn bound(&self, layer: &str) -> Vec<u8> {
        let (name, version) = (&self.name, self.version);
        format!("yagura {layer} {FORMAT} {}:{name} {version}", name.len()).into_bytes()
    }
}

/// Why an envelope was not opened, or not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// Another key, or another content: the two cannot be told apart.
    #[error("it does not open: it was sealed with another key, belongs elsewhere, or was changed")]
    Refused,
    /// Too few bytes.
    #[error("it is truncated")]
    Truncated,
    /// A layout of a later release.
    #[error("it has layout {0}, made by a newer yagura")]
    Newer(u8),
    /// The master key that it names is not at hand.
    #[error("its master key `{0}` is not at hand")]
    NoMaster(String),
    /// The master key could not be asked.
    #[error("the master key could not be used: {0}")]
    Unavailable(String),
    /// What it holds is no text.
    #[error("it holds no UTF-8 text")]
    NotText,
    /// The operating system gives no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandom,
}

/// Encrypts a secret under a data key.
pub(crate) fn seal(key: &DataKey, of: &Belonging, secret: &Secret) -> Result<Vec<u8>, SealFault> {
    encrypt(key, of, "secret", secret.expose().as_bytes())
}

/// Opens what [`seal`] made.
pub(crate) fn open(key: &DataKey, of: &Belonging, sealed: &[u8]) -> Result<Secret, SealFault> {
    let plain = decrypt(key, of, "secret", sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| SealFault::NotText)?;
    Ok(Secret::new(text))
}

/// Wraps a data key under a master key that is at hand as bytes (a key file).
///
/// # Errors
/// [`SealFault::NoRandom`].
pub fn wrap(master: &DataKey, of: &Belonging, key: &DataKey) -> Result<Vec<u8>, SealFault> {
    encrypt(master, of, "key", key.expose())
}

/// Unwraps what [`wrap`] made.
///
/// # Errors
/// Where it was wrapped under another key, for another secret, or was changed since.
pub fn unwrap(master: &DataKey, of: &Belonging, wrapped: &[u8]) -> Result<DataKey, SealFault> {
    let bytes = decrypt(master, of, "key", wrapped)?;
    DataKey::new(&bytes).ok_or(SealFault::Truncated)
}

/// `format | nonce | ciphertext | tag`. The nonce is random: a data key encrypts once, a master
/// key as often as secrets are set or rotated, far from the 2^32 that NIST SP 800-38D (8.3)
/// allows.
fn encrypt(key: &DataKey, of: &Belonging, layer: &str, plain: &[u8]) -> Result<Vec<u8>, SealFault> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| SealFault::NoRandom)?;
    let mut body = plain.to_vec();
    key.cipher()?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(of.bound(layer)),
            &mut body,
        )
        .map_err(|_| SealFault::Refused)?;
    let mut sealed = vec![FORMAT];
    sealed.extend_from_slice(&nonce);
    sealed.append(&mut body);
    Ok(sealed)
}

fn decrypt(
    key: &DataKey,
    of: &Belonging,
    layer: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealFault> {
    let (format, rest) = sealed.split_first().ok_or(SealFault::Truncated)?;
    if *format > FORMAT {
        return Err(SealFault::Newer(*format));
    }
    let (nonce, body) = rest.split_first_chunk().ok_or(SealFault::Truncated)?;
    if *format != FORMAT || body.len() < AES_256_GCM.tag_len() {
        return Err(SealFault::Truncated);
    }
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = key
        .cipher()?
        .open_in_place(nonce, Aad::from(of.bound(layer)), &mut body)
        .map_err(|_| SealFault::Refused)?
        .len();
    body.truncate(plain);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, version: u64) -> Belonging {
        Belonging { name: name.into(), version }
    }

    fn sealed() -> (DataKey, Vec<u8>) {
        let key = DataKey::random().unwrap();
        let sealed = seal(&key, &of("smtp", 1), &Secret::new("hunter2")).unwrap();
        (key, sealed)
    }

    #[test]
    fn what_was_sealed_opens_with_its_key_and_only_as_what_it_is() {
        let (key, sealed) = sealed();
        assert_eq!(open(&key, &of("smtp", 1), &sealed).unwrap().expose(), "hunter2");
        for other in [of("smtp", 2), of("slack", 1), of("smtp 1", 1)] {
            assert_eq!(open(&key, &other, &sealed).unwrap_err(), SealFault::Refused);
        }
        let another = DataKey::random().unwrap();
        assert_eq!(open(&another, &of("smtp", 1), &sealed).unwrap_err(), SealFault::Refused);
        // The layers do not stand in for each other.
        assert!(matches!(unwrap(&key, &of("smtp", 1), &sealed), Err(SealFault::Refused)));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_refused() {
        let (key, sealed) = sealed();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &of("smtp", 1), &changed).is_err(), "byte {at}");
            assert!(open(&key, &of("smtp", 1), &sealed[..at]).is_err(), "cut at {at}");
        }
        let short = open(&key, &of("smtp", 1), &sealed[..20]).unwrap_err();
        assert_eq!(short, SealFault::Truncated);
        assert_eq!(open(&key, &of("smtp", 1), &[9; 60]).unwrap_err(), SealFault::Newer(9));
    }

    #[test]
    fn the_same_secret_never_seals_alike() {
        let (key, one) = sealed();
        let two = seal(&key, &of("smtp", 1), &Secret::new("hunter2")).unwrap();
        assert_ne!(one, two);
        assert!(!one.windows(7).any(|bytes| bytes == b"hunter2"));
    }

    #[test]
    fn a_data_key_is_wrapped_for_one_secret_and_shown_nowhere() {
        let (master, key) = (DataKey::random().unwrap(), DataKey::random().unwrap());
        let wrapped = wrap(&master, &of("a", 1), &key).unwrap();
        assert_eq!(unwrap(&master, &of("a", 1), &wrapped).unwrap().expose(), key.expose());
        assert_eq!(unwrap(&master, &of("b", 1), &wrapped).unwrap_err(), SealFault::Refused);
        assert_eq!(unwrap(&key, &of("a", 1), &wrapped).unwrap_err(), SealFault::Refused);
        assert_eq!(format!("{key:?}"), "DataKey(…)");
        assert!(DataKey::new(&[0; 31]).is_none());
        let read = DataKey::from_hex(&key.to_hex()).unwrap();
        assert_eq!(read.fingerprint(), key.fingerprint());
        assert_ne!(read.fingerprint(), master.fingerprint());
        assert!(!key.to_hex().contains(&key.fingerprint()));
    }
}
