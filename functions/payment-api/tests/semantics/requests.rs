//! Random requests, in terms of what they mean.

use proptest::prelude::*;

use crate::failing_store::Fault;
use crate::flavours::{FLAVOURS, Flavour};

/// One step of a sequence.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Request {
        flavour: Flavour,
        request: Request,
        fault: Fault,
    },
    /// All leases expire.
    ExpireLeases,
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    Pay { key: Key, minor: i64, token: &'static str },
    Change { payment: usize, change: ChangeOf, key: Key, only: Tags, except: Tags },
    Read { payment: usize, only: Tags, except: Tags },
}

/// A change of a payment: a part is an amount and its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeOf {
    Capture(Option<(i64, &'static str)>),
    Void,
    Refund(Option<(i64, &'static str)>),
}

/// The `Idempotency-Key` of a request.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Missing,
    /// One line with one key.
    One(String),
    /// Refused.
    Invalid(Vec<String>),
}

/// Entity tags of a precondition, in relation to the payment's current version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    Missing,
    Any,
    Current,
    /// The current tag among others, in two lines, with empty members.
    CurrentInLines,
    WeakCurrent,
    Previous,
    /// Spelled differently from the current tag, with a leading zero, a sign, or a comma.
    OtherSpelling(&'static str),
    Malformed,
}

impl Tags {
    /// Returns the lines of the header.
    pub(crate) fn lines(self, version: u64) -> Vec<String> {
        match self {
            Self::Missing => vec![],
            Self::Any => vec!["*".to_owned()],
            Self::Current => vec![format!("\"{version}\"")],
            Self::CurrentInLines => vec!["\"a,b\", ,".to_owned(), format!(",\"x\",\"{version}\"")],
            Self::WeakCurrent => vec![format!("W/\"{version}\"")],
            Self::Previous => vec![format!("\"{}\"", version.wrapping_sub(1))],
            Self::OtherSpelling(before) => vec![format!("\"{before}{version}\"")],
            Self::Malformed => vec![version.to_string()],
        }
    }

    /// Returns true if the header names the current version.
    pub(crate) fn names_current(self, weak: bool) -> bool {
        match self {
            Self::Any | Self::Current | Self::CurrentInLines => true,
            Self::WeakCurrent => weak,
            _ => false,
        }
    }
}

pub(crate) fn any_sequence() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(any_op(), 1..20)
}

fn any_op() -> impl Strategy<Value = Op> {
    let flavour = prop::sample::select(FLAVOURS.to_vec());
    let request = (flavour, any_request(), any_fault()).prop_map(|(flavour, request, fault)| Op::Request {
        flavour,
        request,
        fault,
    });
    prop_oneof![15 => request, 1 => Just(Op::ExpireLeases)]
}

fn any_request() -> impl Strategy<Value = Request> {
    let minor = prop::sample::select(vec![1_000, 1_000, 700]);
    let token = prop::sample::select(vec!["tok_approve", "tok_approve", "tok_decline_fraud", "tok_fail_once"]);
    prop_oneof![
        3 => (any_key(), minor, token).prop_map(|(key, minor, token)| Request::Pay { key, minor, token }),
        8 => (0..3_usize, any_change(), any_key(), any_tags(), any_tags())
            .prop_map(|(payment, change, key, only, except)| Request::Change { payment, change, key, only, except }),
        1 => (0..3_usize, any_tags(), any_tags())
            .prop_map(|(payment, only, except)| Request::Read { payment, only, except }),
    ]
}

fn any_change() -> impl Strategy<Value = ChangeOf> {
    let part = || prop::sample::select(vec![None, Some((300, "EUR")), Some((800, "EUR")), Some((300, "USD"))]);
    prop_oneof![
        2 => part().prop_map(ChangeOf::Capture),
        1 => Just(ChangeOf::Void),
        4 => part().prop_map(ChangeOf::Refund),
    ]
}

/// Few keys, so that sequences repeat them.
fn any_key() -> impl Strategy<Value = Key> {
    let one = || prop::sample::select(vec!["k", "l", "m", "\"k\"", "\"l, m\""]);
    prop_oneof![
        1 => Just(Key::Missing),
        12 => one().prop_map(|key| Key::One(key.to_owned())),
        2 => (one(), one()).prop_map(|(first, second)| Key::Invalid(vec![first.to_owned(), second.to_owned()])),
        1 => one().prop_map(|key| Key::Invalid(vec![format!("{key},{key}")])),
        1 => prop::sample::select(vec!["\"k", "k l", "\"k\";a", ""]).prop_map(|key| Key::Invalid(vec![key.to_owned()])),
    ]
}

fn any_tags() -> impl Strategy<Value = Tags> {
    prop_oneof![
        20 => Just(Tags::Missing),
        1 => Just(Tags::Any),
        2 => Just(Tags::Current),
        1 => Just(Tags::CurrentInLines),
        1 => Just(Tags::WeakCurrent),
        1 => Just(Tags::Previous),
        2 => prop::sample::select(vec!["0", "+", ","]).prop_map(Tags::OtherSpelling),
        1 => Just(Tags::Malformed),
    ]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::None),
        1 => Just(Fault::Read),
        1 => (1..4_u32).prop_map(Fault::Before),
        1 => (1..4_u32).prop_map(Fault::After),
        1 => (1..4_u32).prop_map(Fault::Resent),
        1 => (1..4_u32).prop_map(Fault::Down),
        1 => (1..4_u32).prop_map(Fault::DownAfter),
    ]
}
