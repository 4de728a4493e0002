//! The S3 client against a server that verifies signatures as S3 does: from the received request, by the rules of
//! Signature Version 4, sharing no code with the signer.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use paystream_operations::failures::{Bucket, FailureSource};
use serde_json::json;
use sha2::{Digest, Sha256};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Default)]
struct S3 {
    objects: Mutex<BTreeMap<String, String>>,
    /// Number of requests that get status 503 first.
    slow_down: AtomicU32,
}

fn config(secret: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", secret, Some("session+token".to_owned()), None, "test");
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn serve(s3: S3) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::new(s3));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn answer(State(s3): State<Arc<S3>>, request: Request) -> (StatusCode, String) {
    if s3.slow_down.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        return (StatusCode::SERVICE_UNAVAILABLE, "<Error><Code>SlowDown</Code></Error>".to_owned());
    }
    if !is_signed(&request) {
        let message = "<Error><Code>SignatureDoesNotMatch</Code><Message>it does not match</Message></Error>";
        return (StatusCode::FORBIDDEN, message.to_owned());
    }
    let path = decoded(request.uri().path());
    let mut objects = s3.objects.lock().unwrap();
    match path.strip_prefix("/failures/").unwrap() {
        key if request.method() == Method::DELETE => {
            objects.remove(key);
            (StatusCode::NO_CONTENT, String::new())
        }
        "" => (StatusCode::OK, listing(&objects, request.uri().query().unwrap())),
        key => match objects.get(key) {
            Some(object) => (StatusCode::OK, object.clone()),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>".to_owned()),
        },
    }
}

