//! Preconditions, through the gateway, behind both kinds of API.

use paystream_tests::{Need, Paystream, eur, skip_without};
use serde_json::Value;

#[tokio::test]
async fn reads_and_changes_are_conditional_behind_both_kinds_of_api() {
    if skip_without(&[Need::Parameters]) {
        return;
    }
    for (flavour, paystream) in Paystream::both_flavours().await {
        let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
        let path = format!("/payments/{}", payment["payment_id"].as_str().unwrap());
        let read = async |headers: &[(&str, &str)]| paystream.request("GET", &path, headers, "").await;
        for current in ["\"1\"", "W/\"1\"", "\"0\", ,\"1\"", "*"] {
            let unchanged = read(&[("if-none-match", current)]).await;
            assert_eq!(unchanged.headers["etag"], "\"1\"", "{flavour} {current}");
            assert_eq!(unchanged.expect(304), Value::Null, "{flavour} {current}");
        }
        assert_eq!(read(&[("if-none-match", "\"01\"")]).await.expect(200), payment, "{flavour}");
        read(&[("if-match", "\"0\"")]).await.expect_problem(412, "version-mismatch");

        let void =
            async |headers: &[(&str, &str)]| paystream.request("POST", &format!("{path}/void"), headers, "").await;
        for unmet in [("if-match", "\"01\""), ("if-match", "\"+1\""), ("if-none-match", "*")] {
            void(&[unmet]).await.expect_problem(412, "version-mismatch");
        }
        void(&[("if-match", "\"a,b\""), ("if-match", ",,\"1\"")]).await.expect(200);
    }
}
