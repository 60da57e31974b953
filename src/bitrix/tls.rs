//! TLS: whom the program trusts, and the implementation that checks it.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

/// What HTTP may be spoken over TLS, the newest first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The settings of every connection: certificates are checked against the system's own roots.
///
/// # Errors
/// Where the system's certificate store cannot be read or is empty.
pub(super) fn settings() -> Result<ClientConfig, rustls::Error> {
    let mut settings = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    settings.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(settings)
}
