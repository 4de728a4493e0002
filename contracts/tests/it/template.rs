//! What deploys and what is documented are the same routes.

use std::collections::{BTreeMap, BTreeSet};

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
        let deployed: BTreeSet<_> = routes.map(|route| (route.method.clone(), route.path.clone())).collect();
        assert!(!deployed.is_empty(), "{api} has no routes");
        assert_eq!(documented, deployed, "{api}: what is documented, and what is deployed");
    }
}
