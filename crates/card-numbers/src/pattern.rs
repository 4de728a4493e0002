//! The pattern of a card number.

use std::ops::Range;

use crate::issuers::{DIGITS, is_issued};

/// Digit groups as printed on cards.
const GROUPS: [&[usize]; 9] = [
    &[4, 4, 4, 2],
    &[4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 4, 4, 4, 1],
    &[4, 4, 4, 4, 2],
    &[4, 4, 4, 4, 3],
    &[4, 5, 6],
    &[4, 6, 4],
    &[4, 6, 5],
];

/// Returns true if the text contains a card number: digits that begin with the prefix of a network, have a length of its
/// numbers, pass the Luhn check, and are either
///
/// - in a row, without a letter directly before or after, which rules out hexadecimal and base 32 ids; or
/// - grouped as on a card, by single spaces or by hyphens. A hyphen before or after the groups that continues into more
///   digits makes it a longer number, which is not a card number.
pub(crate) fn contains_card_number(text: impl AsRef<[u8]>) -> bool {
    let text = text.as_ref();
    let groups = digit_groups(text);
    (0..groups.len()).filter_map(|first| groups.get(first..)).any(|groups| {
        let single = groups.get(..1).filter(|single| single.iter().all(|group| DIGITS.contains(&group.len())));
        let printed = GROUPS.iter().filter_map(|lengths| {
            let groups = groups.get(..lengths.len())?;
            groups.iter().map(Range::len).eq(lengths.iter().copied()).then_some(groups)
        });
        single.into_iter().chain(printed).any(|groups| is_card_number(text, groups))
    })
}

/// Returns the maximal runs of digits.
fn digit_groups(text: &[u8]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        let end = at.saturating_add(1);
        match groups.last_mut() {
            Some(group) if group.end == at => group.end = end,
            _ => groups.push(at..end),
        }
    }
    groups
}

fn is_card_number(text: &[u8], groups: &[Range<usize>]) -> bool {
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return false };
    let digits: Vec<u8> =
        groups.iter().flat_map(|group| text.get(group.clone()).unwrap_or_default()).copied().collect();
    separated_alike(text, groups)
        && stands_alone(text, first.start, last.end, groups.len() > 1)
        && is_issued(&digits)
        && passes_luhn(&digits)
}

/// Returns true if all groups are separated by one space, or all by one hyphen.
fn separated_alike(text: &[u8], groups: &[Range<usize>]) -> bool {
    let ends = groups.iter().map(|group| group.end);
    let gaps = ends.zip(groups.iter().skip(1)).map(|(end, next)| text.get(end..next.start).unwrap_or_default());
    gaps.clone().all(|gap| gap == b" ") || gaps.clone().all(|gap| gap == b"-")
}

fn stands_alone(text: &[u8], start: usize, end: usize, grouped: bool) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let goes_on = matches!(before, [.., b'0'..=b'9', b'-']) || matches!(after, [b'-', b'0'..=b'9', ..]);
    !(letter(before.last()) || letter(after.first()) || grouped && goes_on)
}

/// Returns true if the digits pass the [Luhn check](https://en.wikipedia.org/wiki/Luhn_algorithm), as one in ten random
/// numbers does.
fn passes_luhn(digits: &[u8]) -> bool {
    let counted = digits.iter().rev().enumerate().map(|(place, digit)| {
        let digit = u32::from(digit.saturating_sub(b'0')).saturating_mul(if place % 2 == 0 { 1 } else { 2 });
        (digit / 10).saturating_add(digit % 10)
    });
    counted.sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Test card numbers, one of each length and grouping.
    const CARDS: [&str; 16] = [
        "36227206271667",
        "378282246310005",
        "4242424242424242",
        "6212345678901232",
        "67030000000000003",
        "506066506066506067",
        "4000000000000000006",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4000 0000 0000 0000 006",
        "4000-0000-0000-0000-006",
        "3782 822463 10005",
        "3782-822463-10005",
        "3600 6666 3333 44",
        "1354 1001 4004 955",
        "3622 720627 1667",
    ];

    #[test]
    fn card_numbers_are_found_at_any_position() {
        for card in CARDS {
            let (space, comma) = (format!("my card {card} 12/27"), format!("x,{card},y"));
            for text in [card, &space, &comma, &format!("tok_{card}"), &format!("ord-{card}"), &format!("é{card}é")] {
                assert!(contains_card_number(text), "{text}");
            }
        }
        assert!(
            contains_card_number("4242 4242 4242 4242 123"),
            "a security code after it does not hide the card number"
        );
    }

    #[test]
    fn text_that_resembles_a_card_number_passes() {
        for text in [
            "",
            "4242424242424243",
            "424242424242",
            "42424242424242424242",
            "a4242424242424242",
            "4242424242424242f",
            "4242  4242  4242  4242",
            "4242-4242 4242-4242",
            "4242.4242.4242.4242",
            "4242-4242-4242-4242-4242",
            "12-4242-4242-4242-4242",
            "a4242-4242-4242-4242",
            "424242 4242 4242 4242",
            "2026-11-22T20:00:00.123Z",
        ] {
            assert!(!contains_card_number(text), "{text}");
        }
    }

    /// Appends the check digit.
    fn checked(digits: &str) -> String {
        let checks = (0..10).map(|check| format!("{digits}{check}"));
        checks.into_iter().find(|number| passes_luhn(number.as_bytes())).unwrap()
    }

    proptest! {
        #[test]
        fn numbers_are_found_if_and_only_if_they_pass_the_luhn_check(digits in "[45][0-5][0-9]{13}") {
            let card = checked(&digits);
            prop_assert!(contains_card_number(&card));
            for other in ('0'..='9').filter(|check| !card.ends_with(*check)) {
                let other = format!("{digits}{other}");
                prop_assert!(!contains_card_number(&other), "{}", other);
            }
        }

        #[test]
        fn every_grouping_is_found(digits in "(4[0-9]|5[1-5])[0-9]{13}", hyphens in any::<bool>()) {
            let card = checked(&digits);
            let separator = if hyphens { "-" } else { " " };
            let groups = card.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap());
            let card = groups.collect::<Vec<_>>().join(separator);
            prop_assert!(contains_card_number(&card), "{}", card);
        }

        #[test]
        fn uuids_pass_even_if_they_contain_only_digits(
            uuid in prop_oneof![
                "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                "[0-9]{8}-[0-9]{4}-[1-8][0-9]{3}-[89][0-9]{3}-[0-9]{12}",
                "[0-9A-F]{8}-[0-9A-F]{4}-[1-8][0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}",
            ],
        ) {
            prop_assert!(!contains_card_number(&uuid), "{}", uuid);
            let plain = uuid.replace('-', "");
            prop_assert!(!contains_card_number(&plain), "{}", plain);
        }

        #[test]
        fn ulids_pass(ulid in prop_oneof!["[0-7][0-9A-HJKMNP-TV-Z]{25}", "[0-7][0-9]{15}[0-9A-H]{10}"]) {
            prop_assert!(!contains_card_number(&ulid), "{}", ulid);
        }
    }
}
