//! State of a `RabbitMQ` broker, from the HTTP API of its management plugin.
//!
//! Source: <https://www.rabbitmq.com/docs/http-api-reference>.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_connection::{Https, Trust};
use aws_secrets::Credentials;
use aws_smithy_runtime_api::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use paystream_client::{Bounds, exchange};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{ExchangeFacts, QueueFacts, RabbitMqFacts};

/// Bounds on one response: bindings of a busy exchange are a few hundred bytes each.
const BOUNDS: Bounds = Bounds { answer_max: Duration::from_secs(10), answer_bytes_max: 8 * 1024 * 1024 };

/// Address of the API: `http(s)://[USER:PASSWORD@]HOST[:PORT]`. Only the address of a broker on this machine may have
/// credentials: a command line is visible to other users.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementUrl {
    base: String,
    credentials: Option<Credentials>,
}

/// Shows no credentials.
impl fmt::Debug for ManagementUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base)
    }
}

/// Shows no credentials.
impl fmt::Display for ManagementUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base)
    }
}

impl ManagementUrl {
    /// Returns the credentials of the URL.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// True if the API is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.base.split_once("://").map_or("", |(_, host)| host);
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|local| host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])))
    }
}

impl FromStr for ManagementUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be http://[USER:PASSWORD@]HOST:PORT or https://HOST";
        let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
        let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        let host = host.trim_end_matches('/');
        if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains(|char: char| char.is_whitespace()) {
            return Err(FORM);
        }
        let decoded = |text| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| FORM);
        let credentials = match user {
            None => None,
            Some(user) => {
                let (username, password) = user.split_once(':').ok_or(FORM)?;
                Some(Credentials { username: decoded(username)?, password: decoded(password)? })
            }
        };
        let url = Self { base: format!("{scheme}://{host}"), credentials };
        if url.credentials.is_some() && !url.is_local() {
            return Err("may have credentials only for this machine: pass others by the environment or the secret");
        }
        Ok(url)
    }
}

/// The API could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagementError {
    /// No response.
    #[error("no management API at {url} ({reason}): give its URL with --management-url")]
    Unreachable {
        /// Its URL.
        url: String,
        /// Error of the client.
        reason: String,
    },
    /// The user has no access.
    #[error(
        "the management API at {url} refused {user} (status {status}) for {path}: the user needs the tag `monitoring`, and \
         permissions for the virtual host"
    )]
    Refused {
        /// Its URL.
        url: String,
        /// Name of the user.
        user: String,
        /// HTTP status.
        status: u16,
        /// Path of the request.
        path: String,
    },
    /// Unexpected response.
    #[error("the management API at {url} returned {reason}")]
    Unexpected {
        /// Its URL.
        url: String,
        /// Description of the response.
        reason: String,
    },
}

/// Read access to the management API.
#[derive(Debug)]
pub struct Management {
    https: Https,
    url: ManagementUrl,
    credentials: Credentials,
}

impl Management {
    /// Opens the API with these credentials.
    pub fn new(url: ManagementUrl, credentials: Credentials) -> Self {
        Self { https: Https::new(Trust::System), url, credentials }
    }

