//! A connection before the first event needs it.
//!
//! A TLS handshake takes a small sandbox up to a second. During init nobody waits for it yet and there is a whole processor
//! for it; afterwards it would be most of the first request's time, and more than publishing waits for Kinesis.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::error::display::DisplayErrorContext;
use tokio::time::timeout;

use crate::Https;

/// How long a greeting may take. Lambda gives all of init ten seconds.
const GREETING_MAX: Duration = Duration::from_secs(2);

impl Https {
    /// Connects to whoever is at this URL, so that the first request there finds a connection.
    ///
    /// Asks for `GET` of it, once and within two seconds: services answer that somehow, and it is no call of theirs. Where there
    /// is no connection that is logged, and left to the first request.
    pub async fn greet(&self, url: &str) {
        let greeted = timeout(GREETING_MAX, self.ask_and_listen(url)).await.unwrap_or_else(|late| Err(late.into()));
        if let Err(error) = greeted {
            let error = DisplayErrorContext(&*error);
            tracing::warn!(%error, "could not connect to {url} before the first event; the first request will try again");
        }
    }

    /// Only a connection whose answer was read to its end is there for the next request.
    async fn ask_and_listen(&self, url: &str) -> Result<(), BoxError> {
        let answer = self.call(HttpRequest::get(url)?).await?;
        let mut body = ByteStream::new(answer.into_body());
        while body.try_next().await?.is_some() {}
        Ok(())
    }
}
