//! TLS by rustls, from a certificate chain and its key in PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::visible::Show as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use verifier::files::{self, Links};

use crate::failure::Failure;
use crate::files as secret;

/// Longest file of certificates or of a key, in bytes.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// A file is none, or cannot be read.
    #[error("[tls] {}: {why}; give PEM files: the chain with the server's own certificate first, and its key", .path.shown())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key is not there, or others can read it.
    #[error("[tls] {0}")]
    Key(#[from] Failure),
    /// They do not fit together.
    #[error("[tls] {}: {source}", .path.shown())]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Reads certificate and key.
///
/// # Errors
/// [`BadCertificate`] names the file.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, BadCertificate> {
    let bad =
        |path: &Path, why: &dyn std::fmt::Display| BadCertificate::File { path: path.to_owned(), why: why.to_string() };
    let read = |path: &Path| files::read(path, PEM_BYTES_MAX, Links::Followed).map_err(|e| bad(path, &e));
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|e| bad(certificate, &e))?;
    if chain.is_empty() {
        return Err(bad(certificate, &"no certificate in it"));
    }
    let absent = || Failure::Absent { what: "key", path: key.to_owned() };
    let secret = secret::read_secret(key, PEM_BYTES_MAX as usize)?.ok_or_else(absent)?;
    let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|e| bad(key, &e))?;
    let pair = |source| BadCertificate::Pair { path: certificate.to_owned(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
