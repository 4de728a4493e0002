//! Deployed and documented routes are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use paystream_contracts::{Contract, repository};
use paystream_local::Template;

use crate::{orders, payments};

#[test]
fn every_route_of_the_template_is_an_operation_and_every_operation_a_route() {
    let template = Template::load(&repository().join("template.yaml"), &BTreeMap::new()).unwrap();
    for (api, document) in [("PaymentsApi", payments()), ("OrdersApi", orders())] {
        let contract = Contract::new(&document).unwrap();
        let documented: BTreeSet<_> =
            contract.routes().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
        let routes = template.routes().iter().filter(|route| route.api == api);
        let routes: BTreeSet<_> = routes.map(|route| (route.method.clone(), route.path.clone())).collect();
        let (others, deployed): (BTreeSet<_>, BTreeSet<_>) =
            routes.into_iter().partition(|(method, _)| method == "ANY");
        assert!(!deployed.is_empty(), "{api} has no routes");
        assert_eq!(documented, deployed, "{api}: documented and deployed routes differ");
        // The function responds to all other methods and paths, so that REST APIs and HTTP APIs do not differ.
        let paths = documented.iter().map(|(_, path)| path.as_str()).chain(["/", "/{proxy+}"]);
        let expected: BTreeSet<_> = paths.map(|path| ("ANY".to_owned(), path.to_owned())).collect();
        assert_eq!(others, expected, "{api}: a path has no catch-all for its other methods");
    }
}

/// Covers every authorizer that the template can deploy.
#[test]
fn every_authorizer_of_the_template_is_documented() {
    for (api, document) in [("payments", payments()), ("orders", orders())] {
        let deployed = fs::read_to_string(repository().join(format!("infra/api/{api}.yaml"))).unwrap();
        let values = |key: &str| {
            let lines = deployed.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
            lines.map(|value| value.trim().to_owned()).collect::<BTreeSet<_>>()
        };
        let types = values("type:").into_iter().filter(|kind| kind == "jwt");
        let deployed: BTreeSet<_> = values("x-amazon-apigateway-authtype:").into_iter().chain(types).collect();
        assert_eq!(deployed.len(), 3, "{deployed:?}");
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        let documented = schemes.values().map(|scheme| match scheme["x-amazon-apigateway-authtype"].as_str() {
            Some(name) => name.to_owned(),
            None => scheme["bearerFormat"].as_str().unwrap().to_ascii_lowercase(),
        });
        assert_eq!(documented.collect::<BTreeSet<_>>(), deployed, "{api}");
        let used = document["security"].as_array().unwrap().iter().flat_map(|way| way.as_object().unwrap().keys());
        assert_eq!(used.collect::<BTreeSet<_>>(), schemes.keys().collect(), "{api}");
    }
}

/// Clients may be generated from the export of a deployed API.
#[test]
fn deployed_operations_have_the_documented_names() {
    for (api, document) in [("payments", payments()), ("orders", orders())] {
        let deployed = fs::read_to_string(repository().join(format!("infra/api/{api}.yaml"))).unwrap();
        let (mut path, mut method, mut found) = ("", "", BTreeSet::new());
        for line in deployed.lines().map(|line| line.trim().trim_start_matches("- ")) {
            match line.trim_end_matches(':') {
                name if name.starts_with('/') => path = name,
                name @ ("get" | "post") => method = name,
                name => found.extend(name.strip_prefix("operationId: ").map(|id| format!("{method} {path} {id}"))),
            }
        }
        let items = document["paths"].as_object().unwrap().iter();
        let documented = items.flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| {
                format!("{method} {path} {}", operation["operationId"].as_str().unwrap())
            })
        });
        assert_eq!(found, documented.collect(), "{api}");
    }
}
