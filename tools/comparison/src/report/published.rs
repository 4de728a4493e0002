//! What others measured on AWS, where a run on one machine has nothing to say.

/// How long a record takes through Kinesis into a function, in milliseconds.
pub(super) struct Published {
    pub(super) what: &'static str,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
}

/// Where the figures are from: 1,024 records, eu-west-1, 4 and 5 September 2022.
pub(super) const SOURCE: &str = "[Serverless Messaging: Latency Compared](https://bitesizedserverless.com/bite/serverless-messaging-latency-compared/)";
/// Why the standard one is as slow as it is.
pub(super) const POLLING: &str =
    "[AWS Lambda Developer Guide](https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html)";

pub(super) const STANDARD: Published =
    Published { what: "Kinesis to Lambda, standard", p50: 627.0, p90: 965.0, p99: 1_580.0 };
pub(super) const FAN_OUT: Published =
    Published { what: "Kinesis to Lambda, enhanced fan-out", p50: 49.4, p90: 67.5, p99: 109.0 };
