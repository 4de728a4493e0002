//! Kafka: requests by API key, responses by correlation id, and broker addresses in responses
//! ([protocol](https://kafka.apache.org/protocol#protocol_common)).

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::connection::{AwaitedResponse, End, close_after};
use super::kafka_operations::{FIND_COORDINATOR, METADATA, operation_of};
use super::metadata;
use super::stream::Direction;
use super::{Entrance, Verdict};

/// Largest request or response. Brokers take requests of up to 100 MiB by default (`socket.request.max.bytes`).
const MESSAGE_BYTES_MAX: i32 = 256 * 1024 * 1024;
/// Largest response whose addresses are rewritten, for which it is buffered.
const REWRITTEN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Requests without a response yet whose kind is remembered. A client limits them to a few, except for requests that
/// have no response (acks=0).
const IN_FLIGHT_MAX: usize = 1024;
/// Length, API key, API version and correlation id of a request.
const REQUEST_HEADER_BYTES: usize = 12;

/// A request that has been passed on.
#[derive(Debug, Clone, Copy)]
struct InFlight {
    correlation_id: i32,
    api_key: i16,
    version: i16,
}

/// State of a connection, which both directions share.
#[derive(Default)]
struct State {
    /// In the order of the requests, which is that of the responses.
    in_flight: Mutex<VecDeque<InFlight>>,
    /// Correlation id.
    awaited: AwaitedResponse<i32>,
}

impl State {
    fn sent(&self, request: InFlight) {
        let mut in_flight = self.in_flight.lock();
        if in_flight.len() == IN_FLIGHT_MAX {
            in_flight.pop_front();
        }
        in_flight.push_back(request);
    }

    /// Returns the request of a response. Requests before it have no response.
    fn answered(&self, correlation_id: i32) -> Option<InFlight> {
        let mut in_flight = self.in_flight.lock();
        let place = in_flight.iter().position(|request| request.correlation_id == correlation_id)?;
        in_flight.drain(..=place).next_back()
    }
}

/// Carries a connection to its end.
pub(super) async fn carry(
    mut requests: Direction<'_>,
    mut responses: Direction<'_>,
    entrance: &Arc<Entrance>,
) -> Result<(), End> {
    let state = State::default();
    let passing = async { close_after(pass_requests(&mut requests, entrance, &state).await, &mut requests).await };
    state.awaited.carry(passing, pass_responses(&mut responses, entrance, &state)).await
}

async fn pass_requests(requests: &mut Direction<'_>, entrance: &Entrance, state: &State) -> Result<(), End> {
    while let Some(start) = requests.read::<4>().await? {
        let length = i32::from_be_bytes(start);
        let rest = u64::try_from(length).unwrap_or_default().checked_sub(8);
        let (Some(rest), true) = (rest, length <= MESSAGE_BYTES_MAX) else {
            // Not Kafka's protocol.
            requests.write(&start).await?;
            return Ok(requests.pass_all().await?);
        };
        let Some(header @ [k1, k0, v1, v0, c3, c2, c1, c0]) = requests.read::<8>().await? else { return Ok(()) };
        let request = InFlight {
            correlation_id: i32::from_be_bytes([c3, c2, c1, c0]),
            api_key: i16::from_be_bytes([k1, k0]),
            version: i16::from_be_bytes([v1, v0]),
        };
        let operation = operation_of(request.api_key);
        requests.flush().await?;
        match entrance.judge(operation).await {
            Verdict::CutBefore(cut) => return Err(End::Cut(cut)),
            Verdict::CutAfter(cut) => state.awaited.cut_at(request.correlation_id, cut),
            Verdict::Pass => {}
        }
        entrance.count(operation);
        state.sent(request);
        let mut bytes = [0; REQUEST_HEADER_BYTES];
        bytes[..4].copy_from_slice(&start);
        bytes[4..].copy_from_slice(&header);
        requests.write(&bytes).await?;
        requests.pass(rest).await?;
        requests.flush_if_idle().await?;
    }
    Ok(())
}

async fn pass_responses(responses: &mut Direction<'_>, entrance: &Arc<Entrance>, state: &State) -> Result<(), End> {
    while let Some(start) = responses.read::<4>().await? {
        let length = i32::from_be_bytes(start);
        let rest = u64::try_from(length).unwrap_or_default().checked_sub(4);
        let (Some(rest), true) = (rest, length <= MESSAGE_BYTES_MAX) else {
            responses.write(&start).await?;
            return Ok(responses.pass_all().await?);
        };
        let Some(id) = responses.read::<4>().await? else { return Ok(()) };
        let correlation_id = i32::from_be_bytes(id);
        state.awaited.cut_if(|awaited| *awaited == correlation_id)?;
        let request = state.answered(correlation_id);
        match (request, usize::try_from(rest)) {
            (Some(request), Ok(size)) if has_addresses(request) && size <= REWRITTEN_BYTES_MAX => {
                let body = responses.read_vec(size).await?;
                let body = rewritten(request, body, entrance);
                let length = i32::try_from(body.len() + id.len()).unwrap_or(i32::MAX);
                responses.write(&length.to_be_bytes()).await?;
                responses.write(&id).await?;
                responses.write(&body).await?;
            }
            _ => {
                responses.write(&start).await?;
                responses.write(&id).await?;
                responses.pass(rest).await?;
            }
        }
        responses.flush_if_idle().await?;
    }
    Ok(())
}

fn has_addresses(request: InFlight) -> bool {
    matches!(request.api_key, METADATA | FIND_COORDINATOR)
}

/// Replaces the addresses of brokers by those of the entrance. A response of an unknown form is returned unchanged.
fn rewritten(request: InFlight, body: Vec<u8>, entrance: &Arc<Entrance>) -> Vec<u8> {
    let own_port = |host: &str, port: i32| match entrance.port_of(&format!("{host}:{port}")) {
        Ok(port) => Some(port),
        Err(error) => {
            entrance.warn(&format!("broker {host}:{port} is not behind the fault proxy: {error}"));
            None
        }
    };
    let rewritten = if request.api_key == METADATA {
        metadata::rewrite_metadata(&body, request.version, own_port)
    } else {
        metadata::rewrite_coordinator(&body, request.version, own_port)
    };
    rewritten.unwrap_or_else(|| {
        entrance.warn(&format!(
            "a {} response of version {} is unknown: connections to its brokers bypass the fault proxy",
            operation_of(request.api_key),
            request.version
        ));
        body
    })
}
