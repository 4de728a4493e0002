//! Published test card numbers, which are all rejected, and the numbers in common use that are not card numbers, which
//! all pass.

use proptest::prelude::*;

use crate::pattern::contains_card_number;

/// Test card numbers of the networks that still issue cards.
///
/// Sources: the pages on test cards of Adyen, Authorize.Net, Braintree, iyzico, Mastercard (Gateway, Send), Payme,
/// `PayU`, Stripe and `VNPay`. Published numbers that fail the Luhn check are left out: they are not valid card numbers.
const TEST_NUMBERS: [(&str, &[&str]); 22] = [
    ("American Express", &["378282246310005", "371449635398431", "370000000000002", "343434343434343"]),
    ("BC Card", &["6555900000604105", "6573590000002414"]),
    ("Bancontact", &["67030000000000003", "6703444444444449"]),
    ("Cartes Bancaires", &["4035501428146300", "4360000001000005"]),
    ("Dankort", &["5019555544445555", "5019717010103742", "4571000000000001"]),
    (
        "Diners Club",
        &[
            "30569309025904",
            "38520000023237",
            "36227206271667",
            "30123400000000",
            "3056930009020004",
            "3800000000000006",
        ],
    ),
    ("Discover", &["6011111111111117", "6011000990139424", "6445644564456445", "6500000000000002"]),
    ("Elo", &["5066991111111118", "6362970000457013"]),
    ("Hipercard", &["6062828888666688"]),
    ("JCB", &["3530111333300000", "3566002020360505", "3528000000000007", "3088000000000017", "3337000000000008"]),
    (
        "Maestro",
        &["6759649826438453", "6771798021000008", "5018000000000009", "630495060000000000", "5000000000000000005"],
    ),
    (
        "Mastercard",
        &["5555555555554444", "5105105105105100", "2223003122003222", "2223000000000007", "2720994326581252"],
    ),
    ("Mir", &["2200000000000004", "2201382000000013"]),
    ("NYCE, Pulse and STAR", &["5015658742698217", "6029879999999908", "5008539999999905"]),
    ("Naranja", &["5895620000000002"]),
    ("Napas", &["9704000000000018", "9704198526191432198"]),
    ("RuPay", &["6082015309577308"]),
    ("Troy", &["9792072000017956", "9792030000000000", "6501700194147183"]),
    ("UATP", &["135410014004955", "135412345678911"]),
    (
        "UnionPay",
        &[
            "6212345678901265",
            "62123456789002",
            "621234567890003",
            "62123456789000003",
            "621234567890000002",
            "6205500000000000004",
            "8171999927660000",
            "8171999900000000021",
        ],
    ),
    ("Uzcard", &["8600060921090842", "8600495473316478"]),
    ("Verve", &["5060666666666666666", "506066506066506067", "5061020000000000094"]),
];

const VISA: [&str; 7] = [
    "4242424242424242",
    "4111111111111111",
    "4012888888881881",
    "4000056655665556",
    "4508750015741019",
    "4444333322221111",
    "4000000000000000006",
];

#[test]
fn every_published_test_number_is_found() {
    let others = TEST_NUMBERS.iter().flat_map(|(network, numbers)| numbers.iter().map(move |number| (network, number)));
    for (network, number) in others.chain(VISA.iter().map(|number| (&"Visa", number))) {
        assert!(contains_card_number(number), "{network} {number}");
        assert!(contains_card_number(format!("paid with {number} today")), "{network} {number}");
    }
}

/// Visa has issued no 13-digit numbers for decades, and they cannot be distinguished from an EAN-13.
#[test]
fn visa_numbers_of_13_digits_pass() {
    for number in ["4222222222222", "4007000000027"] {
        assert!(!contains_card_number(number), "{number}");
    }
}

/// Appends the check digit of an EAN-13: the digits weigh 1 and 3 in turn.
fn ean(digits: &str) -> String {
    let weighted =
        digits.bytes().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight);
    format!("{digits}{}", (10 - weighted.sum::<u32>() % 10) % 10)
}

/// Appends the check digit of an IMEI, which is that of the Luhn check.
fn imei(digits: &str) -> String {
    let doubled =
        digits.bytes().zip([1, 2].into_iter().cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight);
    format!("{digits}{}", (10 - doubled.map(|digit| digit / 10 + digit % 10).sum::<u32>() % 10) % 10)
}

/// First two digits of an IMEI: the reporting bodies that have assigned type allocation codes (GSMA TS.06), except 10,
/// which was meant for DECT devices and is UATP's.
const REPORTING_BODIES: [&str; 16] =
    ["01", "30", "33", "35", "44", "45", "49", "50", "51", "52", "53", "54", "86", "91", "98", "99"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_ean_13_is_a_card_number(digits in "[0-9]{12}") {
        let ean = ean(&digits);
        prop_assert!(!contains_card_number(&ean), "{}", ean);
    }

    #[test]
    fn no_imei_is_a_card_number(body in prop::sample::select(&REPORTING_BODIES[..]), digits in "[0-9]{12}") {
        let imei = imei(&format!("{body}{digits}"));
        prop_assert!(!contains_card_number(&imei), "{}", imei);
    }

    /// From September 2001, when such times reached 13 digits, to the end of 2100.
    #[test]
    fn no_time_in_milliseconds_is_a_card_number(unix_ms in 1_000_000_000_000..4_133_980_800_000_u64) {
        prop_assert!(!contains_card_number(unix_ms.to_string()), "{}", unix_ms);
        prop_assert!(!contains_card_number(format!("ord-{unix_ms}")), "{}", unix_ms);
    }

    /// Dates with the time of day, down to seconds, hundredths and milliseconds.
    #[test]
    fn no_date_in_digits_is_a_card_number(day in "20[0-9]{2}(0[1-9]|1[0-2])[0-2][0-9]", time in "[0-2][0-9][0-5][0-9][0-5][0-9]([0-9]{2,3})?") {
        prop_assert!(!contains_card_number(format!("{day}{time}")), "{}{}", day, time);
    }
}
