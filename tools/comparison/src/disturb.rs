//! Faults of a scenario, injected into a local environment.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use paystream_client::emulator;
use paystream_local::{Effect, Environment, Fault, FaultTarget, InvalidFault};
use telemetry::WithCauses;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::mark::Mark;
use crate::plan::outage;
use crate::scenario::{Extent, Scenario};
use crate::settings::LoadSettings;

/// Logical ids of the Payments API and of the projector.
const PAYMENTS: &str = "PaymentsApi";
const CONSUMER: &str = "OrderProjector";
/// Logical id of the stream.
const STREAM: &str = "PaymentStream";
/// Number of poison records, and the pause after each.
const POISON_RECORDS: u32 = 5;
const POISON_PAUSE: Duration = Duration::from_millis(200);
const POISON: &[u8] = b"\xff\xfe no event";

/// A fault could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum DisturbError {
    /// The environment rejected the fault.
    #[error("cannot inject a fault: {0}")]
    Fault(#[from] InvalidFault),
    /// Kinesis rejected a record.
    #[error("cannot put a record on the stream: {0}")]
    Stream(String),
}

/// Applies the scenario's fault for its extent. Returns begin and end in milliseconds if it covers only a part of the
/// window.
pub(crate) async fn disturbed(
    environment: Option<&Environment>,
    scenario: Scenario,
    load: &LoadSettings,
    mark: Mark,
    stop: &CancellationToken,
) -> Result<Option<(i64, i64)>, DisturbError> {
    let Some(environment) = environment else { return Ok(None) };
    let (from, until) = match scenario.extent() {
        Extent::Never => return Ok(None),
        Extent::Whole => (mark.after(Duration::ZERO), mark.after(load.duration)),
        Extent::Middle => {
            let (from, until) = outage(load.duration);
            (mark.after(from), mark.after(until))
        }
    };
    if stop.run_until_cancelled(sleep_until(from.into())).await.is_none() {
        return Ok(None);
    }
    let from_ms = mark.now_ms();
    disturb(environment, scenario, load.seed).await?;
    stop.run_until_cancelled(sleep_until(until.into())).await;
    environment.clear_faults();
    // A fault that covers the whole window has no interval.
    Ok((scenario.extent() == Extent::Middle).then(|| (from_ms, mark.now_ms())))
}

/// Injects the scenario's fault, which stays until it is cleared, or puts its poison records on the stream.
async fn disturb(environment: &Environment, scenario: Scenario, seed: u64) -> Result<(), DisturbError> {
    let payments = |effect| Fault::new(FaultTarget::api(PAYMENTS), effect);
    let fault = match scenario {
        Scenario::Healthy | Scenario::OrderFirst | Scenario::PaymentVoided => return Ok(()),
        Scenario::PoisonRecord => return poison(environment).await,
        Scenario::Payments200Ms => payments(Effect::LatencyMs(200)),
        Scenario::Payments2S => payments(Effect::LatencyMs(2_000)),
        Scenario::PaymentsErrors => payments(Effect::error("InternalServerError")).probability(0.1, seed),
        Scenario::PaymentsDown => payments(Effect::reset_before()),
        Scenario::KinesisDown | Scenario::VoidedUnheard => {
            Fault::new(FaultTarget::Kinesis, Effect::error("InternalFailure"))
        }
        Scenario::ConsumerDown => Fault::new(FaultTarget::function(CONSUMER), Effect::error("Runtime.Unknown")),
    };
    environment.inject(fault)?;
    Ok(())
}

async fn poison(environment: &Environment) -> Result<(), DisturbError> {
    let kinesis = Client::new(&emulator(environment.kinesis_url()));
    let stream = environment.physical_name(STREAM).unwrap_or(STREAM);
    for number in 0..POISON_RECORDS {
        let put = kinesis.put_record().stream_name(stream).partition_key(number.to_string()).data(Blob::new(POISON));
        put.send().await.map_err(|error| DisturbError::Stream(WithCauses(&error).to_string()))?;
        tokio::time::sleep(POISON_PAUSE).await;
    }
    Ok(())
}
