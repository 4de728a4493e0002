//! Routing by API Gateway's rules: a literal path part takes precedence over a parameter, and a parameter over
//! `{proxy+}`.
//!
//! Each route has two paths: below its stage, as on the default endpoint of its API, and without the stage, as on a
//! custom domain.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::template::{PayloadFormat, Route};

/// Routes of all APIs.
#[derive(Debug)]
pub(super) struct Routes(Vec<RoutePattern>);

#[derive(Debug)]
struct RoutePattern {
    route: Route,
    parts: Vec<PathPart>,
}

/// Part of a route path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PathPart {
    Literal(String),
    Parameter(String),
    /// Matches the rest of the path, at least one part.
    Greedy(String),
}

/// Matched route, with the values of its parameters: as sent in a REST API, and percent-decoded in an HTTP API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RouteMatch<'r> {
    pub(super) route: &'r Route,
    pub(super) parameters: BTreeMap<String, String>,
    /// Path without the stage, not decoded.
    pub(super) path: &'r str,
}

impl Routes {
    pub(super) fn new(routes: &[Route]) -> Self {
        let pattern = |route: &Route| RoutePattern {
            parts: route.path.split('/').skip(1).map(part).collect(),
            route: route.clone(),
        };
        Self(routes.iter().map(pattern).collect())
    }

    /// Finds the route of a method and an undecoded path.
    pub(super) fn find<'r>(&'r self, method: &str, path: &'r str) -> Option<RouteMatch<'r>> {
        // The stage takes precedence: a catch-all would match its name, too.
        let below_stage = |pattern: &RoutePattern| match path.strip_prefix('/')?.strip_prefix(&*pattern.route.stage)? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        };
        self.best(method, below_stage).or_else(|| self.best(method, |_| Some(path)))
    }

    /// Finds the route of a method, by the path that `of` returns for each route.
    fn best<'r>(&'r self, method: &str, of: impl Fn(&RoutePattern) -> Option<&'r str>) -> Option<RouteMatch<'r>> {
        let matching = self.0.iter().filter_map(|pattern| {
            let path = of(pattern)?;
            Some((pattern, path, pattern.matching(path)?))
        });
        // As in API Gateway, the path selects the resource, which then must have the method.
        let matching: Vec<_> = matching.collect();
        let best = matching.iter().map(|(pattern, ..)| pattern.rank()).min()?;
        let mut of_resource = matching.into_iter().filter(|(pattern, ..)| pattern.rank() == best);
        let exact = of_resource.clone().find(|(pattern, ..)| pattern.route.method == method);
        let any = || of_resource.find(|(pattern, ..)| pattern.route.method == "ANY");
        let (pattern, path, parameters) = exact.or_else(any)?;
        Some(RouteMatch { route: &pattern.route, parameters, path })
    }
}

fn part(text: &str) -> PathPart {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => PathPart::Greedy(name.to_owned()),
            None => PathPart::Parameter(name.to_owned()),
        },
        None => PathPart::Literal(text.to_owned()),
    }
}

