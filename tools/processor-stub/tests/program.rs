//! The program `paystream-processor-stub`, and the stub's controls over a real socket.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_paystream-processor-stub");

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Status and body of a response.
fn send(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let authorization = "Authorization: Bearer local-processor-key\r\nIdempotency-Key: pay_1";
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}");
    stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn the_program_says_when_it_is_ready_and_is_controlled_over_http() {
    let child = Command::new(PROGRAM).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut program = Program(child);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("ready http://").unwrap();
    let authorize = || {
        let charge = r#"{"amount_minor": 1299, "currency": "EUR", "token": "tok_x"}"#;
        send(address, "POST", "/authorizations", charge).0
    };
    let misbehaviours = r#"[{"kind": "status", "status": 503}, {"kind": "slow", "ms": 1}]"#;
    let waiting = send(address, "POST", "/_stub/misbehaviours", misbehaviours);
    assert_eq!(waiting, (200, r#"{"waiting":2}"#.to_owned()));
    assert_eq!((authorize(), authorize(), authorize()), (503, 201, 200));
    let charges = r#"[{"amount_minor":1299,"event":"held","key":"pay_1"}]"#;
    assert_eq!(send(address, "GET", "/_stub/charges", ""), (200, charges.to_owned()));
    assert_eq!(send(address, "PUT", "/_stub/api-keys", r#"["other"]"#).0, 200);
    assert_eq!(authorize(), 401);
    for invalid in ["{}", r#"[{"kind": "strange"}]"#, r#"[{"kind": "slow"}]"#] {
        assert_eq!(send(address, "POST", "/_stub/misbehaviours", invalid).0, 400, "{invalid}");
    }
}

#[test]
fn an_address_that_others_can_reach_is_refused() {
    for (listen, expected) in [("0.0.0.0:0", "must be a loopback address"), ("9090", "must be ADDRESS:PORT")] {
        let output = Command::new(PROGRAM).args(["--listen", listen]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(message.contains(expected), "{message}");
    }
}
