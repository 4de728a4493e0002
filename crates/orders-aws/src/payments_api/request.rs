//! Request to the Payments API, signed with Signature Version 4 for `execute-api`, as IAM authorization in API Gateway
//! requires.
//!
//! Every request is signed. An API without authorization ignores the signature, and the caller can still be identified.

use aws_connection::{SignError, sign};
use aws_smithy_runtime_api::http::Request;
use aws_types::SdkConfig;

/// Service name of API Gateway in signatures.
const SERVICE: &str = "execute-api";

/// Builds `GET uri`, signed with the credentials and for the region of `aws`.
pub(super) async fn signed(aws: &SdkConfig, uri: &str) -> Result<Request, SignError> {
    sign(aws, SERVICE, ("GET", uri), &[], Vec::new()).await
}
