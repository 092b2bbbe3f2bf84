//! A certificate and its key from two files, and the same ones again when the files have changed.
//! Connections are accepted in the module above.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, ServerConfig};

use super::CertificateFiles;

/// A file larger than this is no certificate.
const BYTES_MAX: u64 = 1 << 20;

/// Why a certificate cannot be used. Nothing of a key is repeated.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    /// The file cannot be read.
    #[error("could not read `{0}`")]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file is far too large.
    #[error("`{0}` is larger than 1 MiB: it is no certificate and no key")]
    TooLarge(PathBuf),
    /// There is no certificate in the file.
    #[error("there is no `BEGIN CERTIFICATE` in `{0}`: the certificate must be in PEM")]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error("there is no unencrypted private key in `{0}`: it must be in PEM")]
    NoKey(PathBuf),
    /// Something between BEGIN and END is no PEM.
    #[error("`{0}` is broken")]
    Broken(PathBuf, #[source] pem::Error),
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("the certificate `{certificate}` cannot be used with the key `{key}`")]
    Unfit {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        why: Error,
    },
}

/// A certificate that may change while it is in use.
#[derive(Debug)]
pub(super) struct Renewed {
    files: CertificateFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    digest: [u8; 32],
    key: Arc<CertifiedKey>,
}

impl Renewed {
    pub(super) fn read(files: &CertificateFiles) -> Result<Self, CertificateFault> {
        let provider = Arc::new(ring::default_provider());
        let current = RwLock::new(read(files, &provider)?);
        Ok(Self { files: files.clone(), provider, current })
    }

    /// What TLS is spoken with.
    pub(super) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, CertificateFault> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|why| self.unfit(why))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn unfit(&self, why: Error) -> CertificateFault {
        let CertificateFiles { certificate, key } = self.files.clone();
        CertificateFault::Unfit { certificate, key, why }
    }

    /// Reads the files again; whether they were others. Certificate and key are written one after
    /// the other by who renews them: a pair that does not fit yet is looked at again later.
    pub(super) fn look(&self) -> Result<bool, CertificateFault> {
        let read = read(&self.files, &self.provider)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let other = read.digest != current.digest;
        if other {
            *current = read;
        }
        Ok(other)
    }
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.key))
    }
}

fn read(files: &CertificateFiles, provider: &CryptoProvider) -> Result<Current, CertificateFault> {
    let chain_text = bytes(&files.certificate)?;
    let key_text = bytes(&files.key)?;
    let broken = |path: &Path| {
        let path = path.to_owned();
        move |error| CertificateFault::Broken(path, error)
    };
    let chain = CertificateDer::pem_slice_iter(&chain_text);
    let chain: Vec<CertificateDer<'static>> =
        chain.collect::<Result<_, _>>().map_err(broken(&files.certificate))?;
    if chain.is_empty() {
        return Err(CertificateFault::NoCertificate(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_slice(&key_text).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateFault::NoKey(files.key.clone()),
        error => broken(&files.key)(error),
    })?;
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|why| {
        let CertificateFiles { certificate, key } = files.clone();
        CertificateFault::Unfit { certificate, key, why }
    })?;
    let mut digest = Sha256::new();
    digest.update(&chain_text);
    digest.update(&key_text);
    Ok(Current { digest: digest.finalize().into(), key: Arc::new(key) })
}

fn bytes(path: &Path) -> Result<Vec<u8>, CertificateFault> {
    let unreadable = |error| CertificateFault::Unreadable(path.to_owned(), error);
    let size_bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if size_bytes > BYTES_MAX {
        return Err(CertificateFault::TooLarge(path.to_owned()));
    }
    std::fs::read(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }

        fn files(&self, certificate: &str, key: &str) -> CertificateFiles {
            CertificateFiles {
                certificate: self.write("tls.crt", certificate),
                key: self.write("tls.key", key),
            }
        }
    }

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn what_cannot_be_used_is_said_by_its_file_and_no_key_is_repeated() {
        let folder = Folder::new();
        let ((certificate, key), (_, other)) = (made(), made());
        let check = |certificate: &str, key: &str, words: &str| {
            let error = Renewed::read(&folder.files(certificate, key)).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(!format!("{error:?}").contains("MIG"), "{error:?}");
        };
        check("", &key, "no `BEGIN CERTIFICATE`");
        check(&certificate, "", "no unencrypted private key");
        check(&certificate, &certificate, "no unencrypted private key");
        check(&certificate, &other, "cannot be used with the key");
        check("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", &key, "is broken");
        let nowhere =
            CertificateFiles { certificate: "nowhere.crt".into(), key: folder.write("k", &key) };
        let error = Renewed::read(&nowhere).unwrap_err();
        assert_eq!(error.to_string(), "could not read `nowhere.crt`");
    }

    #[test]
    fn a_renewed_certificate_is_taken_and_a_broken_one_changes_nothing() {
        let folder = Folder::new();
        let (certificate, key) = made();
        let renewed = Renewed::read(&folder.files(&certificate, &key)).unwrap();
        let shown = || renewed.current.read().unwrap().key.cert.clone();
        let first = shown();
        assert!(!renewed.look().unwrap(), "the same files are nothing new");
        let (certificate, key) = made();
        folder.write("tls.crt", &certificate);
        renewed.look().unwrap_err();
        assert_eq!(shown(), first, "a pair that does not fit is not used");
        folder.write("tls.key", &key);
        assert!(renewed.look().unwrap());
        assert_ne!(shown(), first);
    }
}
