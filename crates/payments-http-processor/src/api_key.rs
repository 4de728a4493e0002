//! The processor's API key: cached, and read again when it may have been rotated.

use std::time::{Duration, SystemTime};

use aws_secrets::{ApiKey, Secrets};
use tokio::sync::Mutex;

use crate::failure::Failure;

/// Age at which a key is read again.
const KEPT: Duration = Duration::from_mins(5);
/// Time limit of reading a key again while the cached one is usable.
const REFRESH_MAX: Duration = Duration::from_millis(800);
/// Time until the next attempt to read a key again, after a failed one.
const PAUSE: Duration = Duration::from_secs(30);

/// API key of the processor, from the secret `{"api_key": "…"}`.
///
/// The key is cached for five minutes. It is read again earlier if the processor refuses it, so a rotated key needs no
/// deployment. If Secrets Manager fails then, the cached key stays in use.
#[derive(Debug)]
pub struct ApiKeys {
    secrets: Secrets,
    arn: String,
    /// Wall-clock time: a sandbox is frozen between requests, and its monotonic clock may be frozen with it.
    clock: fn() -> SystemTime,
    refresh_max: Duration,
    cached: Mutex<Option<Cached>>,
}

#[derive(Debug)]
struct Cached {
    key: ApiKey,
    /// Time of the last attempt to read it, and the time to the next.
    tried: SystemTime,
    fresh_for: Duration,
}

impl ApiKeys {
    /// Creates a cache of the key in the secret `arn`.
    pub fn new(secrets: Secrets, arn: impl Into<String>) -> Self {
        Self::by_clock(secrets, arn, SystemTime::now, REFRESH_MAX)
    }

    /// Like [`ApiKeys::new`], with this clock for the age of the key, and this time limit of reading it again instead of
    /// 800 ms.
    pub fn by_clock(
        secrets: Secrets,
        arn: impl Into<String>,
        clock: fn() -> SystemTime,
        refresh_max: Duration,
    ) -> Self {
        Self { secrets, arn: arn.into(), clock, refresh_max, cached: Mutex::default() }
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    /// Returns the cached key, or reads it.
    pub(crate) async fn current(&self) -> Result<ApiKey, Failure> {
        let mut cached = self.cached.lock().await;
        match &mut *cached {
            Some(known) if !self.is_due(known) => Ok(known.key.clone()),
            Some(known) => {
                let read = tokio::time::timeout(self.refresh_max, self.secrets.api_key(&self.arn)).await;
                let failure = match read {
                    Ok(Ok(key)) => {
                        *known = self.fresh(key);
                        return Ok(known.key.clone());
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => format!("no response within {:?}", self.refresh_max),
                };
                tracing::warn!(
                    arn = self.arn,
                    failure,
                    "could not read the processor's API key again; keeps the last one"
                );
                (known.tried, known.fresh_for) = ((self.clock)(), PAUSE);
                Ok(known.key.clone())
            }
            None => self.read(&mut cached).await,
        }
    }

    /// Returns the key that replaces one that the processor refused; the same one if the secret has no other.
    pub(crate) async fn instead_of(&self, refused: &ApiKey) -> Result<ApiKey, Failure> {
        let mut cached = self.cached.lock().await;
        match &*cached {
            // Another call has read it meanwhile.
            Some(known) if known.key != *refused => Ok(known.key.clone()),
            _ => self.read(&mut cached).await,
        }
    }

    async fn read(&self, cached: &mut Option<Cached>) -> Result<ApiKey, Failure> {
        let key = self.secrets.api_key(&self.arn).await.map_err(|error| Failure::Key(Box::new(error)))?;
        Ok(cached.insert(self.fresh(key)).key.clone())
    }

    fn fresh(&self, key: ApiKey) -> Cached {
        Cached { key, tried: (self.clock)(), fresh_for: KEPT }
    }

    /// Returns true if the clock was set back, since the age is then unknown.
    fn is_due(&self, known: &Cached) -> bool {
        !(self.clock)().duration_since(known.tried).is_ok_and(|age| age < known.fresh_for)
    }
}
