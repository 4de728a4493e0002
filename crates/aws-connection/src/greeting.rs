//! A connection before the first event needs it.
//!
//! A TLS handshake takes a small sandbox up to a second. During init nobody waits for it yet and there is a whole processor
//! for it; afterwards it would be most of the first request's time, and more than publishing waits for Kinesis.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

use crate::timeouts;

/// How long a greeting may take. Lambda gives all of init ten seconds.
pub const GREETING_MAX: Duration = Duration::from_secs(2);

/// A greeting is tried once, for as long as it may take. Whatever comes of it the function begins: its calls have bounds of
/// their own.
pub fn greeting_bounds() -> (TimeoutConfig, RetryConfig) {
    (timeouts(GREETING_MAX, GREETING_MAX), RetryConfig::disabled())
}

/// Makes a greeting of a DynamoDB or a Kinesis client's request: `GET /`, which every AWS endpoint answers somehow, which is no
/// call, and which is not billed.
///
/// So the connection is made where the client's calls will look for one, and what they need besides (credentials, endpoint,
/// signature) has been gone through once.
pub fn greet(request: &mut HttpRequest) {
    // A constant that is a method.
    let _ = request.set_method("GET");
    for of_a_call in ["content-length", "content-type", "x-amz-target"] {
        request.headers_mut().remove(of_a_call);
    }
    *request.body_mut() = SdkBody::empty();
}

/// Says so where there is no connection. An answer of whatever kind came over one.
pub fn greeted<T, E, R>(service: &str, answer: Result<T, SdkError<E, R>>)
where
    E: Error + 'static,
    R: Debug,
{
    match answer {
        Ok(_) | Err(SdkError::ResponseError(_) | SdkError::ServiceError(_)) => {}
        Err(error) => {
            let error = DisplayErrorContext(&error);
            tracing::warn!(%error, "could not connect to {service} before the first event, whose calls will try again");
        }
    }
}
