//! Events of API Gateway, made from its documented samples.

use serde_json::{Value, json};

const REST_COGNITO: &str = include_str!("../../../../crates/api-gateway/tests/events/rest-cognito.json");
const HTTP_JWT: &str = include_str!("../../../../crates/api-gateway/tests/events/http-jwt.json");

/// Kind of API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Rest,
    Http,
}

pub(crate) const FLAVOURS: [Flavour; 2] = [Flavour::Rest, Flavour::Http];

/// Caller of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// No authorizer.
    Anybody,
    /// IAM principal with this ARN.
    Principal(&'static str),
    /// Token with this subject and these scopes.
    Token(&'static str, &'static str),
}

/// A request: method, path with query, headers, and body.
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<Value>,
}

/// Returns the event of a request.
pub(crate) fn event(flavour: Flavour, by: By, sent: &Sent<'_>) -> Value {
    let sample = if flavour == Flavour::Rest { REST_COGNITO } else { HTTP_JWT };
    let mut event: Value = serde_json::from_str(sample).unwrap();
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let (resource, parameters) = resource(path);
    event["pathParameters"] = parameters;
    event["body"] = json!(sent.body.as_ref().map(Value::to_string));
    for (name, value) in sent.headers {
        event["headers"][*name] = json!(value);
        if flavour == Flavour::Rest {
            event["multiValueHeaders"][*name] = json!([value]);
        }
    }
    let context = &mut event["requestContext"];
    match flavour {
        Flavour::Rest => {
            context["path"] = json!(format!("/prod{path}"));
            context["resourcePath"] = json!(resource);
            context["httpMethod"] = json!(sent.method);
            match by {
                By::Anybody => drop(context.as_object_mut().unwrap().remove("authorizer")),
                By::Principal(arn) => {
                    context.as_object_mut().unwrap().remove("authorizer");
                    context["identity"]["userArn"] = json!(arn);
                }
                By::Token(subject, scopes) => {
                    context["authorizer"]["claims"]["sub"] = json!(subject);
                    context["authorizer"]["claims"]["scope"] = json!(scopes);
                }
            }
            event["resource"] = json!(resource);
            event["path"] = json!(path);
            event["httpMethod"] = json!(sent.method);
            let values = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), json!([value])));
            let values: serde_json::Map<_, _> = query.split('&').filter_map(values).collect();
            event["multiValueQueryStringParameters"] = if values.is_empty() { Value::Null } else { values.into() };
        }
        Flavour::Http => {
            context["http"]["method"] = json!(sent.method);
            context["http"]["path"] = json!(path);
            context["routeKey"] = json!(format!("{} {resource}", sent.method));
            match by {
                By::Anybody => drop(context.as_object_mut().unwrap().remove("authorizer")),
                By::Principal(arn) => context["authorizer"] = json!({"iam": {"userArn": arn}}),
                By::Token(subject, scopes) => {
                    context["authorizer"]["jwt"]["claims"]["sub"] = json!(subject);
                    context["authorizer"]["jwt"]["claims"]["scope"] = json!(scopes);
                    // The scopes that the route accepts, in spite of its name.
                    context["authorizer"]["jwt"]["scopes"] = json!(["paystream/back-office"]);
                }
            }
            event["routeKey"] = json!(format!("{} {resource}", sent.method));
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!(query);
        }
    }
    event
}

/// Returns the path's route and the values of its parameters.
fn resource(path: &str) -> (String, Value) {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["", "payments", id] => ("/payments/{payment_id}".to_owned(), json!({"payment_id": id})),
        ["", "payments", id, step] => (format!("/payments/{{payment_id}}/{step}"), json!({"payment_id": id})),
        _ => (path.to_owned(), Value::Null),
    }
}
