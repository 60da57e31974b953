//! HTTP over real connections: the network that the program uses.

use std::{error::Error, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    Client,
    header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION},
    redirect::Policy,
};
use rustls::CertificateError;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::network::{
    Body, Coming, Distrust, Fault, Leg, Network, Pieces, Request, Response, Verb,
};
use super::tls;
use crate::config::{PROXIES, is_loopback};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why HTTP cannot be set up on this host.
#[derive(Debug, thiserror::Error)]
pub enum NoHttp {
    /// No certificate can be checked.
    #[error("the system's certificates cannot be used: {0}")]
    Certificates(rustls::Error),
    /// The client refuses its settings: those of a proxy, as a rule.
    #[error(transparent)]
    Settings(#[from] reqwest::Error),
}

/// HTTP by way of the system's certificates and the proxy that the environment names.
pub struct Http {
    client: Client,
    /// Past any proxy, for this machine itself: what travels unencrypted must not leave it.
    direct: Client,
    /// Which addresses go through the proxy, as the client decides it.
    proxies: Matcher,
}

impl Http {
    /// Sets up the clients.
    ///
    /// # Errors
    /// Where the system's certificate store or the proxy settings cannot be used.
    pub fn new() -> Result<Self, NoHttp> {
        let tls = tls::settings().map_err(NoHttp::Certificates)?;
        let builder = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("b24-tidyd/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                // A renamed portal answers 302, and following it would turn our POST into a GET.
                .redirect(Policy::none())
        };
        let client = builder().build()?;
        let proxied = PROXIES.iter().any(|name| std::env::var_os(name).is_some());
        let direct = match proxied {
            true => builder().no_proxy().build()?,
            false => client.clone(),
        };
        Ok(Self {
            client,
            direct,
            proxies: Matcher::from_env(),
        })
    }

    fn goes_through_proxy(&self, url: &Url) -> bool {
        let uri = url.as_str().parse();
        !is_loopback(url) && uri.is_ok_and(|uri| self.proxies.intercept(&uri).is_some())
    }

    async fn exchange(&self, request: Request) -> Result<Response, Fault> {
        let Request { verb, url, body } = request;
        let client = if is_loopback(&url) {
            &self.direct
        } else {
            &self.client
        };
        let request = match verb {
            Verb::Post => client.post(url.clone()),
            Verb::Get => client.get(url.clone()),
            Verb::Head => client.head(url.clone()),
        };
        let request = request.header(ACCEPT, "application/json");
        let posted = |kind: &str, text: &SecretString| {
            let text = text.expose_secret().to_owned();
            (kind.to_owned(), text)
        };
        let request = match body.map(|body| match body {
            Body::Json(text) => posted("application/json", &text),
            Body::Form(text) => posted("application/x-www-form-urlencoded", &text),
        }) {
            Some((kind, text)) => request.header(CONTENT_TYPE, kind).body(text),
            None => request,
        };
        let through_proxy = self.goes_through_proxy(&url);
        let sent = request.send().await;
        let response = sent.map_err(|error| sort(error, &url, through_proxy))?;
        let header = |name: HeaderName| {
            let value = response.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Ok(Response {
            status: response.status().as_u16(),
            location: header(LOCATION),
            content_type: header(CONTENT_TYPE),
            body: Box::new(Chunks {
                response,
                url,
                through_proxy,
            }),
        })
    }
}

impl Network for Http {
    fn send(&self, request: Request) -> Coming<'_, Response> {
        Box::pin(self.exchange(request))
    }
}

/// A body on its way.
struct Chunks {
    response: reqwest::Response,
    url: Url,
    through_proxy: bool,
}

impl Pieces for Chunks {
    fn next(&mut self) -> Coming<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let chunk = self.response.chunk().await;
            chunk
                .map(|chunk| chunk.map(|bytes| bytes.to_vec()))
                .map_err(|error| sort(error, &self.url, self.through_proxy))
        })
    }
}

/// How far a request came that failed so.
fn sort(error: reqwest::Error, url: &Url, through_proxy: bool) -> Fault {
    let error = error.without_url();
    let causes = causes(&error);
    let reason = causes
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let says = |part: &str| causes.iter().any(|cause| cause.to_string().contains(part));
    if !(error.is_connect() || error.is_builder()) {
        let reason = if error.is_timeout() {
            "no answer in time"
        } else {
            &reason
        };
        return Fault::no_answer(url, reason);
    }
    let leg = if says("tunnel error") {
        Leg::Proxy
    } else if let Some(error) = causes.iter().find_map(|cause| tls_error(*cause)) {
        Leg::Tls(distrust(error))
    } else if through_proxy {
        // Only the proxy itself was looked for and knocked at.
        Leg::Proxy
    } else if says("dns error") {
        Leg::Name
    } else {
        Leg::Connection
    };
    if error.is_timeout() {
        let seconds = CONNECT_TIMEOUT.as_secs();
        return Fault::new(leg, url, &format!("nobody answered within {seconds} s"));
    }
    Fault::new(leg, url, &reason)
}

/// The error and what caused it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = vec![error];
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner);
        cause = inner.source();
    }
    causes
}

fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = cause.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    // An I/O error passes its own cause over when it is asked for its source.
    let inner = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
    let inner: &(dyn Error + 'static) = inner;
    tls_error(inner)
}

fn distrust(error: &rustls::Error) -> Distrust {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Distrust::Other;
    };
    match certificate {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Distrust::OtherName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Distrust::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Distrust::NotYetValid
        }
        CertificateError::UnknownIssuer => Distrust::UnknownAuthority,
        _ => Distrust::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_apart() {
        for (wrong, expected) in [
            (CertificateError::Expired, Distrust::Expired),
            (CertificateError::NotValidYet, Distrust::NotYetValid),
            (CertificateError::NotValidForName, Distrust::OtherName),
            (CertificateError::UnknownIssuer, Distrust::UnknownAuthority),
            (CertificateError::BadSignature, Distrust::Other),
        ] {
            // As it arrives: hidden in an I/O error, which does not name it as its source.
            let error = io::Error::other(rustls::Error::from(wrong));
            assert_eq!(tls_error(&error).map(distrust), Some(expected), "{error}");
        }
        assert_eq!(
            tls_error(&io::Error::other("something else")).map(distrust),
            None
        );
    }
}
