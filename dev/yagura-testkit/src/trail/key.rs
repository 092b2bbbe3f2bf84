//! Keys that sign test data as CloudTrail's do, made anew from a seed at test time.
//! No key is kept anywhere; what they protect is nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::sha2::{Digest, Sha256};
use rsa::{Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};

/// As large as CloudTrail's.
const SIZE_BITS: usize = 2048;

/// A key pair.
#[derive(Clone, Debug)]
pub struct SigningKey {
    private: RsaPrivateKey,
    fingerprint: String,
}

/// How a public key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RSAPublicKey, as documented.
    Pkcs1,
    /// SubjectPublicKeyInfo, as in one example of the documentation.
    Spki,
    /// RSAPublicKey with one more layer of base64.
    Pkcs1Twice,
}

impl SigningKey {
    /// The key of a seed: always the same.
    ///
    /// # Panics
    /// Never: a seed gives a key sooner or later.
    pub fn from_seed(seed: u64) -> Self {
        let mut numbers = Numbers(fastrand::Rng::with_seed(seed));
        #[expect(clippy::expect_used, reason = "a failure here must fail the test")]
        let private = RsaPrivateKey::new(&mut numbers, SIZE_BITS).expect("a key");
        let der = pkcs1(&private);
        let fingerprint = hex(&Sha256::digest(&der)).chars().take(32).collect();
        Self { private, fingerprint }
    }

    /// What digests call it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The signature of a text, in hex.
    ///
    /// # Panics
    /// Never, with a key of this size.
    pub fn sign(&self, text: &str) -> String {
        let hash = Sha256::digest(text.as_bytes());
        #[expect(clippy::expect_used, reason = "a failure here must fail the test")]
        let signature =
            self.private.sign(Pkcs1v15Sign::new::<Sha256>(), &hash).expect("a signature");
        hex(&signature)
    }

    /// The public key as `ListPublicKeys` would give it.
    ///
    /// # Panics
    /// Never.
    pub fn public(&self, encoding: Encoding) -> Value {
        let once = |der: &[u8]| STANDARD.encode(der);
        #[expect(clippy::expect_used, reason = "a failure here must fail the test")]
        let value = match encoding {
            Encoding::Pkcs1 => once(&pkcs1(&self.private)),
            Encoding::Pkcs1Twice => STANDARD.encode(once(&pkcs1(&self.private))),
            Encoding::Spki => {
                let key = RsaPublicKey::from(&self.private);
                once(key.to_public_key_der().expect("an encoding").as_bytes())
            }
        };
        json!({
            "Fingerprint": self.fingerprint, "Value": value,
            "ValidityStartTime": "2026-01-01T00:00:00Z", "ValidityEndTime": "2027-01-01T00:00:00Z",
        })
    }
}

fn pkcs1(private: &RsaPrivateKey) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "a failure here must fail the test")]
    RsaPublicKey::from(private).to_pkcs1_der().expect("an encoding").as_bytes().to_vec()
}

/// An answer of `ListPublicKeys` with these keys.
pub fn key_list<'a>(keys: impl IntoIterator<Item = &'a SigningKey>, encoding: Encoding) -> Value {
    let list: Vec<Value> = keys.into_iter().map(|key| key.public(encoding)).collect();
    json!({"PublicKeyList": list})
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Repeatable numbers where the library asks for unpredictable ones.
struct Numbers(fastrand::Rng);

impl RngCore for Numbers {
    fn next_u32(&mut self) -> u32 {
        self.0.u32(..)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl CryptoRng for Numbers {}
