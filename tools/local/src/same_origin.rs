//! Protection against requests from other websites (CSRF and DNS rebinding).
//!
//! A browser lets a page of any site send requests to a local port. Three headers, which a page can neither set nor
//! omit, show the source of a request:
//!
//! - `Origin` is the origin of the page.
//! - `Sec-Fetch-Site` marks cross-site requests that have no `Origin`, such as those for images and scripts.
//! - `Host` is the name that the page used. A site whose own name resolves to 127.0.0.1 (DNS rebinding) is same-origin
//!   with this port; only the name reveals it.
//!
//! SDKs, curl and other programs send only `Host` and are not restricted.

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, StatusCode, Version};
use serde_json::json;

use crate::emulators::{Emulator, ErrorAnswer};

/// Kind of listener. It decides the format of a refusal, and whether other sites may link to it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guarded {
    /// APIs, pages and JSON of the environment. Links on other sites may open them.
    Pages,
    /// An emulator.
    Emulator(Emulator),
    /// The Lambda Runtime API.
    RuntimeApi,
}

/// Reason why a request counts as one of another website. The message names the header and the remedy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum ForeignRequest {
    #[error("Host header {0:?} refused: use 127.0.0.1 or localhost")]
    Host(String),
    #[error("Origin {0:?} refused: in a browser, only pages of this address may call it")]
    Origin(String),
    #[error("cross-site browser request refused (Sec-Fetch-Site: {0:?}): open this address directly")]
    Site(String),
    #[error("CORS preflight refused: pages of other origins may not call this address")]
    Preflight,
}

/// Rejects requests of other websites with 403 before they reach the router, and removes CORS headers from its
/// responses.
pub(crate) fn guard(router: Router, guarded: Guarded) -> Router {
    router.layer(middleware::from_fn_with_state(guarded, check_origin))
}

async fn check_origin(State(guarded): State<Guarded>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refusal) = check(&parts, guarded) {
        return guarded.answer(&refusal);
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    remove_cors(response.headers_mut());
    response
}

impl Guarded {
    fn answer(self, refusal: &ForeignRequest) -> Response {
        let message = refusal.to_string();
        match self {
            Self::Emulator(emulator) => emulator.answer(&ErrorAnswer {
                code: "AccessDeniedException".to_owned(),
                message: Some(message),
                status: Some(StatusCode::FORBIDDEN.as_u16()),
            }),
            Self::Pages | Self::RuntimeApi => {
                (StatusCode::FORBIDDEN, axum::Json(json!({"message": message}))).into_response()
            }
        }
    }
}

fn check(parts: &Parts, guarded: Guarded) -> Result<(), ForeignRequest> {
    let headers = &parts.headers;
    let hosts = texts(headers, &HOST);
    let host = match hosts[..] {
        [host] if is_loopback(host) => Some(host),
        // HTTP/1.0 does not require `Host`, and browsers do not use it.
        [] if parts.version == Version::HTTP_10 => None,
        _ => return Err(ForeignRequest::Host(hosts.join(", "))),
    };
    // An absolute request target (proxy request) names a host that takes precedence over the header.
    if let Some(named) = parts.uri.authority().filter(|named| !is_loopback(named.as_str())) {
        return Err(ForeignRequest::Host(named.to_string()));
    }
    let origins = texts(headers, &ORIGIN);
    let is_own = |origin: &str| host.is_some_and(|host| origin.strip_prefix("http://") == Some(host));
    if !origins.iter().all(|origin| is_own(origin)) || origins.len() > 1 {
        return Err(ForeignRequest::Origin(origins.join(", ")));
    }
    let sites = texts(headers, &HeaderName::from_static("sec-fetch-site"));
    let is_foreign = !sites.iter().all(|site| ["same-origin", "none"].contains(site));
    if is_foreign && !opens_a_page(parts, guarded) {
        return Err(ForeignRequest::Site(sites.join(", ")));
    }
    if parts.method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return Err(ForeignRequest::Preflight);
    }
    Ok(())
}

/// True for a top-level navigation, such as a followed link: the linking page cannot read the response. A frame is
/// excluded, because it is embedded in that page.
fn opens_a_page(parts: &Parts, guarded: Guarded) -> bool {
    let is = |name: &'static str, value: &str| texts(&parts.headers, &HeaderName::from_static(name)) == [value];
    matches!(guarded, Guarded::Pages)
        && parts.method == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}

/// Returns all values of a header. A non-ASCII value becomes "?", which matches no allowed value.
fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect()
}

/// True for names that resolve to this machine without DNS.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let is_name = name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_name && !host.contains('@')
}

