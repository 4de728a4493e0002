//! The JSON protocol of DynamoDB, carried out by calls in process.
//!
//! dynoxide has a server of its own, which takes nothing but a TCP listener. That listener would be a second way to the
//! tables, past everything that stands in front of this one: faults, counters, and the guard against other websites.
//!
//! Requests of an SDK have the results that they have with dynoxide's server. The wording differs of two refusals: of a number
//! that is empty or has an exponent of more than 32 bits, in a batch or a transaction, and of an attribute that is too deep for
//! the parser, in an expression's values. JSON of a wrong type, which no SDK sends, is not refused in DynamoDB's words, and not
//! at all in a member that its operation does not have.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use dynoxide::auth_material::{self, AuthMaterial};
use dynoxide::{Database, DynoxideError};
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

/// The largest request that DynamoDB takes.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
const APIS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
const AMZ_JSON: &str = "application/x-amz-json-1.0";
const PLAIN_JSON: &str = "application/json";
const SERIALIZATION: &str = r#"{"__type":"com.amazon.coral.service#SerializationException"}"#;
const UNKNOWN_OPERATION: &str = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
const NOT_FOUND: &str = "<UnknownOperationException/>\n";
const HEALTHY: &str = "healthy: dynamodb.us-east-1.amazonaws.com ";
const TOO_DEEP: &str = "Nesting Levels have exceeded supported limits: \
     Attributes in the item have nested levels beyond supported limit";
const EMPTY_VALUE: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";

/// Declares the operations once: their names, and the calls that carry them out.
macro_rules! operations {
    ($($name:literal => $method:ident,)+) => {
        /// Operations that the emulator of DynamoDB knows, those on table streams included.
        pub(crate) const OPERATIONS: &[&str] = &[$($name),+];

        fn run(database: &Database, operation: &str, body: &str) -> Result<String, RequestError> {
            match operation {
                $($name => encode(&database.$method(decode(body)?)?),)+
                _ => Err(RequestError::UnknownOperation),
            }
        }
    };
}

operations! {
    "BatchExecuteStatement" => batch_execute_statement,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "CreateTable" => create_table,
    "DeleteItem" => delete_item,
    "DeleteTable" => delete_table,
    "DescribeStream" => describe_stream,
    "DescribeTable" => describe_table,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "GetItem" => get_item,
    "GetRecords" => get_records,
    "GetShardIterator" => get_shard_iterator,
    "ListStreams" => list_streams,
    "ListTables" => list_tables,
    "ListTagsOfResource" => list_tags_of_resource,
    "PutItem" => put_item,
    "Query" => query,
    "Scan" => scan,
    "SearchVectors" => search_vectors,
    "TagResource" => tag_resource,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "UntagResource" => untag_resource,
    "UpdateItem" => update_item,
    "UpdateTable" => update_table,
    "UpdateTimeToLive" => update_time_to_live,
}

/// Reasons for which a request is not carried out.
enum RequestError {
    UnknownOperation,
    /// The body is not JSON.
    Unreadable,
    /// JSON of dynoxide's, as it is sent.
    Unauthenticated(String),
    Service(DynoxideError),
}

impl From<DynoxideError> for RequestError {
    fn from(error: DynoxideError) -> Self {
        Self::Service(error)
    }
}

/// Serves a database at the path `/`.
pub(super) fn router(database: Database) -> Router {
    Router::new().fallback(handle).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(database)
}

