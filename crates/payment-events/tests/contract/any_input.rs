//! Property tests of the decoders on arbitrary input. `.ci/run fuzz` runs each with 30,000 inputs and `.ci/nightly
//! fuzz` with a million per round (`PROPTEST_CASES`). Proptest saves a failing input in `proptest-regressions` and
//! retries it first.

use payment_events::{Currency, Money, PaymentEvent, Timestamp, TraceParent};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{GOLDEN, GOLDEN_TRANSITIONS};

/// Corruption of an encoded event.
#[derive(Debug, Clone)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Repeat(Index, Index),
    CutOff(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Three in four bytes are ones that JSON consists of.
    let byte = prop_oneof![3 => prop::sample::select(br#"{}[]":,.-+eE0123456789tfn\u "#.to_vec()), 1 => any::<u8>()];
    prop_oneof![
        4 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        2 => (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => any::<Index>().prop_map(Damage::Remove),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        1 => any::<Index>().prop_map(Damage::CutOff),
    ]
}

impl Damage {
    fn to(&self, data: &mut Vec<u8>) {
        if data.is_empty() {
            return;
        }
        let length = data.len();
        match self {
            Self::Replace(at, byte) => data[at.index(length)] = *byte,
            Self::Insert(at, byte) => data.insert(at.index(length), *byte),
            Self::Remove(at) => drop(data.remove(at.index(length))),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                data.extend_from_within(from.min(to)..from.max(to));
            }
            Self::CutOff(at) => data.truncate(at.index(length)),
        }
    }
}

fn goldens() -> Vec<&'static str> {
    let with_transition = GOLDEN_TRANSITIONS.iter().map(|(_, _, golden)| *golden);
    GOLDEN.iter().map(|(_, golden)| *golden).chain(with_transition).collect()
}

/// Regular expression of JSON numbers.
fn any_number() -> &'static str {
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?"
}

fn real_currency() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["EUR", "USD", "JPY", "KWD", "XAU", "GBP"]).prop_map(str::to_owned)
}

proptest! {
    /// An event that still decodes must round-trip.
    #[test]
    fn a_damaged_event_is_refused_or_round_trips(
        golden in prop::sample::select(goldens()),
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        let mut data = golden.as_bytes().to_vec();
        for damage in &damages {
            damage.to(&mut data);
        }
        if let Ok(event) = PaymentEvent::decode(&data) {
            prop_assert_eq!(PaymentEvent::decode(&event.encode()), Ok(event));
        }
    }

    /// Numbers of every JSON form: integers, fractions, exponents, and integers beyond `i64`.
    #[test]
    fn money_from_any_json_is_refused_or_above_zero(
        number in prop_oneof![any_number(), (1..=i64::MAX).prop_map(|minor| minor.to_string())],
        // Random letters alone would rarely be a currency: about one in a hundred triples is.
        currency in prop_oneof![3 => real_currency(), 1 => "[A-Za-z]{2,4}"],
        count: u32,
    ) {
        let json = format!(r#"{{"minor":{number},"currency":"{currency}"}}"#);
        if let Ok(money) = serde_json::from_str::<Money>(&json) {
            prop_assert!(money.minor() >= Money::MINOR_MIN);
            prop_assert_eq!(number.parse::<i64>(), Ok(money.minor()), "a fraction or an exponent is not an integer");
            prop_assert_eq!(currency.parse::<Currency>(), Ok(money.currency()));
            let exact = i128::from(money.minor()) * i128::from(count);
            let product = money.checked_mul(count).map(|product| i128::from(product.minor()));
            prop_assert_eq!(product, (exact > 0 && exact <= i128::from(i64::MAX)).then_some(exact));
            let twice = money.checked_add(money).map(|sum| i128::from(sum.minor()));
            prop_assert_eq!(twice, i64::try_from(2 * i128::from(money.minor())).ok().map(i128::from));
        }
    }

    #[test]
    fn any_text_is_refused_or_round_trips_as_time_and_trace(text in r"[-+:.TZ0-9a-f]{0,60}") {
        if let Ok(time) = text.parse::<Timestamp>() {
            prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }
        if let Ok(trace) = text.parse::<TraceParent>() {
            prop_assert_eq!(trace.to_string(), text);
        }
    }
}
