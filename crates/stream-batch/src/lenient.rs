//! Fields that decode from any JSON value, so that one bad field cannot make a batch undecodable.

use std::fmt;

use crate::hub::KNOWN_SOURCES;
use data_encoding::BASE64;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Bytes in base64, as they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Base64 {
    /// Missing or null.
    #[default]
    Absent,
    /// Decoded bytes.
    Bytes(Vec<u8>),
    /// Text that is not base64, unchanged. Empty if the value is not text.
    Invalid(Vec<u8>),
}

/// An integer; `None` for every other value and for one out of range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) Option<i64>);

/// Text; `None` for every other value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Option<String>);

/// True; every other value is false.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

/// A type that any JSON value decodes to. The defaults stand for a value of another type.
trait AnyValue: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn integer(_: Option<i64>) -> Self {
        Self::default()
    }

    fn boolean(_: bool) -> Self {
        Self::default()
    }

    /// Value of another type, which is not null.
    fn other() -> Self {
        Self::default()
    }
}

impl AnyValue for Base64 {
    fn text(text: &str) -> Self {
        match BASE64.decode(text.as_bytes()) {
            Ok(bytes) => Self::Bytes(bytes),
            Err(_) => Self::Invalid(text.as_bytes().to_vec()),
        }
    }

    fn integer(_: Option<i64>) -> Self {
        Self::other()
    }

    fn boolean(_: bool) -> Self {
        Self::other()
    }

    fn other() -> Self {
        Self::Invalid(Vec::new())
    }
}

impl AnyValue for Integer {
    fn integer(value: Option<i64>) -> Self {
        Self(value)
    }
}

impl AnyValue for Text {
    fn text(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

impl AnyValue for Flag {
    fn boolean(value: bool) -> Self {
        Self(value)
    }
}

struct AnyVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: AnyValue> Visitor<'de> for AnyVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Ok(T::integer(Some(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Ok(T::integer(value.try_into().ok()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::integer(None))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<T, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::other())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(T::other())
    }
}

macro_rules! deserialize_any_value {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(AnyVisitor(std::marker::PhantomData))
            }
        }
    )*};
}

deserialize_any_value!(Base64, Integer, Text, Flag);

/// Groups of records by name, such as `records` by partition, in the order of the event. A group may be null. Another
/// value than an object is an error: it must not count as a batch without records.
#[derive(Debug)]
pub(crate) struct Groups<T>(pub(crate) Vec<(String, Vec<T>)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Groups<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GroupsVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for GroupsVisitor<T> {
            type Value = Groups<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of records for each partition or queue; known event sources are {KNOWN_SOURCES}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Groups<T>, A::Error> {
                let mut groups = Vec::new();
                while let Some(group) = members.next_entry::<String, Option<Vec<T>>>()? {
                    groups.push((group.0, group.1.unwrap_or_default()));
                }
                Ok(Groups(groups))
            }
        }

        deserializer.deserialize_map(GroupsVisitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of every JSON type, at the bounds of integers.
    const VALUES: [&str; 13] = [
        "null",
        "true",
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "1.5",
        "-1e300",
        "\"\"",
        "\"?\"",
        "[1,[2]]",
        "{\"a\":{\"b\":null}}",
        "\"\\u0000\"",
    ];

    #[test]
    fn every_value_decodes() {
        for value in VALUES {
            serde_json::from_str::<Base64>(value).unwrap();
            serde_json::from_str::<Integer>(value).unwrap();
            serde_json::from_str::<Text>(value).unwrap();
            serde_json::from_str::<Flag>(value).unwrap();
        }
    }

    #[test]
    fn values_of_the_right_type_are_kept_and_others_are_marked() {
        let base64 = |text| serde_json::from_str::<Base64>(text).unwrap();
        assert_eq!(base64("\"/w==\""), Base64::Bytes(vec![0xff]));
        assert_eq!(base64("\"\""), Base64::Bytes(vec![]));
        assert_eq!(base64("null"), Base64::Absent);
        assert_eq!(base64("\"a?\""), Base64::Invalid(b"a?".to_vec()));
        for other in ["1", "true", "[]", "{}", "1.5"] {
            assert_eq!(base64(other), Base64::Invalid(vec![]), "{other}");
        }
        let integer = |text| serde_json::from_str::<Integer>(text).unwrap().0;
        assert_eq!((integer("-1"), integer("9223372036854775807")), (Some(-1), Some(i64::MAX)));
        for other in ["9223372036854775808", "1.0", "\"1\"", "null", "[1]"] {
            assert_eq!(integer(other), None, "{other}");
        }
        assert_eq!(serde_json::from_str::<Text>("\"a\"").unwrap().0.as_deref(), Some("a"));
        assert_eq!(serde_json::from_str::<Text>("7").unwrap().0, None);
        assert!(serde_json::from_str::<Flag>("true").unwrap().0 && !serde_json::from_str::<Flag>("1").unwrap().0);
    }
}
