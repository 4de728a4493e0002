//! `paystream-processor-stub`: the stub as a program.

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Parser;
use paystream_processor_stub::{API_KEY, Ledger, Stub};

/// Payment processor for local use: keeps charges in memory, moves no money, and misbehaves on request
///
/// Use it with `cargo run -- up --processor http://127.0.0.1:9090`. Tokens that begin with tok_decline_ are declined, all
/// others approved. POST /_stub/misbehaviours with a list such as [{"kind":"status","status":503}] makes the next requests
/// misbehave, GET /_stub/charges lists all movements, and PUT /_stub/api-keys with a list replaces the accepted keys.
#[expect(clippy::doc_markdown, reason = "the text of --help has no markup")]
#[derive(Debug, Parser)]
#[command(name = "paystream-processor-stub", version)]
struct Arguments {
    /// Loopback address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9090", value_parser = loopback)]
    listen: SocketAddr,
    /// API key to accept
    #[arg(long, value_name = "KEY", default_value = API_KEY)]
    api_key: String,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err("must be a loopback address: anyone who reaches the stub controls it".to_owned()),
        Err(_) => Err("must be ADDRESS:PORT, such as 127.0.0.1:9090".to_owned()),
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let stub = Stub::start(arguments.listen, &arguments.api_key, Ledger::default()).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {}: {error}; choose another --listen", arguments.listen))
    })?;
    writeln!(io::stdout(), "ready {}", stub.url())?;
    tokio::signal::ctrl_c().await
}
