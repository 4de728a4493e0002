//! Routing by API Gateway's rules: a literal path part takes precedence over a parameter, and a parameter over
//! `{proxy+}`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::template::Route;

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

/// Matched route, with the percent-decoded values of its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RouteMatch<'r> {
    pub(super) route: &'r Route,
    pub(super) parameters: BTreeMap<String, String>,
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
    pub(super) fn find(&self, method: &str, path: &str) -> Option<RouteMatch<'_>> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let matching = self.0.iter().filter_map(|pattern| Some((pattern, pattern.matching(&parts)?)));
        // As in API Gateway, the path selects the resource, which then must have the method.
        let best = matching.clone().map(|(pattern, _)| pattern.rank()).min()?;
        let mut of_resource = matching.filter(|(pattern, _)| pattern.rank() == best);
        let exact = of_resource.clone().find(|(pattern, _)| pattern.route.method == method);
        let (pattern, parameters) = exact.or_else(|| of_resource.find(|(pattern, _)| pattern.route.method == "ANY"))?;
        Some(RouteMatch { route: &pattern.route, parameters })
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
    fn matching(&self, path: &[&str]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let mut rest = path;
        for part in &self.parts {
            let (first, others) = rest.split_first()?;
            match part {
                PathPart::Literal(text) if *first == text.as_str() => {}
                PathPart::Parameter(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), decode(first));
                }
                PathPart::Greedy(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), decode(&rest.join("/")));
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
    use crate::template::PayloadFormat;

    fn routes() -> Routes {
        let route = |method: &str, path: &str, function: &str| Route {
            method: method.to_owned(),
            path: path.to_owned(),
            function: function.to_owned(),
            api: "Api".to_owned(),
            stage: "dev".to_owned(),
            format: PayloadFormat::V1,
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
        let routes = routes();
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
    fn parameters_are_percent_decoded() {
        let routes = routes();
        let found = routes.find("GET", "/orders/a%20b%2Fc").unwrap();
        assert_eq!(found.parameters["order_id"], "a b/c");
        let found = routes.find("GET", "/files/a/b%20c").unwrap();
        assert_eq!(found.parameters["proxy"], "a/b c");
    }
}
