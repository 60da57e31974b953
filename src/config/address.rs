use url::{Host, Url};

/// Whether secrets may travel to this address: https, or http where the host is
/// this machine itself. Holds for what the configuration names and for what a
/// portal redirects to.
pub fn is_safe(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the host is 127.0.0.0/8, `::1` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// An address as people write it: without the slash at its end.
pub fn written(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// The host of an address, with its port where that is not the usual one: `acme.bitrix24.com`,
/// `127.0.0.1:8080`.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// What is wrong with an address, without the address: somebody may have pasted
/// a webhook, whose path is its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("is not a URL")]
    Syntax,
    #[error("is not an https URL (http is accepted for this machine's loopback addresses alone)")]
    Scheme,
    #[error("holds a user name or password")]
    User,
    #[error("holds more than a host (a path, query or fragment)")]
    Path,
}

/// Reads an address that may have a path and a query.
pub(super) fn parse(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::Syntax)?;
    if is_safe(&url) {
        Ok(url)
    } else {
        Err(AddressError::Scheme)
    }
}

/// Reads an address that is a host and perhaps a port: `https://host[:port]/`.
pub(super) fn parse_origin(text: &str) -> Result<Url, AddressError> {
    let url = parse(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::User);
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(AddressError::Path);
    }
    Ok(url)
}
