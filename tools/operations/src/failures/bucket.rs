//! Minimal S3 client: lists a bucket, reads its objects and deletes them.
//!
//! It signs and sends its requests with the signer and the HTTP client of the SDK's other clients. The SDK's S3 client
//! would add half a minute to a build.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_connection::{Https, Trust};
use aws_smithy_runtime_api::http::Request;
use paystream_client::{Bounds, Pace, Signer, exchange};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Bounds on one response. A payload is up to 6 MB.
const BOUNDS: Bounds = Bounds { answer_max: Duration::from_secs(30), answer_bytes_max: 64 * 1024 * 1024 };
/// Attempts per request on transient errors.
const ATTEMPTS: Pace = Pace::times(4, Duration::from_millis(100)).doubling(Duration::from_secs(1));
/// Operation in the error of a listing and of a read.
const READ: &str = "read";
/// Keys per page of a listing.
const KEYS_A_PAGE: &str = "1000";

/// Characters that a signed URI leaves unescaped.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const UNRESERVED_AND_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The bucket could not be read, or an object not deleted.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} bucket {bucket}: {reason}")]
pub struct BucketError {
    operation: &'static str,
    bucket: String,
    reason: String,
}

/// A failed request, with the reason.
enum SendError {
    /// A retry may succeed.
    Transient(String),
    Permanent(String),
}

/// A bucket on S3, or on a service with the same API.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    signer: Signer,
    https: Https,
    base: String,
}

impl Bucket {
    /// Opens the bucket of this name, with the region and the credentials of `config`. `AWS_ENDPOINT_URL_S3` and
    /// `AWS_ENDPOINT_URL` override the endpoint, as they do for the SDK.
    pub fn new(config: &SdkConfig, name: &str) -> Result<Self, BucketError> {
        let endpoint =
            ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].into_iter().find_map(|name| std::env::var(name).ok());
        Self::at(config, name, endpoint.as_deref())
    }

    /// Opens the bucket of this name at this endpoint, or at S3 if there is no endpoint.
    pub fn at(config: &SdkConfig, name: &str, endpoint: Option<&str>) -> Result<Self, BucketError> {
        let failed = |reason: &str| BucketError { operation: READ, bucket: name.to_owned(), reason: reason.to_owned() };
        let region = config.region().ok_or_else(|| failed("no region is set: set AWS_REGION"))?;
        let base = match endpoint {
            Some(endpoint) => format!("{}/{name}", endpoint.trim_end_matches('/')),
            None if region.as_ref().starts_with("cn-") => format!("https://{name}.s3.{region}.amazonaws.com.cn"),
            None => format!("https://{name}.s3.{region}.amazonaws.com"),
        };
        let signer = Signer::for_s3(config.clone());
        Ok(Self { name: name.to_owned(), signer, https: Https::new(Trust::System), base })
    }

    /// Lists the keys of its objects, `keys_max` at most.
    pub async fn keys(&self, keys_max: usize) -> Result<Vec<String>, BucketError> {
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let from = token.map(|token| format!("&continuation-token={}", utf8_percent_encode(&token, UNRESERVED)));
            // Parameters sorted by name, as the signature requires.
            let query = format!("{}&list-type=2&max-keys={KEYS_A_PAGE}", from.unwrap_or_default());
            let answer = self.send("GET", &format!("/?{}", query.trim_start_matches('&'))).await;
            let page = answer.and_then(|answer| Page::read(&answer)).map_err(|reason| self.failed(READ, reason))?;
            keys.extend(page.keys);
            token = page.next;
            if token.is_none() || keys.len() >= keys_max {
                keys.truncate(keys_max);
                return Ok(keys);
            }
        }
    }

    /// Returns the content of the object.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, BucketError> {
        self.send("GET", &path_of(key)).await.map_err(|reason| self.failed(READ, reason))
    }

    /// Deletes the object. Succeeds if it does not exist.
    pub async fn delete(&self, key: &str) -> Result<(), BucketError> {
        let deleted = self.send("DELETE", &path_of(key)).await;
        deleted.map(|_| ()).map_err(|reason| self.failed("delete an object of", reason))
    }

    /// Sends a request, with retries on transient errors. Returns the body of the response, or the reason of a failure.
    async fn send(&self, method: &str, path: &str) -> Result<Vec<u8>, String> {
        let is_last = |answer: &Result<_, SendError>| !matches!(answer, Err(SendError::Transient(_)));
        let answer = ATTEMPTS.until(async || self.try_send(method, path).await, is_last).await;
        answer.map_err(|(SendError::Transient(reason) | SendError::Permanent(reason))| reason)
    }

    /// Sends a request without retries.
    async fn try_send(&self, method: &str, path: &str) -> Result<Vec<u8>, SendError> {
        let permanent = |error: &dyn std::error::Error| SendError::Permanent(error.to_string());
        let mut request = Request::empty();
        request.set_method(method).map_err(|error| permanent(&error))?;
        request.set_uri(format!("{}{path}", self.base)).map_err(|error| permanent(&error))?;
        self.signer.sign(&mut request).await.map_err(SendError::Permanent)?;
        let answer = exchange(&self.https, request, BOUNDS).await;
        let answer = answer.map_err(|error| SendError::Transient(error.to_string()))?;
        match answer.status().as_u16() {
            200 | 204 => Ok(answer.into_body()),
            status @ (429 | 500..) => Err(SendError::Transient(error_of(status, answer.body()))),
            status => Err(SendError::Permanent(error_of(status, answer.body()))),
        }
    }

    fn failed(&self, operation: &'static str, reason: String) -> BucketError {
        BucketError { operation, bucket: self.name.clone(), reason }
    }
}

