//! A proxied connection: from its acceptance to its end, orderly or cut.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::stream::Direction;
use super::{Broker, CONNECT, Cut, Entrance, Verdict, amqp, kafka};

/// Time to connect to a broker.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after which a connection is cut whose response is to be lost and does not come, as from a blocked broker.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// Pause after a failed accept, such as one without a free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// End of a connection.
#[derive(Debug)]
pub(super) enum End {
    /// A fault ends it.
    Cut(Cut),
    /// A peer has closed it, or it broke.
    Closed,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// The response that a fault is to lose, if it is still awaited.
#[derive(Debug)]
pub(super) struct AwaitedResponse<T> {
    awaited: Mutex<Option<(T, Cut)>>,
    is_set: Notify,
}

impl<T> Default for AwaitedResponse<T> {
    fn default() -> Self {
        Self { awaited: Mutex::default(), is_set: Notify::new() }
    }
}

impl<T> AwaitedResponse<T> {
    /// Cuts the connection at this response. An earlier one prevails.
    pub(super) fn cut_at(&self, response: T, cut: Cut) {
        self.awaited.lock().get_or_insert((response, cut));
        self.is_set.notify_one();
    }

    /// Returns the cut if the awaited response fulfils the condition.
    pub(super) fn cut_if(&self, is_it: impl FnOnce(&T) -> bool) -> Result<(), End> {
        match &*self.awaited.lock() {
            Some((response, cut)) if is_it(response) => Err(End::Cut(*cut)),
            _ => Ok(()),
        }
    }

    /// Returns when the response has not come in time.
    async fn overdue(&self) -> Result<(), End> {
        self.is_set.notified().await;
        tokio::time::sleep(RESPONSE_TIMEOUT).await;
        self.cut_if(|_| true)
    }

    /// Carries both directions to the end of the connection. `requests` and `responses` pass each one's bytes on, and end
    /// with their direction.
    pub(super) async fn carry(
        &self,
        requests: impl Future<Output = Result<(), End>>,
        responses: impl Future<Output = Result<(), End>>,
    ) -> Result<(), End> {
        let responses = async {
            match responses.await {
                Err(cut @ End::Cut(_)) => Err(cut),
                Ok(()) | Err(End::Closed) => Err(self.closed()),
            }
        };
        tokio::select! {
            ended = async { tokio::try_join!(requests, responses) } => ended.map(|_: ((), ())| ()),
            overdue = self.overdue() => overdue,
        }
    }

    /// The end of a connection that the broker has closed: its last response can be lost, too.
    fn closed(&self) -> End {
        match self.cut_if(|_| true) {
            Err(cut) => cut,
            Ok(()) => End::Closed,
        }
    }
}

/// Closes the requests' direction after its end, unless a fault ends the connection. A client that is gone closes the
/// direction, and the broker's last responses are still read.
pub(super) async fn close_after(ended: Result<(), End>, requests: &mut Direction<'_>) -> Result<(), End> {
    if let Err(cut @ End::Cut(_)) = ended {
        return Err(cut);
    }
    requests.close().await;
    Ok(())
}

/// Accepts connections to one address of the broker.
pub(super) async fn accept(listener: TcpListener, entrance: Arc<Entrance>, upstream: String) {
    let listening = entrance.listening.clone();
    let accepting = async {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&entrance.connections).acquire_owned().await else { return };
            let Ok((client, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (entrance, upstream) = (Arc::clone(&entrance), upstream.clone());
            tokio::spawn(async move {
                let stop = entrance.stop.clone();
                stop.run_until_cancelled(serve(client, &upstream, &entrance)).await;
                drop(permit);
            });
        }
    };
    listening.run_until_cancelled(accepting).await;
}

async fn serve(mut client: TcpStream, upstream: &str, entrance: &Arc<Entrance>) {
    let end = match carry(&mut client, upstream, entrance).await {
        Err(end) => end,
        Ok(()) => End::Closed,
    };
    if let End::Cut(cut) = end {
        if cut == Cut::Kill {
            entrance.kill_caller().await;
        }
        reset(client);
    }
}

async fn carry(client: &mut TcpStream, upstream: &str, entrance: &Arc<Entrance>) -> Result<(), End> {
    let verdict = entrance.judge(CONNECT).await;
    if let Verdict::CutBefore(cut) = verdict {
        return Err(End::Cut(cut));
    }
    // A broker that does not listen resets the connection. A client sees no difference to a refused one, except that
    // its first write or read fails instead of `connect`.
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(upstream)).await;
    let mut broker = connected.map_err(|_| io::ErrorKind::TimedOut.into()).and_then(|connected| connected).map_err(
        |error: io::Error| {
            entrance.warn(&format!("the broker at {upstream} is unreachable: {error}"));
            End::Cut(Cut::Reset)
        },
    )?;
    entrance.count(CONNECT);
    if let Verdict::CutAfter(cut) = verdict {
        return Err(End::Cut(cut));
    }
    // Without it, Nagle's algorithm delays small requests by 40 ms.
    broker.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let ((client_reader, client_writer), (broker_reader, broker_writer)) = (client.split(), broker.split());
    let requests = Direction::requests(client_reader, broker_writer);
    let responses = Direction::responses(broker_reader, client_writer);
    match entrance.broker {
        Broker::Kafka => kafka::carry(requests, responses, entrance).await,
        Broker::RabbitMq => amqp::carry(requests, responses, entrance).await,
    }
}

/// Closes a connection with an RST.
fn reset(client: TcpStream) {
    // If the socket refuses the option, the connection is closed with a FIN instead.
    let _ = client.set_zero_linger();
    drop(client);
}