impl RoutePattern {
    fn matching(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let (path, value): (_, fn(&str) -> String) = match self.route.format {
            // A REST API ignores a slash at the end, and leaves it out of parameters.
            PayloadFormat::V1 => {
                (path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path), str::to_owned)
            }
            PayloadFormat::V2 => (path, decode),
        };
        let path: Vec<&str> = path.split('/').skip(1).collect();
        let (mut parameters, mut rest) = (BTreeMap::new(), path.as_slice());
        for part in &self.parts {
            let (first, others) = rest.split_first()?;
            match part {
                PathPart::Literal(text) if *first == text.as_str() => {}
                PathPart::Parameter(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), value(first));
                }
                PathPart::Greedy(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), value(&rest.join("/")));
                    return Some(parameters);
                }
                _ => return None,
            }
            rest = others;
        }
        rest.is_empty().then_some(parameters)
    }

    /// Returns the precedence; the lowest rank wins. Names of parameters are ignored.
    fn rank(&self) -> Vec<u8> {
        let rank = |part: &PathPart| match part {
            PathPart::Literal(_) => 0,
            PathPart::Parameter(_) => 1,
            PathPart::Greedy(_) => 2,
        };
        self.parts.iter().map(rank).collect()
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(format: PayloadFormat) -> Routes {
        let route = |method: &str, path: &str, function: &str| Route {
            method: method.to_owned(),
            path: path.to_owned(),
            function: function.to_owned(),
            api: "Api".to_owned(),
            stage: "dev".to_owned(),
            format,
        };
        Routes::new(&[
            route("GET", "/orders/{order_id}", "GetOrder"),
            route("GET", "/orders/recent", "Recent"),
            route("POST", "/orders", "Place"),
            route("GET", "/orders/{order_id}/payments", "Payments"),
            route("ANY", "/files/{proxy+}", "Files"),
            route("DELETE", "/files/{proxy+}", "Delete"),
        ])
    }

    #[test]
    fn the_path_selects_the_resource_and_the_method_selects_its_route() {
        let routes = routes(PayloadFormat::V2);
        for (method, path, function) in [
            ("GET", "/orders/ord-1", Some("GetOrder")),
            ("GET", "/orders/recent", Some("Recent")),
            ("GET", "/orders/ord-1/payments", Some("Payments")),
            ("POST", "/orders", Some("Place")),
            ("PATCH", "/files/a/b", Some("Files")),
            ("DELETE", "/files/a", Some("Delete")),
            ("GET", "/orders", None),
            ("DELETE", "/orders/ord-1", None),
            ("GET", "/orders/", None),
            ("GET", "/orders/a/b", None),
            ("GET", "/files/", None),
            ("GET", "/", None),
            ("GET", "//orders", None),
        ] {
            let found = routes.find(method, path).map(|found| found.route.function.as_str());
            assert_eq!(found, function, "{method} {path}");
        }
    }

    #[test]
    fn only_an_http_api_decodes_parameters() {
        let (rest, http) = (routes(PayloadFormat::V1), routes(PayloadFormat::V2));
        for (path, name, sent, decoded) in
            [("/orders/a%20b%2Fc", "order_id", "a%20b%2Fc", "a b/c"), ("/files/a/b%20c", "proxy", "a/b%20c", "a/b c")]
        {
            assert_eq!(rest.find("GET", path).unwrap().parameters[name], sent);
            assert_eq!(http.find("GET", path).unwrap().parameters[name], decoded);
        }
    }

    #[test]
    fn a_route_has_a_path_with_its_stage_and_one_without() {
        let routes = routes(PayloadFormat::V1);
        for path in ["/dev/orders/ord-1", "/orders/ord-1"] {
            let found = routes.find("GET", path).unwrap();
            assert_eq!((found.path, found.route.path.as_str()), ("/orders/ord-1", "/orders/{order_id}"));
        }
        for path in ["/device/orders/ord-1", "/dev/dev/orders/ord-1", "/dev", "/dev/"] {
            assert_eq!(routes.find("GET", path), None, "{path}");
        }
    }

    #[test]
    fn only_a_rest_api_ignores_a_slash_at_the_end() {
        let (rest, http) = (routes(PayloadFormat::V1), routes(PayloadFormat::V2));
        let found = rest.find("GET", "/orders/ord-1/").unwrap();
        assert_eq!((found.path, found.parameters["order_id"].as_str()), ("/orders/ord-1/", "ord-1"));
        assert_eq!(rest.find("GET", "/files/a/").unwrap().parameters["proxy"], "a");
        assert_eq!(rest.find("GET", "/files/"), None, "a parameter is not empty");
        assert_eq!(http.find("GET", "/orders/ord-1/"), None);
    }
}
