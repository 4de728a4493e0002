//! Independent check of a Signature Version 4, from the received request alone, as in API Gateway.

use std::fmt::Write;

use axum::extract::Request;
use sha2::{Digest, Sha256};

use crate::SECRET;

/// Checks the signature of a request.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
///
/// # Panics
/// If the signature is missing or wrong.
pub(crate) fn check(request: &Request) {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let authorization = header("authorization");
    let part = |name: &str| authorization.split_once(name).unwrap().1.split(',').next().unwrap().to_owned();
    let (scope, signed, signature) = (part("Credential=AKIDEXAMPLE/"), part("SignedHeaders="), part("Signature="));
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 "), "{authorization}");
    assert!(scope.ends_with("/eu-central-1/execute-api/aws4_request"), "{scope}");
    assert!(scope.starts_with(&header("x-amz-date")[..8]), "the scope has another date");
    for needed in ["host", "x-amz-date", "x-amz-security-token"] {
        assert!(signed.split(';').any(|name| name == needed), "{needed} is not signed");
    }
    let headers: Vec<_> = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let path = request.uri().path();
    let mut query: Vec<_> = request.uri().query().unwrap().split('&').collect();
    query.sort_unstable();
    let query = query.join("&");
    let canonical = format!("GET\n{path}\n{query}\n{}\n{signed}\n{}", headers.concat(), hex(&Sha256::digest(b"")));
    let hash = hex(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", header("x-amz-date"));
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    assert_eq!(hex(&hmac(&key, to_sign.as_bytes())), signature);
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|n| key.get(n).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
