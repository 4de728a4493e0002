//! Client of both APIs. It retries as a well-behaved client should, and polls for eventually consistent state.

use std::time::Duration;

use paystream_client::{Outcome, Pace, Request};
use serde_json::Value;

use crate::environment::EVENTUALLY_MAX;
use crate::{Answer, Paystream, contract, payment_body};

/// Pace of retries.
const RETRYING: Pace = Pace::within(EVENTUALLY_MAX, Duration::from_millis(50));

impl Paystream {
    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path)).await
    }

    /// `POST path` with a JSON body and an idempotency key of its own.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string()).await
    }

    /// `POST path` with this body as `application/json`, and an idempotency key of its own.
    pub async fn post_text(&self, path: &str, body: &str) -> Answer {
        self.send(Request::post_text(path, body).with_key(&self.name("key"))).await
    }

    /// `POST path` with this body as `application/json`, without an idempotency key.
    pub async fn post_without_key(&self, path: &str, body: &str) -> Answer {
        self.send(Request::post_text(path, body)).await
    }

    /// `POST path` with a JSON body and this idempotency key.
    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(post_with_key(path, key, body)).await
    }

    /// Like [`Self::post_with_key`] without retries, for tests of retryable errors.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send_once(&post_with_key(path, key, body)).await
    }

    /// `method path` with these headers and this body.
    ///
    /// # Panics
    /// If the method or a header is invalid.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = Request::new(method, path).with_body(body);
        self.send(headers.iter().fold(request, |request, (name, value)| request.with_header(name, value))).await
    }

    /// `POST path` with an idempotency key, retried until the outcome is final.
    ///
    /// # Panics
    /// If there is no final outcome in time.
    pub async fn insist(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = post_with_key(path, key, body);
        let is_decided = |answer: &Answer| answer.outcome() == Outcome::Decided;
        let answer = RETRYING.until(async || self.send_once(&request).await, is_decided).await;
        assert!(is_decided(&answer), "POST {path} with key {key} had no final outcome in time: {answer:?}");
        answer
    }

    /// Reads a list of payments, following `next` to the last page. Returns the payments of each page.
    ///
    /// # Panics
    /// If a page is not returned, or if a `Link` header differs from `next`.
    pub async fn pages(&self, path: &str) -> Vec<Vec<Value>> {
        let (list, _) = path.split_once('?').unwrap_or((path, ""));
        let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let page = self.get(&path).await;
            let link = page.headers.get("link").cloned();
            let page = page.expect(200);
            let query = page["next"].as_str();
            let expected = query.map(|query| format!("<{query}>; rel=\"next\""));
            assert_eq!(link.as_ref().map(|link| link.to_str().ok()), expected.as_deref().map(Some), "{path}");
            next = query.map(|query| format!("{list}{query}"));
            pages.push(page["payments"].as_array().cloned().unwrap_or_default());
        }
        pages
    }

    /// Makes a payment for an order, and returns it.
    ///
    /// # Panics
    /// If the payment is not made.
    pub async fn pay(&self, order_id: &str, amount: &Value, token: &str) -> Value {
        self.post("/payments", &payment_body(order_id, amount, token)).await.expect(201)
    }

    /// Waits until Orders' read model has this version of the payment.
    ///
    /// # Panics
    /// If it does not arrive in time.
    pub async fn payment_arrives(&self, order_id: &str, payment: &Value) {
        let path = format!("/orders/{order_id}/payments");
        Self::eventually(&format!("{payment} arrives at Orders"), async || {
            let pages = self.pages(&path).await;
            let same = |copy: &Value| ["payment_id", "version"].iter().all(|key| copy[key] == payment[key]);
            pages.concat().iter().any(same).then_some(())
        })
        .await;
    }

    /// Waits until the order has this status, and returns the order.
    ///
    /// # Panics
    /// If it does not reach the status in time.
    pub async fn order_becomes(&self, order_id: &str, status: &str) -> Value {
        let path = format!("/orders/{order_id}");
        Self::eventually(&format!("order {order_id} becomes {status}"), async || {
            let order = self.get(&path).await.expect(200);
            (order["status"] == status).then_some(order)
        })
        .await
    }

    /// Sends a request, and retries as long as the response asks for it, so that a busy machine fails no test.
    async fn send(&self, request: Request) -> Answer {
        RETRYING.until(async || self.send_once(&request).await, |answer| answer.outcome() != Outcome::RetryAsked).await
    }

    /// Sends a request once, and checks the response against the document of its API.
    async fn send_once(&self, request: &Request) -> Answer {
        let answer = self.client.send_once(request).await;
        let answer = Answer(answer.unwrap_or_else(|error| panic!("{error} {}", self.hint())));
        contract::check(request, &answer);
        answer
    }
}

fn post_with_key(path: &str, key: &str, body: &Value) -> Request {
    Request::post(path, body).with_key(key)
}
