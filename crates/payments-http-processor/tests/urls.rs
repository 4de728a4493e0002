//! Base URLs of processors, and the choice of the processor by variables.
#![allow(missing_docs, clippy::unwrap_used)]

use payments_http_processor::selection::ProcessorConfig;
use payments_http_processor::{InvalidProcessorUrl, ProcessorUrl};
use telemetry::Variables;

#[test]
fn https_urls_and_plain_http_at_loopback_addresses_are_accepted() {
    for (text, base) in [
        ("https://api.processor.example", "https://api.processor.example"),
        ("https://api.processor.example/", "https://api.processor.example"),
        ("https://api.processor.example:8443/v1/", "https://api.processor.example:8443/v1"),
        ("HTTPS://api.processor.example", "https://api.processor.example"),
        ("http://127.0.0.1:9090", "http://127.0.0.1:9090"),
        ("http://127.8.8.8", "http://127.8.8.8"),
        ("http://[::1]:9090/v1", "http://[::1]:9090/v1"),
    ] {
        assert_eq!(text.parse::<ProcessorUrl>().unwrap().as_str(), base);
    }
}

#[test]
fn plain_http_to_any_other_host_is_refused() {
    for text in [
        "http://api.processor.example",
        "http://localhost:9090",
        "http://127.0.0.1.processor.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.1",
        "http://2130706433",
        "http://[::ffff:10.0.0.1]",
        "HTTP://api.processor.example",
    ] {
        assert_eq!(text.parse::<ProcessorUrl>(), Err(InvalidProcessorUrl::NotEncrypted), "{text}");
    }
}

#[test]
fn urls_that_are_more_or_less_than_a_base_are_refused_and_not_shown() {
    for text in [
        "",
        "processor.example",
        "/v1",
        "https://",
        "https:// x",
        "https://user:hunter2@processor.example",
        "http://127.0.0.1@processor.example",
        "https://processor.example?key=hunter2",
        "https://processor.example#hunter2",
        "https://processor.example:",
        "https://processor.example:hunter2",
        "https://processor.example:99999",
        "ftp://processor.example",
        "file:///hunter2",
    ] {
        let error = text.parse::<ProcessorUrl>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
    }
}

const TABLE: (&str, &str) = ("PROCESSOR_SIMULATOR_TABLE", "simulator");
const URL: (&str, &str) = ("PROCESSOR_URL", "https://processor.example/");
const ARN: (&str, &str) = ("PROCESSOR_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:p");

fn read(pairs: &[(&str, &str)]) -> Result<ProcessorConfig, String> {
    let mut variables: Variables = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    ProcessorConfig::read(&mut variables).ok_or_else(|| variables.into_error().to_string())
}

#[test]
fn the_variables_of_one_kind_select_it() {
    assert_eq!(read(&[TABLE]), Ok(ProcessorConfig::Simulator { table: TABLE.1.to_owned() }));
    let http = ProcessorConfig::Http { url: URL.1.parse().unwrap(), secret_arn: ARN.1.to_owned() };
    assert_eq!(read(&[URL, ARN, (TABLE.0, "")]), Ok(http));
}

#[test]
fn no_processor_two_processors_and_half_a_processor_are_refused_by_name() {
    for (pairs, parts) in [
        (&[][..], &["PROCESSOR_URL is missing", "or for the simulator PROCESSOR_SIMULATOR_TABLE"][..]),
        (&[URL], &["PROCESSOR_SECRET_ARN is missing"]),
        (&[ARN], &["PROCESSOR_URL is missing"]),
        (&[TABLE, URL, ARN], &["PROCESSOR_URL is set", "PROCESSOR_SECRET_ARN is set", "selects the simulator"]),
        (&[TABLE, URL], &["PROCESSOR_URL is set; expected no value"]),
        (&[TABLE, ARN], &["PROCESSOR_SECRET_ARN is set; expected no value"]),
        (&[("PROCESSOR_URL", "http://processor.example"), ARN], &["PROCESSOR_URL is plain http"]),
    ] {
        let error = read(pairs).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
}
