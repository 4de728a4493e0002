//! Effects of the deployed template's parameters.

use std::collections::BTreeSet;
use std::fs;

use super::*;

const PROCESSOR: [(&str, &str); 2] = [PROCESSOR_URL, PROCESSOR_SECRET];

fn deploying(given: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::load(&path, &given)
}

fn routes(template: &Template) -> BTreeSet<(String, String, String)> {
    let route = |route: &Route| (route.method.clone(), route.path.clone(), route.function.clone());
    template.routes().iter().map(route).collect()
}

#[test]
fn http_apis_have_the_routes_of_the_rest_apis() {
    let (rest, http) = (deploying(&[]).unwrap(), deploying(&[("ApiFlavour", "http")]).unwrap());
    assert_eq!(routes(&rest), routes(&http));
    assert!(rest.routes().iter().all(|route| (route.format, route.stage.as_str()) == (PayloadFormat::V1, "dev")));
    assert!(http.routes().iter().all(|route| (route.format, route.stage.as_str()) == (PayloadFormat::V2, "$default")));
    assert!(http.routes().iter().all(|route| route.api.ends_with("HttpApi")));
}

#[test]
fn enhanced_fan_out_reads_the_same_stream() {
    let template = deploying(&[("EnhancedFanOut", "on")]).unwrap();
    let mapping = template.mappings.iter().find(|mapping| mapping.function == "OrderProjector").unwrap();
    assert_eq!(mapping.source, MappingSource::Kinesis("PaymentStream".to_owned()));
}

#[test]
fn all_options_can_be_combined() {
    let given = [
        ("Stage", "prod"),
        ("StreamMode", "on-demand"),
        ("EnhancedFanOut", "on"),
        ("ConcurrencyMax", "7"),
        ("KmsKeyArn", "arn:aws:kms:us-east-1:000000000000:key/1"),
        ("Tracing", "on"),
        ("AlarmEmail", "a@example.com"),
    ];
    let template = deploying(&[&given[..], &PROCESSOR].concat()).unwrap();
    assert!(template.functions.iter().all(|function| function.concurrency_max == Some(7)));
    assert_eq!(template.streams[0].shard_count, 4, "an on-demand stream starts with four shards");
    let by_default = deploying(&[]).unwrap();
    assert!(by_default.functions.iter().all(|function| function.concurrency_max.is_none()));
}

#[test]
fn prod_needs_a_processor_and_refuses_test_tokens() {
    let test_tokens = |given: &[(&str, &str)]| {
        let template = deploying(given).unwrap();
        let payment_api = template.functions.iter().find(|function| function.logical_id == "PaymentApi").unwrap();
        let is_configured = payment_api.variables.contains_key("PROCESSOR_URL");
        (payment_api.variables["PROCESSOR_TEST_TOKENS"].clone(), is_configured)
    };
    let [url, secret] = PROCESSOR;
    assert_eq!(test_tokens(&[]), ("accept".to_owned(), false));
    assert_eq!(test_tokens(&[("Stage", "staging"), url, secret]), ("accept".to_owned(), true));
    assert_eq!(test_tokens(&[("Stage", "prod"), url, secret]), ("refuse".to_owned(), true));
    for (given, expected) in [
        (&[("Stage", "prod")][..], "Stage=prod needs ProcessorUrl"),
        (&[("Stage", "prod"), url], "ProcessorUrl needs ProcessorSecretArn"),
        (&[secret], "ProcessorSecretArn needs ProcessorUrl"),
        (&[("ProcessorUrl", "http://processor.example"), secret], "parameter ProcessorUrl must be text that matches"),
    ] {
        let error = deploying(given).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(deploying(&[("ProcessorUrl", "http://127.0.0.1:8123"), secret]).is_ok(), "a processor on the same machine");
}

#[test]
fn incompatible_parameters_are_rejected() {
    for given in [
        &[("JwtIssuer", "https://issuer.example"), ("JwtAudience", "orders")][..],
        &[("JwtIssuer", "https://issuer.example"), ("ApiFlavour", "http")],
    ] {
        let error = deploying(given).unwrap_err().to_string();
        assert_eq!(error, "JwtIssuer needs ApiFlavour=http and a JwtAudience.");
    }
    let error = deploying(&[("CognitoUserPoolArn", "arn"), ("ApiFlavour", "http")]).unwrap_err().to_string();
    assert!(error.starts_with("CognitoUserPoolArn needs ApiFlavour=rest"), "{error}");
    assert!(deploying(&[("CognitoUserPoolArn", "arn")]).is_ok());
}

/// Parses a template whose API is defined by an included file with this content.
fn with_definition(definition: &str) -> Result<Template, LocatedProblem> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("api.yaml"), definition).unwrap();
    let source = "Resources:\n  Api:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      DefinitionBody:\n        Fn::Transform: { Name: \
                  AWS::Include, Parameters: { Location: api.yaml } }\n";
    Template::parse(source, directory.path(), &BTreeMap::new(), &BTreeMap::new())
}

