use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

const AUTHORIZATION_VALUE: &str =
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

/// Database with a table `Items` whose key is the string `id`.
fn table() -> Database {
    let database = Database::memory().unwrap();
    let create = json!({
        "TableName": "Items", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    database.create_table(serde_json::from_value(create).unwrap()).unwrap();
    database
}

async fn send(database: &Database, request: http::request::Builder, body: &str) -> Response {
    router(database.clone()).oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

fn signed(target: &str) -> http::request::Builder {
    let request = Request::post("/").header("x-amz-target", target).header("content-type", AMZ_JSON);
    request.header("authorization", AUTHORIZATION_VALUE).header("x-amz-date", "20260101T000000Z")
}

async fn text(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn call(database: &Database, operation: &str, body: &str) -> (u16, String) {
    let response = send(database, signed(&format!("DynamoDB_20120810.{operation}")), body).await;
    (response.status().as_u16(), text(response).await)
}

/// Returns the error code (`__type` without its prefix) and the message.
async fn refusal(database: &Database, operation: &str, body: &Value) -> (String, String) {
    let (status, answer) = call(database, operation, &body.to_string()).await;
    assert_eq!(status, 400, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let message = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default();
    (answer["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned(), message.to_owned())
}

#[tokio::test]
async fn a_response_has_the_content_type_of_its_request_and_a_request_id() {
    let database = table();
    for (given, expected) in [
        (AMZ_JSON, AMZ_JSON),
        ("application/json; charset=utf-8", PLAIN_JSON),
        ("Application/X-Amz-Json-1.0", AMZ_JSON),
    ] {
        let mut request = signed("DynamoDB_20120810.ListTables");
        request.headers_mut().unwrap().insert("content-type", given.parse().unwrap());
        let response = send(&database, request, "{}").await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &expected.parse().unwrap())
        );
        assert_eq!(response.headers()["x-amzn-requestid"].len(), 32);
        assert_eq!(text(response).await, r#"{"TableNames":["Items"]}"#);
    }
}

#[tokio::test]
async fn every_operation_is_dispatched_including_those_on_streams() {
    let database = table();
    for operation in OPERATIONS {
        for api in APIS {
            let answer = text(send(&database, signed(&format!("{api}{operation}")), "{}").await).await;
            assert!(!answer.contains("UnknownOperationException"), "{operation}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_request_that_names_no_operation_is_refused() {
    let database = table();
    for target in ["DynamoDB_20120810.PutRecord", "DynamoDB_20120810.", "Kinesis_20131202.PutItem", "PutItem", ""] {
        let response = send(&database, signed(target), "{}").await;
        assert_eq!(response.status(), 400);
        assert_eq!(text(response).await, UNKNOWN_OPERATION, "{target}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let database = table();
    for body in ["", "{", "nonsense", r#"{"TableName": "Items"} and more"#, r#"{"TableName": 5} and more"#] {
        assert_eq!(call(&database, "DescribeTable", body).await, (400, SERIALIZATION.to_owned()), "{body}");
    }
    let binary = signed("DynamoDB_20120810.DescribeTable").body(Body::from(vec![0xff, 0xfe])).unwrap();
    let response = router(database).oneshot(binary).await.unwrap();
    assert_eq!((response.status().as_u16(), text(response).await), (400, SERIALIZATION.to_owned()));
}

#[tokio::test]
async fn a_request_that_is_not_signed_is_refused() {
    let request =
        Request::post("/").header("x-amz-target", "DynamoDB_20120810.ListTables").header("content-type", AMZ_JSON);
    let response = send(&table(), request, "{}").await;
    assert_eq!(response.status(), 400);
    assert!(text(response).await.contains("MissingAuthenticationTokenException"));
}

#[tokio::test]
async fn requests_other_than_calls_and_the_health_check_are_not_found() {
    let database = table();
    let response = send(&database, Request::get("/"), "").await;
    assert_eq!((response.status().as_u16(), text(response).await), (200, HEALTHY.to_owned()));
    for request in [Request::options("/"), Request::delete("/"), Request::get("/shell"), Request::post("/Items")] {
        assert_eq!(send(&database, request, "").await.status(), 404);
    }
    // A content type that a browser sends cross-origin without a preflight.
    let mut request = signed("DynamoDB_20120810.ListTables");
    request.headers_mut().unwrap().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(send(&database, request, "{}").await.status(), 404);
}

#[tokio::test]
async fn an_error_has_the_message_of_its_operation() {
    let database = table();
    let wrong_number = json!({"TableName": "Items", "Item": {"id": {"S": "1"}, "n": {"N": "one"}}});
    let (code, message) = refusal(&database, "PutItem", &wrong_number).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("1 validation error detected: The parameter cannot be converted"), "{message}");
    let elsewhere = json!({"TableName": "Items", "Key": {"id": {"N": "one"}}});
    let (code, message) = refusal(&database, "GetItem", &elsewhere).await;
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("The parameter cannot be converted"), "{message}");

    let (code, _) = refusal(&database, "GetItem", &json!({"TableName": 5, "Key": {}})).await;
    assert_eq!(code, "SerializationException");
    let (code, _) = refusal(&database, "DescribeTable", &json!({"TableName": "Nothing"})).await;
    assert_eq!(code, "ResourceNotFoundException");
}

#[tokio::test]
async fn an_attribute_too_deep_for_the_parser_gets_the_nesting_error() {
    let deep = format!("{}{}{}", r#"{"M":{"a":"#.repeat(70), r#"{"S":"leaf"}"#, "}}".repeat(70));
    let body = format!(r#"{{"TableName":"Items","Item":{{"id":{{"S":"1"}},"deep":{deep}}}}}"#);
    let (status, answer) = call(&table(), "PutItem", &body).await;
    assert_eq!(status, 400);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer, json!({"__type": "com.amazon.coral.validate#ValidationException", "message": TOO_DEEP}));
}

#[tokio::test]
async fn a_failed_condition_returns_the_requested_item() {
    let database = table();
    let put = json!({
        "TableName": "Items", "Item": {"id": {"S": "1"}}, "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(call(&database, "PutItem", &put.to_string()).await, (200, "{}".to_owned()));
    let (_, answer) = call(&database, "PutItem", &put.to_string()).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["Item"], answer["message"].is_string()), (&json!({"id": {"S": "1"}}), true), "{answer}");

    let statement = json!({
        "Statement": "UPDATE Items SET n = 1 WHERE id = '1' AND n = 2",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    let (_, answer) = call(&database, "ExecuteStatement", &statement.to_string()).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["Item"], answer["Message"].is_string()), (&json!({"id": {"S": "1"}}), true), "{answer}");
}

#[tokio::test]
async fn a_cancelled_transaction_has_its_reasons() {
    let check = json!({"TransactItems": [{"ConditionCheck": {
        "TableName": "Items", "Key": {"id": {"S": "1"}}, "ConditionExpression": "attribute_exists(id)",
    }}]});
    let (status, answer) = call(&table(), "TransactWriteItems", &check.to_string()).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (status, &answer["CancellationReasons"][0]["Code"]),
        (400, &json!("ConditionalCheckFailed")),
        "{answer}"
    );
}
