//! AMQP 0-9-1: requests by method, and the responses that a fault can lose.
//!
//! A response is lost as follows. On a channel with publisher confirms, the confirmation of the message is awaited. For
//! other methods, of which some have no response, the proxy adds a `channel.flow` after the method. RabbitMQ handles the
//! methods of a channel in order, so once it answers `flow-ok`, the method has taken effect.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::connection::{AwaitedResponse, End, close_after};
use super::stream::Direction;
use super::{Cut, Entrance, Verdict};
use crate::amqp::{FrameHeader, FrameKind, Method, PROTOCOL_HEADER, operation_of};

/// Channel of the methods of a whole connection.
const CONNECTION_CHANNEL: u16 = 0;
/// Delivery tag and flags of `basic.ack` and `basic.nack`.
const CONFIRMATION_BYTES: u32 = 9;

/// Response that is to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Response {
    /// Confirmation of a message of a channel, by the message's number.
    Confirmation { channel: u16, message: u64 },
    /// Reply to a method of the connection.
    OfConnection,
    /// Everything of a channel up to the reply to `channel.flow`.
    UpToFlowOk { channel: u16 },
}

/// State of a connection, which both directions share.
#[derive(Default)]
struct State {
    /// Number of messages published on each channel with publisher confirms. At most 65,536 channels.
    published: Mutex<HashMap<u16, u64>>,
    awaited: AwaitedResponse<Response>,
}

/// A `channel.flow` to be added once a method and its message are complete.
struct PendingFlow {
    channel: u16,
    /// Bytes of the message that are missing; `None` before its header.
    missing: Option<u64>,
}

/// Carries a connection to its end.
pub(super) async fn carry(
    mut requests: Direction<'_>,
    mut responses: Direction<'_>,
    entrance: &Arc<Entrance>,
) -> Result<(), End> {
    let state = State::default();
    let passing = async { close_after(pass_requests(&mut requests, entrance, &state).await, &mut requests).await };
    state.awaited.carry(passing, pass_responses(&mut responses, &state)).await
}

async fn pass_requests(requests: &mut Direction<'_>, entrance: &Entrance, state: &State) -> Result<(), End> {
    let Some(preamble) = requests.read::<8>().await? else { return Ok(()) };
    requests.write(&preamble).await?;
    if preamble != PROTOCOL_HEADER {
        requests.flush().await?;
        return Ok(requests.pass_all().await?);
    }
    requests.flush_if_idle().await?;
    let mut flow: Option<PendingFlow> = None;
    while let Some(start) = requests.read::<{ FrameHeader::BYTES }>().await? {
        let Some(header) = FrameHeader::parse(start) else {
            requests.write(&start).await?;
            return Ok(requests.pass_all().await?);
        };
        match header.kind {
            FrameKind::Method if header.size >= 4 => {
                let Some(bytes) = requests.read::<{ Method::BYTES }>().await? else { return Ok(()) };
                let method = Method::parse(bytes);
                if let Some(cut) = judge(requests, entrance, method).await? {
                    flow = state.cut_after(header.channel, method, cut).or(flow);
                }
                state.observe(header.channel, method);
                requests.write(&start).await?;
                requests.write(&bytes).await?;
                requests.pass(header.rest() - Method::BYTES as u64).await?;
            }
            FrameKind::Header if header.size >= 12 => {
                // Class, weight, and the size of the message.
                let Some(bytes) = requests.read::<12>().await? else { return Ok(()) };
                let [.., s7, s6, s5, s4, s3, s2, s1, s0] = bytes;
                requests.write(&start).await?;
                requests.write(&bytes).await?;
                requests.pass(header.rest() - bytes.len() as u64).await?;
                if let Some(flow) = flow.as_mut().filter(|flow| flow.channel == header.channel) {
                    flow.missing = Some(u64::from_be_bytes([s7, s6, s5, s4, s3, s2, s1, s0]));
                }
            }
            kind => {
                requests.write(&start).await?;
                requests.pass(header.rest()).await?;
                if let Some(flow) =
                    flow.as_mut().filter(|flow| flow.channel == header.channel && kind == FrameKind::Body)
                {
                    flow.missing = flow.missing.map(|missing| missing.saturating_sub(u64::from(header.size)));
                }
            }
        }
        if let Some(flow) = flow.take_if(|flow| flow.missing == Some(0)) {
            requests.write(&Method::CHANNEL_FLOW.frame(flow.channel, &[1])).await?;
        }
        requests.flush_if_idle().await?;
    }
    Ok(())
}

