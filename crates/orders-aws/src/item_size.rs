//! Size of an item as DynamoDB counts it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// Maximum size of an item, names included: 400 KB. Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>.
pub(crate) const ITEM_BYTES_MAX: usize = 400 * 1024;

/// Overhead of a list or a map, and of each element in one.
const CONTAINER_BYTES: usize = 3;
const ELEMENT_BYTES: usize = 1;

/// Returns the size of an item in bytes. It is exact but for numbers, which count as one byte more at most. Source:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
pub(crate) fn item_bytes(attributes: &HashMap<String, AttributeValue>) -> usize {
    attributes.iter().fold(0, |bytes: usize, (name, value)| bytes.saturating_add(attribute_bytes(name, value)))
}

fn attribute_bytes(name: &str, value: &AttributeValue) -> usize {
    name.len().saturating_add(value_bytes(value))
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).fold(0, usize::saturating_add),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number_bytes(number)).fold(0, usize::saturating_add),
        AttributeValue::Bs(binaries) => {
            binaries.iter().map(|bytes| bytes.as_ref().len()).fold(0, usize::saturating_add)
        }
        AttributeValue::L(values) => container_bytes(values.iter().map(value_bytes)),
        AttributeValue::M(values) => container_bytes(values.iter().map(|(name, value)| attribute_bytes(name, value))),
        // A boolean or null. The SDK may know more types one day.
        _ => 1,
    }
}

fn container_bytes(elements: impl Iterator<Item = usize>) -> usize {
    elements.fold(CONTAINER_BYTES, |bytes, element| bytes.saturating_add(element).saturating_add(ELEMENT_BYTES))
}

/// A byte for two digits, and one for the sign and the exponent.
fn number_bytes(number: &str) -> usize {
    number.len().div_ceil(2).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use orders::PaymentCopy;
    use payment_events::{Decline, Money, OrderId, PaymentId, PaymentInfo, PaymentStatus};

    use super::*;
    use crate::copy_item::CopyItem;

    /// Every part of a payment at its maximum, and a decline as long as a reader accepts.
    #[test]
    fn every_payment_that_a_reader_accepts_fits_an_item() {
        let payment = PaymentInfo {
            payment_id: format!("{}{}", PaymentId::PREFIX, "Z".repeat(PaymentId::SUFFIX_LENGTH_MAX)).parse().unwrap(),
            order_id: "o".repeat(OrderId::LENGTH_MAX).parse().unwrap(),
            status: PaymentStatus::Authorized,
            amount: Money::new(i64::MAX, "EUR".parse().unwrap()).unwrap(),
            captured_minor: i64::MAX,
            refunded_minor: i64::MAX,
            decline: Some(Decline { code: String::new(), message: "x".repeat(Decline::READ_BYTES_MAX) }),
            version: PaymentInfo::VERSION_MAX,
            created_at: "1970-01-01T00:00:00Z".parse().unwrap(),
            updated_at: "9999-12-31T23:59:59.999Z".parse().unwrap(),
        };
        let copy = PaymentCopy { received_at: payment.updated_at, payment };
        let item = serde_dynamo::to_item(CopyItem::from(&copy)).unwrap();
        let bytes = item_bytes(&item);
        assert!(bytes > Decline::READ_BYTES_MAX && bytes < ITEM_BYTES_MAX, "{bytes} bytes");
    }

    #[test]
    fn names_values_and_the_overhead_of_containers_count() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let map = HashMap::from([("ab".to_owned(), text("c")), ("d".to_owned(), AttributeValue::Bool(true))]);
        let sizes = [
            (text("é"), 2),
            (AttributeValue::N("123".to_owned()), 3),
            (AttributeValue::B(Blob::new([0; 7])), 7),
            (AttributeValue::Null(true), 1),
            (AttributeValue::Ss(vec!["a".to_owned(), "bc".to_owned()]), 3),
            (AttributeValue::L(Vec::new()), 3),
            (AttributeValue::L(vec![text("a"), text("bc")]), 3 + 2 + 3),
            (AttributeValue::M(map), 3 + 2 + 3 + 2),
        ];
        for (value, size) in sizes {
            assert_eq!(item_bytes(&HashMap::from([("name".to_owned(), value.clone())])), 4 + size, "{value:?}");
        }
    }
}
