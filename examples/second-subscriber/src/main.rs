//! Another subscriber of payments: it follows them over any hub, and moves money exactly once per version.
//!
//! ```text
//! second-subscriber STATE [--once] kinesis STREAM
//! second-subscriber STATE [--once] kafka HOST:PORT TOPIC
//! second-subscriber STATE [--once] rabbitmq HOST:PORT EXCHANGE QUEUE
//! ```
//!
//! It shares only the contract with Orders and Payments. It creates its own file STATE and, with RabbitMQ, its own queue
//! QUEUE. Payments, its relay and the template are unchanged.
//!
//! | hub | position | first start |
//! |---|---|---|
//! | Kinesis | sequence number of each shard, in STATE | from the oldest record that the stream retains |
//! | Kafka | offset of each partition, in STATE | from the oldest record that the topic retains |
//! | RabbitMQ | acknowledgements, in QUEUE | messages published after QUEUE was bound, and none from before |
//!
//! With Kinesis and Kafka it is therefore responsible for every payment that the hub retains from version 1 on. With
//! RabbitMQ it is responsible from its first start, and earlier transitions move nothing.
//!
//! Effects and position are stored in one write. After a crash, records may be delivered again, and the ledger ignores
//! versions that it has. The program may be killed at any time. With `--once` it ends when it has caught up. An error of
//! the hub ends it with exit code 1; started again, it continues from its position. Run one process per STATE.

mod kafka;
mod kinesis;
#[allow(dead_code, reason = "the subscriber uses the ledger and not the program")]
#[path = "../../move_money.rs"]
mod move_money;
mod rabbitmq;
mod source;
mod state;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use payment_events::Timestamp;
use source::{BoxError, Positions, Source};
use state::State;
use tokio::time::timeout;

const USAGE: &str = "usage: second-subscriber STATE [--once] kinesis STREAM | kafka HOST:PORT TOPIC | \
                     rabbitmq HOST:PORT EXCHANGE QUEUE";
/// Bound on a read from the hub, and on an acknowledgement.
const CALL_MAX: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "the example reports its errors")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match Box::pin(run(&arguments)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<(), BoxError> {
    let (path, arguments) = arguments.split_first().ok_or(USAGE)?;
    let (path, is_once) = (Path::new(path), arguments.first() == Some(&"--once"));
    let state = State::read(path)?;
    let positions = state.as_ref().map_or_else(Positions::new, |state| state.positions.clone());
    // Records that the hub retains make it responsible for the past, too.
    let of_all = || Ok::<_, BoxError>(State::new(path, "1970-01-01T00:00:00Z".parse()?));
    match if is_once { &arguments[1..] } else { arguments } {
        ["kinesis", stream] => {
            let source = within("Kinesis", Box::pin(kinesis::Kinesis::open(stream, positions))).await?;
            follow(source, state.map_or_else(of_all, Ok)?, is_once).await
        }
        ["kafka", broker, topic] => {
            let source = within("Kafka", kafka::Kafka::open(broker, topic, positions)).await?;
            follow(source, state.map_or_else(of_all, Ok)?, is_once).await
        }
        ["rabbitmq", broker, exchange, queue] => {
            let source = within("RabbitMQ", rabbitmq::RabbitMq::open(broker, exchange, queue)).await?;
            // The queue is bound: it misses nothing from now on.
            follow(source, state.unwrap_or_else(|| State::new(path, Timestamp::now())), is_once).await
        }
        _ => Err(USAGE.into()),
    }
}

/// Stores the effects of each batch together with the position after it, and only then confirms the batch to the hub.
#[expect(clippy::print_stdout, reason = "the example prints its results")]
async fn follow(mut source: impl Source, mut state: State, is_once: bool) -> Result<(), BoxError> {
    state.store()?;
    loop {
        let batch = within("the hub", source.next()).await?;
        for record in &batch.records {
            // Before the effects are stored: a crash repeats lines, and loses none.
            for line in state.receive(record)? {
                println!("{line}");
            }
        }
        let positions = batch.positions.unwrap_or_else(|| state.positions.clone());
        if !batch.records.is_empty() || positions != state.positions {
            state.positions = positions;
            state.store()?;
            within("the hub", source.confirm()).await?;
        }
        if is_once && batch.is_latest {
            return Ok(());
        }
    }
}

async fn within<T>(hub: &str, call: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    timeout(CALL_MAX, call).await.map_err(|_| format!("{hub} did not answer within {CALL_MAX:?}"))?
}
