//! Routes with their handlers and documentation.

use std::sync::Arc;

use axum::Router;
use http_requests::with_request_checks;
use openapi_routes::{Description, Routes};
use orders::{FindOrder, PaymentPages, PlaceOrder};

use crate::{contract, handlers};

/// Maximum size of a request body, in bytes. The largest valid order is less than half of it.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Router of the asynchronous API: `place` and `find` handle orders, `pages` lists payments.
pub fn router(place: PlaceOrder, find: FindOrder, pages: Arc<dyn PaymentPages>) -> Router {
    let orders = place_routes(Router::new()).with_state(place);
    let found = find_routes(Router::new()).with_state(find);
    let payments = payment_routes(Router::new()).with_state(pages);
    with_request_checks(orders.merge(found).merge(payments), BODY_BYTES_MAX)
}

/// Router of synchronous mode: `place` calls Payments.
///
/// It has a single route, because orders placed in either mode are read under `/orders`.
pub fn sync_router(place: PlaceOrder) -> Router {
    with_request_checks(sync_place_routes(Router::new()).with_state(place), BODY_BYTES_MAX)
}

/// Description of the routes of [`router`] and [`sync_router`].
pub fn description() -> Description {
    payment_routes(find_routes(sync_place_routes(place_routes(Description::new()))))
}

fn place_routes<R: Routes<PlaceOrder>>(routes: R) -> R {
    routes.post("/orders", handlers::place, contract::place)
}

fn sync_place_routes<R: Routes<PlaceOrder>>(routes: R) -> R {
    routes.post("/sync/orders", handlers::place_synchronously, contract::place_synchronously)
}

fn find_routes<R: Routes<FindOrder>>(routes: R) -> R {
    routes.get("/orders/{order_id}", handlers::find, contract::find)
}

fn payment_routes<R: Routes<Arc<dyn PaymentPages>>>(routes: R) -> R {
    routes.get("/orders/{order_id}/payments", handlers::list_payments, contract::list_payments)
}

#[cfg(test)]
mod tests {
    use http_problems::Problem;
    use orders::{LookupError, PlaceError, StoreError};
    use payment_events::CurrencyNotInUse;

    use super::*;
    use crate::problems::not_placed;

    #[track_caller]
    fn assert_listed(path: &str, problem: &Problem) {
        let (description, problem_type) = (description(), problem.problem_type());
        let operation = description.operations().iter().find(|known| known.path == path).unwrap();
        let is_listed = operation.problems.contains(&problem_type);
        assert!(is_listed, "the contract of POST {path} does not list {}", problem_type.name());
    }

    #[test]
    fn the_contract_lists_every_problem_of_placing_an_order() {
        let order_id = || "ord-42".parse().unwrap();
        for path in ["/orders", "/sync/orders"] {
            let (context, source) = ("could not write".to_owned(), "the table is down".into());
            let store = StoreError::Unavailable { context, source };
            for error in [
                PlaceError::Conflict { order_id: order_id() },
                PlaceError::Gone { order_id: order_id() },
                PlaceError::Currency(CurrencyNotInUse),
                PlaceError::from(store),
            ] {
                assert_listed(path, &not_placed(error));
            }
        }
        let source = "Payments is down".into();
        let lookup = LookupError { context: "could not look up".to_owned(), retry_after_s: 3, source };
        assert_listed("/sync/orders", &not_placed(PlaceError::Lookup(lookup)));
    }
}
