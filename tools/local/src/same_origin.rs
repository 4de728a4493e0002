//! A guard against pages of other websites.
//!
//! A browser lets a page of any site send requests to a port of this machine. Three headers, which no page can set or leave
//! out, tell where a request comes from. `Origin` is the site of the page. `Sec-Fetch-Site` tells of requests without an
//! `Origin`, such as those for images and scripts, whether they come from another site. `Host` is the name that the page used:
//! a site that has its own name resolve to 127.0.0.1 (DNS rebinding) is of one origin with this port, and only its name tells.
//!
//! SDKs, curl and other programs send only `Host`, and are not restricted.

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

use crate::emulators::{ErrorAnswer, Service};

/// The kind of a listener, on which the form of a refusal depends, and if links may lead there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guarded {
    /// Pages and JSON of the environment. A link on another site may open them.
    Pages,
    /// An emulator.
    Emulator(Service),
    /// The Lambda Runtime API.
    RuntimeApi,
}

/// Reasons to take a request for one of another website. The message names the header, and says what to do instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum ForeignRequest {
    #[error("the Host header {0:?} is refused: call 127.0.0.1 or localhost")]
    Host(String),
    #[error(
        "the Origin {0:?} is refused: only pages of this address may call it from a browser, or programs without one"
    )]
    Origin(String),
    #[error("a browser's request from another site (Sec-Fetch-Site: {0:?}) is refused: open the address itself")]
    Site(String),
    #[error("a CORS preflight is refused: pages of other origins may not call this address")]
    Preflight,
}

/// Answers requests of other websites with 403 before the router sees them, and lets no answer of the router allow them.
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
            Self::Emulator(service) => service.answer(&ErrorAnswer {
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
        // HTTP/1.0 has no such header. No browser speaks it.
        [] if parts.version == Version::HTTP_10 => None,
        _ => return Err(ForeignRequest::Host(hosts.join(", "))),
    };
    // A request to a proxy names its destination here, which then counts in place of the header.
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

/// True if a person followed a link, whose page then sees nothing of the answer. A frame would be inside that page.
fn opens_a_page(parts: &Parts, guarded: Guarded) -> bool {
    let is = |name: &'static str, value: &str| texts(&parts.headers, &HeaderName::from_static(name)) == [value];
    matches!(guarded, Guarded::Pages)
        && parts.method == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}

/// All values of a header. A value that is not ASCII becomes "?", which nothing here expects.
fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect()
}

/// True of names that no DNS server can make another machine's.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let is_name = name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_name && !host.contains('@')
}

/// `ferrokinesis` allows every origin.
fn remove_cors(headers: &mut HeaderMap) {
    let cors: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
    for name in cors {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of this origin, and of others, at a port of ours.
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
    fn only_loopback_names_are_hosts_and_none_that_contains_one() {
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
    fn only_http_1_0_may_have_no_host_and_then_no_origin() {
        let without = |version, headers: &[(&str, &str)]| to(Method::POST, headers).version(version);
        assert_eq!(checked(Guarded::Pages, without(Version::HTTP_10, &[])), Ok(()));
        let origin = [("origin", "http://127.0.0.1")];
        let refused = checked(Guarded::Pages, without(Version::HTTP_10, &origin));
        assert!(matches!(refused, Err(ForeignRequest::Origin(_))), "{refused:?}");
        assert_eq!(checked(Guarded::Pages, without(Version::HTTP_11, &[])), Err(ForeignRequest::Host(String::new())));
    }

    #[test]
    fn a_request_to_a_proxy_goes_where_its_first_line_says() {
        let request = |uri: &str| to(Method::GET, &[("host", HERE)]).uri(uri.to_owned());
        assert_eq!(checked(Guarded::Pages, request("http://127.0.0.1:3000/")), Ok(()));
        let refused = checked(Guarded::Pages, request("http://evil.test/"));
        assert_eq!(refused, Err(ForeignRequest::Host("evil.test".to_owned())));
    }

    #[test]
    fn only_pages_of_this_very_origin_may_call() {
        let from = |origins: &[&str]| {
            let headers = [("host", HERE)].into_iter().chain(origins.iter().map(|origin| ("origin", *origin)));
            checked(Guarded::Emulator(Service::Kinesis), to(Method::POST, &headers.collect::<Vec<_>>()))
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
            assert_eq!(fetch(Guarded::Emulator(Service::DynamoDb), Method::POST, [own, "cors", "empty"]), Ok(()));
        }
        for (guarded, method, headers) in [
            (Guarded::Pages, Method::POST, link),
            (Guarded::RuntimeApi, Method::GET, link),
            (Guarded::Emulator(Service::Kinesis), Method::GET, link),
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