/// Applies the faults of a method, and counts it if it is passed on. Returns the cut that follows it, if any.
async fn judge(requests: &mut Direction<'_>, entrance: &Entrance, method: Method) -> Result<Option<Cut>, End> {
    let Some(operation) = operation_of(method) else { return Ok(None) };
    requests.flush().await?;
    let cut = match entrance.judge(operation).await {
        Verdict::CutBefore(cut) => return Err(End::Cut(cut)),
        Verdict::CutAfter(cut) => Some(cut),
        Verdict::Pass => None,
    };
    entrance.count(operation);
    Ok(cut)
}

async fn pass_responses(responses: &mut Direction<'_>, state: &State) -> Result<(), End> {
    while let Some(start) = responses.read::<{ FrameHeader::BYTES }>().await? {
        let Some(header) = FrameHeader::parse(start) else {
            responses.write(&start).await?;
            return Ok(responses.pass_all().await?);
        };
        let mut head = start.to_vec();
        if header.kind == FrameKind::Method && header.size >= 4 {
            let Some(bytes) = responses.read::<{ Method::BYTES }>().await? else { return Ok(()) };
            head.extend(bytes);
            let method = Method::parse(bytes);
            let is_confirmation = matches!(method, Method::BASIC_ACK | Method::BASIC_NACK);
            let mut confirmed = None;
            if is_confirmation && header.size >= 4 + CONFIRMATION_BYTES {
                let Some(bytes) = responses.read::<9>().await? else { return Ok(()) };
                head.extend(bytes);
                let [t7, t6, t5, t4, t3, t2, t1, t0, flags] = bytes;
                let message = u64::from_be_bytes([t7, t6, t5, t4, t3, t2, t1, t0]);
                confirmed = Some(Confirmed { message, is_multiple: flags & 1 == 1 });
            }
            state.awaited.cut_if(|awaited| is_answer(*awaited, header.channel, method, confirmed))?;
        }
        let left = header.rest() - (head.len() - FrameHeader::BYTES) as u64;
        if state.is_withheld(header.channel) {
            responses.swallow(left).await?;
        } else {
            responses.write(&head).await?;
            responses.pass(left).await?;
        }
        responses.flush_if_idle().await?;
    }
    Ok(())
}

/// Messages that a broker confirms.
#[derive(Debug, Clone, Copy)]
struct Confirmed {
    message: u64,
    /// True if it confirms all messages up to this one; 0 is the last.
    is_multiple: bool,
}

impl Confirmed {
    fn includes(self, message: u64) -> bool {
        self.message == message || (self.is_multiple && (self.message > message || self.message == 0))
    }
}

/// True if a method of the broker is the awaited response, or ends its channel or the connection instead.
fn is_answer(awaited: Response, channel: u16, method: Method, confirmed: Option<Confirmed>) -> bool {
    let is_end = |of: u16| channel == of && method == Method::CHANNEL_CLOSE;
    method == Method::CONNECTION_CLOSE
        || match awaited {
            Response::Confirmation { channel: of, message } => {
                is_end(of) || (of == channel && confirmed.is_some_and(|confirmed| confirmed.includes(message)))
            }
            Response::OfConnection => channel == CONNECTION_CHANNEL,
            Response::UpToFlowOk { channel: of } => is_end(of) || (of == channel && method == Method::CHANNEL_FLOW_OK),
        }
}