async fn handle(
    State(database): State<Database>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match (uri.path(), method) {
        ("/", Method::GET) => return HEALTHY.into_response(),
        ("/", Method::POST) => {}
        _ => return (StatusCode::NOT_FOUND, NOT_FOUND).into_response(),
    }
    let Some(content_type) = content_type(&headers, &body) else {
        return (StatusCode::NOT_FOUND, NOT_FOUND).into_response();
    };
    let operation = operation_of(&headers).unwrap_or_default();
    let (status, body) = match answer(&database, operation, &uri, &headers, &body) {
        Ok(body) => (StatusCode::OK, body),
        Err(RequestError::UnknownOperation) => (StatusCode::BAD_REQUEST, UNKNOWN_OPERATION.to_owned()),
        Err(RequestError::Unreadable) => (StatusCode::BAD_REQUEST, SERIALIZATION.to_owned()),
        Err(RequestError::Unauthenticated(body)) => (StatusCode::BAD_REQUEST, body),
        Err(RequestError::Service(error)) => {
            let error = as_answered(operation, error);
            (StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
    };
    let request_id = Uuid::new_v4().simple().to_string().to_ascii_uppercase();
    (status, [("content-type", content_type), ("x-amzn-requestid", &request_id)], body).into_response()
}

/// The type of the answer, which is that of the request, or nothing where DynamoDB does not know it.
fn content_type(headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = given.split(';').next().unwrap_or_default().trim();
    if known.eq_ignore_ascii_case(AMZ_JSON) {
        Some(AMZ_JSON)
    } else if known.eq_ignore_ascii_case(PLAIN_JSON) || (given.is_empty() && body.is_empty()) {
        Some(PLAIN_JSON)
    } else {
        None
    }
}

fn operation_of(headers: &HeaderMap) -> Option<&str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    APIS.iter().find_map(|api| target.strip_prefix(api))
}

fn answer(
    database: &Database,
    operation: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String, RequestError> {
    if !OPERATIONS.contains(&operation) {
        return Err(RequestError::UnknownOperation);
    }
    let material = AuthMaterial {
        authorization: headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()),
        query: uri.query().unwrap_or_default(),
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key(DATE),
    };
    if let Some(refusal) = auth_material::validate(material) {
        return Err(RequestError::Unauthenticated(refusal));
    }
    let body = std::str::from_utf8(body).map_err(|_| RequestError::Unreadable)?;
    run(database, operation, body)
}

fn encode<A: Serialize>(answer: &A) -> Result<String, RequestError> {
    serde_json::to_string(answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()).into())
}

fn decode<Q: DeserializeOwned>(body: &str) -> Result<Q, RequestError> {
    serde_json::from_str(body).map_err(|error| {
        let message = error.to_string();
        if message.starts_with("recursion limit exceeded") {
            // An attribute reaches the parser's limit at about 61 levels, DynamoDB's at 32.
            DynoxideError::ValidationException(TOO_DEEP.to_owned()).into()
        } else if error.is_data() && serde_json::from_str::<IgnoredAny>(body).is_ok() {
            refusal_of(&message).into()
        } else {
            RequestError::Unreadable
        }
    })
}

/// The error that a message of dynoxide's own readers stands for: they mark the kind of error at its beginning.
fn refusal_of(message: &str) -> DynoxideError {
    use DynoxideError::{EnvelopedValidation, SerializationException, ValidationException};

    let bare = without_position(message);
    let marked = |mark: &str| bare.strip_prefix(mark).map(str::to_owned);
    let marked_as_read = |mark: &str| message.strip_prefix(mark).map(str::to_owned);
    let is_invalid =
        ["missing field", "unknown variant", "invalid type: null"].iter().any(|kind| message.contains(kind));
    marked_as_read("SERIALIZATION_AS_READ:")
        .map(SerializationException)
        .or_else(|| marked_as_read("VALIDATION_AS_READ:").map(ValidationException))
        .or_else(|| marked("SERIALIZATION:").map(SerializationException))
        .or_else(|| marked("VALIDATION_REQUEST:").map(EnvelopedValidation))
        .or_else(|| marked("VALIDATION:").map(ValidationException))
        .or_else(|| is_invalid.then(|| ValidationException(message.to_owned())))
        .or_else(|| message.contains("empty AttributeValue").then(|| ValidationException(EMPTY_VALUE.to_owned())))
        .or_else(|| message.contains("Supplied AttributeValue").then(|| ValidationException(bare.to_owned())))
        .unwrap_or_else(|| SerializationException(message.to_owned()))
}

/// A message of serde's without ` at line … column …`.
fn without_position(message: &str) -> &str {
    match message.rsplit_once(" at line ") {
        Some((before, position)) if position.contains("column") => before,
        _ => message,
    }
}

/// An error as an operation answers with it, which for some is not what a call in process gives.
fn as_answered(operation: &str, error: DynoxideError) -> DynoxideError {
    use DynoxideError::{
        ConditionalCheckFailedException, EnvelopedValidation, StatementConditionalCheckFailed, ValidationException,
    };

    match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", EnvelopedValidation(message)) => {
            ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, EnvelopedValidation(message)) => ValidationException(message),
        ("ExecuteStatement", ConditionalCheckFailedException(message, Some(item))) => {
            StatementConditionalCheckFailed(message, item)
        }
        (_, error) => error,
    }
}

#[cfg(test)]
mod tests;
