//! Where a request goes, and where it must not go.

use url::{Host, Url};
use userhaul_connector::request::{Request, Target, encode_segment};

use crate::{
    error::{ClientError, Reason},
    redact,
};

/// Redirects of one request that are followed.
pub(crate) const MOST_HOPS: u32 = 5;

/// Checks a base URL: encrypted unless on this machine, without query, fragment and credentials.
pub(crate) fn check_base(base: &Url) -> Result<(), ClientError> {
    let wrong = |why| Err(ClientError::BaseUrl { url: redact::url(base), why });
    if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
        return wrong("is no `https` address");
    }
    if !encrypted_or_local(base) {
        return Err(ClientError::Unencrypted { url: redact::url(base) });
    }
    if !base.username().is_empty() || base.password().is_some() {
        return wrong("holds a credential, which belongs into its own setting");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return wrong("must not have a query or a fragment");
    }
    Ok(())
}

/// Whether a secret may be sent there.
pub(crate) fn encrypted_or_local(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name.eq_ignore_ascii_case("localhost"),
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

/// The URL of a request.
pub(crate) fn resolve(base: &Url, request: &Request) -> Result<Url, Reason> {
    match &request.target {
        Target::Path(path) => {
            let mut url = below(base, path)?;
            if !request.query.is_empty() {
                url.set_query(Some(&query(&request.query)));
            }
            Ok(url)
        }
        Target::Url(text) => {
            let url = base.join(text).map_err(|_| Reason::BadTarget)?;
            if url.origin() == base.origin() {
                return Ok(bare(url));
            }
            Err(Reason::LinkElsewhere { from: origin(base), to: origin(&url) })
        }
    }
}

/// A path below the base URL, byte for byte.
pub(crate) fn below(base: &Url, path: &str) -> Result<Url, Reason> {
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    let mut url = base.clone();
    url.set_path(&whole);
    // URLs fold `..` in whatever spelling (`%2E%2E` too): what is folded would ask for something else.
    if !path.starts_with('/') || url.path() != whole {
        return Err(Reason::BadTarget);
    }
    Ok(url)
}

/// Where a redirect leads, if one may go there: the same scheme, host and port.
pub(crate) fn redirect(from: &Url, location: Option<&str>) -> Result<Url, Reason> {
    let to = location.and_then(|location| from.join(location).ok()).ok_or(Reason::RedirectLoop)?;
    if to.origin() != from.origin() {
        return Err(Reason::RedirectElsewhere { from: origin(from), to: origin(&to) });
    }
    Ok(bare(to))
}

/// Scheme, host and port; for schemes without a host only the scheme.
pub(crate) fn origin(url: &Url) -> String {
    match url.origin() {
        url::Origin::Opaque(_) => format!("{}:", url.scheme()),
        tuple => tuple.ascii_serialization(),
    }
}

/// A URL without what is never sent, and without a credential that would become a header.
fn bare(mut url: Url) -> Url {
    url.set_fragment(None);
    // These fail only for URLs without a host, which have another origin.
    let _done = (url.set_username(""), url.set_password(None));
    url
}

fn query(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// Percent-encodes a value; dots, which only paths must not have alone, stay.
pub(crate) fn encode(text: &str) -> String {
    if text.bytes().all(|byte| byte == b'.') { text.to_owned() } else { encode_segment(text) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use userhaul_connector::{auth::AuthSpec, request::Method};

    use super::*;

    fn request(target: Target, query: &[(&str, &str)]) -> Request {
        Request {
            method: Method::Get,
            target,
            query: query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            auth: AuthSpec::Anonymous,
            accept: Vec::new(),
            timeout: Duration::from_secs(1),
        }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn resolved(base: &str, target: Target, query: &[(&str, &str)]) -> Result<String, Reason> {
        resolve(&url(base), &request(target, query)).map(String::from)
    }

    #[test]
    fn paths_go_below_the_base_and_queries_are_encoded() {
        let got = resolved(
            "https://h.example/rest/v1/",
            Target::Path("/users/a%2Fb".into()),
            &[("q", "a b&c=d+é"), ("n", ".")],
        );
        assert_eq!(got, Ok("https://h.example/rest/v1/users/a%2Fb?q=a%20b%26c%3Dd%2B%C3%A9&n=.".into()));
    }

    #[test]
    fn a_path_that_would_be_folded_is_refused() {
        for path in ["/users/%2E%2E", "/users/../x", "/./x", "users"] {
            assert_eq!(
                resolved("https://h.example/v1", Target::Path(path.into()), &[]),
                Err(Reason::BadTarget)
            );
        }
    }

    #[test]
    fn a_link_to_another_origin_is_refused() {
        let from = "https://h.example".to_owned();
        for (link, to) in [
            ("https://evil.example/x", "https://evil.example"),
            ("http://h.example/x", "http://h.example"),
            ("https://h.example:8443/x", "https://h.example:8443"),
            ("file:///etc/passwd", "file:"),
        ] {
            let want = Err(Reason::LinkElsewhere { from: from.clone(), to: to.into() });
            assert_eq!(resolved("https://h.example/v1", Target::Url(link.into()), &[]), want);
        }
        let got =
            resolved("https://h.example/v1", Target::Url("https://u:p@h.example/v1/x?page=2#f".into()), &[]);
        assert_eq!(got, Ok("https://h.example/v1/x?page=2".into()));
    }

    #[test]
    fn http_is_for_loopback_only() {
        for good in [
            "http://127.0.0.1:80/x",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost",
            "https://h.example",
        ] {
            assert_eq!(check_base(&url(good)), Ok(()), "{good}");
        }
        for bad in [
            "http://h.example",
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "file:///x",
            "https://u:p@h.example",
            "https://h.example/?k=v",
        ] {
            assert!(check_base(&url(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_stay_at_home() {
        let from = url("https://h.example/v1/x?a=b");
        assert_eq!(redirect(&from, Some("/v2/x")).map(String::from), Ok("https://h.example/v2/x".into()));
        assert_eq!(redirect(&from, None), Err(Reason::RedirectLoop));
        for to in ["https://evil.example/", "http://h.example/", "//evil.example/", "file:///etc/passwd"] {
            assert!(matches!(redirect(&from, Some(to)), Err(Reason::RedirectElsewhere { .. })), "{to}");
        }
    }
}
