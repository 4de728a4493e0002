//! Card numbers in a JSON body, wherever they stand: in strings, keys and numbers, in fields known and unknown.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text::holds_card_number;
use super::{PLACES_MAX, refused};
use crate::Problem;
use crate::json_body::{escaped, malformed, pointer_or_whole};
use crate::reason::bounded;

/// The fewest digits of a card number.
const DIGITS_MIN: usize = 13;

/// Refuses a body with a card number in it, by the places of up to [`PLACES_MAX`] of them, and what is no JSON.
///
/// Most bodies have no text with that many digits: they cost two passes over their bytes.
pub(crate) fn refuse_in_body(body: &[u8]) -> Result<(), Problem> {
    let long_enough = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS_MIN;
    if !texts(body).any(long_enough) && !body.windows(2).any(|pair| pair == b"\\u") {
        return Ok(());
    }
    let mut search = Search { pointer: String::new(), found: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    // Nesting is bounded by serde_json.
    let read = search.deserialize(&mut deserializer);
    // Numbers with a fraction lose digits when they are read, and what is no JSON is not read at all.
    if search.found.is_empty() && texts(body).any(holds_card_number) {
        search.found.push(pointer_or_whole(String::new()));
    }
    if search.found.is_empty() { read.map_err(|error| malformed(&error)) } else { Err(refused(search.found)) }
}

/// What stands between the delimiters of JSON: strings, or parts of them, and numbers.
fn texts(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| matches!(byte, b'"' | b',' | b':' | b'[' | b']' | b'{' | b'}'))
}

/// A walk through a body.
struct Search {
    /// Where it is.
    pointer: String,
    /// Where card numbers are.
    found: Vec<String>,
}

impl Search {
    fn look_at(&mut self, value: &str) {
        if holds_card_number(value) && self.found.len() < PLACES_MAX {
            let place = pointer_or_whole(self.pointer.clone());
            // The same again where an object has two such keys.
            if self.found.last() != Some(&place) {
                self.found.push(place);
            }
        }
    }

    /// Goes on below, and comes back.
    fn below<T>(&mut self, segment: &str, go_on: impl FnOnce(&mut Self) -> T) -> T {
        let here = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(segment);
        let result = go_on(self);
        self.pointer.truncate(here);
        result
    }
}

impl<'de> DeserializeSeed<'de> for &mut Search {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Search {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.look_at(&number.to_string());
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.look_at(&number.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.look_at(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            if self.below(&index.to_string(), |below| values.next_element_seed(below))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<String>()? {
            if holds_card_number(&key) {
                // The object is pointed to: the key must not be repeated, nor be part of the way to what is below it.
                self.look_at(&key);
                fields.next_value::<IgnoredAny>()?;
            } else {
                self.below(&escaped(&bounded(&key)), |below| fields.next_value_seed(below))?;
            }
        }
        Ok(())
    }
}
