//! Schemas accept exactly what the parsers of the same types accept.

use std::str::FromStr;

use jsonschema::Validator;
use payment_events::{Currency, Money, OrderId, PaymentId, PaymentStatus, Timestamp, TraceParent};
use payments::{IdempotencyKey, PaymentToken};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schemars::{JsonSchema, schema_for};

fn validator<T: JsonSchema>() -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema_for!(T).as_value()).unwrap()
}

/// Compares a type's schema and parser on a text.
type Check = Box<dyn Fn(&str) -> Result<(), TestCaseError>>;

fn agree<T: JsonSchema + FromStr>() -> Check {
    let validator = validator::<T>();
    Box::new(move |text| {
        let (schema, parser) = (validator.is_valid(&text.into()), text.parse::<T>().is_ok());
        prop_assert_eq!(schema, parser, "{}: {:?}: the schema says {}", T::schema_name(), text, schema);
        Ok(())
    })
}

/// Almost valid text: valid and invalid pieces, with lengths around the bounds.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "pay_",
        "tok_",
        "ord-42",
        "EUR",
        "JPY",
        "eur",
        "captured",
        "00-",
        "0af7651916cd43dd8448eb211c80319c-",
        "b7ad6b7169203331-01",
        "A",
        "z",
        "9",
        "_",
        "-",
        " ",
        "\n",
        "é",
        "~",
        "!",
        "/",
        "\u{0}",
        "00000000000000000000000000000000-",
        "2026-11-22T20:00:00.123Z",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat()),
        (0..70_usize).prop_map(|length| "x".repeat(length)),
        (0..70_usize).prop_map(|length| format!("pay_{}", "x".repeat(length))),
        (0..70_usize).prop_map(|length| format!("tok_{}", "x".repeat(length))),
        (250..260_usize).prop_map(|length| "x".repeat(length)),
        "[A-Z]{3}",
        any::<String>(),
    ]
}

#[test]
fn schemas_and_parsers_of_text_agree() {
    let checks = [
        agree::<OrderId>(),
        agree::<PaymentId>(),
        agree::<Currency>(),
        agree::<PaymentStatus>(),
        agree::<TraceParent>(),
        agree::<IdempotencyKey>(),
        agree::<PaymentToken>(),
        agree::<orders::CustomerId>(),
        agree::<orders::Sku>(),
        agree::<orders::OrderStatus>(),
    ];
    let result = TestRunner::default().run(&nearly(), |text| checks.iter().try_for_each(|check| check(&text)));
    result.unwrap();
}

/// Parsing of times is more lenient than the schema; formatted times match it.
#[test]
fn formatted_times_match_their_schema() {
    let validator = validator::<Timestamp>();
    let result = TestRunner::default().run(&(0..=253_402_300_799_999_i64), |unix_ms| {
        let text = Timestamp::from_unix_ms(unix_ms).unwrap().to_string();
        prop_assert!(validator.is_valid(&text.as_str().into()), "{}", text);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn amounts_and_quantities_have_the_bounds_of_their_schemas() {
    let (money, price) = (validator::<Money>(), validator::<orders::Price>());
    let quantity = validator::<orders::Quantity>();
    let numbers = prop_oneof![any::<i64>(), -3..3_i64, 999_990..1_000_010_i64, Just(i64::MAX)];
    let result = TestRunner::default().run(&numbers, |number| {
        let (amount, eur) = (serde_json::json!({ "minor": number, "currency": "EUR" }), "EUR".parse().unwrap());
        prop_assert_eq!(money.is_valid(&amount), Money::new(number, eur).is_ok(), "{}", number);
        prop_assert_eq!(price.is_valid(&amount), orders::Price::new(number, eur).is_ok(), "{}", number);
        let parsed = u32::try_from(number).ok().is_some_and(|count| orders::Quantity::new(count).is_ok());
        prop_assert_eq!(quantity.is_valid(&number.into()), parsed, "{}", number);
        Ok(())
    });
    result.unwrap();
}
