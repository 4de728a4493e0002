//! Routes, each with its handler and its documentation.

use axum::Router;
use axum::middleware::from_fn;
use http_requests::with_request_checks;
use openapi_routes::{Description, Routes};

use crate::audit::log_refusals;
use crate::service::Service;
use crate::{changes, contract, handlers};

/// Maximum size of a request body, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Returns the router with all routes.
pub fn router(service: Service) -> Router {
    let routes = routes(Router::new()).with_state(service).layer(from_fn(log_refusals));
    with_request_checks(routes, BODY_BYTES_MAX)
}

/// Returns the description of the routes of [`router`], from which the OpenAPI document is generated.
pub fn description() -> Description {
    routes(Description::new())
}

fn routes<R: Routes<Service>>(routes: R) -> R {
    routes
        .post("/payments", handlers::pay, contract::pay)
        .get("/payments", handlers::list, contract::list)
        .get("/payments/{payment_id}", handlers::find, contract::find)
        .post("/payments/{payment_id}/capture", changes::capture, contract::capture)
        .post("/payments/{payment_id}/void", changes::void, contract::void)
        .post("/payments/{payment_id}/refund", changes::refund, contract::refund)
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use http_problems::Problem;
    use payment_events::PaymentStatus;
    use payments::{AcceptError, ChangeError, IllegalTransition, ProcessorError, Status, StepError, StoreError};

    use super::*;
    use crate::problems::{not_accepted, not_changed};

    #[track_caller]
    fn assert_listed(path: &str, problem: &Problem) {
        let (description, problem_type) = (description(), problem.problem_type());
        let mut operations = description.operations().iter().filter(|known| known.method == Method::POST);
        let operation = operations.find(|known| known.path == path).unwrap();
        let is_listed = operation.problems.contains(&problem_type);
        assert!(is_listed, "the contract of POST {path} does not list {}", problem_type.name());
    }

    fn store_error() -> StoreError {
        StoreError { context: "reading the table".to_owned(), source: "it is down".into() }
    }

    #[test]
    fn the_contract_lists_every_problem_of_making_a_payment() {
        for error in [
            AcceptError::KeyReused,
            AcceptError::InProgress { retry_after_ms: 1_500 },
            AcceptError::Processor(ProcessorError::TimedOut(1_000)),
            AcceptError::Store(store_error()),
            AcceptError::Defect("it is lost".to_owned()),
        ] {
            assert_listed("/payments", &not_accepted(error));
        }
    }

    #[test]
    fn the_contract_lists_every_problem_of_changing_a_payment() {
        let status = Status::Public(PaymentStatus::Captured);
        let of_all = || {
            let reason = IllegalTransition::Status { from: status, to: PaymentStatus::Voided };
            vec![
                ChangeError::NotFound,
                ChangeError::NotAccessible,
                ChangeError::KeyReused,
                ChangeError::VersionMismatch { version: 2 },
                ChangeError::Defect(reason.clone()),
                ChangeError::Illegal { status, reason },
                ChangeError::Contended,
                ChangeError::Store(store_error()),
            ]
        };
        let of_parts = || {
            let currency = "EUR".parse().unwrap();
            [IllegalTransition::Amount { available_minor: 5 }, IllegalTransition::Currency { currency }]
                .map(|reason| ChangeError::Illegal { status, reason })
        };
        let of_refunds = || ChangeError::TooManySteps(StepError::TooMany);
        for (step, errors) in [
            ("void", of_all()),
            ("capture", of_all().into_iter().chain(of_parts()).collect()),
            ("refund", of_all().into_iter().chain(of_parts()).chain([of_refunds()]).collect()),
        ] {
            let payment_id = "pay_3474IU76GZUC7ZC4MR5KV7HBFY".parse().unwrap();
            for error in errors {
                assert_listed(&format!("/payments/{{payment_id}}/{step}"), &not_changed(error, &payment_id));
            }
        }
    }
}
