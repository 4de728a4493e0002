//! Issuer prefixes of the card networks, with the lengths of their card numbers.
//!
//! Sources: [Payment card number](https://en.wikipedia.org/wiki/Payment_card_number) (networks, prefixes, lengths),
//! [credit-card-type](https://github.com/braintree/credit-card-type) (lengths in use), and the test numbers that payment
//! processors publish. Withdrawn networks are left out: enRoute, Solo, Switch, JCB with 15 digits, and Visa with 13.

use std::ops::RangeInclusive;

/// Numbers of digits of a card number of any network.
pub(crate) const DIGITS: RangeInclusive<usize> = 14..=19;

/// The first four digits of issued card numbers, and the lengths of those numbers. Ranges may overlap.
const ISSUED: [(RangeInclusive<u16>, &[usize]); 27] = [
    // UATP.
    (1000..=1999, &[15]),
    // Mir, Borica, PayPak.
    (2200..=2206, &[16, 17, 18, 19]),
    // Mastercard.
    (2221..=2720, &[16]),
    // Carnet.
    (2869..=2869, &[16]),
    // Diners Club. Not with 15 digits: IMEIs of satellite phones begin with 30.
    (3000..=3059, &[14, 16, 17, 18, 19]),
    (3095..=3095, &[14, 16, 17, 18, 19]),
    (3600..=3699, &[14, 16, 17, 18, 19]),
    (3800..=3999, &[14, 16, 17, 18, 19]),
    // JCB, with the ranges before 3528 that processors still publish test numbers of.
    (3088..=3159, &[16]),
    (3337..=3349, &[16]),
    (3528..=3589, &[16, 17, 18, 19]),
    // American Express.
    (3400..=3499, &[15]),
    (3700..=3799, &[15]),
    // Visa, and local networks on its cards.
    (4000..=4999, &[16, 18, 19]),
    // Maestro, Verve, Elo, Dankort, Meeza, Troy.
    (5000..=5099, &[16, 17, 18, 19]),
    // Mastercard.
    (5100..=5599, &[16]),
    // Maestro and local networks on its cards.
    (5600..=5999, &[16, 17, 18, 19]),
    // UnionPay.
    (6200..=6299, &[14, 15]),
    // Discover, UnionPay, Maestro, RuPay, Elo, Hipercard, Troy and others.
    (6000..=6999, &[16, 17, 18, 19]),
    // UnionPay and RuPay.
    (8100..=8299, &[16, 17, 18, 19]),
    // Uzcard.
    (8600..=8600, &[16]),
    // BelKart, Korean domestic cards, mada, Napas, Troy and Humo.
    (9112..=9112, &[16]),
    (9400..=9599, &[16]),
    (9682..=9682, &[16]),
    (9704..=9704, &[16, 19]),
    (9792..=9792, &[16]),
    (9860..=9860, &[16]),
];

/// Returns true if a network issues card numbers with these first four digits and this length. `digits` are ASCII.
pub(crate) fn is_issued(digits: &[u8]) -> bool {
    let Some(first) = digits.get(..4) else { return false };
    let digit = |byte: &u8| u16::from(byte.saturating_sub(b'0'));
    let prefix = first.iter().fold(0_u16, |prefix, byte| prefix.saturating_mul(10).saturating_add(digit(byte)));
    ISSUED.iter().any(|(prefixes, lengths)| prefixes.contains(&prefix) && lengths.contains(&digits.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_length_is_within_the_bounds() {
        let lengths = || ISSUED.iter().flat_map(|(_, lengths)| *lengths);
        assert_eq!(lengths().min(), Some(DIGITS.start()));
        assert_eq!(lengths().max(), Some(DIGITS.end()));
    }

    /// First digits of `first`, as four digits: `34` is 3400 to 3499.
    fn four_digits(first: &str, fill: char) -> u16 {
        format!("{first:<4}").replace(' ', &fill.to_string()).parse().unwrap()
    }

    /// Reads cells such as `300-305, 36` and `14, 16 to 19`. Semicolons separate groups.
    fn ranges<'a>(cell: &'a str, between: &str) -> Vec<Vec<(&'a str, &'a str)>> {
        let range = |part: &'a str| part.split_once(between).unwrap_or((part, part));
        cell.split("; ").map(|group| group.split(", ").map(range).collect()).collect()
    }

    #[test]
    fn the_table_of_the_problem_page_has_the_same_prefixes_and_lengths() {
        let page = include_str!("../../../docs/api/problems/card-number.md");
        let rows = page.lines().filter(|line| line.starts_with('|')).skip(2);
        let mut documented = BTreeSet::new();
        for row in rows {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let (prefixes, lengths) = (ranges(cells[1], "-"), ranges(cells[2], " to "));
            assert_eq!(prefixes.len(), lengths.len(), "{row}");
            for (prefixes, lengths) in prefixes.into_iter().zip(lengths) {
                for (first, last) in prefixes {
                    for prefix in four_digits(first, '0')..=four_digits(last, '9') {
                        for (least, most) in &lengths {
                            let lengths = least.parse::<usize>().unwrap()..=most.parse().unwrap();
                            documented.extend(lengths.map(|length| (prefix, length)));
                        }
                    }
                }
            }
        }
        let all = (0..=9_999_u16).flat_map(|prefix| (0..=20).map(move |length| (prefix, length)));
        let is_issued = |(prefix, length): &(u16, usize)| {
            is_issued(format!("{prefix:04}{:0>20}", "").as_bytes().get(..*length).unwrap())
        };
        let issued: BTreeSet<_> = all.filter(is_issued).collect();
        let differing: Vec<_> = documented.symmetric_difference(&issued).take(9).collect();
        assert!(differing.is_empty(), "only one of both has these first four digits and lengths: {differing:?}");
    }

    #[test]
    fn prefix_and_length_both_count() {
        for issued in ["378282246310005", "36227206271667", "4242424242424242", "2720990000000000", "9792030000000000"]
        {
            assert!(is_issued(issued.as_bytes()), "{issued}");
        }
        for other in [
            "",
            "423",
            "4222222222222",
            "3782822463100050",
            "42424242424242",
            "2721000000000000",
            "0".repeat(16).as_str(),
        ] {
            assert!(!is_issued(other.as_bytes()), "{other}");
        }
    }
}
