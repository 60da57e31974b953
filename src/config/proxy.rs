use url::Url;

use super::environment::Environment;
use super::problem::Problem;

/// The variables that name a proxy. Those of the request's scheme come before the last two.
pub const PROXIES: [&str; 6] = [
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// What is wrong with the proxies that the environment names. A password may be part of one: no
/// value is shown.
pub(super) fn problems(env: &dyn Environment) -> Vec<Problem> {
    let wrong = PROXIES.into_iter().filter_map(|name| {
        let value = env.set(name)?;
        let wrong = value
            .to_str()
            .ok_or(ProxyError::Syntax)
            .and_then(check)
            .err();
        wrong.map(|error| (name, error))
    });
    let problem = |(name, error): (&str, ProxyError)| Problem {
        file: "environment".into(),
        line: None,
        key: name.to_owned(),
        what: error.to_string(),
        remedy: match error {
            ProxyError::At => "write each @ of a name or password as %40",
            ProxyError::Scheme => "write http:// or https:// in front of the proxy's host",
            ProxyError::Syntax => "set it to an address such as http://proxy.example:3128",
        }
        .to_owned(),
        passing: false,
    };
    wrong.map(problem).collect()
}

#[derive(Debug, thiserror::Error)]
enum ProxyError {
    #[error("has more than one @, so that nobody can tell where the password ends")]
    At,
    #[error("is no address of an http or https proxy")]
    Scheme,
    #[error("is no address of a proxy")]
    Syntax,
}

fn check(value: &str) -> Result<(), ProxyError> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A slash may be part of a password, too: an @ behind it is no better.
    if rest.matches('@').count() > 1 || authority.matches('@').count() != rest.matches('@').count()
    {
        return Err(ProxyError::At);
    }
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return Err(ProxyError::Scheme);
    }
    let url = Url::parse(&format!("http://{rest}")).map_err(|_| ProxyError::Syntax)?;
    // `htp:/proxy` reads as a host called htp.
    let plain = matches!(url.path(), "" | "/") && !authority.ends_with(':');
    match url.host_str() {
        Some(host) if !host.is_empty() && plain => Ok(()),
        _ => Err(ProxyError::Syntax),
    }
}