fn path_of(key: &str) -> String {
    format!("/{}", utf8_percent_encode(key, UNRESERVED_AND_SLASH))
}

/// One page of a listing, with the continuation token of the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    keys: Vec<String>,
    next: Option<String>,
}

impl Page {
    /// Parses the response of `ListObjectsV2`.
    fn read(xml: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(xml).map_err(|error| error.to_string())?;
        let mut document = aws_smithy_xml::decode::Document::new(text);
        let mut root = document.root_element().map_err(|error| error.to_string())?;
        let mut page = Self::default();
        while let Some(mut element) = root.next_tag() {
            let name = element.start_el().local().to_owned();
            match name.as_str() {
                "NextContinuationToken" => page.next = Some(text_of(&mut element)?),
                "Contents" => {
                    while let Some(mut part) = element.next_tag() {
                        if part.start_el().local() == "Key" {
                            page.keys.push(text_of(&mut part)?);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(page)
    }
}

fn text_of(element: &mut aws_smithy_xml::decode::ScopedDecoder<'_, '_>) -> Result<String, String> {
    aws_smithy_xml::decode::try_data(element).map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
}

/// Error message of a failed request, from S3's XML body if it has one.
fn error_of(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let part = |name: &str| {
        let (_, behind) = text.split_once(&format!("<{name}>"))?;
        behind.split_once('<').map(|(part, _)| part.to_owned())
    };
    match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        (None, _) => format!("S3 returned status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_parsed_with_its_continuation_token() {
        let xml = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/>
            <NextContinuationToken>1ueG/cGc=</NextContinuationToken><IsTruncated>true</IsTruncated>
            <Contents><Key>aws/lambda/a&amp;b</Key><LastModified>2026-11-23T00:00:00.000Z</LastModified><Size>1</Size>
            <Owner><ID>x</ID></Owner></Contents><Contents><Size>2</Size><Key>second</Key></Contents></ListBucketResult>"#;
        let keys = ["aws/lambda/a&b", "second"].map(str::to_owned).to_vec();
        assert_eq!(Page::read(xml), Ok(Page { keys, next: Some("1ueG/cGc=".to_owned()) }));
        assert!(Page::read(b"no xml").is_err());
    }

    #[test]
    fn an_error_has_the_code_and_message_of_s3() {
        let body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        assert_eq!(error_of(403, body), "AccessDenied: Access Denied");
        assert_eq!(error_of(502, b"<html>"), "S3 returned status 502");
    }
}
