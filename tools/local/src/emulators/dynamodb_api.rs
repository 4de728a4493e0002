//! The JSON protocol of DynamoDB over in-process calls.
//!
//! dynoxide has a server, but it serves only a TCP listener, which would bypass fault injection, call counting and the
//! protection against other websites.
//!
//! Requests of an SDK get the same results as from dynoxide's server. Two error messages differ: for a number in a
//! batch or a transaction that is empty or has an exponent of more than 32 bits, and for an attribute in an
//! expression's values that is nested too deeply for the parser. JSON values of a wrong type, which no SDK sends, get
//! messages other than DynamoDB's, and members that the operation does not have are ignored.

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

/// Largest request body that DynamoDB accepts.
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

/// Declares each operation once: its name and the method that implements it.
macro_rules! operations {
    ($($name:literal => $method:ident,)+) => {
        /// Operations of the DynamoDB emulator, including those on table streams.
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

/// Reason why a request fails.
enum RequestError {
    UnknownOperation,
    /// The body is not JSON.
    Unreadable,
    /// Error body built by dynoxide.
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
            let error = error_over_http(operation, error);
            (StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST), error.to_json())
        }
    };
    let request_id = Uuid::new_v4().simple().to_string().to_ascii_uppercase();
    (status, [("content-type", content_type), ("x-amzn-requestid", &request_id)], body).into_response()
}

/// Returns the content type of the response, which is that of the request; `None` if DynamoDB does not support it.
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
            // The parser's limit is about 61 levels of an attribute; DynamoDB's is 32.
            DynoxideError::ValidationException(TOO_DEEP.to_owned()).into()
        } else if error.is_data() && serde_json::from_str::<IgnoredAny>(body).is_ok() {
            error_from_message(&message).into()
        } else {
            RequestError::Unreadable
        }
    })
}

/// Returns the error for a message of dynoxide's deserialisers, which begins with a marker of the kind of error.
fn error_from_message(message: &str) -> DynoxideError {
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

/// Strips ` at line … column …` from a message of serde.
fn without_position(message: &str) -> &str {
    match message.rsplit_once(" at line ") {
        Some((before, position)) if position.contains("column") => before,
        _ => message,
    }
}

/// Converts the error of an in-process call to the error that the operation returns over HTTP.
fn error_over_http(operation: &str, error: DynoxideError) -> DynoxideError {
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
