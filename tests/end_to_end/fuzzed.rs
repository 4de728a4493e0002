//! Every input that once failed in a fuzzing run: was answered otherwise than its document says, or than the fuzzer is told.

use paystream_tests::{Need, Paystream, skip_without};
use serde_json::Value;

/// The harness holds each answer to the document of its API, which is how most of these failed, with either kind of API.
///
/// Paths are as they were on the wire. Keys and tokens are ours: the fuzzer leaves them out of what it keeps.
#[tokio::test]
async fn every_input_that_failed_in_fuzzing_is_answered_as_the_documents_say() {
    // What stands in front of a function elsewhere reads such paths in its own way.
    if skip_without(&[Need::Parameters]) {
        return;
    }
    let inputs: Vec<Value> = serde_json::from_str(include_str!("fuzzed.json")).unwrap();
    assert_eq!(inputs.len(), 9);
    for flavour in ["rest", "http"] {
        let paystream = Paystream::start_with_parameters(&[("ApiFlavour", flavour)]).await;
        for input in &inputs {
            let text = |member: &str| input[member].as_str().unwrap();
            let (method, path) = text("request").split_once(' ').unwrap();
            let headers = input["headers"].as_object().unwrap().iter();
            let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
            let answer = paystream.request(method, path, &headers, text("body")).await;
            assert_eq!(u64::from(answer.status.as_u16()), input["status"].as_u64().unwrap(), "{method} {path}");
            assert_eq!(answer.body["type"], format!("/problems/{}", text("problem")), "{method} {path}");
        }
    }
}
