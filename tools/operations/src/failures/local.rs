//! Failed batches of a local environment, listed at `/_local/failures`.

use paystream_client::{Answer, ApiError, Client, Request};
use serde::Deserialize;
use serde_json::Value;

/// Path of the list.
const LIST: &str = "/_local/failures";

/// Failed batches that a local environment listed, in memory.
#[derive(Debug)]
pub struct LocalFailures {
    client: Client,
    records: Vec<(String, Value)>,
}

#[derive(Deserialize)]
struct Listed {
    failures: Vec<ListedBatch>,
}

#[derive(Deserialize)]
struct ListedBatch {
    record: Value,
}

impl LocalFailures {
    /// Reads the list of the environment that `client` is a client of.
    pub async fn read(client: Client) -> Result<Self, ApiError> {
        let listed: Listed = client.send_once(&Request::get(LIST)).await.and_then(Answer::read)?;
        let named = listed.failures.into_iter().map(|ListedBatch { record }| {
            let id = record["requestContext"]["requestId"].as_str().unwrap_or_default();
            (id.to_owned(), record)
        });
        Ok(Self { client, records: named.collect() })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.records.iter().map(|(id, _)| id.as_str())
    }

    pub(super) fn get(&self, id: &str) -> Option<&Value> {
        self.records.iter().find(|(known, _)| known == id).map(|(_, record)| record)
    }

    /// Removes a batch from the environment's list. Succeeds if it is gone.
    pub(super) async fn remove(&self, id: &str) -> Result<(), ApiError> {
        let answer = self.client.send_once(&Request::new("DELETE", format!("{LIST}/{id}"))).await?;
        match answer.status.as_u16() {
            204 | 404 => Ok(()),
            status => Err(ApiError::Status { status, body: answer.text }),
        }
    }
}