/// Removes the CORS headers: `ferrokinesis` allows every origin.
fn remove_cors(headers: &mut HeaderMap) {
    let cors: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
    for name in cors {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:3000";

    fn checked(guarded: Guarded, request: http::request::Builder) -> Result<(), ForeignRequest> {
        check(&request.body(()).unwrap().into_parts().0, guarded)
    }

    fn to(method: Method, headers: &[(&str, &str)]) -> http::request::Builder {
        headers.iter().fold(http::Request::builder().method(method).uri("/"), |request, (name, value)| {
            request.header(*name, *value)
        })
    }

    #[test]
    fn only_loopback_hosts_are_allowed() {
        for host in ["127.0.0.1", "127.0.0.1:3000", "localhost", "LocalHost:1", "[::1]:3000", "127.8.9.10:3000"] {
            assert_eq!(checked(Guarded::Pages, to(Method::POST, &[("host", host)])), Ok(()), "{host}");
        }
        for host in [
            "evil.test",
            "evil.test:3000",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "evil.test@127.0.0.1",
            "127.0.0.1@evil.test",
            "127.1",
            "2130706433",
            "0.0.0.0:3000",
            "192.168.0.1",
            "[::]:3000",
            "",
        ] {
            let refused = checked(Guarded::Pages, to(Method::GET, &[("host", host)]));
            assert_eq!(refused, Err(ForeignRequest::Host(host.to_owned())));
        }
        let two = [("host", HERE), ("host", "evil.test")];
        assert!(matches!(checked(Guarded::Pages, to(Method::GET, &two)), Err(ForeignRequest::Host(_))));
    }

    #[test]
    fn only_http_1_0_may_omit_host_and_origin_is_refused_without_host() {
        let without = |version, headers: &[(&str, &str)]| to(Method::POST, headers).version(version);
        assert_eq!(checked(Guarded::Pages, without(Version::HTTP_10, &[])), Ok(()));
        let origin = [("origin", "http://127.0.0.1")];
        let refused = checked(Guarded::Pages, without(Version::HTTP_10, &origin));
        assert!(matches!(refused, Err(ForeignRequest::Origin(_))), "{refused:?}");
        assert_eq!(checked(Guarded::Pages, without(Version::HTTP_11, &[])), Err(ForeignRequest::Host(String::new())));
    }

    #[test]
    fn the_host_of_an_absolute_request_target_is_checked_too() {
        let request = |uri: &str| to(Method::GET, &[("host", HERE)]).uri(uri.to_owned());
        assert_eq!(checked(Guarded::Pages, request("http://127.0.0.1:3000/")), Ok(()));
        let refused = checked(Guarded::Pages, request("http://evil.test/"));
        assert_eq!(refused, Err(ForeignRequest::Host("evil.test".to_owned())));
    }

    #[test]
    fn only_pages_of_the_same_origin_may_call() {
        let from = |origins: &[&str]| {
            let headers = [("host", HERE)].into_iter().chain(origins.iter().map(|origin| ("origin", *origin)));
            checked(Guarded::Emulator(Emulator::Kinesis), to(Method::POST, &headers.collect::<Vec<_>>()))
        };
        assert_eq!(from(&["http://127.0.0.1:3000"]), Ok(()));
        for origin in [
            "null",
            "",
            "http://evil.test",
            "https://127.0.0.1:3000",
            "http://127.0.0.1:3001",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://127.0.0.1:3000/",
            "chrome-extension://abc",
        ] {
            assert_eq!(from(&[origin]), Err(ForeignRequest::Origin(origin.to_owned())));
        }
        assert!(from(&["http://127.0.0.1:3000", "http://evil.test"]).is_err());
    }

    #[test]
    fn a_link_on_another_site_may_open_a_page_and_do_nothing_else() {
        let fetch = |guarded, method, [site, mode, dest]: [&str; 3]| {
            let headers =
                [("host", HERE), ("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
            checked(guarded, to(method, &headers))
        };
        let link = ["cross-site", "navigate", "document"];
        assert_eq!(fetch(Guarded::Pages, Method::GET, link), Ok(()));
        for own in ["same-origin", "none"] {
            assert_eq!(fetch(Guarded::Emulator(Emulator::DynamoDb), Method::POST, [own, "cors", "empty"]), Ok(()));
        }
        for (guarded, method, headers) in [
            (Guarded::Pages, Method::POST, link),
            (Guarded::RuntimeApi, Method::GET, link),
            (Guarded::Emulator(Emulator::Kinesis), Method::GET, link),
            (Guarded::Pages, Method::GET, ["cross-site", "navigate", "iframe"]),
            (Guarded::Pages, Method::GET, ["same-site", "no-cors", "image"]),
            (Guarded::Pages, Method::GET, ["cross-site", "no-cors", "script"]),
            (Guarded::Pages, Method::GET, ["Same-Origin?", "cors", "empty"]),
        ] {
            let refused = fetch(guarded, method, headers);
            assert_eq!(refused, Err(ForeignRequest::Site(headers[0].to_owned())), "{guarded:?} {headers:?}");
        }
    }
}
