//! Card numbers in a JSON body: in strings, keys and numbers of known and unknown fields.

use std::fmt;

use http_problems::{JsonPointer, Problem};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::issuers::DIGITS;
use crate::pattern::contains_card_number;
use crate::{PLACES_MAX, refused};

/// Rejects a body that contains card numbers. The problem lists up to ten places.
///
/// A body without a text of at least 14 digits and without `\u` escapes is not parsed, and costs two passes over its
/// bytes. Any other body is also rejected if it is not JSON.
pub fn refuse_in_body(body: &[u8]) -> Result<(), Problem> {
    let long_enough = |text: &[u8]| text.iter().filter(|byte| byte.is_ascii_digit()).count() >= *DIGITS.start();
    if !texts(body).any(long_enough) && !body.windows(2).any(|pair| pair == b"\\u") {
        return Ok(());
    }
    let mut search = Search { pointer: JsonPointer::default(), found: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    // serde_json limits the nesting.
    let read = search.deserialize(&mut deserializer);
    // Parsing loses digits of numbers with a fraction, and does not reach the text after a syntax error.
    if search.found.is_empty() && texts(body).any(contains_card_number) {
        search.found.push(JsonPointer::default().to_string());
    }
    if search.found.is_empty() {
        read.map_err(|error| Problem::malformed_json(&error))
    } else {
        Err(refused(search.found))
    }
}

/// Splits the body at JSON's delimiters, into strings or parts of strings, and numbers.
fn texts(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| matches!(byte, b'"' | b',' | b':' | b'[' | b']' | b'{' | b'}'))
}

/// Recursive search of a JSON value.
struct Search {
    /// Pointer to the value that is being read.
    pointer: JsonPointer,
    /// Places of the card numbers found so far.
    found: Vec<String>,
}

impl Search {
    fn look_at(&mut self, value: &str) {
        if contains_card_number(value) && self.found.len() < PLACES_MAX {
            let place = self.pointer.to_string();
            // An object with two such keys yields the same place twice.
            if self.found.last() != Some(&place) {
                self.found.push(place);
            }
        }
    }

    /// Searches the value at `child`, then restores the pointer to its parent.
    fn within<T>(&mut self, child: JsonPointer, search: impl FnOnce(&mut Self) -> T) -> T {
        let parent = std::mem::replace(&mut self.pointer, child);
        let result = search(self);
        self.pointer = parent;
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
            let element = self.pointer.index(index);
            if self.within(element, |search| values.next_element_seed(search))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<String>()? {
            if contains_card_number(&key) {
                // Report the object: the key must not appear in the pointer, not even in that of a nested value.
                self.look_at(&key);
                fields.next_value::<IgnoredAny>()?;
            } else {
                let field = self.pointer.key(&key);
                self.within(field, |search| fields.next_value_seed(search))?;
            }
        }
        Ok(())
    }
}