    /// Reads the state of an exchange, of a queue, of the binding between them, and of the broker. Parts that this user may
    /// not read are returned beside it, each with the reason.
    pub async fn facts(
        &self,
        virtual_host: &str,
        exchange: &str,
        queue: &str,
    ) -> Result<(RabbitMqFacts, Vec<(&'static str, String)>), ManagementError> {
        let mut unread = Vec::new();
        let overview = self.get("/api/overview").await?.unwrap_or_default();
        let version = text(&overview, "rabbitmq_version").to_owned();
        let alarms = match self.get("/api/nodes").await {
            Ok(nodes) => alarms(&nodes.unwrap_or_default()),
            Err(error @ ManagementError::Refused { .. }) => {
                unread.push(("alarms of the broker", error.to_string()));
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let host = segment(virtual_host);
        let exchange_read = self.get(&format!("/api/exchanges/{host}/{}", segment(exchange))).await?;
        let queue_read = self.get(&format!("/api/queues/{host}/{}", segment(queue))).await?;
        let mut exchange_facts = exchange_read.as_ref().map(exchange_of);
        if let (Some(facts), Some(policy)) = (&mut exchange_facts, exchange_read.as_ref().and_then(policy_of)) {
            match self.get(&format!("/api/policies/{host}/{}", segment(policy))).await {
                Ok(policy) => add_policy(facts, policy.as_ref()),
                Err(error @ ManagementError::Refused { .. }) => {
                    unread.push(("policy of the exchange", error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        let queue_facts = queue_read.as_ref().map(queue_of);
        let mut binding_keys = Vec::new();
        if exchange_facts.is_some() && queue_facts.is_some() {
            let path = format!("/api/bindings/{host}/e/{}/q/{}", segment(exchange), segment(queue));
            let bindings = self.get(&path).await?.unwrap_or_default();
            let bindings = bindings.as_array().into_iter().flatten();
            binding_keys = bindings.map(|binding| text(binding, "routing_key").to_owned()).collect();
        }
        let dead_letters_nowhere = match &queue_facts {
            Some(facts) => self.dead_letters_nowhere(&host, facts).await?,
            None => None,
        };
        let (exchange, queue) = (exchange_facts, queue_facts);
        Ok((RabbitMqFacts { version, alarms, exchange, queue, binding_keys, dead_letters_nowhere }, unread))
    }

    /// Returns the reason why dead-lettered messages of a queue reach no queue.
    async fn dead_letters_nowhere(&self, host: &str, queue: &QueueFacts) -> Result<Option<String>, ManagementError> {
        let Some(exchange) = queue.text("dead-letter-exchange") else { return Ok(None) };
        if exchange.is_empty() {
            // The default exchange routes to the queue that the key names.
            let key = queue.text("dead-letter-routing-key").unwrap_or_default();
            let target = self.get(&format!("/api/queues/{host}/{}", segment(key))).await?;
            return Ok(target.is_none().then(|| format!("no queue {key:?} for dead letters")));
        }
        let path = format!("/api/exchanges/{host}/{}", segment(exchange));
        if self.get(&path).await?.is_none() {
            return Ok(Some(format!("no exchange {exchange:?} for dead letters")));
        }
        let bindings = self.get(&format!("{path}/bindings/source")).await?.unwrap_or_default();
        let is_bound = bindings.as_array().is_some_and(|bindings| !bindings.is_empty());
        Ok((!is_bound).then(|| format!("no queue is bound to {exchange:?}, the exchange for dead letters")))
    }

    /// Sends a `GET`. `None` means status 404.
    async fn get(&self, path: &str) -> Result<Option<Value>, ManagementError> {
        let url = self.url.to_string();
        let unexpected = |reason: String| ManagementError::Unexpected { url: url.clone(), reason };
        let mut request = Request::empty();
        request.set_uri(format!("{url}{path}")).map_err(|error| unexpected(error.to_string()))?;
        let Credentials { username, password } = &self.credentials;
        let basic = BASE64_STANDARD.encode(format!("{username}:{password}"));
        request.headers_mut().insert("authorization", format!("Basic {basic}"));
        let answer = exchange(&self.https, request, BOUNDS).await;
        let answer =
            answer.map_err(|error| ManagementError::Unreachable { url: url.clone(), reason: error.to_string() })?;
        match answer.status().as_u16() {
            200 => {
                serde_json::from_slice(answer.body()).map(Some).map_err(|error| unexpected(format!("no JSON: {error}")))
            }
            404 => Ok(None),
            status @ (401 | 403) => {
                let (user, path) = (username.clone(), path.to_owned());
                Err(ManagementError::Refused { url: url.clone(), user, status, path })
            }
            status => Err(unexpected(format!("status {status} for {path}"))),
        }
    }
}

fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Returns an object's entries. An empty object may arrive as an empty list.
fn entries(value: &Value, name: &str) -> BTreeMap<String, Value> {
    let entries = value.get(name).and_then(Value::as_object).map(Map::iter).into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn alarms(nodes: &Value) -> Vec<String> {
    let alarms = nodes.as_array().into_iter().flatten().flat_map(|node| {
        let named =
            |(field, alarm): (&str, &str)| flag(node, field).then(|| format!("{alarm} of {}", text(node, "name")));
        [("mem_alarm", "memory alarm"), ("disk_free_alarm", "disk alarm")]
            .into_iter()
            .filter_map(named)
            .collect::<Vec<_>>()
    });
    alarms.collect()
}

fn policy_of(exchange: &Value) -> Option<&str> {
    exchange.get("policy").and_then(Value::as_str).filter(|policy| !policy.is_empty())
}

fn exchange_of(value: &Value) -> ExchangeFacts {
    let arguments = entries(value, "arguments");
    let alternate = arguments.get("alternate-exchange").and_then(Value::as_str).map(str::to_owned);
    ExchangeFacts {
        kind: text(value, "type").to_owned(),
        is_durable: flag(value, "durable"),
        is_auto_deleted: flag(value, "auto_delete"),
        is_internal: flag(value, "internal"),
        alternate_exchange: alternate,
    }
}

fn add_policy(facts: &mut ExchangeFacts, policy: Option<&Value>) {
    let alternate = policy.and_then(|policy| policy.pointer("/definition/alternate-exchange")).and_then(Value::as_str);
    if facts.alternate_exchange.is_none() {
        facts.alternate_exchange = alternate.map(str::to_owned);
    }
}

fn queue_of(value: &Value) -> QueueFacts {
    QueueFacts {
        kind: text(value, "type").to_owned(),
        state: text(value, "state").to_owned(),
        is_durable: flag(value, "durable"),
        is_auto_deleted: flag(value, "auto_delete"),
        is_exclusive: flag(value, "exclusive"),
        members: value.get("members").and_then(Value::as_array).map(Vec::len),
        arguments: entries(value, "arguments"),
        policy: entries(value, "effective_policy_definition"),
    }
}
