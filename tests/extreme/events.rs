//! Events at the edge of the contract and beyond it, as JSON text: a value such as `1e400` or a lone surrogate has no other
//! form.

use std::fmt::Write;

use fastrand::Rng;

/// A field of an event: the object that it is in, and its name.
pub(crate) type Field = (&'static str, &'static str);

/// Fields in their order on the wire.
const FIELDS: [Field; 24] = [
    ("", "specversion"),
    ("", "id"),
    ("", "source"),
    ("", "type"),
    ("", "subject"),
    ("", "time"),
    ("", "datacontenttype"),
    ("", "traceparent"),
    ("", "unknown"),
    ("data", "payment_id"),
    ("data", "order_id"),
    ("data", "status"),
    ("data", "captured_minor"),
    ("data", "refunded_minor"),
    ("data", "version"),
    ("data", "created_at"),
    ("data", "updated_at"),
    ("data", "transition"),
    ("data", "unknown"),
    ("amount", "minor"),
    ("amount", "currency"),
    ("amount", "unknown"),
    ("decline", "code"),
    ("decline", "message"),
];

pub(crate) const STATUSES: [&str; 5] = ["authorized", "captured", "refunded", "voided", "declined"];

/// Actions of transitions, and one that the contract does not have.
const ACTIONS: [&str; 6] = ["authorize", "decline", "capture", "void", "refund", "chargeback"];

/// Outcome that the contract demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Stored,
    Quarantined,
    /// RFC 3339 and this contract leave it to the reader.
    Either,
}

/// Times at both ends of the contract's range, on either side of each by their offsets, and odd notations.
pub(crate) const TIMES: [(&str, Expected); 19] = [
    ("2026-11-22T20:00:00.123Z", Expected::Stored),
    ("2026-11-22T20:00:00-00:00", Expected::Stored),
    ("2026-11-22T20:00:00.000000000000000000000000000000001Z", Expected::Stored),
    ("1970-01-01T00:00:00.000Z", Expected::Stored),
    ("1970-01-01T00:00:00-23:59", Expected::Stored),
    ("1970-01-01T00:00:00+00:01", Expected::Quarantined),
    ("1969-12-31T23:59:00-00:01", Expected::Stored),
    ("1969-12-31T23:59:59.999Z", Expected::Quarantined),
    ("0000-01-01T00:00:00+23:59", Expected::Quarantined),
    ("9999-12-31T23:59:59.999Z", Expected::Stored),
    ("9999-12-31T23:59:59.999999999Z", Expected::Stored),
    ("9999-12-31T23:59:59.999+23:59", Expected::Stored),
    ("9999-12-31T23:59:59.999-00:01", Expected::Quarantined),
    ("10000-01-01T00:00:00Z", Expected::Quarantined),
    ("2026-02-29T00:00:00Z", Expected::Quarantined),
    ("2026-11-22T20:00:00+24:00", Expected::Quarantined),
    ("2016-12-31T23:59:60Z", Expected::Either),
    ("2026-11-22t20:00:00z", Expected::Either),
    ("2026-11-22 20:00:00Z", Expected::Either),
];

/// Versions at the bounds of the contract and of integer types, and their neighbours.
pub(crate) const VERSIONS: [(&str, Expected); 9] = [
    ("1", Expected::Stored),
    ("2", Expected::Stored),
    ("9007199254740990", Expected::Stored),
    ("9007199254740991", Expected::Stored),
    ("9007199254740992", Expected::Quarantined),
    ("18446744073709551615", Expected::Quarantined),
    ("18446744073709551616", Expected::Quarantined),
    ("0", Expected::Quarantined),
    ("-1", Expected::Quarantined),
];

/// Numbers at the bounds of integer types, of exact floats and of DynamoDB, and their neighbours.
const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "1",
    "-1",
    "102",
    "1298",
    "1299",
    "1300",
    "2147483648",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "1.0",
    "1.5",
    "1e3",
    "1e400",
    "-1e400",
    "1e-400",
];

/// Characters of one to four bytes in UTF-8, escaped ones, and those that break text.
pub(crate) const CHARACTERS: [&str; 8] = ["a", "\\u0000", "é", "€", "😀", "\\ud83d\\ude00", "\\u202e", "e\\u0301"];

/// Lengths of text, in characters: the bounds of the contract, of what a reader accepts and of an item, and their neighbours.
pub(crate) const LENGTHS: [usize; 13] = [0, 1, 60, 61, 64, 65, 1_023, 1_024, 1_025, 65_536, 262_144, 262_145, 460_800];

/// Values that are neither text nor a number.
const OTHERS: [&str; 9] =
    ["null", "true", "false", "[]", "{}", "[1]", "{\"minor\":1}", "[[[[[[[[1]]]]]]]]", "\"\\ud800\""];

/// An event as JSON text, field by field. A field without text is left out.
#[derive(Clone)]
pub(crate) struct Event {
    fields: [Option<String>; FIELDS.len()],
    /// A field that is written twice, with its second value.
    repeated: Option<(usize, String)>,
}