/// Pages of two keys. The continuation token is the index of the first key, with characters that need escaping.
fn listing(objects: &BTreeMap<String, String>, query: &str) -> String {
    let part = |name: &str| query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")).map(decoded));
    assert_eq!(part("list-type").as_deref(), Some("2"));
    let from: usize = part("continuation-token").map_or(0, |token| token.trim_end_matches("/+=").parse().unwrap());
    let mut xml = "<ListBucketResult>".to_owned();
    for key in objects.keys().skip(from).take(2) {
        write!(xml, "<Contents><Key>{}</Key></Contents>", key.replace('&', "&amp;")).unwrap();
    }
    if from + 2 < objects.len() {
        write!(xml, "<NextContinuationToken>{}/+=</NextContinuationToken>", from + 2).unwrap();
    }
    xml + "</ListBucketResult>"
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
fn is_signed(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let authorization = header("authorization");
    let part = |name: &str| authorization.split_once(name).unwrap().1.split(',').next().unwrap().to_owned();
    let (scope, signed, signature) = (part("Credential=AKIDEXAMPLE/"), part("SignedHeaders="), part("Signature="));
    for needed in ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"] {
        assert!(signed.split(';').any(|name| name == needed), "{needed} is not signed");
    }
    let mut query: Vec<_> = request.uri().query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let headers: Vec<_> = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let (path, payload) = (request.uri().path(), header("x-amz-content-sha256"));
    assert_eq!(payload, hex(&Sha256::digest(b"")));
    let method = request.method();
    let canonical = format!("{method}\n{path}\n{}\n{}\n{signed}\n{payload}", query.join("&"), headers.concat());
    let hash = hex(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", header("x-amz-date"));
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    assert!(scope.ends_with("/eu-central-1/s3/aws4_request"), "{scope}");
    hex(&hmac(&key, to_sign.as_bytes())) == signature
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|n| key.get(n).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn failure(timestamp: &str) -> String {
    json!({
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3, "functionArn": "arn:f"},
        "timestamp": timestamp, "payload": "{\"Records\":[]}",
        "KinesisBatchInfo": {"shardId": "shardId-0", "batchSize": 1, "streamArn": "arn:aws:kinesis:::stream/s"},
    })
    .to_string()
}

/// Keys in Lambda's format, and keys that need escaping in a path or in XML.
fn keys() -> [String; 5] {
    let lambda = |n: u32| format!("aws/lambda/9ab1/shardId-00{n}/2026/11/23/2026-11-23T02.03.0{n}-5b6c");
    [lambda(1), lambda(2), lambda(3), "other/a b&c+d=é".to_owned(), "other/x..//y".to_owned()]
}

fn full() -> S3 {
    let objects = (0..).zip(keys()).map(|(n, key)| (key, failure(&format!("2026-11-23T0{}:00:00Z", 9 - n)))).collect();
    S3 { objects: Mutex::new(objects), ..S3::default() }
}

#[tokio::test]
async fn all_objects_are_listed_over_several_pages_and_read_by_any_key() {
    let url = serve(full()).await;
    let source = FailureSource::Bucket(Box::new(Bucket::at(&config(SECRET), "failures", Some(&url)).unwrap()));
    let list = source.list().await.unwrap();
    assert_eq!((list.unreadable, list.is_cut), (vec![], false));
    let ids: Vec<_> = list.failures.iter().map(|failure| failure.id.clone()).collect();
    assert_eq!(ids, keys().into_iter().rev().collect::<Vec<_>>(), "oldest first");
    assert!(source.load(&ids[0]).await.unwrap().unwrap().has_payload);
}

#[tokio::test]
async fn a_closed_batch_is_deleted_from_the_bucket() {
    let url = serve(full()).await;
    let source = FailureSource::Bucket(Box::new(Bucket::at(&config(SECRET), "failures", Some(&url)).unwrap()));
    for key in [keys()[0].as_str(), "other/a b&c+d=é"] {
        source.close(key).await.unwrap();
        source.close(key).await.unwrap();
        assert!(source.list().await.unwrap().failures.iter().all(|failure| failure.id != key), "{key}");
    }
    assert_eq!(source.list().await.unwrap().failures.len(), 3);
    let bucket = Bucket::at(&config("another secret"), "failures", Some(&url)).unwrap();
    let error = bucket.delete("other/a b&c+d=é").await.unwrap_err().to_string();
    let expected = "cannot delete an object of bucket failures: SignatureDoesNotMatch: it does not match";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn an_object_that_is_not_a_failure_record_is_reported_and_the_rest_is_listed() {
    let mut s3 = full();
    s3.objects.get_mut().unwrap().insert("notes.txt".to_owned(), "not a failure record".to_owned());
    let url = serve(s3).await;
    let source = FailureSource::Bucket(Box::new(Bucket::at(&config(SECRET), "failures", Some(&url)).unwrap()));
    let list = source.list().await.unwrap();
    assert_eq!((list.failures.len(), list.unreadable.len()), (5, 1));
    assert_eq!(list.unreadable[0].id, "notes.txt");
}

#[tokio::test]
async fn a_transient_error_is_retried_and_a_permanent_one_is_reported() {
    let url = serve(S3 { slow_down: AtomicU32::new(2), ..full() }).await;
    let bucket = Bucket::at(&config(SECRET), "failures", Some(&url)).unwrap();
    assert_eq!(bucket.keys(3).await.unwrap().len(), 3);
    let url = serve(S3 { slow_down: AtomicU32::new(u32::MAX), ..full() }).await;
    let error = Bucket::at(&config(SECRET), "failures", Some(&url)).unwrap().keys(3).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read bucket failures: SlowDown");
}

#[tokio::test]
async fn an_error_has_the_words_of_s3() {
    let url = serve(full()).await;
    let bucket = Bucket::at(&config("another secret"), "failures", Some(&url)).unwrap();
    let error = bucket.keys(1).await.unwrap_err().to_string();
    assert_eq!(error, "cannot read bucket failures: SignatureDoesNotMatch: it does not match");
    let bucket = Bucket::at(&config(SECRET), "failures", Some(&url)).unwrap();
    let error = bucket.get("not/there").await.unwrap_err().to_string();
    assert_eq!(error, "cannot read bucket failures: NoSuchKey: none");
}
