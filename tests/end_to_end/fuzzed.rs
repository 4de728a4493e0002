//! Regression tests for inputs that failed in a fuzzing run: their response was not the one documented, or not the one
//! that the fuzzer expects.

use http_problems::TYPES;
use paystream_tests::{Need, Paystream, skip_without};
use serde_json::Value;

/// Sends each input to a REST API and to an HTTP API. The harness checks each response against the document of its API,
/// which is the check that most of these inputs failed.
///
/// Paths are recorded as sent. Keys and tokens were added afterwards: the fuzzer's records omit them.
#[tokio::test]
async fn inputs_that_failed_in_fuzzing_are_handled_as_documented() {
    // Other gateways decode such paths differently.
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
            assert_eq!(answer.body["type"], format!("{TYPES}{}", text("problem")), "{method} {path}");
        }
    }
}
