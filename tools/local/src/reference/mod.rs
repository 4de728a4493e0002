//! The contracts and a page to try the APIs from: `/openapi/payments.json`, `/openapi/orders.json`, `/asyncapi.json` and
//! `/reference`.
//!
//! All of it is part of this program: the page loads nothing from elsewhere, and its header lets it load nothing.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// Swagger UI's own styles are inline in part, and its icons are in them. No other page may have this one in a frame, where a
/// click could be led to a button that sends a request.
const ONLY_FROM_HERE: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file that this program has in it.
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

/// Each path with what is there.
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

    /// What the page asks for, of all that it and its script say.
    #[test]
    fn the_page_has_all_it_asks_for_and_asks_nobody_else() {
        let page = include_str!("page.html");
        let asked = page.split(['"']).filter(|text| text.starts_with('/')).map(|text| text.split('?').next().unwrap());
        let asked: Vec<_> = asked.collect();
        assert!(asked.len() >= 8, "{asked:?}");
        for path in asked {
            assert!(FILES.iter().any(|(known, _)| *known == path), "{path} is not served");
        }
        for text in [page, include_str!("page.js"), include_str!("page.css")] {
            assert!(!text.contains("//") || !text.contains("http"), "the page leads elsewhere");
        }
    }
}