#[test]
fn problems_in_an_included_file_name_the_file() {
    for (definition, message) in [
        ("paths:\n  /a: { Fn::If: [No, 1, 2] }\n", "api.yaml: line 2: there is no condition No"),
        ("paths: [1, 2\nb: c\n", "api.yaml: line 2: not a template: "),
        ("paths: { /a: { get: {} } }", "resource Api: GET /a: property x-amazon-apigateway-integration is missing"),
        ("paths: { /a: { fetch: {} } }", "resource Api: /a: fetch is not supported"),
        ("security: []", "resource Api: DefinitionBody: property security is not supported"),
        (
            "paths: { /a: { get: { x-amazon-apigateway-integration: { type: aws_proxy, payloadFormatVersion: '2.0', uri: a } } } }",
            "resource Api: GET /a: x-amazon-apigateway-integration: uri must be that of a function of this template",
        ),
        (
            "paths: { /a: { get: { x-amazon-apigateway-integration: { type: aws_proxy, payloadFormatVersion: '1.0', uri: a } } } }",
            "resource Api: GET /a: x-amazon-apigateway-integration: payloadFormatVersion must be 2.0 for an HTTP API",
        ),
    ] {
        let fault = with_definition(definition).unwrap_err();
        assert!(fault.problem.to_string().contains(message), "{}", fault.problem);
        assert_eq!(fault.line, 6);
    }
    let missing = "Resources:\n  Api:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      DefinitionBody:\n        \
                   Fn::Transform: { Name: AWS::Include, Parameters: { Location: gone.yaml } }\n";
    let fault = parse(missing).unwrap_err();
    assert!(fault.problem.to_string().contains("gone.yaml: No such file"), "{}", fault.problem);
}

#[test]
fn a_function_event_can_declare_a_route_of_an_http_api() {
    let event = |kind: &str, api: &str| {
        with_function(&format!(
            "      Events:\n        Get:\n          Type: {kind}\n          Properties:\n            {api}: !Ref Api\n            Method: \
             get\n            Path: /payments\n  Api:\n    Type: AWS::Serverless::HttpApi\n"
        ))
    };
    let template = event("HttpApi", "ApiId").unwrap();
    let route = &template.routes()[0];
    assert_eq!((route.method.as_str(), route.format, route.stage.as_str()), ("GET", PayloadFormat::V2, "$default"));
    let message = "resource PaymentApi: event Get: RestApiId must be an AWS::Serverless::Api of this template";
    refused(event("Api", "RestApiId"), 12, message);
}

#[test]
fn the_hub_decides_which_relay_and_which_mapping_exist() {
    let kafka = [
        ("Hub", "kafka"),
        ("PublishMode", "stream"),
        ("KafkaBootstrapServers", "127.0.0.1:9092"),
        ("KafkaAuthentication", "none"),
        ("HubEncryption", "plaintext"),
    ];
    let rabbitmq = [
        ("Hub", "rabbitmq"),
        ("PublishMode", "stream"),
        ("RabbitMqBrokerArn", "arn:aws:mq:us-east-1:000000000000:broker:payments:b-1"),
        ("RabbitMqEndpoint", "127.0.0.1:5672"),
        ("HubSecretArn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:hub-AbCdEf"),
        ("HubEncryption", "plaintext"),
    ];
    for (given, hub, relay, mapping) in [
        (&[][..], HubKind::Kinesis, "payment-relay", "OrderProjectorPaymentPublished"),
        (&kafka, HubKind::Kafka, "payment-relay-kafka", "OrderProjectorKafkaPayments"),
        (&rabbitmq, HubKind::RabbitMq, "payment-relay-rabbitmq", "OrderProjectorRabbitMqPayments"),
    ] {
        let template = deploying(given).unwrap();
        assert_eq!(template.hub(), hub);
        let relays: Vec<_> = template.packages().into_iter().filter(|package| package.contains("relay")).collect();
        assert_eq!(relays, [relay], "only the relay of the hub is built");
        let mappings = template.mappings.iter().filter(|mapping| mapping.function == "OrderProjector");
        assert_eq!(mappings.map(|mapping| mapping.id.as_str()).collect::<Vec<_>>(), [mapping]);
        assert_eq!(template.streams.is_empty(), hub != HubKind::Kinesis);
    }
    let error = deploying(&[("Hub", "nats")]).unwrap_err().to_string();
    assert!(error.contains("parameter Hub must be one of kinesis, kafka, rabbitmq"), "{error}");
}