impl Event {
    /// Returns the event about a payment with this status, version and time.
    pub(crate) fn new(payment_id: &str, order_id: &str, status: &str, version: &str, time: &str) -> Self {
        let quoted = |text: &str| Some(format!("\"{text}\""));
        let (captured, refunded) = match status {
            "captured" => (1_299, 300),
            "refunded" => (1_299, 1_299),
            _ => (0, 0),
        };
        let is_declined = status == "declined";
        let fields = FIELDS.map(|field| match field {
            ("", "specversion") => quoted("1.0"),
            ("", "id") => Some(format!("\"{payment_id}:{version}\"")),
            ("", "source") => quoted("/payments"),
            ("", "type") => Some(format!("\"payment.{status}.v1\"")),
            ("", "subject") | ("data", "payment_id") => quoted(payment_id),
            ("", "time") | ("data", "updated_at" | "created_at") => quoted(time),
            ("", "datacontenttype") => quoted("application/json"),
            ("data", "order_id") => quoted(order_id),
            ("data", "status") => quoted(status),
            ("data", "captured_minor") => Some(captured.to_string()),
            ("data", "refunded_minor") => Some(refunded.to_string()),
            ("data", "version") => Some(version.to_owned()),
            ("data", "transition") if status == "captured" => Some(transition("refund", "300")),
            ("amount", "minor") => Some("1299".to_owned()),
            ("amount", "currency") => quoted("EUR"),
            ("decline", "code") if is_declined => quoted("insufficient_funds"),
            ("decline", "message") if is_declined => quoted("The card has insufficient funds."),
            _ => None,
        });
        Self { fields, repeated: None }
    }

    /// Replaces a field by other JSON text.
    pub(crate) fn with(mut self, field: Field, text: String) -> Self {
        let index = FIELDS.iter().position(|known| *known == field).unwrap();
        self.fields[index] = Some(text);
        self
    }

    /// Changes one field in one way, both chosen at random: missing, twice, or with an extreme value.
    pub(crate) fn change(&mut self, rng: &mut Rng) {
        let index = rng.usize(..FIELDS.len());
        match rng.u8(..8) {
            0 => self.fields[index] = None,
            1 => self.repeated = Some((index, extreme(rng, FIELDS[index]))),
            _ => self.fields[index] = Some(extreme(rng, FIELDS[index])),
        }
    }

    /// Returns the data of the record.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let mut text = String::from("{");
        self.write(&mut text, "");
        text.push_str("\"data\":{");
        self.write(&mut text, "data");
        for object in ["amount", "decline"] {
            let before = text.len();
            write!(text, "\"{object}\":{{").unwrap();
            let opened = text.len();
            self.write(&mut text, object);
            if text.len() == opened {
                text.truncate(before);
            } else {
                close(&mut text);
                text.push(',');
            }
        }
        close(&mut text);
        text.push('}');
        text.into_bytes()
    }

    fn write(&self, text: &mut String, object: &str) {
        for (index, (_, name)) in FIELDS.iter().enumerate().filter(|(_, (place, _))| *place == object) {
            let repeated = self.repeated.as_ref().filter(|(repeated, _)| *repeated == index).map(|(_, text)| text);
            for value in self.fields[index].iter().chain(repeated) {
                write!(text, "\"{name}\":{value},").unwrap();
            }
        }
    }
}

/// Ends an object whose last field has a comma after it.
fn close(text: &mut String) {
    if text.ends_with(',') {
        text.pop();
    }
    text.push('}');
}

/// Returns a JSON string of that many characters.
pub(crate) fn text_of(character: &str, length: usize) -> String {
    format!("\"{}\"", character.repeat(length))
}

fn transition(action: &str, amount_minor: &str) -> String {
    format!("{{\"action\":\"{action}\",\"amount_minor\":{amount_minor}}}")
}

/// Returns a value from the edges of what the field allows, or of another type.
fn extreme(rng: &mut Rng, (_, name): Field) -> String {
    match (name, rng.u8(..4)) {
        (_, 0) => (*rng.choice(OTHERS.iter()).unwrap()).to_owned(),
        ("version", _) => rng.choice(VERSIONS.iter()).unwrap().0.to_owned(),
        ("minor" | "captured_minor" | "refunded_minor", _) | (_, 1) => {
            (*rng.choice(NUMBERS.iter()).unwrap()).to_owned()
        }
        ("time" | "created_at" | "updated_at", _) => format!("\"{}\"", rng.choice(TIMES.iter()).unwrap().0),
        ("transition", 2 | 3) => transition(rng.choice(ACTIONS.iter()).unwrap(), rng.choice(NUMBERS.iter()).unwrap()),
        ("status", 2) => format!("\"{}\"", rng.choice(STATUSES.iter()).unwrap()),
        _ => {
            // Very long text is rare, except in the field where it is most likely to matter.
            let longest = if name == "message" || rng.u8(..32) == 0 { LENGTHS.len() } else { 9 };
            text_of(rng.choice(CHARACTERS.iter()).unwrap(), LENGTHS[rng.usize(..longest)])
        }
    }
}

/// Records that are not JSON objects, or lack members that every event has. All are quarantined.
pub(crate) fn not_events() -> Vec<Vec<u8>> {
    let deep = |open: &str, depth: usize| open.repeat(depth).into_bytes();
    vec![
        Vec::new(),
        b"\0".to_vec(),
        b"\xff\xfe".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"\"".to_vec(),
        b"{}".to_vec(),
        b"{\"data\":{}}".to_vec(),
        b"{\"specversion\":\"1.0\"}".to_vec(),
        b"{} {}".to_vec(),
        b"\x1f\x8b\x08\0\0\0\0\0".to_vec(),
        b"\xf3\x89\x9a\xc2".to_vec(),
        b"\xf3\x89\x9a\xc2\x0a\x01k\x1a\x06\x08\x00\x1a\x02{}0123456789abcdef".to_vec(),
        deep("[", 127),
        deep("[", 128),
        deep("[", 100_000),
        deep("{\"data\":", 100_000),
        vec![b' '; 1_048_576],
        vec![0xff; 1_048_576],
    ]
}
