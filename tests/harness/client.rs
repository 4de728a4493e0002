//! A client of both APIs. It retries as a client should, and polls for what is eventually consistent.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::environment::{EVENTUALLY_MAX, System};
use crate::{Answer, Paystream, contract, payment_body};

/// Timeout of one request: API Gateway's integration timeout, and some time for its own error.
const ANSWER_MAX: Duration = Duration::from_secs(35);
/// Pause before a request is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

impl Paystream {
    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// `POST path` with a JSON body and an idempotency key of its own.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    /// `POST path` with a body that claims to be JSON, and an idempotency key of its own.
    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        self.send(self.json(path, body).header("idempotency-key", self.name("key"))).await
    }

    /// `POST path` with a body that claims to be JSON, and no idempotency key.
    pub async fn post_without_key(&self, path: &str, body: &str) -> Answer {
        self.send(self.json(path, body)).await
    }

    /// `POST path` with a JSON body under that idempotency key.
    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(self.json(path, &body.to_string()).header("idempotency-key", key)).await
    }

    /// `POST path` with a JSON body under that idempotency key, sent once: for tests of the errors that a client retries.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send_once(self.json(path, &body.to_string()).header("idempotency-key", key)).await
    }

    /// `method path` with these headers and that body.
    ///
    /// # Panics
    /// Where the method is none, or a header.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let method = method.parse().unwrap_or_else(|error| panic!("{method}: {error}"));
        let request = self.http.request(method, self.url(path)).body(body.to_owned());
        self.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Pays for an order, and answers with the payment.
    ///
    /// # Panics
    /// Where the payment is not made.
    pub async fn pay(&self, order_id: &str, amount: &Value, token: &str) -> Value {
        self.post("/payments", &payment_body(order_id, amount, token)).await.expect(201)
    }

    /// Waits until Orders holds this payment as of this version.
    ///
    /// # Panics
    /// Where it does not come.
    pub async fn payment_arrives(&self, order_id: &str, payment: &Value) {
        let path = format!("/orders/{order_id}/payments");
        Self::eventually(&format!("{payment} arrives at Orders"), async || {
            let copies = self.get(&path).await.expect(200);
            let mut copies = copies["payments"].as_array().into_iter().flatten();
            let same = |copy: &&Value| ["payment_id", "version"].iter().all(|key| copy[key] == payment[key]);
            copies.find(same).map(|_| ())
        })
        .await;
    }

    /// Waits until the order has this status, and answers with it.
    ///
    /// # Panics
    /// Where it does not get it.
    pub async fn order_becomes(&self, order_id: &str, status: &str) -> Value {
        let path = format!("/orders/{order_id}");
        Self::eventually(&format!("order {order_id} becomes {status}"), async || {
            let order = self.get(&path).await.expect(200);
            (order["status"] == status).then_some(order)
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        match &self.system {
            System::Embedded { environment, .. } => format!("{}{path}", environment.url()),
            System::Deployed(deployed) => deployed.url(path),
        }
    }

    fn json(&self, path: &str, body: &str) -> reqwest::RequestBuilder {
        self.http.post(self.url(path)).header("content-type", "application/json").body(body.to_owned())
    }

    /// Sends a request, and again as long as the answer asks for that: a busy machine is no reason to fail a test.
    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let begun = Instant::now();
        loop {
            let copy = request.try_clone().unwrap_or_else(|| panic!("the body of a request is a string"));
            let answer = self.send_once(copy).await;
            if !answer.asks_for_retry() || begun.elapsed() > EVENTUALLY_MAX {
                return answer;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn send_once(&self, request: reqwest::RequestBuilder) -> Answer {
        let mut request = request.build().unwrap_or_else(|error| panic!("no request: {error}"));
        let (method, mut path) = (request.method().to_string(), request.url().path().to_owned());
        let mut hint = "";
        if let System::Deployed(deployed) = &self.system {
            deployed.sign(&mut request).await;
            path = deployed.path_in_api(&path).to_owned();
            hint = deployed.hint();
        }
        let answer = async { Answer::read(self.http.execute(request).await?).await };
        let answer = answer.await.unwrap_or_else(|error| panic!("no answer: {error:?} {hint}"));
        contract::check(&method, &path, &answer);
        answer
    }
}

pub(crate) fn http_client() -> reqwest::Client {
    let client = reqwest::Client::builder().timeout(ANSWER_MAX).build();
    client.unwrap_or_else(|error| panic!("no client: {error}"))
}
