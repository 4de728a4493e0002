//! API reference: the contracts at `/openapi/payments.json`, `/openapi/orders.json` and `/asyncapi.json`, and at
//! `/reference` a page that documents the APIs and can send requests.
//!
//! All files are compiled into the binary. The page loads nothing from other hosts, and its `Content-Security-Policy`
//! forbids it.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// `Content-Security-Policy` of all files. Swagger UI has inline styles, with icons in them. Framing is forbidden,
/// because a framing page could direct a click to a button that sends a request (clickjacking).
const ONLY_FROM_HERE: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file compiled into the binary.
#[derive(Clone, Copy)]
struct File {
    content_type: &'static str,
    compressed: bool,
    content: &'static [u8],
}

const fn file(content_type: &'static str, content: &'static [u8]) -> File {
    File { content_type, compressed: false, content }
}

const fn compressed(content_type: &'static str, content: &'static [u8]) -> File {
    File { content_type, compressed: true, content }
}

/// Files by path.
const FILES: [(&str, File); 8] = [
    ("/openapi/payments.json", file(JSON, include_bytes!("../../../../docs/api/openapi/payments.json"))),
    ("/openapi/orders.json", file(JSON, include_bytes!("../../../../docs/api/openapi/orders.json"))),
    ("/asyncapi.json", file(JSON, include_bytes!("../../../../docs/api/asyncapi.json"))),
    ("/reference", file(HTML, include_bytes!("page.html"))),
    ("/reference/page.js", file(SCRIPT, include_bytes!("page.js"))),
    ("/reference/page.css", file(STYLE, include_bytes!("page.css"))),
    (
        "/reference/swagger-ui-bundle.js",
        compressed(SCRIPT, include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz")),
    ),
    ("/reference/swagger-ui.css", compressed(STYLE, include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz"))),
];

pub(crate) fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, file)| router.route(path, get(async move || file)))
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let mut response = self.content.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(ONLY_FROM_HERE));
        if self.compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers the paths in the page. The URLs that its script builds are `/openapi/{api}.json`, which the page links as
    /// well.
    #[test]
    fn every_path_in_the_page_is_served_and_no_other_host_is_used() {
        let page = include_str!("page.html");
        let paths = page.split(['"']).filter(|text| text.starts_with('/')).map(|text| text.split('?').next().unwrap());
        let paths: Vec<_> = paths.collect();
        assert!(paths.len() >= 8, "{paths:?}");
        for path in paths {
            assert!(FILES.iter().any(|(known, _)| *known == path), "{path} is not served");
        }
        for text in [page, include_str!("page.js"), include_str!("page.css")] {
            assert!(!text.contains("//") || !text.contains("http"), "the page refers to another host");
        }
    }
}