impl State {
    /// Awaits the response of a method that is about to be passed on. Returns the `channel.flow` to add, if any.
    fn cut_after(&self, channel: u16, method: Method, cut: Cut) -> Option<PendingFlow> {
        let is_published = method == Method::BASIC_PUBLISH;
        if channel == CONNECTION_CHANNEL {
            self.awaited.cut_at(Response::OfConnection, cut);
            return None;
        }
        if let (true, Some(published)) = (is_published, self.published.lock().get(&channel)) {
            self.awaited.cut_at(Response::Confirmation { channel, message: published + 1 }, cut);
            return None;
        }
        self.awaited.cut_at(Response::UpToFlowOk { channel }, cut);
        Some(PendingFlow { channel, missing: if is_published { None } else { Some(0) } })
    }

    /// Keeps the number of messages that the broker confirms.
    fn observe(&self, channel: u16, method: Method) {
        let mut published = self.published.lock();
        match method {
            Method::CHANNEL_OPEN | Method::CHANNEL_CLOSE => drop(published.remove(&channel)),
            Method::CONFIRM_SELECT => drop(published.entry(channel).or_default()),
            Method::BASIC_PUBLISH => {
                if let Some(count) = published.get_mut(&channel) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }

    /// True if the client must not see what the broker sends on this channel.
    fn is_withheld(&self, channel: u16) -> bool {
        self.awaited.cut_if(|awaited| *awaited == Response::UpToFlowOk { channel }).is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_of_several_messages_includes_the_earlier_ones() {
        let confirmed = |message, is_multiple| Confirmed { message, is_multiple };
        for (confirmed, includes) in [
            (confirmed(3, false), true),
            (confirmed(2, false), false),
            (confirmed(4, false), false),
            (confirmed(4, true), true),
            (confirmed(2, true), false),
            (confirmed(0, true), true),
        ] {
            assert_eq!(confirmed.includes(3), includes, "{confirmed:?}");
        }
    }

    #[test]
    fn a_response_is_awaited_on_its_channel_and_ends_with_the_channel_or_the_connection() {
        let awaited = Response::Confirmation { channel: 7, message: 3 };
        let third = Some(Confirmed { message: 3, is_multiple: false });
        assert!(is_answer(awaited, 7, Method::BASIC_ACK, third));
        assert!(is_answer(awaited, 7, Method::BASIC_NACK, third));
        assert!(!is_answer(awaited, 8, Method::BASIC_ACK, third));
        assert!(is_answer(awaited, 7, Method::CHANNEL_CLOSE, None));
        assert!(!is_answer(awaited, 8, Method::CHANNEL_CLOSE, None));
        assert!(is_answer(awaited, 0, Method::CONNECTION_CLOSE, None));
        let flow = Response::UpToFlowOk { channel: 7 };
        assert!(
            is_answer(flow, 7, Method::CHANNEL_FLOW_OK, None) && !is_answer(flow, 8, Method::CHANNEL_FLOW_OK, None)
        );
    }

    #[test]
    fn messages_are_counted_from_the_selection_of_confirms_to_the_end_of_the_channel() {
        let state = State::default();
        state.observe(1, Method::BASIC_PUBLISH);
        assert!(state.cut_after(1, Method::BASIC_PUBLISH, Cut::Reset).is_some(), "nothing confirms it");
        let state = State::default();
        for method in [Method::CONFIRM_SELECT, Method::BASIC_PUBLISH, Method::CONFIRM_SELECT, Method::BASIC_PUBLISH] {
            state.observe(1, method);
        }
        assert!(state.cut_after(1, Method::BASIC_PUBLISH, Cut::Reset).is_none());
        let awaited = |response| state.awaited.cut_if(|awaited| *awaited == response).is_err();
        assert!(awaited(Response::Confirmation { channel: 1, message: 3 }));
        state.observe(1, Method::CHANNEL_OPEN);
        assert!(state.published.lock().is_empty());
    }
}
