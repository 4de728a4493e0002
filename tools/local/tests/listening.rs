//! Listeners of the process. This binary has a single test, because it checks all listeners of its process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

#[path = "it/harness.rs"]
#[allow(dead_code, reason = "the harness is shared, and this binary uses a part of it")]
mod harness;

use std::collections::BTreeSet;

use paystream_local::{Emulators, Template};
use serde_json::Value;

use harness::{Probe, options};

const LISTENING: &str = "0A";
/// 127.0.0.1, as in `/proc/net/tcp`.
const LOOPBACK: &str = "0100007F";

/// Returns the ports that this process listens on, over IPv4 and IPv6. Panics if one is not on 127.0.0.1.
fn ports() -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        // One entry is the descriptor of the directory itself, which is closed by now.
        .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let mut ports = BTreeSet::new();
    for line in tables.iter().flat_map(|table| table.lines().skip(1)) {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (address, state, inode) = (fields[1], fields[3], fields[9]);
        if state == LISTENING && sockets.contains(inode) {
            let (address, port) = address.split_once(':').unwrap();
            assert_eq!(address, LOOPBACK, "it listens on more than 127.0.0.1: {line}");
            ports.insert(u16::from_str_radix(port, 16).unwrap());
        }
    }
    ports
}

fn port_of(url: &str) -> u16 {
    url.split('/').nth(2).unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

/// Returns true if the listener rejects a request with the `Origin` of another website.
async fn is_guarded(port: u16) -> bool {
    let request = reqwest::Client::new().delete(format!("http://127.0.0.1:{port}/_local/faults"));
    let response = request.header("origin", "http://evil.test").send().await.unwrap();
    response.status() == 403 && response.text().await.unwrap().contains("Origin \\\"http://evil.test\\\" refused")
}

#[tokio::test]
async fn every_listener_is_known_and_guarded() {
    assert_eq!(ports(), BTreeSet::new());
    let probe = Probe::start().await;
    let variables: Value = probe.get("/do/variables").await.json().await.unwrap();
    let environment = &probe.environment;
    let named = [environment.url(), environment.dynamodb_url(), environment.kinesis_url()];
    let of_functions = ["AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];
    let of_functions = of_functions.map(|variable| variables[variable].as_str().unwrap());
    let named: BTreeSet<u16> = named.into_iter().chain(of_functions).map(port_of).collect();
    assert_eq!((ports(), named.len()), (named.clone(), 5));
    for port in named {
        assert!(is_guarded(port).await, "port {port}");
    }
    drop(probe.stop().await);
    assert_eq!(ports(), BTreeSet::new());

    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), &[]);
    let emulators = Emulators::start(Template::load(&options.template, &options.parameters).unwrap()).await.unwrap();
    let named = [emulators.dynamodb_url(), emulators.kinesis_url(), emulators.secrets_manager_url()];
    let named = BTreeSet::from(named.map(port_of));
    assert_eq!(ports(), named);
    for port in named {
        assert!(is_guarded(port).await, "port {port}");
    }
}
